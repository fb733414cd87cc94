"""Invents a tenant: users, customers, and cases with what happened to them."""

from __future__ import annotations

import random

from ticket_pipelines.sandbox.qcontact import texts
from ticket_pipelines.sandbox.qcontact.access import AGENT, LIMITED
from ticket_pipelines.sandbox.qcontact.change import add_note, set_fields
from ticket_pipelines.sandbox.qcontact.state import CASE, CONTACT, STATUSES, TEAM, USER, Entity, State

DAY = 86_400
HISTORY = 120 * DAY
_HOUR = 3600


def invented(seed: int, tickets: int, anchor: int, same_second: int | None) -> State:
    """A tenant with data.

    Args:
        seed: Seed of the choices.
        tickets: Number of cases.
        anchor: Midnight before the clock's start, Unix seconds.
        same_second: How many cases are opened in one and the same second; None: one in five.
    """
    rng = random.Random(seed)  # noqa: S311 - choices must be repeatable, not secret
    state = State()
    start = anchor - HISTORY
    emails = (AGENT, LIMITED, "chloe@sandbox.example", "thandi@sandbox.example")
    users = [state.add(USER, name, start, email=email) for name, email in zip(texts.PEOPLE, emails, strict=True)]
    team = state.add(TEAM, "Activations", start)
    customers = [
        state.add(CONTACT, name, start, email=f"customer{at}@customers.example" if at % 3 else None)
        for at, name in enumerate(texts.CUSTOMERS)
    ]
    crowd = tickets // 5 if same_second is None else same_second
    step = (HISTORY - 2 * DAY) // max(1, tickets)
    for at in range(tickets):
        opened = start + DAY + (0 if at < crowd else at * step)
        case = _opened(state, rng, at, opened, customers, team)
        _worked_on(state, rng, case, at, users)
    return state


def _opened(state: State, rng: random.Random, at: int, opened: float, customers: list[Entity], team: Entity) -> Entity:
    title = texts.TITLES[at % len(texts.TITLES)]
    job = rng.choice([*texts.JOB_TYPES, None])
    case = state.add(
        CASE,
        title,
        opened,
        status="New",
        category=texts.CATEGORIES[at % len(texts.CATEGORIES)],
        description=texts.DESCRIPTIONS[at % len(texts.DESCRIPTIONS)],
        assigned_to=None,
        contact=rng.choice(customers).id if at % 7 else None,
        created_by=None,
        team=team.id if at % 3 == 0 else None,
        telephone=f"+27 21 555 {at:04d}" if at % 2 else None,
        email=f"case{at}@customers.example" if at % 2 else "",
        address=texts.ADDRESSES[at % len(texts.ADDRESSES)],
        c__dr_location=f"DR{1_700_000 + at}" if at % 2 else None,
        c__job_type=job,
        c__update=None,
    )
    state.event(case, "system", opened, None, subtitle="Case created")
    return case


def _worked_on(state: State, rng: random.Random, case: Entity, at: int, users: list[Entity]) -> None:
    """What happened afterwards, so that the cases stand in all statuses."""
    wanted = STATUSES[at % len(STATUSES)]
    when, by = case.created_at, users[at % len(users)].id
    if wanted != "New":
        when += _HOUR
        set_fields(state, case, {"assigned_to": by, "status": "Assigned"}, when, by)
    if at % 2:
        when += _HOUR
        add_note(state, case, texts.NOTES[at % len(texts.NOTES)], at % 4 == 1, when, by)
    if at % 3 == 0:
        when += _HOUR
        text = texts.MESSAGES[at % len(texts.MESSAGES)]
        state.event(case, "message", when, None, html=text, public=True)
        case.updated_at = when
    if case.fields["status"] not in (wanted, "New"):
        when += rng.randint(1, 20) * _HOUR
        set_fields(state, case, {"status": wanted, "c__update": f"Set to {wanted}"}, when, by)

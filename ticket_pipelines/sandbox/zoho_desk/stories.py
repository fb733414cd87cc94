"""Invented tickets: each takes one shape of the contract, in turn for the first ones, later by chance.

Times are bound to the anchor (midnight before the clock's start), so that the same seed on the same day, or with the
same `now`, gives the same bytes. All shapes exist from 30 tickets on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from ticket_pipelines.sandbox.zoho_desk import lifecycle, records, reference, texts
from ticket_pipelines.sandbox.zoho_desk.records import stamp
from ticket_pipelines.sandbox.zoho_desk.state import State

DAY = 86_400
HISTORY = 300 * DAY
_BULK_BEFORE = 10 * DAY


class Teller:
    """What the shapes draw on.

    Args:
        state: The account's data, with its reference records.
        rng: Source of choices.
        last: Nothing happens later, Unix seconds.
    """

    def __init__(self, state: State, rng: random.Random, last: float) -> None:
        self.state = state
        self.rng = rng
        self.last = last
        # tickets without a shape, for the change of many in one second
        self.plain: list[str] = []
        self.customers = [key for key in state.tables["contacts"].rows if key not in state.unlisted]
        self.agents = [key for key, agent in state.tables["agents"].rows.items() if agent["status"] == "ACTIVE"]
        self.departments = list(state.tables["departments"].rows)
        self.teams = list(state.tables["teams"].rows)

    def after(self, at: float, days: float) -> float:
        """A moment within so many days after another, never too late."""
        return min(at + self.rng.randint(60, max(61, int(days * DAY))), self.last)

    def open(self, at: float, body: str | None = None, **given: Any) -> str:
        """Opens a ticket."""
        rng = self.rng
        fields: dict[str, Any] = {
            "subject": rng.choice(texts.SUBJECTS),
            "contactId": rng.choice(self.customers),
            "departmentId": rng.choice(self.departments[:2]),
            "priority": rng.choice((*reference.PRIORITIES, None)),
            "channel": rng.choice(("Email", "Web", "Phone")),
            "dueDate": stamp(at + 2 * DAY),
            "cf": {"cf_order_number": f"10-{rng.randint(1000, 9999)}", "cf_numberofitems": str(rng.randint(1, 9))},
            **given,
        }
        return self.state.open_ticket(at, fields, rng.choice(texts.BODIES) if body is None else body)

    def reply(self, key: str, at: float, **fields: Any) -> str:
        """An agent takes the ticket and answers."""
        agent = str(self.rng.choice(self.agents))
        team = self.rng.choice((*self.teams, None))
        self.state.say(key, at, self.rng.choice(texts.REPLIES), agent)
        self.state.change(key, at, {"assigneeId": agent, "teamId": team, **fields}, agent)
        return agent

    def close(self, key: str, at: float, status: str = "Closed") -> None:
        """An agent closes the ticket."""
        self.state.change(key, at, lifecycle.to_status(self.state, status, at), self.rng.choice(self.agents))


Shape = Callable[[Teller, float], None]


def _plain(teller: Teller, at: float) -> None:
    key = teller.open(at)
    teller.plain.append(key)
    chance = teller.rng.random()
    if chance < 0.2:
        return
    replied = teller.after(at, 1)
    teller.reply(key, replied)
    if chance > 0.6:
        teller.close(key, teller.after(replied, 3))


def _conversation(teller: Teller, at: float) -> None:
    key = teller.open(at)
    contact = teller.state.tables["tickets"].rows[key]["contactId"]
    for _ in range(3):
        at = teller.after(at, 1)
        agent = teller.reply(key, at)
        at = teller.after(at, 1)
        teller.state.say(key, at, teller.rng.choice(texts.CUSTOMER_REPLIES), contact, bump=True)
        teller.state.note(key, at, "Internal: called them.", agent, public=False)
    file: dict[str, Any] = {"id": teller.state.take_id("attachments"), "name": "foto é.png", "size": "48213"}
    file |= {"href": f"{records.HOST}/api/v1/tickets/{key}/attachments/{file['id']}/content", "previewurl": None}
    teller.state.say(
        key, at, "See the picture.", contact, bump=True, hasAttach=True, attachmentCount="1", attachments=[file]
    )
    teller.state.say(key, at, "A draft.", agent, status="DRAFT", visibility="private")


def _with(**fields: Any) -> Shape:
    def shape(teller: Teller, at: float) -> None:
        teller.open(at, **fields)

    return shape


def _in_status(status: str) -> Shape:
    def shape(teller: Teller, at: float) -> None:
        key = teller.open(at)
        teller.reply(key, teller.after(at, 1))
        teller.close(key, teller.after(at + DAY, 1), status)

    return shape


def _escalated(teller: Teller, at: float) -> None:
    key = teller.open(at, priority="Urgent")
    teller.state.change(
        key,
        teller.after(at, 1),
        {"isEscalated": True, "isOverDue": True, "status": "Escalated"},
        event="TicketEscalated",
    )


def _archived(teller: Teller, at: float) -> None:
    key = teller.open(at)
    teller.close(key, teller.after(at, 1))
    lifecycle.archive(teller.state, key, teller.after(at + DAY, 2))


def _trashed(teller: Teller, at: float) -> None:
    key = teller.open(at)
    lifecycle.trash(teller.state, key, teller.after(at, 1), teller.agents[0])


def _erased(teller: Teller, at: float) -> None:
    key = teller.open(at)
    lifecycle.erase(teller.state, key, teller.after(at, 1), teller.agents[0])


def _merged(teller: Teller, at: float) -> None:
    loser, winner = teller.open(at), teller.open(at + 60)
    lifecycle.merge(teller.state, loser, winner, teller.after(at, 1), teller.agents[0])


def _tagged(teller: Teller, at: float) -> None:
    key = teller.open(at)
    lifecycle.tag(teller.state, key, at + 60, list(reference.TAGS), teller.agents[0])


def _stranger(teller: Teller, at: float) -> None:
    teller.open(at, contactId=next(iter(teller.state.unlisted)))


def _everything(teller: Teller, at: float) -> None:
    cf = {
        "cf_order_number": "",
        "cf_order_number_1": "10-1",
        "cf_numberofitems": "n/a",
        "cf_severitypercentage": "0.0",
        "cf_dateofpurchase": "2026-02-29",
        "cf_visit": stamp(at),
        "cf_products": "Kettle;Lamp",
        "cf_warranty": "true",
        "cf_amount": "12345678901234567890.12",
    }
    shared = [{"id": teller.departments[1], "name": "Técnica", "type": "READ_ONLY"}]
    teller.open(at, cf=cf, sharedDepartments=shared, classification="Problem", category="general", isSpam=True)


SHAPES: tuple[Shape, ...] = (
    _conversation,
    _trashed,
    _erased,
    _archived,
    _merged,
    _escalated,
    _tagged,
    _stranger,
    _everything,
    *(_in_status(status) for status, _ in reference.STATUSES),
    *(_with(subject=subject, body=body) for subject, body in texts.ODD),
    _with(departmentId=None, contactId=None, email="nobody@customers.example", priority="-None-"),
)
_ROWS: Mapping[Shape, int] = {_merged: 2, _erased: 0}
"""How many tickets a shape leaves, where that is not one."""


def fill(state: State, seed: int, tickets: int, anchor: float, same_second: int | None) -> None:
    """Invents people and tickets."""
    rng = random.Random(seed)  # noqa: S311 - the data must be repeatable, not secret
    _people(state, rng, anchor - HISTORY - DAY, tickets)
    teller = Teller(state, rng, anchor - 60)
    times = sorted(anchor - rng.randint(DAY, HISTORY) for _ in range(tickets))
    position = 0
    shapes = iter(SHAPES)
    while position < tickets:
        shape = next(shapes, _plain)
        if position + _ROWS.get(shape, 1) > tickets:
            shape = _plain
        shape(teller, times[position])
        position += _ROWS.get(shape, 1)
    bulk = teller.plain[: tickets // 5 if same_second is None else same_second]
    moment = anchor - _BULK_BEFORE
    for key in bulk:
        state.change(key, moment, {"category": "moved"}, teller.agents[0])


def _people(state: State, rng: random.Random, at: float, tickets: int) -> None:
    accounts = [
        reference.put(state, "accounts", records.account(state.take_id("accounts"), at, name))
        for name in ("Acme", "Bütow & Söhne", "株式会社サンプル")
    ]
    for position in range(max(8, tickets // 4)):
        first, last = rng.choice(texts.FIRST_NAMES), rng.choice(texts.LAST_NAMES)
        given = {
            "firstName": first,
            # two contacts share an address, some have none
            "email": f"person{max(position, 1)}@customers.example" if position % 7 != 6 else None,
            "phone": "1 555 010 0000" if position % 3 else None,
            "accountId": rng.choice(accounts)["id"] if position % 2 else None,
        }
        reference.put(state, "contacts", records.contact(state.take_id("contacts"), at + position, last, **given))
    stranger = records.contact(state.take_id("contacts"), at, "Stranger", email="stranger@customers.example")
    reference.put(state, "contacts", stranger)
    state.unlisted.add(stranger["id"])

"""Invented tickets: each takes one shape of the contract, in turn for the first ones, later by chance.

A shape is a function that opens a ticket and lets things happen to it. All shapes exist from 30 tickets on.
Times are bound to the anchor (midnight before the clock's start), so that the same seed on the same day, or with the
same `now`, gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.zendesk import people, records, texts
from ticket_pipelines.sandbox.zendesk.lifecycle import merge, remove, restore, scrub
from ticket_pipelines.sandbox.zendesk.state import Said, State

DAY = 86_400
HISTORY = 420 * DAY
_LONG = 120
_SCRUBBED_AFTER = 30 * DAY
_BULK_BEFORE = 10 * DAY


class Teller:
    """What the shapes draw on.

    Args:
        state: The account's data.
        rng: Source of choices.
        last: Nothing happens later, Unix seconds.
    """

    def __init__(self, state: State, rng: random.Random, last: int) -> None:
        self.state = state
        self.rng = rng
        self.last = last
        # tickets without a shape, for the change of many in one second
        self.plain: list[int] = []
        users = self.state.tables["users"].rows.values()
        self.customers = [user for user in users if user["role"] == "end-user" and user["active"]]
        self.gone = [user for user in users if not user["active"]] or self.customers
        self.agents = [user["id"] for user in users if user["role"] != "end-user"]
        groups = self.state.tables["groups"].rows
        self.groups = [key for key, group in groups.items() if not group["deleted"]]
        self.gone_group = next(key for key, group in groups.items() if group["deleted"])
        self.brands = [key for key, brand in self.state.tables["brands"].rows.items() if not brand["is_deleted"]]
        self.forms = list(self.state.tables["ticket_forms"].rows)[:2]
        fields = self.state.tables["ticket_fields"].rows.values()
        self.fields = [field["id"] for field in fields if field["removable"] and field["active"]]
        statuses = self.state.tables["custom_statuses"].rows.values()
        self.own_statuses = [status for status in statuses if not status["default"]]

    def after(self, at: int, days: float) -> int:
        """A moment within so many days after another, never too late."""
        return min(at + self.rng.randint(60, max(61, int(days * DAY))), self.last)

    def open(self, at: int, **given: Any) -> int:
        """Opens a ticket with a first comment of its requester."""
        rng = self.rng
        customer = given.pop("customer", None) or rng.choice(self.customers)
        body = given.pop("body", None)
        files = given.pop("files", ())
        channel = given.pop("channel", "web")
        fields = {
            "via": records.via(channel, sender=_sender(channel, customer)),
            "subject": rng.choice(texts.SUBJECTS),
            "requester_id": customer["id"],
            "submitter_id": customer["id"],
            "organization_id": customer["organization_id"],
            "group_id": rng.choice(self.groups),
            "brand_id": self.brands[0],
            "ticket_form_id": self.forms[0],
            "priority": rng.choice(("low", "normal", "high", "urgent", None)),
            "type": rng.choice(("question", "task", None)),
            "tags": [rng.choice(("kettle", "toaster", "lamp", "vip"))],
            "custom_fields": {self.fields[0]: f"10-{rng.randint(1000, 9999)}", self.fields[4]: "kettle"},
            **given,
        }
        said = Said(rng.choice(texts.BODIES) if body is None else body, customer["id"], files=files)
        return self.state.open_ticket(at, fields, said, by=customer["id"], channel=channel.title())

    def reply(self, key: int, at: int, status: str | None = None, *, public: bool = True, **more: Any) -> None:
        """An agent says something, and may change the ticket."""
        agent = self.rng.choice(self.agents)
        said = Said(more.pop("body", None) or self.rng.choice(texts.REPLIES), agent, public, **more)
        fields: dict[str, Any] = {"status": status} if status else {}
        if self.state.tables["tickets"].rows[key]["assignee_id"] is None:
            fields["assignee_id"] = agent
        self.state.change(key, at, fields, by=agent, said=said)

    def answer(self, key: int, at: int) -> None:
        """The requester says something."""
        requester = self.state.tables["tickets"].rows[key]["requester_id"]
        said = Said(self.rng.choice(texts.CUSTOMER_REPLIES), requester)
        self.state.change(key, at, {"status": "open"}, by=requester, channel="Mail", said=said)

    def solve(self, key: int, at: int, *, rated: bool = False) -> int:
        """An agent solves the ticket; one in three is then rated, or this one where that is asked."""
        self.reply(key, at, "solved")
        if rated or key % 3 == 0:
            record = self.state.tables["tickets"].rows[key]
            score = self.rng.choice(("good", "bad", "offered"))
            said = "Very quick 👍" if score == "good" else None
            rating = records.rating(self.state.take_id("rating"), at, record, score, said)
            self.state.tables["satisfaction_ratings"].put(rating, at)
            record["satisfaction_rating"] = {"score": score, "id": rating["id"], "comment": said}
        return at

    def close(self, key: int, at: int) -> None:
        """The vendor's automation closes the ticket."""
        self.state.change(key, min(at, self.last), {"status": "closed"}, channel="Rule")


Shape = Callable[[Teller, int], None]


def _plain(teller: Teller, at: int) -> None:
    key = teller.open(at)
    teller.plain.append(key)
    chance = teller.rng.random()
    if chance < 0.1:
        return
    replied = teller.after(at, 1)
    teller.reply(key, replied, "pending" if chance < 0.8 else "hold")
    if chance < 0.3:
        return
    answered = teller.after(replied, 2)
    teller.answer(key, answered)
    if chance > 0.5:
        solved = teller.solve(key, teller.after(answered, 1))
        if chance > 0.7:
            teller.close(key, solved + 4 * DAY)


def _deleted(teller: Teller, at: int) -> None:
    key = teller.open(at)
    remove(teller.state, key, teller.after(at, 3), teller.agents[0])


def _scrubbed(teller: Teller, at: int) -> None:
    key = teller.open(at)
    deleted = teller.after(at, 3)
    remove(teller.state, key, deleted, teller.agents[0])
    if deleted + _SCRUBBED_AFTER < teller.last:
        scrub(teller.state, key, deleted + _SCRUBBED_AFTER)


def _restored(teller: Teller, at: int) -> None:
    key = teller.open(at)
    deleted = teller.after(at, 2)
    remove(teller.state, key, deleted, teller.agents[0])
    restore(teller.state, key, teller.after(deleted, 2))


def _merged(teller: Teller, at: int) -> None:
    winner = teller.open(at)
    loser = teller.open(teller.after(at, 0.5), subject="Where is my order? (again)")
    merge(teller.state, loser, winner, teller.after(at + DAY, 1), teller.agents[0])


def _archived(teller: Teller, at: int) -> None:
    key = teller.open(at)
    teller.close(key, teller.solve(key, teller.after(at, 2), rated=True) + 4 * DAY)


def _ai_agent(teller: Teller, at: int) -> None:
    key = teller.open(at, support_type="ai_agent", from_messaging_channel=True, channel="native_messaging")
    teller.reply(key, teller.after(at, 0.01), "solved")


def _long(teller: Teller, at: int) -> None:
    key = teller.open(at, subject="A long conversation")
    for number in range(_LONG - 1):
        step = min(at + (number + 1) * 600, teller.last)
        body = f"Message {number + 2} of {_LONG}"
        teller.reply(key, step, public=number % 5 != 0, voice=number % 10 == 9, body=body)


def _voice(teller: Teller, at: int) -> None:
    key = teller.open(at, subject="Call with +31 20 123 4567", channel="voice")
    teller.reply(key, teller.after(at, 0.1), voice=True, body="Call of 93 seconds: the customer asked for a refund.")


def _private(teller: Teller, at: int) -> None:
    key = teller.open(at)
    teller.reply(key, teller.after(at, 0.1), public=False, body="Internal: check with billing first")


def _attached(teller: Teller, at: int) -> None:
    files = (("invoice 1.pdf", "application/pdf", 53_211), ("écran 🖥.png", "image/png", 2_532))
    key = teller.open(at, files=files)
    teller.reply(key, teller.after(at, 0.2), files=(("corrected.pdf", "application/pdf", 0),))


def _odd(teller: Teller, at: int) -> None:
    subject, body = texts.ODD[teller.rng.randrange(len(texts.ODD))]
    teller.open(at, subject=subject, body=body, external_id="", recipient="help@sandbox.example")


def _problem(teller: Teller, at: int) -> None:
    problem = teller.open(at, type="problem", subject="The web shop is down", has_incidents=True)
    for _ in range(2):
        teller.open(teller.after(at, 0.2), type="incident", problem_id=problem)


def _follow_up(teller: Teller, at: int) -> None:
    first = teller.open(at)
    solved = teller.solve(first, teller.after(at, 1))
    teller.close(first, solved + 4 * DAY)
    follows = teller.open(teller.after(solved + 4 * DAY, 1), subject="Re: it happened again", channel="web")
    second = teller.state.tables["tickets"].rows[follows]
    second["via"] = records.via("web", "follow_up", {"ticket_id": first, "subject": "earlier", "channel": "web"})
    teller.state.tables["tickets"].rows[first]["followup_ids"] = [follows]


def _clashing(teller: Teller, at: int) -> None:
    values = (
        "A-1",
        "B-2",
        3,
        "gold",
        "lamp__desk_lamp",
        ["billing", "shipping"],
        True,
        12.5,
        "2026-02-29",
        "",
        "番号",
        "x",
    )
    teller.open(at, custom_fields=dict(zip(teller.fields, values, strict=True)))


def _of_gone_user(teller: Teller, at: int) -> None:
    teller.open(at, customer=teller.rng.choice(teller.gone), group_id=teller.gone_group)


def _own_status(teller: Teller, at: int) -> None:
    key = teller.open(at)
    status = teller.rng.choice(teller.own_statuses)
    fields = {"status": status["status_category"], "custom_status_id": status["id"]}
    teller.state.change(key, teller.after(at, 1), fields, by=teller.agents[0])


def _automated(teller: Teller, at: int) -> None:
    key = teller.open(at)
    teller.state.change(key, teller.after(at, 5), {"status": "solved"}, channel="Rule", event=False)


def _due(teller: Teller, at: int) -> None:
    teller.open(
        at,
        type="task",
        due_at="2027-01-31T12:00:00Z",
        channel="api",
        brand_id=teller.brands[-1],
        ticket_form_id=teller.forms[-1],
        collaborator_ids=teller.agents[:2],
        follower_ids=teller.agents[:1],
        email_cc_ids=[teller.customers[0]["id"]],
    )


SHAPES: tuple[Shape, ...] = (
    _plain,
    _deleted,
    _scrubbed,
    _restored,
    _archived,
    _merged,
    _ai_agent,
    _long,
    _voice,
    _private,
    _attached,
    _odd,
    _problem,
    _follow_up,
    _clashing,
    _of_gone_user,
    _own_status,
    _automated,
    _due,
)
MOST_AT_ONCE = 3
"""Tickets that one shape makes at most."""
_RARE = tuple(shape for shape in SHAPES if shape not in (_plain, _long))


def fill(state: State, seed: int, tickets: int, anchor: int, same_second: int | None) -> None:
    """Creates people and tickets.

    Args:
        state: The account's data, with its reference records.
        seed: Seed of all choices.
        tickets: How many tickets; exactly so many are made.
        anchor: Midnight before the clock's start, Unix seconds.
        same_second: How many tickets change in one second; None: one in five.
    """
    rng = random.Random(seed)  # noqa: S311 - invented data must be repeatable, not secret
    begin, last = anchor - HISTORY, anchor - 3600
    people.fill(state, rng, begin - DAY, last, tickets)
    teller = Teller(state, rng, last)
    wanted = tickets // 5 if same_second is None else same_second
    # a long run in one second needs plain tickets: rare shapes give way to it
    rare = min(0.3, max(0.0, 1 - 1.3 * wanted / max(1, tickets)))
    step = (HISTORY - 5 * DAY) / max(1, tickets)
    table = state.tables["tickets"].rows
    turn = 0
    shape: Shape
    while len(table) < tickets:
        made = len(table)
        at = int(begin + made * step)
        if tickets - made < MOST_AT_ONCE:
            shape = _plain
        elif turn < len(SHAPES):
            shape = SHAPES[turn]
        else:
            shape = rng.choice(_RARE) if rng.random() < rare else _plain
        shape(teller, at)
        turn += 1
    _same_second(teller, wanted, last - _BULK_BEFORE)
    _tags(state, anchor)


def _same_second(teller: Teller, wanted: int, at: int) -> None:
    """The vendor's automation tags many tickets at once, as bulk updates do."""
    rows = teller.state.tables["tickets"].rows
    early = [key for key in teller.plain if rows[key]["generated_timestamp"] < at]
    early.sort(key=lambda key: rows[key]["status"] == "closed")
    for key in early[:wanted]:
        teller.state.change(key, at, {"tags": [*rows[key]["tags"], "reviewed"]}, channel="Rule")


def _tags(state: State, anchor: int) -> None:
    """The tag list counts what tickets carry; a tag has no id, its number here only orders it."""
    counted: dict[str, int] = {}
    for record in state.tables["tickets"].rows.values():
        for tag in record["tags"]:
            counted[tag] = counted.get(tag, 0) + 1
    for number, (name, count) in enumerate(sorted(counted.items(), key=lambda item: (-item[1], item[0])), start=1):
        state.tables["tags"].put({"id": number, "name": name, "count": count}, anchor)


def _sender(channel: str, customer: dict[str, Any]) -> dict[str, Any]:
    if channel == "voice":
        return {"phone": "+31201234567", "formatted_phone": "+31 20 123 4567", "name": customer["name"]}
    if channel == "email":
        return {"address": customer["email"], "name": customer["name"]}
    return {}

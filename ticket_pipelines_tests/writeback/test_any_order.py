"""Any edits on both sides, in any order, with faults and deaths between: they converge, and each takes effect once.

A thousand edits in all, a policy each. What happened is counted on the vendor's side, by the events of the cases.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from dlt_sources.errors import SourceError
from dlt_sources.writes import Writer
from ticket_pipelines.sandbox.qcontact.state import STATUSES
from ticket_pipelines.writeback.drain import Drain
from ticket_pipelines.writeback.entry import Entry, Operation, Sent, State
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.values import TOKENS as CANONICAL
from ticket_pipelines_tests.writeback.conftest import MakeWritable, Writable

EDITS = 334
FIELDS = ("description", "c__dr_location", "address")
LOST = ("reset_body", "truncate", "reset")
REFUSED = (429, 500, 502, 503)
TOKENS = CANONICAL["qcontact"]
ENDED = {State.DONE, State.OVERRULED, State.PARKED}


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


@dataclass
class Fate:
    """Kills the process at any step, now and then."""

    rng: random.Random
    deadly: bool = True

    def strike(self) -> None:
        if self.deadly and self.rng.random() < 0.03:
            raise Killed


class MortalWriter:
    """A writer whose process may die before and after each request."""

    def __init__(self, writer: Writer, fate: Fate) -> None:
        self._writer, self._fate = writer, fate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._writer, name)

        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._fate.strike()
            given = call(*args, **kwargs)
            self._fate.strike()
            return given

        return mortal


class MortalOutbox(Outbox):
    """An outbox whose process may die before and after it has written a step."""

    fate: Fate

    def _write(self, entry: Entry, state: State, **changed: Any) -> Entry:
        self.fate.strike()
        after = super()._write(entry, state, **changed)
        self.fate.strike()
        return after


@dataclass
class Play:
    """Both sides at work."""

    desk: Writable
    rng: random.Random
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the warehouse would hold: what the vendor showed when somebody last looked."""
    ours: list[Entry] = field(default_factory=list)
    made: int = 0

    @cached_property
    def people(self) -> list[int]:
        return [int(one["id"]) for one in self.desk.vendor.control.records("users")]

    def edit(self) -> None:
        """One edit on one side."""
        self.made += 1
        ticket = self.rng.choice(self.desk.cases()[:6])
        if self.rng.random() < 0.2:
            self.look()
        chosen = self.rng.random() < 0.3
        if self.rng.random() < 0.45:
            name = self.rng.choice(FIELDS)
            change = self.choice(STATUSES) if chosen else {name: f"theirs {self.made}"}
            self.desk.change(ticket, **change)
        elif self.rng.random() < 0.3:
            self.ours.append(self.desk.add_note(ticket, f"note {self.made}"))
        elif chosen:
            self.ours.append(self.desk.add(ticket, self.choice(sorted(TOKENS)), base=self.seen[ticket]))
        else:
            names = self.rng.sample(FIELDS, self.rng.choice((1, 1, 2)))
            fields = {name: f"ours {self.made} {name}" for name in names}
            self.ours.append(self.desk.add(ticket, fields, base=self.seen[ticket]))

    def choice(self, statuses: Sequence[str]) -> dict[str, Any]:
        """A status or an assignee: values that come again and again, on both sides."""
        if self.rng.random() < 0.5:
            return {"status": self.rng.choice(statuses)}
        return {"assigned_to": self.rng.choice(self.people)}

    def look(self) -> None:
        """The copy is as the vendor is now, as after a sync."""
        self.seen = {str(one["id"]): dict(one["fields"]) for one in self.desk.vendor.control.records("cases")}

    def push(self, fate: Fate) -> None:
        """A push, on a bad day: it may end anywhere."""
        control = self.desk.vendor.control
        if fate.deadly and self.rng.random() < 0.5:
            skip = self.rng.randrange(12)
            if self.rng.random() < 0.6:
                control.fail(self.rng.choice(LOST), skip=skip)
            else:
                control.fail("status", status=self.rng.choice(REFUSED), skip=skip, retry_after=0)
        try:
            for _ in self.drain(fate).run(self.desk.key):
                pass
        except (Killed, SourceError):
            pass
        control.heal()

    def drain(self, fate: Fate) -> Drain:
        drain = self.desk.drain(lambda writer: MortalWriter(writer, fate))
        outbox = MortalOutbox(self.desk.project.control, self.desk.project.vault)
        outbox.fate = fate
        drain._outbox = outbox
        return drain


def told(desk: Writable) -> dict[str, list[tuple[str, Any, Any]]]:
    """What happened to each case, oldest first: field, old and new value; a note is the field `note`."""
    happened: dict[str, list[tuple[str, Any, Any]]] = {}
    for event in desk.vendor.control.records("case_events"):
        rows = happened.setdefault(str(event["case_id"]), [])
        if event["event_type"] == "note":
            rows.append(("note", None, event["subtitle"]))
        changes: Mapping[str, Any] = event.get("changes") or event.get("formatted_changes") or {}
        rows += [(name.removeprefix("$t.fields."), one["old_value"], one["new_value"]) for name, one in changes.items()]
    return happened


@pytest.mark.parametrize("policy", ["theirs", "ours", "ask"])
def test_any_edits_converge_and_take_effect_once(make_writable: MakeWritable, policy: str) -> None:
    desk = make_writable(conflict_policy=policy)
    rng = random.Random(f"writeback {policy}")
    play = Play(desk, rng)
    play.look()
    begun = max(int(event["id"]) for event in desk.vendor.control.records("case_events"))
    fate = Fate(rng)
    while play.made < EDITS:
        for _ in range(rng.randrange(1, 12)):
            play.edit()
        play.push(fate)
    fate.deadly = False
    play.push(fate)

    happened = told(desk)
    effects = Counter((ticket, name, new) for ticket, rows in happened.items() for name, _, new in rows)
    entries = [desk.outbox.get(entry.id) for entry in play.ours]
    assert {entry.state for entry in entries} <= ENDED
    check_chosen(desk, entries, begun)
    for entry in entries:
        if entry.operation in (Operation.STATUS, Operation.ASSIGNMENT):
            continue
        if entry.operation is Operation.NOTE:
            assert entry.state is State.DONE
            assert effects[entry.ticket, "note", entry.payload.note] == 1, entry
            continue
        times = {name: effects[entry.ticket, name, value] for name, value in entry.payload.fields.items()}
        assert all(count <= 1 for count in times.values()), entry
        if policy == "ours":
            assert entry.state is State.DONE
        if policy != "theirs" and entry.state is State.DONE:
            assert all(times.values()), entry
        if entry.state is not State.DONE:
            assert not any(times.values()), entry
        check_who_won(entry, happened[entry.ticket], policy)
    assert {entry.state for entry in entries if entry.operation is Operation.FIELDS} == {
        "theirs": {State.DONE, State.OVERRULED},
        "ours": {State.DONE},
        "ask": {State.DONE, State.PARKED},
    }[policy]
    assert desk.outbox.open(desk.key) == []


def check_chosen(desk: Writable, entries: Sequence[Entry], begun: int) -> None:
    """What we did to a status or an assignee is at most one change an entry that says so: none was done twice."""
    ours = Counter(
        (str(event["case_id"]), event["event_type"])
        for event in desk.vendor.control.records("case_events")
        if int(event["id"]) > begun and (event["user"] or {}).get("email") == desk.user
    )
    kinds = {Operation.STATUS: "status_change", Operation.ASSIGNMENT: "assignment"}
    sent = Counter(
        (entry.ticket, kinds[entry.operation])
        for entry in entries
        if entry.operation in kinds and entry.state is State.DONE and entry.payload.sent
    )
    made = {key: count for key, count in ours.items() if key[1] in kinds.values()}
    assert made
    assert all(count <= sent[key] for key, count in made.items())


def check_who_won(entry: Entry, rows: list[tuple[str, Any, Any]], policy: str) -> None:
    """Unless ours wins, what we replaced is what the base said, or our own; what was not written met a change."""
    for name, value in entry.payload.fields.items():
        replaced = [old for field_name, old, new in rows if (field_name, new) == (name, value)]
        base = entry.payload.base[name]
        if replaced and policy != "ours":
            assert replaced[0] == base or str(replaced[0]).startswith("ours"), entry
        if not replaced and policy == "theirs":
            assert any(field_name == name and old == base for field_name, old, _ in rows), entry


def test_the_play_would_see_a_change_that_is_sent_twice(make_writable: MakeWritable) -> None:
    """What the property counts by is there: two notes of one text are two events."""
    desk = make_writable()
    ticket = desk.cases()[0]
    for _ in range(2):
        desk.pushed(desk.add_note(ticket, "twice"))
    assert Counter(new for _, _, new in told(desk)[ticket])["twice"] == 2


def test_an_unrecorded_send_is_found_by_the_events(make_writable: MakeWritable) -> None:
    """The state that a death between send and record leaves, made by hand."""
    desk = make_writable()
    ticket = desk.cases()[0]
    entry = desk.add_note(ticket, "here already")
    marker = int(desk.events(ticket)[-1]["id"])
    desk.vendor.control.mutate("note", id=ticket, text="here already")
    desk.outbox.sending(entry, Sent({}, {}, marker))
    assert desk.pushed(entry).state is State.DONE
    assert desk.notes(ticket, "here already") == 1

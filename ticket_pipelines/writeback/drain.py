"""Writes the entries of one desk, one by one.

    marker -> read -> compare -> record that it is sent -> send -> read back -> record what came of it

Killed or left without an answer at any point, the next try finds the entry as `sending` and asks the vendor first. So
nothing is sent again whose effect the ticket, or its events since the marker, show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlt_sources.errors import (
    AccessError,
    ChangeRefusedError,
    ConfigurationError,
    CredentialsError,
    LimitError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from dlt_sources.writes import Writer
from ticket_pipelines.logs import redact
from ticket_pipelines.writeback.config import Writing
from ticket_pipelines.writeback.decide import Decision, decide
from ticket_pipelines.writeback.entry import (
    ASSIGNMENT_FIELD,
    STATUS_FIELD,
    Cause,
    Entry,
    Operation,
    Sent,
    State,
)
from ticket_pipelines.writeback.evidence import applied, noted
from ticket_pipelines.writeback.outbox import EntryChangedError, Outbox
from ticket_pipelines.writeback.values import token_of

TRIES = 3
"""Tries of one entry in one push that ends without a clear answer."""
LOST_AT_LAST = 3
"""Entries in a row without a clear answer after which the vendor is taken to be away."""

_PARKS: Mapping[type[PermanentError], Cause] = {
    AccessError: Cause.DENIED,
    NotFoundError: Cause.GONE,
    ChangeRefusedError: Cause.REFUSED,
}


class UnmappedError(Exception):
    """A status has no token."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one entry in one push.

    Attributes:
        entry: The entry afterwards.
        lost: Why it could not be written yet; None: it was.
    """

    entry: Entry
    lost: TransientError | None = None


class Drain:
    """Writes the entries of one desk; the caller holds the desk's lease."""

    def __init__(
        self,
        outbox: Outbox,
        writer: Writer,
        writing: Writing,
        *,
        check: Callable[[], None],
        pause: Callable[[int], None],
    ) -> None:
        """Makes no request.

        Args:
            outbox: Where the entries are.
            writer: The desk's account, open.
            writing: What the desk's configuration says.
            check: Proves that the lease still holds; raises where it does not.
            pause: Waits before the next try of an entry; takes the number of tries so far.
        """
        self._outbox, self._writer, self._writing = outbox, writer, writing
        self._check, self._pause = check, pause

    def run(self, desk: str) -> Iterator[Step]:
        """Writes all open entries of a desk, those of a ticket in their order.

        Raises:
            SourceError: Nothing more can be written now; what was written before is recorded.
            LeaseLostError: The lease ended.
        """
        stuck: set[str] = set()
        lost = 0
        for entry in self._outbox.open(desk):
            if entry.ticket in stuck:
                continue
            step = self.push(entry)
            lost = lost + 1 if step.lost else 0
            if step.lost:
                stuck.add(entry.ticket)
            yield step
            if step.lost and lost == LOST_AT_LAST:
                raise step.lost

    def push(self, entry: Entry) -> Step:
        """Writes one entry, or finds out that it is written already.

        Raises:
            SourceError: No entry of this desk can be written now.
        """
        for tried in range(1, TRIES + 1):
            try:
                return Step(self._once(entry))
            except EntryChangedError:
                # cancelled while we looked at it
                return Step(self._outbox.get(entry.id))
            except LimitError:
                raise
            except TransientError as error:
                entry = self._outbox.later(self._outbox.get(entry.id), redact(str(error)))
                if tried == TRIES:
                    return Step(entry, error)
                self._pause(tried)
        raise AssertionError("a try returns or raises")

    def preview(self, entry: Entry) -> Decision | None:
        """What a push would do with the fields of an entry; None for a note. Sends nothing, records nothing.

        Raises:
            UnmappedError: The status has no token.
            SourceError: The ticket cannot be read.
        """
        if entry.operation is Operation.NOTE:
            return None
        return self._decide(entry, self._ours(entry), self._writer.read(entry.ticket))

    def _once(self, entry: Entry) -> Entry:
        self._check()
        try:
            if entry.state is State.SENDING:
                entry = self._settle(entry, answered=False)
                if entry.state is not State.WAITING:
                    return entry
            return self._note(entry) if entry.operation is Operation.NOTE else self._fields(entry)
        except UnmappedError as error:
            return self._outbox.park(entry, Cause.UNMAPPED, str(error))
        except (CredentialsError, ConfigurationError):
            raise
        except PermanentError as error:
            cause = next((one for kind, one in _PARKS.items() if isinstance(error, kind)), Cause.REFUSED)
            return self._outbox.park(self._outbox.get(entry.id), cause, redact(str(error)))

    def _fields(self, entry: Entry) -> Entry:
        ours = self._ours(entry)
        marker = self._writer.newest_event(entry.ticket)
        theirs = self._writer.read(entry.ticket)
        decision = self._decide(entry, ours, theirs)
        shown = {name: theirs.get(name) for name in ours}
        if decision.asked:
            reason = (
                f"changed at the vendor too: {_told(decision.asked, shown)}; retry writes ours, cancel keeps theirs"
            )
            return self._outbox.asked(entry, Sent({}, shown, marker), reason)
        if not decision.send:
            return self._outbox.finish(entry, *_without_sending(decision, shown))
        self._check()
        before = {name: shown[name] for name in decision.send}
        entry = self._outbox.sending(entry, Sent(decision.send, before, marker))
        self._writer.change(entry.ticket, decision.send)
        entry = self._settle(entry, answered=True)
        if entry.state is State.DONE and decision.theirs:
            return self._outbox.finish(entry, State.DONE, f"the vendor's value stands: {_told(decision.theirs, shown)}")
        return entry

    def _note(self, entry: Entry) -> Entry:
        marker = self._writer.newest_event(entry.ticket)
        self._check()
        entry = self._outbox.sending(entry, Sent({}, {}, marker))
        self._writer.note(entry.ticket, entry.payload.note or "", public=entry.payload.public)
        return self._settle(entry, answered=True)

    def _settle(self, entry: Entry, *, answered: bool) -> Entry:
        """Finds out what became of what was sent.

        Args:
            entry: In state `sending`.
            answered: Whether the vendor said that it was done; where it shows nothing of it, it ignored it.
        """
        sent = entry.payload.sent
        assert sent is not None  # noqa: S101  (the state says so)
        theirs = {} if entry.operation is Operation.NOTE else self._writer.read(entry.ticket)
        since = self._writer.events(entry.ticket, sent.marker)
        if entry.operation is Operation.NOTE:
            if noted(entry.payload, since):
                return self._outbox.finish(entry, State.DONE)
            said = "the vendor answered with success, yet no event of the ticket shows the note"
            return self._outbox.park(entry, Cause.IGNORED, said) if answered else self._outbox.settled(entry, ())
        fields = applied(sent, theirs, since)
        ignored = [name for name in sent.fields if name not in fields]
        if not ignored:
            return self._outbox.finish(entry, State.DONE)
        if not answered:
            return self._outbox.settled(entry, fields)
        told = _told(ignored, {name: theirs.get(name) for name in ignored})
        said = f"the vendor answered with success, yet changed nothing: the ticket still shows {told}"
        return self._outbox.park(entry, Cause.IGNORED, said)

    def _decide(self, entry: Entry, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Decision:
        return decide(ours, entry.payload.base, theirs, self._writing.rules, self._outbox.written(entry))

    def _ours(self, entry: Entry) -> dict[str, Any]:
        """The values as the vendor takes them.

        Raises:
            UnmappedError: The status has no token.
        """
        found = entry.payload.open_fields
        if STATUS_FIELD in found:
            word = found[STATUS_FIELD]
            token = token_of(self._writing.rules.vendor, word, self._writing.own_tokens)
            if token is None:
                raise UnmappedError(
                    f"status {str(word)[:60]!r} has no token that the vendor takes: map it by write_status_map"
                )
            found[STATUS_FIELD] = token
        assignee = found.get(ASSIGNMENT_FIELD)
        if isinstance(assignee, str) and assignee.isdecimal():
            found[ASSIGNMENT_FIELD] = int(assignee)
        return found


def _without_sending(decision: Decision, shown: Mapping[str, Any]) -> tuple[State, str]:
    if not decision.theirs:
        return State.DONE, "the vendor shows it already"
    return State.OVERRULED, f"changed at the vendor too, whose value stands: {_told(decision.theirs, shown)}"


def _told(names: tuple[str, ...] | list[str], shown: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} is {str(shown[name])[:60]!r}" for name in names)

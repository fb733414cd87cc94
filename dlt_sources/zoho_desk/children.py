"""What is read ticket by ticket: details, threads, comments, history, metrics.

Each such reading has its own cursors (`feed.py`) and keeps, in `done`, which tickets of the part that is searched again
were dealt with and how they stood then. So it can stop after any ticket, at the reserve of credits or after its share
of a sync, and goes on there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import LimitError, MalformedError, NotFoundError, SourceError
from dlt_sources.zoho_desk.bodies import Brief, key_of, members, values, with_fields
from dlt_sources.zoho_desk.feed import OVERLAP, Feed
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.times import millis, minutes

SHARE = 1_000
"""Tickets whose parts one live reading reads before it leaves the rest to the next sync: tickets must not wait."""
TOGETHER = 50
"""Tickets whose parts make one page."""

Read = Callable[[Reader, Stream, Brief, int | None], list[msgspec.Raw]]
"""Reads what belongs to one ticket. The last argument: what was there before that time (milliseconds) was read already,
for every ticket that the source showed then; None: nothing was."""


def of_changed(
    reader: Reader, feed: Feed, stream: Stream, state: State, window: Window | None, read: Read
) -> Iterator[tuple[list[msgspec.Raw], State]]:
    """What belongs to the changed tickets, ticket by ticket, each with the position behind it.

    Raises:
        LimitError: The reserve of credits, or the share of one sync, is reached.
        MalformedError: What was shown of a ticket is not it; all others were read.
    """
    done: dict[str, str] = dict(state.get("done", {}))
    whole = {} if window is not None or "read" not in state else {"read": state["read"]}
    position = {key: value for key, value in state.items() if key not in ("done", "read")}
    share = 0
    broken: MalformedError | None = None
    for batch in feed.changed(position, window):
        for ticket in batch.tickets:
            # one without an id is set aside as a ticket, and leads nowhere
            if not ticket.key or done.get(ticket.key) == ticket.mark:
                continue
            reader.spare_credits(stream)
            if share >= SHARE and window is None:
                raise LimitError(
                    f"stream {stream.name}: read for {share} changed tickets, the next sync goes on with the others.",
                    reader.now(),
                )
            share += 1
            try:
                records = read(reader, stream, ticket, millis(whole.get("read")))
            except NotFoundError:
                feed.gone.add(ticket.key)
                records = []
            except MalformedError as error:
                # the others do not wait for it; the position stays before it, so that the next sync asks again
                broken = broken or error
                continue
            done[ticket.key] = ticket.mark
            yield records, {**position, **whole, "done": dict(done)}
        if batch.after != position and broken is None:
            position = batch.after
            done = _still_needed(done, position)
            yield [], {**position, **whole, "done": dict(done)}
    if broken is not None:
        raise broken
    ended = {"read": position["modified"]} if "modified" in position else {}
    yield [], {**position, **ended, "done": done}


def pages(stream: Stream, found: Iterator[tuple[list[msgspec.Raw], State]], *, partial: bool = False) -> Iterator[Page]:
    """Pages of what belongs to several tickets; what was read before a failure is given before it is raised."""
    waiting: list[msgspec.Raw] = []
    state: State = {}
    steps = 0
    try:
        for records, after in found:
            if steps >= TOGETHER:
                yield Page(stream.name, waiting, state, partial=partial)
                waiting, steps = [], 0
            waiting, state, steps = [*waiting, *records], after, steps + 1
    except SourceError:
        if steps:
            yield Page(stream.name, waiting, state, partial=partial)
        raise
    yield Page(stream.name, waiting, state, last=True, partial=partial)


def of_chosen(reader: Reader, stream: Stream, ids: Sequence[str], read: Read) -> Iterator[Page]:
    """What belongs to chosen tickets; a ticket that is gone is left out."""
    for number, key in enumerate(ids, 1):
        answered: tuple[str, ...] = (key,)
        try:
            records = read(reader, stream, Brief(key), None)
        except NotFoundError:
            records, answered = [], ()
        yield Page(stream.name, records, {}, last=number == len(ids), answered=answered)


class Summary(msgspec.Struct, rename="camel"):
    """A thread as its ticket's list gives it, without content."""

    id: Any = None
    created_time: Any = None
    status: Any = None

    @property
    def key(self) -> str:
        """The id as text; empty: there is none."""
        return key_of(self.id)

    def may_be_read(self, read_before: int | None) -> bool:
        """Whether an earlier reading may have its content, which no longer changes once it was sent.

        It has none of a ticket that the search did not show then: one in the trash, or in the archive.
        """
        at = millis(self.created_time)
        if read_before is None or at is None or self.status != "SUCCESS":
            return False
        return at < read_before - OVERLAP * 1000


def threads(reader: Reader, stream: Stream, ticket: Brief, read_before: int | None) -> list[msgspec.Raw]:
    """All threads of a ticket, new ones with their content: the list gives summaries (contract, section 2.2)."""
    if _none(ticket.thread_count):
        return []
    records = _whole(reader, stream, f"/tickets/{ticket.key}/threads", most=200)
    summaries = [msgspec.convert(values(record), Summary) for record in records]
    older = [summary.key for summary in summaries if summary.key and summary.may_be_read(read_before)]
    known = reader.recall(stream, older) if older and reader.recall else ()
    found = []
    for record, summary in zip(records, summaries, strict=True):
        whole: Mapping[str, msgspec.Raw] = {}
        # one without an id is set aside
        if summary.key and summary.key not in known:
            path = f"/tickets/{ticket.key}/threads/{summary.key}"
            try:
                whole = members(reader.one(stream, path, {"include": "plainText"}, key=summary.key))
            except NotFoundError:
                # deleted since the list was read, or the whole ticket: the next list says which
                continue
        found.append(with_fields(record, {**whole, "ticketId": ticket.key}))
    return found


def comments(reader: Reader, stream: Stream, ticket: Brief, _read_before: int | None) -> list[msgspec.Raw]:
    """All comments of a ticket."""
    if _none(ticket.comment_count):
        return []
    found = _whole(reader, stream, f"/tickets/{ticket.key}/comments", most=100)
    return [with_fields(record, {"ticketId": ticket.key}) for record in found]


def history(reader: Reader, stream: Stream, ticket: Brief, _read_before: int | None) -> list[msgspec.Raw]:
    """All events of a ticket. They have no id: one is made of what makes an event (contract, section 2.4)."""
    try:
        found = _whole(reader, stream, f"/tickets/{ticket.key}/History", most=50)
    except NotFoundError:
        # how the path is spelled is not proven; a ticket that is gone has neither
        found = _whole(reader, stream, f"/tickets/{ticket.key}/history", most=50)
    return [with_fields(record, {"id": key, "ticketId": ticket.key}) for key, record in _named(ticket.key, found)]


def metrics(reader: Reader, stream: Stream, ticket: Brief, _read_before: int | None) -> list[msgspec.Raw]:
    """The metrics of a ticket; durations in words as they come, and in minutes beside them."""
    record = reader.one(stream, f"/tickets/{ticket.key}/metrics")
    said = members(record)
    durations = {
        name.removesuffix("Time") + "Minutes": minutes(msgspec.json.decode(said[name]))
        for name in ("firstResponseTime", "totalResponseTime", "resolutionTime")
        if name in said
    }
    return [with_fields(record, {"ticketId": ticket.key, **durations})]


READ: dict[str, Read] = {
    "threads": threads,
    "comments": comments,
    "ticket_history": history,
    "ticket_metrics": metrics,
}
"""How each stream of this kind is read for one ticket."""


def deletions(records: Iterable[msgspec.Raw]) -> set[str]:
    """Ids of the tickets whose history ends with their deletion."""
    last: dict[str, tuple[str, str]] = {}
    for record in records:
        event = values(record)
        name, at = event.get("eventName"), str(event.get("eventTime"))
        if name in ("TicketDeleted", "TicketRestored"):
            ticket = event["ticketId"]
            last[ticket] = max(last.get(ticket, ("", "")), (at, name))
    return {ticket for ticket, (_, name) in last.items() if name == "TicketDeleted"}


def _whole(reader: Reader, stream: Stream, path: str, *, most: int) -> list[msgspec.Raw]:
    pages_of = reader.pages(stream, path, {}, most=most, child=True)
    found = [record for rows in pages_of for record in rows.records]
    # some lists count rows from 1 and repeat one at a border
    return list({bytes(record): record for record in found}.values())


def _named(ticket: str, events: Sequence[msgspec.Raw]) -> Iterator[tuple[str, msgspec.Raw]]:
    """Events with their made ids: ticket, time, name, actor, and a number where all of that is equal."""
    seen: dict[str, int] = {}
    # the list runs from the newest back: counted from the oldest, an event keeps its number when others come
    for record in reversed(events):
        event = values(record)
        actor = event.get("actor") or ""
        who = (actor.get("id") or actor.get("type") or "") if isinstance(actor, dict) else actor
        key = f"{ticket}:{event.get('eventTime')}:{event.get('eventName')}:{who}"
        seen[key] = seen.get(key, -1) + 1
        yield f"{key}:{seen[key]}", record


def _still_needed(done: dict[str, str], position: State) -> dict[str, str]:
    """The tickets that are searched again from a position."""
    if "created" in position:
        # the second that was reached is read again, and its tickets may have changed since at any time
        return done if len(done) < SHARE else {}
    newest = position.get("walk", {}).get("newest", position.get("modified"))
    starts = [millis(newest), millis(position.get("responded"))]
    kept = {}
    for ticket, mark in done.items():
        times = [millis(text) for text in mark.split("|")[:2]]
        if any(
            at is not None and start is not None and at >= start - OVERLAP * 1000
            for at, start in zip(times, starts, strict=True)
        ):
            kept[ticket] = mark
    return kept


def _none(count: Any) -> bool:
    return count is not None and str(count) == "0"

"""Which tickets changed: the one question that all streams about tickets ask (contract, section 2.7).

A ticket changes when its `modifiedTime` moves, and when its contact answers: no document says whether an answer moves
`modifiedTime`, so both times are searched, each from a cursor of its own. Without the right to search, the list is
walked from the newest change back.

State of a live reading: `modified` and `responded`, the newest times seen; while a list is walked also `walk` (its
newest time, and the row reached). State of a reading by date: see `by_date.py`; at its end also that of a live one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from dlt_sources.base import State, Window
from dlt_sources.errors import AccessError, MalformedError, UnavailableError
from dlt_sources.zoho_desk.bodies import Brief, brief, values
from dlt_sources.zoho_desk.by_date import ByDate
from dlt_sources.zoho_desk.failures import RefusedParameterError
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.search import CREATED, MODIFIED, RESPONDED, By, Found, Search
from dlt_sources.zoho_desk.streams.account import TICKET_STATUSES
from dlt_sources.zoho_desk.streams.people import DEPARTMENTS
from dlt_sources.zoho_desk.streams.tickets import TICKETS
from dlt_sources.zoho_desk.times import millis, stamp
from dlt_sources.zoho_desk.windows import AHEAD, DAWN, Span

PATH = "/tickets/search"
OVERLAP = 600
"""Seconds that are searched again: how far the search lags behind is not documented."""
REFUSED = "refused"
"""Stands for `responded` where Zoho does not search by it."""
REMEMBERED_FOR = 600
"""Seconds for which streams that ask the same question get the same answer: a sync's, but not that of a long walk."""
REMEMBERED = 200
"""Pages whose tickets are kept for the streams that ask the same question in the same sync."""

LIST_FIELDS = (
    "id,ticketNumber,subject,status,statusType,priority,channel,category,subCategory,departmentId,contactId,accountId,"
    "assigneeId,teamId,productId,email,phone,language,createdTime,closedTime,dueDate,responseDueDate,onholdTime,"
    "customerResponseTime,isSpam,threadCount,commentCount,layoutId,webUrl,modifiedTime"
)
"""The 30 fields that the list may be asked for: they replace its own, which lack `modifiedTime` (section 0.1, 0.2)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tickets that changed.

    Attributes:
        tickets: What reading on needs of them.
        after: Where to go on once they are dealt with.
        records: The tickets; none where they were read before in this sync.
        cleaned: Count of cleaned characters.
    """

    tickets: list[Brief]
    after: State
    records: list[msgspec.Raw] = field(default_factory=list)
    cleaned: int = 0


@dataclass(frozen=True, slots=True)
class _Memory:
    """What was found behind a position. It ends, since a client may read for as long as a walk takes."""

    start: State
    batches: list[Batch]
    asked_at: int

    def answers(self, start: State, now: int) -> bool:
        return self.start == start and now - self.asked_at < REMEMBERED_FOR


class Feed:
    """Tells which tickets changed; for streams of what belongs to tickets, this is not asked again and again.

    Attributes:
        searchable: False once the right to search turned out to be missing.
        gone: Ids of tickets that turned out to be gone while something of them was read.
    """

    def __init__(self, reader: Reader) -> None:
        self.gone: set[str] = set()
        self._reader = reader
        self.searchable = True
        self._memory: _Memory | None = None
        self._departments: tuple[str, ...] | None = None

    def changed(self, state: State, window: Window | None, *, afresh: bool = False) -> Iterator[Batch]:
        """Tickets that changed since a position, or were created in a window.

        Args:
            state: The position.
            window: The window.
            afresh: Ask, whatever was found before: whoever wants the records themselves.

        Raises:
            MalformedError: A ticket without the time that it was searched by.
        """
        if window is not None:
            yield from self._created(state, window)
            return
        start = _cursors(state)
        asked_at = self._reader.now()
        if not afresh and self._memory is not None and self._memory.answers(start, asked_at):
            yield from self._memory.batches
            return
        kept: list[Batch] | None = []
        for batch in self._live(start):
            if kept is not None:
                kept = [*kept, Batch(batch.tickets, batch.after)] if len(kept) < REMEMBERED else None
            yield batch
        if kept is not None:
            self._memory = _Memory(start, kept, asked_at)

    def departments(self) -> tuple[str, ...]:
        """Ids of all departments, those that are switched off among them."""
        if self._departments is None:
            pages = self._reader.pages(DEPARTMENTS, DEPARTMENTS.path, {}, most=200)
            found = [brief(record).key for rows in pages for record in rows.records]
            self._departments = tuple(dict.fromkeys(filter(None, found)))
        return self._departments

    def _live(self, start: State) -> Iterator[Batch]:
        if self.searchable:
            found = self._searched(start)
            try:
                first = next(found, None)
            except (AccessError, UnavailableError):
                self.searchable = False
            else:
                if first is not None:
                    yield first
                yield from found
                return
        yield from self._listed(start)

    def _searched(self, start: State) -> Iterator[Batch]:
        begun = self._reader.now()
        initial = "modified" not in start
        after = {"responded": stamp(begun * 1000), **start}
        after.pop("walk", None)
        seen: dict[str, str] = {}
        for found, by in self._by(MODIFIED, "modified", after, begun):
            tickets = self._briefs(found.records)
            if not initial:
                seen.update((ticket.key, ticket.mark) for ticket in tickets)
            after = {**after, **by}
            yield Batch(tickets, after, found.records, found.cleaned)
        if initial:
            # it has read every ticket just now; our own clock may be ahead of Zoho's, a time of Zoho's is not
            yield Batch([], {**after, "responded": min(after["responded"], after.get("modified", after["responded"]))})
            return
        if after["responded"] == REFUSED:
            return
        try:
            for found, by in self._by(RESPONDED, "responded", after, begun):
                pairs = zip(self._briefs(found.records), found.records, strict=True)
                news = [(ticket, record) for ticket, record in pairs if seen.get(ticket.key) != ticket.mark]
                after = {**after, **by}
                yield Batch([ticket for ticket, _ in news], after, [record for _, record in news], found.cleaned)
        except RefusedParameterError:
            yield Batch([], {**after, "responded": REFUSED})

    def _by(self, by: By, name: str, start: State, begun: int) -> Iterator[tuple[Found, State]]:
        """What a search by one time finds since its cursor, each with the cursor behind it."""
        cursor = millis(start.get(name))
        first = DAWN if cursor is None else cursor // 1000 - OVERLAP
        newest = None if cursor is None else cursor // 1000
        after: State = {}
        for found in self._search(by).read(Span(first, begun + AHEAD)):
            newest = max([*found.seconds, *([] if newest is None else [newest])], default=None)
            if found.whole and newest is not None:
                after = {name: stamp(newest * 1000)}
            yield found, after

    def _created(self, state: State, window: Window) -> Iterator[Batch]:
        """Tickets by the time of their creation: windows that stand still, whatever changes meanwhile."""
        walk = ByDate(state, window, self._reader.now())
        for found in self._search(CREATED).read(walk.span):
            tickets = self._briefs(found.records)
            yield Batch(tickets, walk.behind(found, tickets), found.records, found.cleaned)
        live = walk.live(self._reader.now())
        yield Batch([], {**walk.state, **({} if live is None else {"modified": live, "responded": live})})

    def _listed(self, start: State) -> Iterator[Batch]:
        """The list, newest change first, down to the cursor; a change meanwhile only pushes rows further back."""
        walk = start.get("walk", {})
        oldest = millis(start.get("modified"))
        newest, row = millis(walk.get("newest")), int(walk.get("from", 0))
        params = {"fields": LIST_FIELDS, "sortBy": "-modifiedTime"}
        before: int | None = None
        while True:
            try:
                page = self._reader.page(TICKETS, TICKETS.path, params, start=row)
            except RefusedParameterError:
                raise AccessError(UNSORTED) from None
            times = [_modified(record) for record in page.records]
            if sorted(times, reverse=True) != times or (before is not None and times and times[0] > before):
                raise AccessError(UNSORTED)
            before = times[-1] if times else before
            newest = max([*times, *([] if newest is None else [newest])], default=None)
            new = [
                record
                for record, at in zip(page.records, times, strict=True)
                if oldest is None or at >= oldest - OVERLAP * 1000
            ]
            size = self._reader.size(TICKETS, 100)
            row += len(page.records)
            if len(new) < len(page.records) or len(page.records) < size:
                ended = {} if newest is None else {"modified": stamp(newest)}
                yield Batch(self._briefs(new), ended, new, page.cleaned)
                return
            # a ticket that is deleted meanwhile pulls rows forward: one page is read again when a walk is resumed
            place = {"newest": stamp(newest or 0), "from": max(0, row - size)}
            kept = {key: value for key, value in start.items() if key == "modified"}
            yield Batch(self._briefs(new), {**kept, "walk": place}, new, page.cleaned)

    def _search(self, by: By) -> Search:
        return Search(self._reader, TICKETS, PATH, by, self._narrowings)

    def _narrowings(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield "departmentId", self.departments()
        statuses = self._reader.page(TICKET_STATUSES, TICKET_STATUSES.path, {}, most=0)
        yield "status", [found for record in statuses.records if isinstance(found := values(record).get("status"), str)]

    def _briefs(self, records: Sequence[msgspec.Raw]) -> list[Brief]:
        return [brief(record) for record in records]


UNSORTED = (
    "stream tickets: without the scope Desk.search.READ changed tickets are found in the list of all, and Zoho does "
    "not sort it by the time of change. Make a refresh_token that has the scope Desk.search.READ."
)


def _cursors(state: State) -> State:
    return {name: state[name] for name in ("modified", "responded", "walk") if name in state}


def _modified(record: msgspec.Raw) -> int:
    found = millis(brief(record).modified_time)
    if found is None:
        raise MalformedError(
            "stream tickets: the list gives a ticket without modifiedTime; reading on without it would lose changes."
        )
    return found

"""What happened to cases: read for those that are new, changed or not closed.

State: see `marks.py`; of the cases whose events were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import NotFoundError
from dlt_sources.qcontact.cases import refuse_short
from dlt_sources.qcontact.config import CASE
from dlt_sources.qcontact.feed import Brief, Feed, Walk
from dlt_sources.qcontact.marks import Marks, within
from dlt_sources.qcontact.reader import Reader, Record
from dlt_sources.qcontact.records import event, happened_at
from dlt_sources.qcontact.refused import Refused


class Events:
    """Reads the events of cases.

    Args:
        reader: Reads the tenant.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._longest = 0

    def changed(self, feed: Feed, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
        """Events of cases that changed since a position; with a window those that happened in it, of all cases.

        Raises:
            StalledError: The list shows fewer cases than it says that there are.
        """
        marks = Marks.of(state, self._reader.now())
        walk = feed.walk(CASE)
        # when something happened to a case, the list does not tell: only its beginning bounds it
        begun = None if window is None else Window(None, window.until)
        refused = Refused(stream, marks, self._reader.now, self.of)
        refused.reconsider()
        todo = marks.due(walk, begun)
        if window is None and walk.whole:
            todo += self._outside(feed, walk, marks)
        yield from refused.pages(todo, lambda row, answer: self._taken(row, answer, marks, window or Window()))
        yield from refused.ended()
        yield Page(stream.name, [], marks.ended(), last=walk.whole)
        refuse_short(stream, walk)

    def chosen(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Events of chosen cases."""
        for number, key in enumerate(ids, 1):
            found, cleaned = self.of(key)
            records = [event(one, key) for one in found]
            answered = (key,) if found else ()
            yield Page(stream.name, records, {}, number == len(ids), cleaned, answered=answered)

    def of(self, key: str) -> tuple[list[Record], int]:
        """All events of a case, each once, and the count of cleaned characters.

        How many make a page is not documented: one that is shorter than the longest page seen is the last.
        """
        found: dict[str, Record] = {}
        nameless: list[Record] = []
        page, cleaned = 1, 0
        while True:
            events, count = self._reader.events(CASE, key, page)
            new = {str(one["id"]): one for one in events if one.get("id") is not None and str(one["id"]) not in found}
            nameless += [one for one in events if one.get("id") is None]
            cleaned += count
            if not new:
                break
            found |= new
            self._longest = max(self._longest, len(events))
            if len(events) < self._longest:
                break
            page += 1
        return [*found.values(), *nameless], cleaned

    def _outside(self, feed: Feed, walk: Walk, marks: Marks) -> Iterator[Brief]:
        """The known cases that the list does not show, and that are there."""
        for key in marks.missing(walk):
            mark, _ = feed.outside(CASE, key)
            if mark is None:
                marks.forget([key])
            elif not marks.is_refused(row := Brief(key, mark, None, closed=True)):
                yield row

    def _taken(
        self, row: Brief, answer: tuple[list[Record], int] | NotFoundError, marks: Marks, window: Window
    ) -> tuple[list[msgspec.Raw], int]:
        events, cleaned = ([], 0) if isinstance(answer, NotFoundError) else answer
        marks.read(row, CASE, self._reader.now())
        return [event(one, row.key) for one in events if within(happened_at(one), window)], cleaned

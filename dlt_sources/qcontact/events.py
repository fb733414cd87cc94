"""What happened to cases: read for those that are new, changed or not closed.

State: `seen`, as in `cases.py`, of the cases whose events were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import SourceError
from dlt_sources.qcontact.cases import TOGETHER, Marks, due, missing, refuse_short, within
from dlt_sources.qcontact.config import CASE
from dlt_sources.qcontact.feed import Feed
from dlt_sources.qcontact.reader import Reader, Record
from dlt_sources.qcontact.records import event, happened_at


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
        seen: Marks = dict(state.get("seen", {}))
        walk = feed.walk(CASE)
        # when something happened to a case, the list does not tell: only its beginning bounds it
        begun = None if window is None else Window(None, window.until)
        todo = [(row.key, row.mark) for row in due(walk.briefs.values(), seen, begun)]
        if window is None and walk.whole:
            todo += self._outside(feed, missing(walk, seen), seen)
        yield from self._read(stream, todo, seen, window or Window())
        yield Page(stream.name, [], {"seen": dict(seen)}, last=walk.whole)
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

    def _outside(self, feed: Feed, keys: Sequence[str], seen: Marks) -> Iterator[tuple[str, str]]:
        for key in keys:
            mark, _ = feed.outside(CASE, key)
            if mark is None:
                del seen[key]
            else:
                yield key, mark

    def _read(self, stream: Stream, todo: Sequence[tuple[str, str]], seen: Marks, window: Window) -> Iterator[Page]:
        found: list[msgspec.Raw] = []
        cleaned = 0
        for number, (key, mark) in enumerate(todo, 1):
            try:
                events, count = self.of(key)
            except SourceError:
                # what came before is whole and need not be asked for again
                yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)
                raise
            found += [event(one, key) for one in events if within(happened_at(one), window)]
            seen[key] = mark
            cleaned += count
            if number % TOGETHER == 0:
                yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)
                found, cleaned = [], 0
        yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)

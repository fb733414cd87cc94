"""Searches by time, in windows that halve until a window's rows can be reached (contract, sections 0.4 and 2.7)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from dlt_sources.base import Stream
from dlt_sources.errors import MalformedError, StalledError
from dlt_sources.zoho_desk.bodies import Rows, members
from dlt_sources.zoho_desk.failures import OutOfRangeError, RefusedParameterError
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.times import millis
from dlt_sources.zoho_desk.windows import AHEAD, DAWN, Span, halves, parts

_TRIES = 3
"""Readings of a window that does not keep still: a row that leaves its place pulls another one over a page's border,
which shows in the count, or in fewer records than the count."""


@dataclass(frozen=True, slots=True)
class By:
    """A time to search by.

    Attributes:
        param: The search's parameter.
        field: The record's field.
    """

    param: str
    field: str


MODIFIED = By("modifiedTimeRange", "modifiedTime")
CREATED = By("createdTimeRange", "createdTime")
RESPONDED = By("customerResponseTimeRange", "customerResponseTime")


@dataclass(frozen=True, slots=True)
class Found:
    """Records of a search.

    Attributes:
        records: The records, each with its time.
        seconds: Their times, Unix seconds.
        whole: True where all of the windows up to here have been read.
        cleaned: Count of cleaned characters.
    """

    records: list[msgspec.Raw]
    seconds: list[int]
    whole: bool
    cleaned: int = 0


@dataclass
class Search:
    """Reads what a search by time finds, the earliest windows first.

    Attributes:
        reader: Sends the requests.
        stream: The stream that is read.
        path: Path of the search.
        by: The time.
        narrowings: Gives further filters that split a second with too many rows, coarse ones first: each a parameter
            with all of its values.
        fixed: Filters of every question.
    """

    reader: Reader
    stream: Stream
    path: str
    by: By
    narrowings: Callable[[], Iterator[tuple[str, Sequence[str]]]] = lambda: iter(())
    fixed: Mapping[str, str] = field(default_factory=dict)
    _cap: int = field(init=False)

    def __post_init__(self) -> None:
        self._cap = self.reader.choices.search_rows

    def read(self, span: Span) -> Iterator[Found]:
        """All that lies in a window.

        Raises:
            MalformedError: A record without its time: reading on by time would lose it.
            StalledError: More rows share a second than a search gives, however it is narrowed.
        """
        yield from self._walk(span)

    def count(self, span: Span) -> int:
        """How many rows lie in a window."""
        rows = self.reader.page(self.stream, self.path, {self.by.param: span.param})
        return self._count(rows)

    def _walk(self, span: Span, known: int | None = None) -> Generator[Found, None, int]:
        """Reads a window; gives the count of its rows.

        Args:
            span: The window.
            known: Its count, as far as it follows from those of other windows: what is known to be too much, or
                nothing, is not asked for.
        """
        if known == 0:
            return 0
        if known is not None and known > self._cap and span.divisible:
            count, divided = known, halves(span)
        else:
            first = self._page(span)
            count = self._count(first)
            # False: its rows do not keep still, or cannot all be reached
            if count <= self._cap and (yield from self._leaf(span, first)):
                return count
            if not span.divisible:
                yield from self._crowded(span, count)
                return count
            divided = parts(span, self._seconds(first.records))
        left = count
        for part in divided[:-1]:
            left -= yield from self._walk(part)
        yield from self._walk(divided[-1], max(0, left))
        return count

    def _leaf(
        self, span: Span, first: Rows, narrowed: Mapping[str, str] | None = None, *, whole: bool = True
    ) -> Generator[Found, None, bool]:
        """Reads all pages of a window; False where some of its rows may have been missed."""
        for _ in range(_TRIES):
            page, read, still = first, 0, True
            keys: set[bytes] = set()
            while True:
                read += len(page.records)
                keys.update(bytes(members(record).get("id", record)) for record in page.records)
                still = still and page.count == first.count
                last = read >= self._count(first) or not page.records
                complete = last and still and len(keys) >= self._count(first)
                yield self._found(page, whole=whole and complete)
                if last:
                    break
                try:
                    page = self._page(span, narrowed, start=read)
                except OutOfRangeError as error:
                    if error.field != "from":
                        raise
                    self._cap = min(self._cap, error.most + 1)
                    return False
            if complete:
                return True
            first = self._page(span, narrowed)
        return False

    def _crowded(
        self, span: Span, count: int, narrowed: Mapping[str, str] | None = None, level: int = 0
    ) -> Iterator[Found]:
        """A second with too many rows: read by another time of theirs, else by narrower and narrower filters."""
        if not self.fixed and narrowed is None:
            try:
                yield from self._by_another_time(span)
            except RefusedParameterError:
                # no document says that two times can be searched at once
                pass
            else:
                return
        filters = list(self.narrowings())[level : level + 1]
        if not filters:
            raise StalledError(
                f"stream {self.stream.name}: {count} records share the second {span.param.partition(',')[2][:-5]}, and "
                f"Zoho gives {self._cap} of a search. Nothing behind them is read, so that none is lost; if your "
                "organization's search gives more, set search_rows."
            )
        ((param, values),) = filters
        found = 0
        for value in values:
            within = {**(narrowed or {}), param: value}
            first = self._page(span, within)
            number = self._count(first)
            found += number
            if number <= self._cap and (yield from self._leaf(span, first, within, whole=False)):
                continue
            yield from self._crowded(span, number, within, level + 1)
        if found < count:
            raise StalledError(
                f"stream {self.stream.name}: of {count} records in one second only {found} are found by {param}. "
                "Nothing behind them is read, so that none is lost; if your organization's search gives more rows than "
                f"{self._cap}, set search_rows."
            )
        if not level:
            yield Found([], [], whole=True)

    def _by_another_time(self, span: Span) -> Iterator[Found]:
        """The rows of one second, in windows of another time: many change at once, few were created at once."""
        other = MODIFIED if self.by is CREATED else CREATED
        fixed = {self.by.param: span.param}
        inner = Search(self.reader, self.stream, self.path, other, self.narrowings, fixed)
        for found in inner.read(Span(DAWN, self.reader.now() + AHEAD)):
            yield Found(found.records, [span.first] * len(found.records), whole=False, cleaned=found.cleaned)
        yield Found([], [], whole=True)

    def _page(self, span: Span, narrowed: Mapping[str, str] | None = None, start: int = 0) -> Rows:
        params = {**self.fixed, self.by.param: span.param, "sortBy": self.by.field, **(narrowed or {})}
        return self.reader.page(self.stream, self.path, params, start=start)

    def _found(self, rows: Rows, *, whole: bool) -> Found:
        return Found(rows.records, self._seconds(rows.records), whole, rows.cleaned)

    def _seconds(self, records: Sequence[msgspec.Raw]) -> list[int]:
        found = []
        for record in records:
            value = members(record).get(self.by.field)
            moment = None if value is None else millis(msgspec.json.decode(value))
            if moment is None:
                raise MalformedError(
                    f"stream {self.stream.name}: a record that was searched by {self.by.field} has none; reading on "
                    "without it would lose changes."
                )
            found.append(moment // 1000)
        return found

    def _count(self, rows: Rows) -> int:
        if rows.count is None:
            raise MalformedError(f"stream {self.stream.name}: the search does not say how many records it finds.")
        return rows.count

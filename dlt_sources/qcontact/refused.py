"""Records that the list shows and that cannot be read: they keep no others from being read, unless all are so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

from dlt_sources.base import Page, Stream
from dlt_sources.errors import AccessError, MalformedError, NotFoundError, SourceError
from dlt_sources.qcontact.feed import OUTSIDE_CLOSED, OUTSIDE_OPEN, Brief
from dlt_sources.qcontact.marks import Marks

MOST_IN_A_ROW = 10
"""Records in a row that cannot be read, before the others are tried only if the youngest of them can be."""

TOGETHER = 25
"""Records that make one page."""

T = TypeVar("T")
Take = Callable[[Brief, T | NotFoundError], tuple[list[msgspec.Raw], int]]
"""Gives the records that come of an answer, and the count of cleaned characters."""


class Refused(Generic[T]):
    """Asks for records one by one, and takes note of those that cannot be read.

    Args:
        stream: The stream that is read.
        marks: Its position, which keeps those that may not be read. They are tried again when one of them may be, after
            a day, or once they change.
        now: Tells the time, Unix seconds.
        ask: Asks for a record.
    """

    def __init__(self, stream: Stream, marks: Marks, now: Callable[[], float], ask: Callable[[str], T]) -> None:
        self._stream, self._marks, self._now, self._ask = stream, marks, now, ask
        self._broken: MalformedError | None = None

    def reconsider(self) -> None:
        """Tries one of those that might not be read: a right that was given is not waited for."""
        if self._marks.refused and not isinstance(self._answer(next(iter(self._marks.refused))), AccessError):
            self._marks.refused.clear()

    def pages(self, rows: Sequence[Brief], take: Take[T]) -> Iterator[Page]:
        """Pages of what comes of records; what came before a failure is given before it is raised.

        Args:
            rows: The records.
            take: Says what comes of the answer about one, or of that it is gone.
        """
        found: list[msgspec.Raw] = []
        cleaned = 0
        try:
            for number, (row, answer) in enumerate(self._answers(rows), 1):
                if isinstance(answer, NotFoundError) or not isinstance(answer, SourceError):
                    records, count = take(row, answer)
                    found += records
                    cleaned += count
                if number % TOGETHER == 0:
                    yield Page(self._stream.name, found, self._marks.state(), cleaned=cleaned)
                    found, cleaned = [], 0
        except SourceError:
            # what came before is whole and need not be asked for again
            yield Page(self._stream.name, found, self._marks.state(), cleaned=cleaned)
            raise
        yield Page(self._stream.name, found, self._marks.state(), cleaned=cleaned)

    def ended(self) -> Iterator[Page]:
        """Says which cannot be read, if there are any: all were tried that can be, and the next sync begins a round.

        Raises:
            AccessError: The user may not read some.
            MalformedError: What is shown of one is not it.
        """
        if error := self._error():
            yield Page(self._stream.name, [], self._marks.ended())
            raise error

    def _answers(self, rows: Sequence[Brief]) -> Iterator[tuple[Brief, T | SourceError]]:
        in_a_row = 0
        for row in rows:
            if in_a_row > MOST_IN_A_ROW:
                if isinstance(self._answer(_youngest(rows).key), AccessError | MalformedError):
                    return
                in_a_row = 0
            found = self._answer(row.key)
            if isinstance(found, AccessError):
                self._marks.refuse(row, self._now())
            elif isinstance(found, MalformedError):
                self._broken = self._broken or found
            in_a_row = in_a_row + 1 if isinstance(found, AccessError | MalformedError) else 0
            yield row, found

    def _error(self) -> SourceError | None:
        forbidden = self._marks.refused
        if not forbidden:
            return self._broken
        return AccessError(
            f"stream {self._stream.name}: the tenant has records that the user may not read, {next(iter(forbidden))} "
            f"among them ({len(forbidden)} found so far). Give its role the right to {self._stream.plan}."
        )

    def _answer(self, key: str) -> T | SourceError:
        try:
            return self._ask(key)
        except (NotFoundError, AccessError, MalformedError) as error:
            # an error that is kept keeps what raised it
            return error.with_traceback(None)


def _youngest(rows: Sequence[Brief]) -> Brief:
    listed = [row for row in rows if row.mark not in (OUTSIDE_OPEN, OUTSIDE_CLOSED)] or rows
    return max(listed, key=lambda row: (len(row.key), row.key))

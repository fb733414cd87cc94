"""Records that the list shows and that cannot be read: they keep no others from being read, unless all are so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dlt_sources.base import Stream
from dlt_sources.errors import AccessError, MalformedError, NotFoundError, SourceError
from dlt_sources.qcontact.feed import Brief

MOST_IN_A_ROW = 10
"""Records in a row that cannot be read, before the others are tried only if the youngest of them can be."""

T = TypeVar("T")


class Refused:
    """Asks for records one by one, and takes note of those that cannot be read.

    Args:
        stream: The stream that is read.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._errors: dict[str, SourceError] = {}

    def answers(self, rows: Sequence[Brief], ask: Callable[[str], T]) -> Iterator[tuple[Brief, T | None]]:
        """What is answered of each record; None of one that is gone.

        Raises:
            SourceError: What came before is whole.
        """
        in_a_row = 0
        for row in rows:
            if in_a_row > MOST_IN_A_ROW:
                if not self._can_be_read(rows[-1], ask):
                    return
                in_a_row = 0
            try:
                found = ask(row.key)
            except NotFoundError:
                yield row, None
            except (AccessError, MalformedError) as error:
                self._errors[row.key] = error
                in_a_row += 1
                continue
            else:
                yield row, found
            in_a_row = 0

    def error(self) -> SourceError | None:
        """What is to be said of those that cannot be read; None where there are none."""
        forbidden = [key for key, error in self._errors.items() if isinstance(error, AccessError)]
        if not forbidden:
            return next(iter(self._errors.values()), None)
        return AccessError(
            f"stream {self._stream.name}: the list shows records that the user may not read, {forbidden[0]} among them "
            f"({len(forbidden)} tried). Give its role the right to {self._stream.plan}."
        )

    @staticmethod
    def _can_be_read(row: Brief, ask: Callable[[str], T]) -> bool:
        try:
            ask(row.key)
        except NotFoundError:
            return True
        except (AccessError, MalformedError):
            return False
        return True

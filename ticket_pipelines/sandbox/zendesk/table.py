"""The records of one resource, encoded once and kept in export order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

from ticket_pipelines.sandbox.answers import encoded

Record = dict[str, Any]


class Table:
    """Records by id, with the second at which each was last emitted."""

    def __init__(self, clock: Callable[[Record], int]) -> None:
        self._clock = clock
        self.rows: dict[int, Record] = {}
        self.emitted: dict[int, int] = {}
        self._order: list[tuple[int, int]] | None = None
        self._ids: list[int] | None = None
        self._raw: dict[int, bytes] = {}

    def put(self, record: Record, at: int | None = None) -> None:
        """Inserts or replaces a record.

        Args:
            record: The record; it may be one of `rows`, changed in place.
            at: Second at which exports emit it; None: the record's own clock.
        """
        key = int(record["id"])
        emitted = self._clock(record) if at is None else at
        if self._order is not None:
            if key in self.emitted:
                del self._order[bisect_left(self._order, (self.emitted[key], key))]
            insort(self._order, (emitted, key))
        if key not in self.rows:
            self._ids = None
        self.rows[key] = record
        self.emitted[key] = emitted
        self._raw.pop(key, None)

    def remove(self, key: int) -> None:
        """Takes a record out."""
        del self.rows[key], self.emitted[key]
        self._raw.pop(key, None)
        self._order = self._ids = None

    def changed(self) -> None:
        """Forgets all encodings, after records were changed in place without a new emission."""
        self._raw.clear()

    def order(self) -> list[tuple[int, int]]:
        """(second, id) of all records, in export order; do not change it."""
        if self._order is None:
            self._order = sorted((emitted, key) for key, emitted in self.emitted.items())
        return self._order

    def ids(self) -> list[int]:
        """All ids, ascending; do not change it."""
        if self._ids is None:
            self._ids = sorted(self.rows)
        return self._ids

    def raw(self, key: int) -> bytes:
        """JSON of a record."""
        text = self._raw.get(key)
        if text is None:
            text = self._raw[key] = encoded(self.rows[key])
        return text

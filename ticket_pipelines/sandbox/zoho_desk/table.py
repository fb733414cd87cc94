"""Records by id, and in the order of their times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Record = dict[str, Any]
Place = tuple[str, str]
"""A time and an id."""


class Table:
    """Records by id; orders are kept until something changes."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self._orders: dict[str, list[Place]] = {}

    def put(self, record: Record) -> None:
        """Inserts or replaces a record, or notes that one was changed in place."""
        self.rows[record["id"]] = record
        self._orders.clear()

    def remove(self, key: str) -> None:
        """Takes a record out.

        Raises:
            KeyError: There is none.
        """
        del self.rows[key]
        self._orders.clear()

    def order(self, field: str) -> Sequence[Place]:
        """All records by a field, those without it first; equal ones by id."""
        if field not in self._orders:
            self._orders[field] = sorted((record.get(field) or "", key) for key, record in self.rows.items())
        return self._orders[field]

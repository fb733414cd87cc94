"""What the warehouse holds of tickets, in the words of the vendor's write calls: the base of a change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.warehouse.base import Warehouse

_AT_ONCE = 1_000
_CUSTOM = "custom_fields"


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored ticket.

    Attributes:
        version: Version of its row.
        synced_at: When it was last brought in.
        row: The row, custom fields decoded.
    """

    version: int
    synced_at: datetime
    row: Mapping[str, Any]

    def fields(self, names: Iterable[str]) -> dict[str, Any]:
        """The values of these fields; one that the row does not know is left out."""
        return dict(self._known(names))

    def _known(self, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
        custom = self.row.get(_CUSTOM)
        for name in names:
            if isinstance(custom, dict) and name in custom:
                yield name, custom[name]
            elif f"{name}_id" in self.row:
                # a linked record is stored by id and label
                yield name, self.row[f"{name}_id"]
            elif name in self.row:
                yield name, self.row[name]


def stored_tickets(warehouse: Warehouse, desk: Desk, ids: Sequence[str]) -> dict[str, Stored]:
    """The stored tickets of these ids that are not deleted.

    Raises:
        WarehouseUnavailableError: The warehouse cannot be read.
    """
    vendor = find_vendor(desk.vendor)
    table = vendor.table(vendor.streams[0])
    found: dict[str, Stored] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        for rows in warehouse.rows(table, desk.key, column="id", values=some, alive=True):
            for row in rows.to_pylist():
                custom = row.get(_CUSTOM)
                row[_CUSTOM] = json.loads(custom) if isinstance(custom, str) else custom
                found[row["id"]] = Stored(row["version"], row["synced_at"], row)
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """One change of a field at the vendor, as people see its values."""

    field: str
    old: str | None
    new: str | None


def stored_changes(warehouse: Warehouse, desk: Desk, tickets: Sequence[str]) -> dict[str, list[Moved]]:
    """The changes of these tickets that the warehouse knows, oldest first.

    Raises:
        WarehouseUnavailableError: The warehouse cannot be read.
    """
    columns = ("ticket_id", "field", "old_value", "new_value", "occurred_at", "event_id")
    rows: list[dict[str, Any]] = []
    for start in range(0, len(tickets), _AT_ONCE):
        some = tickets[start : start + _AT_ONCE]
        for batch in warehouse.rows("ticket_events", desk.key, column="ticket_id", values=some, columns=columns):
            rows += [row for row in batch.to_pylist() if row["field"] and row["occurred_at"]]
    rows.sort(key=lambda row: (row["occurred_at"], len(row["event_id"] or ""), row["event_id"] or ""))
    found: dict[str, list[Moved]] = {}
    for row in rows:
        found.setdefault(row["ticket_id"], []).append(Moved(row["field"], row["old_value"], row["new_value"]))
    return found

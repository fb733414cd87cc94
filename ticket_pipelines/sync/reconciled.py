"""What a reconciliation found, and the table `reconciliations` that keeps it."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.base import SCHEMA, Warehouse
from ticket_pipelines.warehouse.table import COMMON, TableColumn, TableSpec

MOST_NAMED = 1_000
"""Rows that the record of a stream names one by one; the counts are of all."""


class Difference(StrEnum):
    """How a row differs."""

    MISSING = "missing"
    STALE = "stale"
    EXTRA = "extra"


class Reason(StrEnum):
    """Why it does."""

    LOST = "lost"
    """Nothing explains it: a sync has been past it."""
    QUARANTINED = "quarantined"
    DELETED = "deleted"
    """An extra row whose record is gone at the vendor."""
    FILTERED = "filtered"
    """An extra row whose record is there, though the list does not show it."""
    NO_PERMISSION = "no permission"
    NOT_ASKED = "not asked"
    """An extra row whose record cannot be asked for one by one, or too many of them."""


EXPLAINED = frozenset({Reason.FILTERED, Reason.NO_PERMISSION, Reason.NOT_ASKED})
"""Reasons for which the warehouse is right to hold what it holds, as far as can be known."""


@dataclass(slots=True)
class Found:
    """What was found of one stream.

    Attributes:
        stream: Name of the stream.
        outcome: equal, repaired, different, not compared.
        reason: Why it was not compared, or not to its end.
        since: Start of the time that was compared; None: from the beginning.
        until: Its end, by the vendor's clock; None: all that the source shows.
        source_rows: Records alive that the source shows.
        warehouse_rows: Rows alive in the warehouse.
        approximate: True where the count of the source is none that proves anything.
        counts: Rows by difference and reason.
        rows: The first of them, one by one.
        newer: Records that changed since the last sync, which the next one reads.
        repaired: Rows that a repair has made right.
        deleted: Rows that a repair has marked as deleted.
    """

    stream: str
    outcome: str = "equal"
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    source_rows: int | None = None
    warehouse_rows: int | None = None
    approximate: bool = False
    counts: Counter[tuple[Difference, Reason]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)
    newer: int = 0
    repaired: int = 0
    deleted: int = 0

    def differs(self, key: str, version: int | None, how: Difference, why: Reason) -> None:
        """Takes note of a row."""
        self.counts[how, why] += 1
        if len(self.rows) < MOST_NAMED:
            self.rows.append({"id": key, "version": version, "difference": how.value, "reason": why.value})

    def of(self, how: Difference) -> int:
        """Rows that differ in that way, whatever the reason."""
        return sum(count for (difference, _), count in self.counts.items() if difference is how)

    @property
    def open(self) -> int:
        """Rows that differ, that nothing explains, and that were not repaired."""
        wrong = sum(count for (_, reason), count in self.counts.items() if reason not in EXPLAINED)
        return wrong - self.repaired - self.deleted


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A reconciliation of one desk.

    Attributes:
        id: Its id.
        desk: Key of the desk.
        vendor: Vendor of the desk.
        started_at: When it began.
        completed_at: When it ended.
        found: What was found, by stream.
        requests: Requests sent to the vendor.
        repair: Id of the sync that repaired; None: nothing was.
    """

    id: str
    desk: str
    vendor: str
    started_at: datetime
    completed_at: datetime
    found: tuple[Found, ...]
    requests: int
    repair: str | None


RECONCILIATIONS = TableSpec(
    name="reconciliations",
    doc="One row per stream and reconciliation: source against warehouse, by id and version.",
    columns=(
        *COMMON,
        TableColumn("reconciliation", Kind.TEXT, "Id of the reconciliation."),
        TableColumn("vendor", Kind.TEXT, "Vendor of the desk."),
        TableColumn("stream", Kind.TEXT, "The stream that was compared."),
        TableColumn("outcome", Kind.TEXT, "equal, repaired, different, or not compared."),
        TableColumn("reason", Kind.TEXT, "Why it was not compared, or not to its end."),
        TableColumn("started_at", Kind.TIMESTAMP, "When the reconciliation began."),
        TableColumn("completed_at", Kind.TIMESTAMP, "When it ended."),
        TableColumn("since", Kind.TIMESTAMP, "Start of the time that was compared; null: from the beginning."),
        TableColumn("until", Kind.TIMESTAMP, "Its end, by the vendor's clock; null: all that the source shows."),
        TableColumn("source_rows", Kind.INTEGER, "Records alive that the source shows."),
        TableColumn("warehouse_rows", Kind.INTEGER, "Rows alive in the warehouse, before a repair."),
        TableColumn("approximate", Kind.BOOLEAN, "The source's count is approximate: its list lags or was cut short."),
        TableColumn("missing", Kind.INTEGER, "Records without a row."),
        TableColumn("stale", Kind.INTEGER, "Rows of an older version than the source's."),
        TableColumn("extra", Kind.INTEGER, "Rows alive that the source does not show."),
        TableColumn("newer", Kind.INTEGER, "Records that changed since the last sync: no difference."),
        TableColumn("repaired", Kind.INTEGER, "Rows that were made right."),
        TableColumn("marked_deleted", Kind.INTEGER, "Extra rows that were marked as deleted."),
        TableColumn("reasons", Kind.JSON, "Rows by difference and reason."),
        TableColumn("differences", Kind.JSON, f"The first {MOST_NAMED} rows: id, version, difference, reason."),
        TableColumn("repair", Kind.TEXT, "Id in sync_runs of the repair, if there was one."),
    ),
)


def table_of(done: Reconciliation) -> pa.Table:
    """The rows of a reconciliation in the table `reconciliations`."""
    rows = [
        {
            "desk": done.desk,
            "id": f"{done.id}:{found.stream}",
            "version": int(done.completed_at.timestamp() * 1000),
            "synced_at": done.completed_at.astimezone(UTC),
            "reconciliation": done.id,
            "vendor": done.vendor,
            "stream": found.stream,
            "outcome": found.outcome,
            "reason": found.reason,
            "started_at": done.started_at,
            "completed_at": done.completed_at,
            "since": found.since,
            "until": found.until,
            "source_rows": found.source_rows,
            "warehouse_rows": found.warehouse_rows,
            "approximate": found.approximate,
            **{how.value: found.of(how) for how in Difference},
            "newer": found.newer,
            "repaired": found.repaired,
            "marked_deleted": found.deleted,
            "reasons": json.dumps({f"{how.value}: {why.value}": n for (how, why), n in found.counts.items()}),
            "differences": json.dumps(found.rows),
            "repair": done.repair,
        }
        for found in done.found
    ]
    return pa.Table.from_pylist(rows, schema=RECONCILIATIONS.arrow_schema())


def kept_reconciliation(warehouse: Warehouse, key: str) -> list[dict[str, Any]]:
    """The rows of a reconciliation as the table holds them, their JSON decoded; [] where there are none.

    Args:
        warehouse: The warehouse.
        key: Id of the reconciliation; a UUID, which needs no quoting.
    """
    left_out = {"id", "version", "deleted_at", "synced_at", "unparsed"}
    names = ", ".join(f'"{column.name}"' for column in RECONCILIATIONS.columns if column.name not in left_out)
    mine = f"reconciliation = '{uuid.UUID(key)}'"
    sql = f"SELECT {names} FROM {SCHEMA}.{RECONCILIATIONS.name} WHERE {mine} ORDER BY stream"  # noqa: S608
    rows: list[dict[str, Any]] = warehouse.query(sql).to_pylist()
    return [{**row, **{name: _decoded(row[name]) for name in ("reasons", "differences")}} for row in rows]


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value

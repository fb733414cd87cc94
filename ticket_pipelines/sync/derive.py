"""Unified rows of vendor rows, and of those the ones that are given no longer.

A mapping is a pure function over a table (`unified`). Where it raises, the table is halved until the row that it
cannot map stands alone; that row is set aside, the others go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ticket_pipelines.sync import instants
from ticket_pipelines.sync.shape import CHUNK, aligned
from ticket_pipelines.unified import StreamMapping
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.table import TableSpec


@dataclass(frozen=True, slots=True)
class Poison:
    """A vendor row that its mapping cannot map."""

    stream: str
    id: str
    reason: str


@dataclass(slots=True)
class Derived:
    """Unified rows by table, each id once; warnings of the mappings; rows that could not be mapped."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    poison: list[Poison] = field(default_factory=list)


def derive(mappings: Mapping[str, StreamMapping], vendor: Mapping[str, pa.Table]) -> Derived:
    """The unified rows of these vendor rows.

    Args:
        mappings: Mapping by stream.
        vendor: Rows of the vendor table by stream.
    """
    derived = Derived()
    parts: dict[str, list[pa.Table]] = {}
    for stream, table in vendor.items():
        mapping = mappings.get(stream)
        if mapping is None:
            continue
        for start in range(0, table.num_rows, CHUNK):
            for part in _mapped(stream, mapping, table.slice(start, CHUNK), derived):
                for name, rows in part.items():
                    if rows.num_rows:
                        parts.setdefault(name, []).append(rows)
    # the table of records inside of records may have learned a column on the way
    derived.tables = {name: newest(pa.concat_tables(found, promote_options="default")) for name, found in parts.items()}
    return derived


def newest(table: pa.Table) -> pa.Table:
    """Each id once: the row of the highest version, of equal versions the one that was read last.

    The table itself where none repeats.
    """
    if pc.count_distinct(table["id"]).as_py() == table.num_rows:
        return table
    best: dict[str, tuple[int, int, int]] = {}
    read = pc.fill_null(table["synced_at"].cast(pa.int64()), 0).to_pylist()
    marks = zip(table["version"].to_pylist(), read, range(table.num_rows), strict=True)
    for key, mark in zip(table["id"].to_pylist(), marks, strict=True):
        best[key] = max(best.get(key, mark), mark)
    return table.take(pa.array(sorted(place for *_, place in best.values()), pa.int64()))


@dataclass(frozen=True, slots=True)
class Retraction:
    """Finds stored unified rows that their vendor row gives no longer.

    Attributes:
        warehouse: Where they are stored.
        desk: Key of the desk.
        specs: The unified tables by name.
    """

    warehouse: Warehouse
    desk: str
    specs: Mapping[str, TableSpec]

    def rows(self, mapping: StreamMapping, owners: pa.Table, given: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """The rows to write back as deleted, by unified table, their content kept.

        Args:
            mapping: The mapping of the vendor rows.
            owners: Vendor rows that were stored before (columns id, version, synced_at).
            given: Unified rows that are given now.
        """
        if not owners.num_rows:
            return {}
        found = {}
        ids = owners["id"].to_pylist()
        for name, column in mapping.owns.items():
            alive = self.warehouse.rows(
                name, self.desk, column=column, values=ids, alive=True, columns=list(dict.fromkeys(("id", column)))
            )
            stored = [key for batch in alive for key in batch["id"].to_pylist()]
            if not stored:
                continue
            still = set(given[name]["id"].to_pylist()) if name in given else set()
            gone = [key for key in stored if key not in still]
            if gone:
                batches = self.warehouse.rows(name, self.desk, column="id", values=gone)
                found[name] = self._deleted(name, column, pa.concat_tables(list(batches)), owners)
        return found

    def _deleted(self, name: str, column: str, rows: pa.Table, owners: pa.Table) -> pa.Table:
        parents = {
            key: (version, synced_at)
            for key, version, synced_at in zip(
                *(owners[c].to_pylist() for c in ("id", "version", "synced_at")), strict=True
            )
        }
        marks = [parents[owner] for owner in rows[column].to_pylist()]
        return deleted(
            aligned(rows, self.specs[name].arrow_schema()),
            pa.array([version for version, _ in marks], pa.int64()),
            pa.array([instants.from_milliseconds(version) or synced for version, synced in marks], _INSTANT),
            pa.array([synced for _, synced in marks], _INSTANT),
        )


_INSTANT = pa.timestamp("us", "UTC")


def deleted(rows: pa.Table, version: pa.Array, deleted_at: pa.Array, synced_at: pa.Array) -> pa.Table:
    """Unified rows marked as deleted (kind soft), their content kept."""
    marks = {
        "version": version,
        "deleted_at": deleted_at,
        "synced_at": synced_at,
        "deletion_kind": pa.repeat(pa.scalar("soft"), rows.num_rows),
    }
    return pa.table([marks.get(name, rows[name]) for name in rows.schema.names], schema=rows.schema)


def _mapped(stream: str, mapping: StreamMapping, table: pa.Table, derived: Derived) -> Iterator[dict[str, pa.Table]]:
    try:
        mapped = mapping.rows(table)
    # a mapping is code over a vendor's data: whatever it raises on one row must cost that row alone
    except Exception as error:
        if table.num_rows <= 1:
            reason = f"{type(error).__name__} in the unified mapping"
            derived.poison += [Poison(stream, key, reason) for key in table["id"].to_pylist()]
            return
        half = table.num_rows // 2
        yield from _mapped(stream, mapping, table.slice(0, half), derived)
        yield from _mapped(stream, mapping, table.slice(half), derived)
        return
    derived.warnings += mapped.warnings
    yield mapped.tables

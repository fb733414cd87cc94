"""Unified rows against vendor rows, by id and version.

The vendor rows of a desk are mapped once more, batch after batch, and of the result only id and version are kept; so
this holds for every mapping, whatever it makes of a row. Nothing is written and no request is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Vendor
from ticket_pipelines.sync.derive import derive
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.sync.shape import aligned
from ticket_pipelines.unified import mappings
from ticket_pipelines.warehouse.base import Warehouse

_SEEN = pa.schema([("id", pa.string()), ("version", pa.int64())])
_STORED = ("id", "version", "deleted_at")


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not match in one unified table.

    Attributes:
        rows: Rows that the vendor rows give.
        missing: Of these, those that are not stored.
        other_version: Those stored with another version.
        stray: Rows stored alive that no vendor row gives.
        examples: Ids of some of them.
    """

    rows: int
    missing: int
    other_version: int
    stray: int
    examples: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether all match."""
        return not (self.missing or self.other_version or self.stray)


def differences(
    warehouse: Warehouse, vendor: Vendor, desk: str, feeds: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, Difference]]:
    """What does not match, table by table.

    Args:
        warehouse: Where both are stored.
        vendor: The desk's vendor.
        desk: Key of the desk.
        feeds: Unified tables to look at, and all streams that each is made of.

    Raises:
        WarehouseUnavailableError: The rows cannot be read.
    """
    seen: dict[str, list[pa.Table]] = {table: [] for table in feeds}
    for stream in dict.fromkeys(name for streams in feeds.values() for name in streams):
        for table, rows in _mapped(warehouse, vendor, desk, stream):
            if table in seen:
                seen[table].append(rows.select(_SEEN.names).cast(_SEEN))
    for table, parts in seen.items():
        kept = [batch.select(_STORED) for batch in warehouse.rows(table, desk, columns=_STORED)]
        yield table, compare(pa.concat_tables([_SEEN.empty_table(), *parts]), _stored(kept))


def compare(given: pa.Table, stored: pa.Table) -> Difference:
    """Compares the rows that the vendor rows give (id, version) with those stored (id, version, deleted_at).

    A row of version 0 is what other records said of somebody: that none names him any more makes it no stray.
    """
    newest = given.group_by("id").aggregate([("version", "max")])
    there = pa.repeat(pa.scalar(value=True), stored.num_rows)
    both = newest.join(stored.append_column("there", there), "id", join_type="full outer")
    missing = both.filter(pc.is_null(both["there"]))
    other = both.filter(pc.not_equal(both["version_max"], both["version"]))
    unnamed = both.filter(pc.and_(pc.is_null(both["version_max"]), pc.is_null(both["deleted_at"])))
    stray = unnamed.filter(pc.greater(unnamed["version"], 0))
    found = [key for part in (missing, other, stray) for key in part["id"].slice(0, 5).to_pylist()]
    return Difference(newest.num_rows, missing.num_rows, other.num_rows, stray.num_rows, tuple(found))


def _mapped(warehouse: Warehouse, vendor: Vendor, desk: str, stream: str) -> Iterator[tuple[str, pa.Table]]:
    mapping = mappings(vendor.name)
    spec = vendor_spec(vendor, vendor.stream(stream))
    for batch in warehouse.rows(spec.name, desk):
        yield from derive(mapping, {stream: aligned(batch, spec.arrow_schema())}).tables.items()


def _stored(parts: list[pa.Table]) -> pa.Table:
    schema = pa.schema([*_SEEN, ("deleted_at", pa.timestamp("us", "UTC"))])
    return pa.concat_tables([schema.empty_table(), *(part.cast(schema) for part in parts)])

"""Tables as data: what a column means, on every engine.

Between shaping and loading a table is a `pyarrow.Table` whose columns have these types:

| Kind | Arrow | DuckDB | Postgres |
|---|---|---|---|
| text | string | VARCHAR | text |
| integer | int64 | BIGINT | bigint |
| number | float64 | DOUBLE | double precision |
| boolean | bool | BOOLEAN | boolean |
| timestamp | timestamp[us, UTC] | TIMESTAMPTZ | timestamptz |
| date | date32 | DATE | date |
| json | string (JSON text) | JSON | jsonb |
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dlt_sources.base import Kind

ARROW: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.DATE: pa.date32(),
    Kind.JSON: pa.string(),
}

KEY = ("desk", "id")
"""Key of every vendor and unified table."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a warehouse table; `name` is already normalised (snake_case, at most 63 bytes)."""

    name: str
    kind: Kind
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One warehouse table.

    Attributes:
        name: Name below the schema `helpdesk`.
        doc: Grain first.
        columns: All columns in order, the common ones first.
        key: Columns of the key.
        lookups: Columns by which people and views look up a desk's rows; an index each, where the engine scans rows.
    """

    name: str
    doc: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...] = KEY
    lookups: tuple[str, ...] = ()

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema that a table of rows must have (key columns not nullable)."""
        return pa.schema([pa.field(c.name, ARROW[c.kind], nullable=c.name not in self.key) for c in self.columns])

    def kinds(self) -> dict[str, Kind]:
        """Kind of each column by name."""
        return {c.name: c.kind for c in self.columns}


COMMON = (
    TableColumn("desk", Kind.TEXT, "Key of the desk that the row comes from."),
    TableColumn("id", Kind.TEXT, "The vendor's id, as text; unique within the desk."),
    TableColumn("version", Kind.INTEGER, "The vendor's change clock in milliseconds; a lower one never overwrites."),
    TableColumn("deleted_at", Kind.TIMESTAMP, "When the row was deleted at the vendor; null while alive."),
    TableColumn("synced_at", Kind.TIMESTAMP, "When this version of the row was read."),
    TableColumn("unparsed", Kind.JSON, "Column name to the vendor's value where it did not fit the column's type."),
)
"""Columns that every vendor and unified table starts with."""

CONTENT_HASH = TableColumn("content_hash", Kind.INTEGER, "Hash of the vendor's record; equal means unchanged.")
"""Vendor tables carry it after the common columns."""

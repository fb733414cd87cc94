"""How kinds, Arrow types and Postgres types meet."""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow as pa

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.catalog import Existing, quote

TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamptz",
    Kind.DATE: "date",
    Kind.JSON: "jsonb",
}
KINDS = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "real": Kind.NUMBER,
    "double precision": Kind.NUMBER,
    "numeric": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "timestamp with time zone": Kind.TIMESTAMP,
    "timestamp without time zone": Kind.TIMESTAMP,
    "date": Kind.DATE,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
}
"""Kind of a type by the name that Postgres gives it, modifiers aside; all others are text to us."""

AFTER = "ticket_pipelines_after"
"""Name of the id column by which batches go on."""

CATALOG_SQL = """
SELECT c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'), a.attname,
       format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY c.relname, a.attnum
"""

_MODIFIER = re.compile(r"\(.*?\)")
_TEXT = re.compile(r"text|character varying|character|bpchar|name")
_READ = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.JSON: "text",
    Kind.TIMESTAMP: "timestamptz",
}
_BOUND = (
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_integer, "bigint"),
    (pa.types.is_floating, "double precision"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "timestamptz"),
    (pa.types.is_date, "date"),
)
_ASKERS = ("42", "22", "3F", "0A", "25", "21", "34")
"""SQLSTATE classes that blame a query: wrong names, types, values or rights; a write in a read-only transaction."""


def kind_of(type_name: str) -> Kind:
    """Kind of a column from the name of its type."""
    return KINDS.get(_MODIFIER.sub("", type_name), Kind.TEXT)


def write_expression(name: str, column: Existing) -> str:
    """A staged column as the table's column takes it. Only text needs a cast: the rest converts on assignment."""
    return f"{quote(name)}{_cast(column)}"


def bound(position: int, arrow: pa.DataType, column: Existing) -> str:
    """A bound parameter as the table's column takes it."""
    sent = next(name for fits, name in _BOUND if fits(arrow))
    return f"${position}::{sent}{_cast(column)}"


def _cast(column: Existing) -> str:
    is_text = _TEXT.fullmatch(_MODIFIER.sub("", column.type).strip()) is not None
    return f"::{column.type}" if column.kind in (Kind.JSON, Kind.TEXT) and not is_text else ""


def read_expression(name: str, column: Existing) -> str:
    """A column as its kind's Arrow type wants it."""
    cast = _READ.get(column.kind)
    return f"{quote(name)}::{cast} AS {quote(name)}" if cast else quote(name)


def is_askers_fault(state: str | None) -> bool:
    """Whether an error of a query is the query's and not the server's."""
    return state is not None and state.startswith(_ASKERS)


def plain(table: pa.Table) -> pa.Table:
    """A query's result with `numeric` as numbers: the driver gives them as text (`sum` of bigint is numeric)."""
    for position, field in enumerate(table.schema):
        if (field.metadata or {}).get(b"ADBC:postgresql:typname") == b"numeric":
            table = table.set_column(position, field.name, _numbers(table.column(position)))
    return table.replace_schema_metadata(None)


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = [None if text is None else Decimal(text) for text in column.to_pylist()]
    whole = all(v is None or (v.is_finite() and v == v.to_integral_value() and abs(v) < 2**63) for v in values)
    if whole:
        return pa.chunked_array([[None if v is None else int(v) for v in values]], pa.int64())
    return pa.chunked_array([[None if v is None else float(v) for v in values]], pa.float64())

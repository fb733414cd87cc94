"""How kinds, Arrow types and DuckDB types meet."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.catalog import Existing, quote

TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
    Kind.JSON: "JSON",
}
KINDS = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), Kind.INTEGER),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL", "UBIGINT", "HUGEINT", "UHUGEINT"), Kind.NUMBER),
    "BOOLEAN": Kind.BOOLEAN,
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP,
    "TIMESTAMP": Kind.TIMESTAMP,
    "DATE": Kind.DATE,
    "JSON": Kind.JSON,
}
"""Kind of a type by the name that DuckDB gives it, modifiers aside; all others are text to us."""

CATALOG_SQL = """
SELECT c.table_name, coalesce(v.view_name IS NOT NULL, false), coalesce(t.comment, v.comment),
       c.column_name, c.data_type, c.comment
FROM duckdb_columns() AS c
LEFT JOIN duckdb_tables() AS t
  ON t.table_name = c.table_name AND t.schema_name = c.schema_name AND t.database_name = c.database_name
LEFT JOIN duckdb_views() AS v
  ON v.view_name = c.table_name AND v.schema_name = c.schema_name AND v.database_name = c.database_name
WHERE c.schema_name = ? AND c.database_name = current_database()
ORDER BY c.table_name, c.column_index
"""

DEFAULT_SCHEMA_SQL = """
SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'main' AND database_name = current_database()
UNION ALL
SELECT view_name, comment FROM duckdb_views()
WHERE schema_name = 'main' AND database_name = current_database() AND NOT internal
"""
"""What stands in the default schema, with comments."""

_MODIFIER = re.compile(r"\(.*?\)")
_READ = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.JSON: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
}


def kind_of(type_name: str) -> Kind:
    """Kind of a column from the name of its type."""
    return KINDS.get(_MODIFIER.sub("", type_name), Kind.TEXT)


def read_expression(name: str, column: Existing) -> str:
    """A column as its kind's Arrow type wants it."""
    cast = _READ.get(column.kind)
    return f"{quote(name)}::{cast} AS {quote(name)}" if cast else quote(name)


def plain(table: pa.Table) -> pa.Table:
    """A query's result in the types that Postgres gives too: JSON as text, whole HUGEINT (`sum`) as int64."""
    for position, field in enumerate(table.schema):
        column = table.column(position)
        if isinstance(field.type, pa.ExtensionType) or pa.types.is_string_view(field.type):
            table = table.set_column(position, field.name, _text(column))
        elif pa.types.is_decimal(field.type):
            table = table.set_column(position, field.name, _number(column, field.type))
    return table.replace_schema_metadata(None)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    storage = [chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in column.chunks]
    return pa.chunked_array(storage, storage[0].type if storage else pa.string()).cast(pa.string())


def _number(column: pa.ChunkedArray, decimal: pa.DataType) -> pa.ChunkedArray:
    if decimal.scale == 0:
        bounds = pc.min_max(column).as_py()
        if all(bound is None or abs(bound) < 2**63 for bound in bounds.values()):
            return column.cast(pa.int64())
    return column.cast(pa.float64())

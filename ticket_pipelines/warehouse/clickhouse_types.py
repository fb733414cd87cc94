"""How kinds, Arrow types and ClickHouse types meet."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.catalog import Existing, quote
from ticket_pipelines.warehouse.table import TableColumn

TYPES = {
    Kind.TEXT: "String",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Float64",
    Kind.BOOLEAN: "Bool",
    Kind.TIMESTAMP: "DateTime64(6, 'UTC')",
    Kind.DATE: "Date32",
    Kind.JSON: "String",
}
CODECS = {Kind.TEXT: "ZSTD(1)", Kind.JSON: "ZSTD(1)"}
"""A third of the bytes of the server's own LZ4, at about its speed; a higher level costs half of an insert's speed."""
NOT_NULL = frozenset(("desk", "id", "version"))
"""Columns that are never null: the key and the engine's version."""
JSON_MARK = "JSON. "
"""How the comment of a JSON column starts: its type is that of a text (the type JSON changes numbers and key order)."""

_KINDS = (
    (re.compile(r"U?Int\d+"), Kind.INTEGER),
    (re.compile(r"Float\d+|Decimal.*"), Kind.NUMBER),
    (re.compile(r"Bool"), Kind.BOOLEAN),
    (re.compile(r"DateTime.*"), Kind.TIMESTAMP),
    (re.compile(r"Date(32)?"), Kind.DATE),
    (re.compile(r"JSON.*|Map.*|Array.*|Tuple.*"), Kind.JSON),
)
_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
_READ = {
    Kind.TEXT: "toString",
    Kind.JSON: "toString",
    Kind.INTEGER: "toInt64",
    Kind.NUMBER: "toFloat64",
}


SERVERS_FAULT = frozenset(
    (
        *(159, 160, 201, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 394, 425, 999),
        *(192, 193, 194, 195, 516),
    )
)
"""Codes that a query ends with through no fault of its text: time, memory, quota, too many at once, no way in."""


def literal(text: str) -> str:
    """A text literal; here a backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def comment_of(column: TableColumn) -> str:
    """The comment of a column."""
    return f"{JSON_MARK if column.kind is Kind.JSON else ''}{column.meaning}".strip()


def type_of(column: TableColumn) -> str:
    """The type of a column that is made."""
    name = TYPES[column.kind]
    return name if column.name in NOT_NULL else f"Nullable({name})"


def kind_of(type_name: str, comment: str) -> Kind:
    """Kind of a column from its type and comment."""
    while wrapped := _WRAPPED.fullmatch(type_name):
        type_name = wrapped[1]
    for pattern, kind in _KINDS:
        if pattern.fullmatch(type_name):
            return kind
    return Kind.JSON if comment.startswith(JSON_MARK.strip()) else Kind.TEXT


def read_expression(name: str, column: Existing) -> str:
    """A column as its kind's Arrow type wants it."""
    function = _READ.get(column.kind)
    expected = TYPES[column.kind]
    if function is None or column.type in (expected, f"Nullable({expected})"):
        return quote(name)
    return f"{function}({quote(name)}) AS {quote(name)}"


def plain(table: pa.Table) -> pa.Table:
    """A query's result in the types that the other engines give too: whole unsigned numbers as int64, texts as text."""
    for position, field in enumerate(table.schema):
        made = _plain(table.column(position), field.type)
        if made is not None:
            table = table.set_column(position, field.name, made)
    return table.replace_schema_metadata(None)


def _plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_unsigned_integer(kind):
        top = pc.max(column).as_py()
        return column.cast(pa.int64() if top is None or top < 2**63 else pa.float64(), safe=False)
    if pa.types.is_integer(kind) and kind != pa.int64():
        return column.cast(pa.int64())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return None

"""Columns of a vendor table into columns of a unified one: what the mappings of all vendors share.

A mapping reads columns that may be missing (the vendor's table learns columns as they are met), decodes nested members
with one msgspec call a page, and hands its columns to `unified_table`, which fills the rest with NULL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Deletion
from ticket_pipelines.warehouse.naming import column_name
from ticket_pipelines.warehouse.table import TableSpec

Member = TypeVar("Member")

TEXT, INTEGER, BOOLEAN, INSTANT = pa.string(), pa.int64(), pa.bool_(), pa.timestamp("us", "UTC")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
"""Instants outside are not stored: not every warehouse can hold them."""
LIST = 256
"""Values that are decoded by one call."""


def column(rows: pa.Table, name: str, kind: pa.DataType = TEXT) -> pa.Array:
    """One column in the wanted type; all NULL where the table has none of that name.

    Raises:
        pyarrow.ArrowInvalid: The column has another type that does not fit.
    """
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, kind)
    found = rows.column(name)
    chunked = found if found.type == kind else found.cast(kind)
    return chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0)


def constant(rows: pa.Table, value: str) -> pa.Array:
    """A column that is the same text on every row."""
    return pa.repeat(pa.scalar(value, TEXT), rows.num_rows)


def instants(values: Sequence[datetime | None]) -> pa.Array:
    """A column of instants; one that no warehouse could hold is NULL."""
    found = pa.array(values, INSTANT)
    if found.null_count == len(found):
        return found
    held = pc.and_(pc.greater_equal(found, EARLIEST), pc.less(found, LATEST))
    return pc.if_else(held, found, pa.scalar(None, INSTANT))


def millis_to_instants(millis: pa.Array) -> pa.Array:
    """Milliseconds since 1970 as instants."""
    return pc.multiply(millis, pa.scalar(1000, INTEGER)).cast(INSTANT)


class Members(Generic[Member]):
    """Decodes a JSON column into one object a row; None for NULL, and for a value of another shape."""

    def __init__(self, shape: Any) -> None:
        self._page: msgspec.json.Decoder[list[Member | None]] = msgspec.json.Decoder(list[shape | None])
        self._row: msgspec.json.Decoder[Member | None] = msgspec.json.Decoder(shape | None)

    def decode(self, rows: pa.Table, name: str, warnings: Counter[str]) -> list[Member | None]:
        """The whole column in one call; row by row, with a warning, only where some value has another shape."""
        texts = column(rows, name)
        if texts.null_count == len(texts):
            return [None] * len(texts)
        values = pc.if_else(pc.equal(pc.fill_null(texts, ""), ""), "null", texts)
        try:
            return [member for text in _lists(values) for member in self._page.decode(text)]
        except msgspec.DecodeError:
            return [self._one(value, name, warnings) for value in values.to_pylist()]

    def _one(self, value: str, name: str, warnings: Counter[str]) -> Member | None:
        try:
            return self._row.decode(value)
        except msgspec.DecodeError:
            warnings[f"{name} has an unknown shape"] += 1
            return None


def _lists(values: pa.Array) -> Iterator[bytes]:
    """JSON texts as the texts of JSON lists, joined by Arrow: no object a value, and it fits the cache."""
    for start in range(0, len(values), LIST):
        piece = values.slice(start, LIST)
        joined = pc.binary_join(pa.ListArray.from_arrays([0, len(piece)], piece), ",")
        yield b"".join((b"[", joined[0].as_buffer(), b"]"))


def is_wanted(found: pa.Array, wanted: str | bool | None) -> pa.Array:
    """True where a column has the wanted value (None: any value); never NULL."""
    if wanted is None:
        return found.is_valid()
    scalar = pa.scalar(wanted, found.type if isinstance(wanted, str) else BOOLEAN)
    return pc.fill_null(pc.equal(found if isinstance(wanted, str) else found.cast(BOOLEAN), scalar), False)


def deletion_kinds(rows: pa.Table, deletions: Sequence[Deletion]) -> pa.Array:
    """Kind of the first rule that matches a deleted row, `swept` where none does, NULL on a living row."""
    deleted_at = column(rows, "deleted_at", INSTANT)
    if deleted_at.null_count == len(deleted_at):
        return pa.nulls(rows.num_rows, TEXT)
    kinds = constant(rows, "swept")
    for rule in reversed(deletions):
        matches = _matches(rows, rule.field, rule.equals)
        for field, value in rule.also:
            matches = pc.and_(matches, _matches(rows, field, value))
        kinds = pc.if_else(matches, pa.scalar(rule.kind, TEXT), kinds)
    return pc.if_else(deleted_at.is_valid(), kinds, pa.scalar(None, TEXT))


def _matches(rows: pa.Table, field: str, wanted: str | bool | None) -> pa.Array:
    name = column_name(field)
    if name not in rows.column_names:
        return pa.repeat(pa.scalar(False), rows.num_rows)
    return is_wanted(column(rows, name, rows.schema.field(name).type), wanted)


def unparsed(texts: pa.Array, names: Mapping[str, str]) -> pa.Array:
    """The vendor row's `unparsed`, renamed to unified columns; what has no column of its own is left out."""
    if texts.null_count == len(texts):
        return texts
    return pa.array([None if text is None else _renamed(text, names) for text in texts.to_pylist()], TEXT)


def _renamed(text: str, names: Mapping[str, str]) -> bytes | None:
    values = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    kept = {names[name]: value for name, value in values.items() if name in names}
    return msgspec.json.encode(kept) if kept else None


def front(rows: pa.Table, vendor: str, deletions: Sequence[Deletion], names: Mapping[str, str]) -> dict[str, pa.Array]:
    """The columns that every unified row takes from its vendor row.

    Args:
        rows: Rows of the vendor table.
        vendor: Name of the vendor.
        deletions: The stream's rules.
        names: Vendor column to the unified column that holds the same value.
    """
    return {
        "desk": column(rows, "desk"),
        "id": column(rows, "id"),
        "version": column(rows, "version", INTEGER),
        "deleted_at": column(rows, "deleted_at", INSTANT),
        "synced_at": column(rows, "synced_at", INSTANT),
        "unparsed": unparsed(column(rows, "unparsed"), names),
        "vendor": constant(rows, vendor),
        "deletion_kind": deletion_kinds(rows, deletions),
    }


def direct(rows: pa.Table, spec: TableSpec, names: Mapping[str, str]) -> dict[str, pa.Array]:
    """The unified columns that are a vendor column under another name (vendor column to unified column)."""
    schema = spec.arrow_schema()
    return {ours: column(rows, theirs, schema.field(ours).type) for theirs, ours in names.items()}


def unified_table(spec: TableSpec, columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    """A table in the schema of `spec`; a column that is not given is NULL.

    Raises:
        KeyError: A given column is none of the table's.
    """
    schema = spec.arrow_schema()
    if strangers := set(columns) - set(schema.names):
        raise KeyError(f"{spec.name} has no column {sorted(strangers)}")
    arrays = [columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def child_table(
    spec: TableSpec, front: Mapping[str, pa.Array], parents: Sequence[int], rows: Sequence[Mapping[str, Any]]
) -> pa.Table:
    """A table of rows that come out of other rows.

    Args:
        spec: The table.
        front: Columns that a row takes from its parent, one value a parent.
        parents: Position of each row's parent.
        rows: Each row's own columns, which beat those of `front`; all rows give the same ones.
    """
    schema = spec.arrow_schema()
    indices = pa.array(parents, INTEGER)
    columns = {name: values.take(indices) for name, values in front.items()}
    own = rows[0] if rows else ()
    columns.update({name: pa.array([row[name] for row in rows], schema.field(name).type) for name in own})
    return unified_table(spec, columns, len(rows))

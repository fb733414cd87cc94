"""The layout of a vendor table: which field stands in which column, and the struct that decodes such a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from dlt_sources.base import Kind, Stream, Vendor
from ticket_pipelines.sync.columns import JSON_TYPE, NULL
from ticket_pipelines.warehouse.naming import column_names
from ticket_pipelines.warehouse.table import COMMON, CONTENT_HASH, TableColumn, TableSpec

Misfits = dict[str, Any]
"""Values of one record that did not fit, by column: as the vendor wrote them (Raw), or decoded."""

UNNAMEABLE = frozenset('"\\') | {chr(code) for code in range(0x20)}
"""Characters that no decoded field's name may have; a field with one stands in `unparsed` under its own name."""

MOST_LEARNED = 300
"""Fields of one stream that get columns by themselves, a desk: a row of Postgres has no room for many more."""
MOST_COLUMNS = 1_000
"""Columns of a table after which no new field gets one: desks share it, and Postgres takes 1,600."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: The vendor's name.
        column: Column of the table.
        kind: Type that the column really has.
    """

    name: str
    column: str
    kind: Kind


class Layout:
    """Fields and columns of one stream, declared and learned.

    Attributes:
        spec: The vendor table.
        fields: Fields that have a column, in the order of the table.
        dropped: Fields that have none (the key, what only repeats another field).
        learnable: New fields of this desk that may still get a column.
        room: Columns that the table may still be given.
        decode: Decodes a JSON list of records into structs whose first values are those of `fields`.
    """

    def __init__(
        self, spec: TableSpec, fields: tuple[Field, ...], dropped: tuple[str, ...], learnable: int = 0, room: int = 0
    ) -> None:
        self.spec = spec
        self.learnable, self.room = learnable, room
        self.fields = fields
        self.dropped = dropped
        self.places = {field.name: number for number, field in enumerate(fields)}
        names = [field.name for field in fields]
        types: list[tuple[str, Any, Any]] = [
            (f"f{number}", JSON_TYPE[field.kind], NULL if field.kind is Kind.JSON else None)
            for number, field in enumerate(fields)
        ]
        types += [(f"f{number}", msgspec.Raw, NULL) for number in range(len(fields), len(fields) + len(dropped))]
        self.struct = msgspec.defstruct(
            "Record",
            types,
            rename={f"f{number}": name for number, name in enumerate([*names, *dropped])},
            forbid_unknown_fields=True,
            gc=False,
        )
        self.decode = msgspec.json.Decoder(list[self.struct]).decode  # type: ignore[name-defined]
        self.decode_value = [msgspec.json.Decoder(JSON_TYPE[field.kind]).decode for field in fields]

    def lenient(self, record: Mapping[str, msgspec.Raw]) -> tuple[Any, Misfits]:
        """The struct of a record whose values may not fit, and those that do not."""
        values, misfits = {}, {}
        for name, raw in record.items():
            place = self.places.get(name)
            if place is None:
                if name not in self.dropped:
                    misfits[name] = raw
                continue
            try:
                values[f"f{place}"] = self.decode_value[place](raw)
            except (msgspec.MsgspecError, RecursionError):
                misfits[self.fields[place].column] = raw
        return self.struct(**values), misfits

    def is_known(self, name: str) -> bool:
        """Whether a field needs no column any more, or can have none."""
        return name in self.places or name in self.dropped or not nameable(name)


def nameable(name: str) -> bool:
    """Whether a struct can decode a field of that name."""
    return UNNAMEABLE.isdisjoint(name)


def learned_columns(stream: Stream, learned: Mapping[str, str], new: list[str]) -> dict[str, str]:
    """The learned fields of a stream and their columns, with new ones added; known ones keep their column."""
    taken = {**learned, **_declared(stream)}
    names = column_names([*taken, *new], taken)
    return {**learned, **{field: names[field] for field in new}}


def vendor_spec(vendor: Vendor, stream: Stream, extra: Mapping[str, str] | None = None) -> TableSpec:
    """The table of a stream.

    Args:
        vendor: The vendor.
        stream: One of its streams.
        extra: Learned fields and their columns; such a column is JSON, whatever it holds.
    """
    names = _declared(stream)
    declared = tuple(
        TableColumn(names[column.name], column.kind, column.meaning)
        for column in stream.columns
        if column.name in names
    )
    added = tuple(
        TableColumn(column, Kind.JSON, f"The vendor's field {field!r}.")
        for field, column in _undeclared(stream, extra or {}).items()
    )
    return TableSpec(vendor.table(stream), stream.doc, (*COMMON, CONTENT_HASH, *declared, *added))


def layout(vendor: Vendor, stream: Stream, learned: Mapping[str, str], real: Mapping[str, Kind]) -> Layout:
    """The layout of a stream.

    Args:
        vendor: The vendor.
        stream: One of its streams.
        learned: Learned fields and their columns.
        real: The kinds that the warehouse's columns really have; they win over the declared ones.
    """
    wanted = vendor_spec(vendor, stream, learned)
    columns = tuple(TableColumn(c.name, real.get(c.name, c.kind), c.meaning) for c in wanted.columns)
    spec = TableSpec(wanted.name, wanted.doc, columns, wanted.key)
    kinds = spec.kinds()
    names = {**_declared(stream), **_undeclared(stream, learned)}
    fields = tuple(Field(name, column, kinds[column]) for name, column in names.items())
    dropped = dict.fromkeys((stream.key, *stream.ignored))
    rest = tuple(name for name in dropped if name not in names)
    return Layout(spec, fields, rest, MOST_LEARNED - len(learned), MOST_COLUMNS - len({*real, *kinds}))


def with_room(
    stream: Stream, learned: Mapping[str, str], new: list[str], at: Layout, real: Collection[str]
) -> list[str]:
    """Those of some new fields that get a column; one that the table has already, by another desk, takes no room."""
    names, room, taken = learned_columns(stream, learned, new), at.room, []
    for field in new[: max(0, at.learnable)]:
        is_new = names[field] not in real
        if is_new and room <= 0:
            continue
        room -= is_new
        taken.append(field)
    return taken


def _declared(stream: Stream) -> dict[str, str]:
    """Declared fields and their columns. The key is `id` already, unless the vendor calls it otherwise."""
    dropped = {*stream.ignored, "id"} if stream.key == "id" else {*stream.ignored}
    return column_names(column.name for column in stream.columns if column.name not in dropped)


def _undeclared(stream: Stream, learned: Mapping[str, str]) -> dict[str, str]:
    """Learned fields without those that a later release declares or ignores."""
    known = {*_declared(stream), *stream.ignored, stream.key}
    return {field: column for field, column in learned.items() if field not in known}

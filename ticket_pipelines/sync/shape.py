"""Shaping: settled records of one stream in, rows of its vendor table out.

    records -> one decode into structs -> one Arrow array a column -> table

A list that does not decode first teaches us its new fields (each becomes a JSON column, so the next list is fast
again); if that was not it, its records are decoded one by one, and a value that does not fit its column's type leaves
the column null and stands whole in the row's `unparsed`. No value is lost, and nothing raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from dlt_sources.base import Kind, Stream, Vendor
from ticket_pipelines.logs import topic
from ticket_pipelines.sync import columns
from ticket_pipelines.sync.heads import Rejected, lists, why
from ticket_pipelines.sync.layout import Layout, Misfits, layout, learned_columns, vendor_spec, with_room
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.warehouse.table import ARROW

__all__ = ["CHUNK", "Shaper", "aligned", "unparsed", "vendor_spec"]

log = topic("sync")

CHUNK = 2_500
"""Records decoded at once: enough to spread the cost of a column, few enough to keep memory flat."""

_FAILURES = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_loose = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Shaper:
    """Shapes the records of one stream of one desk.

    Attributes:
        learned: Fields that are not declared, and their columns; grows as records bring new ones.
    """

    def __init__(
        self,
        vendor: Vendor,
        stream: Stream,
        desk: str,
        learned: Mapping[str, str],
        real: Callable[[], Mapping[str, Kind]],
    ) -> None:
        """Starts with what is known.

        Args:
            vendor: The vendor.
            stream: One of its streams.
            desk: Key of the desk.
            learned: Fields learned in earlier syncs, and their columns.
            real: Asks the warehouse for the kinds of the table's columns; asked again when a field is learned.
        """
        self.learned = dict(learned)
        self._vendor, self._stream, self._desk, self._real = vendor, stream, desk, real
        self._full = False
        self.layout = self._layout()

    def rows(self, records: Sequence[Settled], synced_at: datetime) -> tuple[pa.Table, list[Rejected]]:
        """The rows of these records, and the records that have no row.

        Args:
            records: Settled records; each id once.
            synced_at: When they were read.
        """
        parts, rejected = [], []
        for start in range(0, len(records), CHUNK):
            part, bad = self._chunk(records[start : start + CHUNK], synced_at)
            parts.append(part)
            rejected += bad
        schema = self.layout.spec.arrow_schema()
        return pa.concat_tables([aligned(part, schema) for part in parts] or [schema.empty_table()]), rejected

    def present(self, raw: msgspec.Raw) -> set[str]:
        """The columns whose fields a record has. The record was shaped before."""
        places, fields = self.layout.places, self.layout.fields
        return {fields[places[name]].column for name in _loose(raw) if name in places}

    def _chunk(self, records: Sequence[Settled], synced_at: datetime) -> tuple[pa.Table, list[Rejected]]:
        misfits: list[Misfits] = [{} for _ in records]
        structs = self._decoded(records)
        rejected: list[Rejected] = []
        if structs is None:
            structs, records, misfits, rejected = self._one_by_one(records)
        made = self._columns(structs, misfits)
        schema = self.layout.spec.arrow_schema()
        count = len(structs)
        made |= {
            "desk": pa.repeat(pa.scalar(self._desk, pa.string()), count),
            "id": pa.array([record.id for record in records], pa.string()),
            "version": pa.array([record.version for record in records], pa.int64()),
            "deleted_at": pa.array([record.deleted_at for record in records], ARROW[Kind.TIMESTAMP]),
            "synced_at": pa.repeat(pa.scalar(synced_at, ARROW[Kind.TIMESTAMP]), count),
            "unparsed": pa.array([unparsed(found) for found in misfits], pa.string()),
            "content_hash": pa.array([record.content_hash for record in records], pa.int64()),
        }
        return pa.table([made[name] for name in schema.names], schema=schema), rejected

    def _decoded(self, records: Sequence[Settled]) -> list[Any] | None:
        """All records as structs, new fields learned where that helps; None where they must go one by one."""
        raws = [record.raw for record in records]
        try:
            return self._structs(raws)
        except _FAILURES:
            if not self._learn(records):
                return None
        try:
            return self._structs(raws)
        except _FAILURES:
            return None

    def _structs(self, raws: Sequence[msgspec.Raw]) -> list[Any]:
        return [struct for text in lists(raws) for struct in self.layout.decode(text)]

    def _learn(self, records: Sequence[Settled]) -> bool:
        """Gives a column to each field that has none, while there is room; False where none got one."""
        new: dict[str, None] = {}
        for record in records:
            try:
                new |= dict.fromkeys(name for name in _loose(record.raw) if not self.layout.is_known(name))
            except _FAILURES:
                continue
        taken = with_room(self._stream, self.learned, list(new), self.layout, self._real()) if new else []
        if len(taken) < len(new) and not self._full:
            self._full = True
            log.warning("%s has more new fields than columns; they stand in unparsed", self.layout.spec.name)
        if taken:
            self.learned = learned_columns(self._stream, self.learned, taken)
            self.layout = self._layout()
            log.info("%s has new fields: %s", self.layout.spec.name, ", ".join(taken))
        return bool(taken)

    def _layout(self) -> Layout:
        return layout(self._vendor, self._stream, self.learned, self._real())

    def _one_by_one(self, records: Sequence[Settled]) -> tuple[list[Any], list[Settled], list[Misfits], list[Rejected]]:
        structs, kept, misfits, rejected = [], [], [], []
        for record in records:
            try:
                struct, misfit = self.layout.lenient(_loose(record.raw))
            except _FAILURES as error:
                rejected.append(record.rejected(self._stream.name, "shape", why(error)))
                continue
            structs.append(struct)
            kept.append(record)
            misfits.append(misfit)
        return structs, kept, misfits, rejected

    def _columns(self, structs: Sequence[Any], misfits: Sequence[Misfits]) -> dict[str, pa.Array]:
        values = list(zip(*map(msgspec.structs.astuple, structs), strict=True)) or [()] * len(self.layout.fields)
        made = {}
        for place, field in enumerate(self.layout.fields):
            made[field.column], bad = columns.array(field.kind, values[place])
            for row, value in bad.items():
                misfits[row][field.column] = value
        return made


def unparsed(misfits: Misfits) -> str | None:
    """The JSON text of a row's `unparsed`; None where all fits."""
    if not misfits:
        return None
    parts = [f"{json.dumps(name, ensure_ascii=False)}:{_text(value)}" for name, value in misfits.items()]
    return "{" + ",".join(parts) + "}"


def aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with that schema: columns that it lacks are null."""
    if table.schema.equals(schema):
        return table
    have = set(table.schema.names)
    arrays = [table[field.name] if field.name in have else pa.nulls(table.num_rows, field.type) for field in schema]
    return pa.table(arrays, schema=schema)


def _text(value: Any) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else json.dumps(value, ensure_ascii=False)

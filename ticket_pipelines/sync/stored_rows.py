"""Rows made from stored ones: the sweep of a complete reading, and the repair of a row from part of its record."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Kind
from ticket_pipelines.sync.heads import Head
from ticket_pipelines.sync.package import Prepared
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import aligned
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.table import ARROW, TableSpec


@dataclass(slots=True)
class Snapshot:
    """What the reading of a whole list has shown so far.

    Attributes:
        seen: Ids.
        nameless: Records without an id: they make it unfit for a sweep.
        last: Its last page was seen.
    """

    seen: set[str] = field(default_factory=set)
    nameless: int = 0
    last: bool = False


def sweep(warehouse: Warehouse, spec: TableSpec, desk: str, seen: Collection[str], now: datetime) -> Prepared | None:
    """Marks the alive rows as deleted that a complete reading did not show; their content stays.

    Args:
        warehouse: The warehouse.
        spec: The vendor table.
        desk: Key of the desk.
        seen: Ids of all records of the reading.
        now: When it was read.
    """
    gone = [
        key
        for batch in warehouse.rows(spec.name, desk, alive=True, columns=["id"])
        for key in batch["id"].to_pylist()
        if key not in seen
    ]
    return buried(warehouse, spec, desk, gone, now) if gone else None


def buried(warehouse: Warehouse, spec: TableSpec, desk: str, gone: Sequence[str], now: datetime) -> Prepared | None:
    """Marks alive rows as deleted; their content stays. None where none of them is alive.

    Args:
        warehouse: The warehouse.
        spec: The vendor table.
        desk: Key of the desk.
        gone: Ids of the rows.
        now: When it was found that their records are gone.
    """
    schema = spec.arrow_schema()
    found = [aligned(batch, schema) for batch in warehouse.rows(spec.name, desk, column="id", values=gone, alive=True)]
    if not found:
        return None
    rows = pa.concat_tables(found)
    marks = {
        "version": pc.add(rows["version"], 1),
        "deleted_at": pa.repeat(pa.scalar(now, ARROW[Kind.TIMESTAMP]), rows.num_rows),
        "synced_at": pa.repeat(pa.scalar(now, ARROW[Kind.TIMESTAMP]), rows.num_rows),
    }
    swept = pa.table([marks.get(name, rows[name]) for name in schema.names], schema=schema)
    return Prepared(swept, dict.fromkeys(rows["id"].to_pylist(), Outcome.DELETED))


@dataclass(frozen=True, slots=True)
class Part:
    """A record that lacks fields that its stored row holds.

    Attributes:
        head: Its head.
        row: Its row, shaped as if the absent fields were null.
        present: Columns whose fields it has.
        tells_deletion: Whether it has the fields that say whether it is deleted.
    """

    head: Head
    row: Mapping[str, Any]
    present: Collection[str]
    tells_deletion: bool


def overlay(parts: Sequence[Part], stored: Sequence[pa.Table], spec: TableSpec) -> Prepared | None:
    """Lays parts of records over their stored rows: values of absent fields stay.

    A row keeps its version unless the part has a higher one. Parts that say nothing new, or are older than the stored
    row, are left out.

    Args:
        parts: Records whose row is stored.
        stored: Their stored rows.
        spec: The vendor table.
    """
    schema = spec.arrow_schema()
    rows = {row["id"]: row for batch in stored for row in aligned(batch, schema).to_pylist()}
    kinds = spec.kinds()
    changed, outcomes, payloads = [], {}, {}
    for part in parts:
        before = rows[part.head.id]
        version = before["version"] if part.head.version is None else part.head.version
        if version < before["version"]:
            continue
        after = {**before, **{column: part.row[column] for column in part.present}}
        after["unparsed"] = _unparsed(before["unparsed"], part.row["unparsed"], part.present)
        after["deleted_at"] = part.head.deleted_at
        if not part.tells_deletion or (part.head.deleted_at and before["deleted_at"]):
            after["deleted_at"] = before["deleted_at"]
        if version == before["version"] and all(
            _same(kinds[column], before[column], after[column]) for column in after
        ):
            continue
        outcomes[part.head.id] = _outcome(before["deleted_at"], after["deleted_at"])
        payloads[part.head.id] = bytes(part.head.raw)
        changed.append(
            {**after, "version": version, "synced_at": part.row["synced_at"], "content_hash": part.head.content_hash}
        )
    if not changed:
        return None
    return Prepared(pa.Table.from_pylist(changed, schema=schema), outcomes, payloads)


def _outcome(before: datetime | None, after: datetime | None) -> Outcome:
    if (before is None) == (after is None):
        return Outcome.UPDATED
    return Outcome.REVIVED if after is None else Outcome.DELETED


def _unparsed(before: str | None, part: str | None, present: Collection[str]) -> str | None:
    kept = {name: value for name, value in _object(before).items() if name not in present}
    merged = {**kept, **_object(part)}
    return json.dumps(merged, ensure_ascii=False) if merged else None


def _object(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _same(kind: Kind, one: Any, other: Any) -> bool:
    if kind is not Kind.JSON or one is None or other is None:
        return bool(one == other)
    decode: Callable[[str], Any] = msgspec.json.decode
    return bool(one == other or decode(one) == decode(other))

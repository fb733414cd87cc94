"""Records inside of records: a list in a vendor's record whose members have ids is a table of its own, too.

    parent's rows --their JSON column--> members, each with its parent's id --shape--> rows of the child's table

The members are derived from the parent's row as unified rows are, in the same load: one that the parent gives no
longer is marked as deleted, and all are where the parent is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import pyarrow as pa

from dlt_sources.base import PARENT_ID, Stream, Vendor
from ticket_pipelines.sync.heads import content_hash
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper
from ticket_pipelines.unified import Mapped, StreamMapping
from ticket_pipelines.warehouse.naming import column_name

OWNER = column_name(PARENT_ID)
"""Column of a child's table that holds its parent's id."""

_members = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None).decode
_decode = msgspec.json.decode


def with_children(
    vendor: Vendor, mappings: Mapping[str, StreamMapping], shaper: Callable[[Stream], Shaper]
) -> dict[str, StreamMapping]:
    """The mappings, with those of the records inside of records.

    Args:
        vendor: The vendor, as the desk's account shows it.
        mappings: Unified mapping by stream.
        shaper: Gives the shaper of a stream.
    """
    found = dict(mappings)
    for child in vendor.streams:
        if child.parent:
            found[child.parent] = _joined(found.get(child.parent), vendor, child, shaper)
    return found


def _joined(
    before: StreamMapping | None, vendor: Vendor, child: Stream, shaper: Callable[[Stream], Shaper]
) -> StreamMapping:
    table = vendor.table(child)
    parent = vendor.stream(child.parent)

    def rows(parents: pa.Table) -> Mapped:
        mapped = Mapped() if before is None else before.rows(parents)
        column = next((f.column for f in shaper(parent).layout.fields if f.name == child.records), "")
        if column in parents.column_names:
            # a member without an id has no row of its own; it stands in its parent's
            members = list(_inside(parents, column, child.key))
            mapped.tables[table] = shaper(child).rows(members, _read_at(parents))[0]
        return mapped

    return StreamMapping(rows, {**(before.owns if before else {}), table: OWNER})


def _inside(parents: pa.Table, column: str, key: str) -> Iterator[Settled]:
    known = ("id", "version", "deleted_at", column)
    for parent, version, deleted_at, text in zip(*(parents[name].to_pylist() for name in known), strict=True):
        for member in _list(text):
            found = _id(member.get(key))
            if found is None:
                continue
            raw = msgspec.Raw(msgspec.json.encode({PARENT_ID: parent, **member}))
            same = content_hash(_in_order(raw))
            yield Settled(raw, found, version, same, deleted_at, Outcome.CREATED, None, len(bytes(raw)))


def _in_order(raw: msgspec.Raw) -> msgspec.Raw:
    """The record in one form: a warehouse may give a JSON value back with its keys and spaces in another one."""
    try:
        return msgspec.Raw(msgspec.json.encode(_decode(raw), order="sorted"))
    except (msgspec.MsgspecError, RecursionError):
        return raw


def _list(text: str | None) -> list[dict[str, msgspec.Raw]]:
    try:
        return _members(text or "null") or []
    except msgspec.DecodeError:
        return []


def _id(raw: msgspec.Raw | None) -> str | None:
    value = None if raw is None else _decode(raw)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _read_at(parents: pa.Table) -> datetime:
    found: datetime | None = parents["synced_at"][0].as_py() if parents.num_rows else None
    return found or datetime.now(UTC)

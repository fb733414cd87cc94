"""Pages of tickets to Arrow by hand: the rows of all tables that a ticket gives, column by column.

Which columns the tables have comes from the product, so that both write the same; how they are made is written here
anew, without its checks, its counts and its slow ways, knowing that every record is as the data set makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from msgspec import Raw, Struct
from ticket_pipelines.unified.model import TABLES

from dlt_sources.base import Kind
from dlt_sources.zendesk import ZENDESK
from ticket_pipelines.warehouse.table import ARROW, COMMON, CONTENT_HASH, TableColumn, TableSpec

TEXT, STAMP = pa.string(), pa.timestamp("us", "UTC")
NULL = Raw(b"null")
PYTHON: Mapping[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INTEGER: int | None,
    Kind.NUMBER: float | None,
    Kind.BOOLEAN: bool | None,
    Kind.TIMESTAMP: str | None,
    Kind.DATE: str | None,
    Kind.JSON: Raw,
}
UNDECLARED = ("custom_fields_version", "merged_to_ids", "deleted_at", "ticket_lang")
"""Fields of the data set that the product does not declare; they become JSON columns."""
STATUS = {
    "new": ("new", "open"),
    "open": ("open", "open"),
    "pending": ("pending", "on_hold"),
    "hold": ("on_hold", "on_hold"),
    "solved": ("solved", "closed"),
    "closed": ("closed", "closed"),
}
RANK = {"urgent": 4, "high": 3, "normal": 2, "low": 1}
OURS = {"deleted_at": "deleted_at_vendor"}
"""The vendor's field to the column, where the name is one of ours."""
IDS = (
    "assignee_id",
    "brand_id",
    "custom_status_id",
    "group_id",
    "organization_id",
    "problem_id",
    "requester_id",
    "submitter_id",
    "ticket_form_id",
)
"""Ids that are numbers at the vendor and text in the unified table."""


def _specs() -> dict[str, TableSpec]:
    vendor = ZENDESK.stream("tickets")
    declared = [TableColumn(c.name, c.kind) for c in vendor.columns if c.name != vendor.key]
    met = [TableColumn(OURS.get(name, name), Kind.JSON) for name in UNDECLARED]
    unified = {table.name: table for table in TABLES}
    return {
        "zendesk_tickets": TableSpec("zendesk_tickets", "", (*COMMON, CONTENT_HASH, *declared, *met)),
        "tickets": unified["tickets"],
        "record_links": unified["record_links"],
    }


SPECS = _specs()
"""The tables, by name."""
SCHEMAS = {name: spec.arrow_schema() for name, spec in SPECS.items()}
FIELDS = {c.name: c.kind for c in ZENDESK.stream("tickets").columns} | dict.fromkeys(UNDECLARED, Kind.JSON)
POSITIONS = {name: position for position, name in enumerate(FIELDS)}

Ticket = msgspec.defstruct(
    "Ticket",
    [(name, Raw, NULL) if kind is Kind.JSON else (name, PYTHON[kind], None) for name, kind in FIELDS.items()],
    gc=False,
)


class CustomField(Struct, gc=False):
    """One of a ticket's custom fields."""

    id: int
    value: Raw


class Via(Struct, gc=False):
    """Where a ticket came from."""

    channel: Any = None


class Rating(Struct, gc=False):
    """What the requester thought."""

    score: str | None = None
    comment: str | None = None


class Page(Struct, gc=False):
    """One page of the export."""

    tickets: list[Raw]
    after_cursor: str | None = None
    end_of_stream: bool = False


decode_page = msgspec.json.Decoder(Page).decode
_decode_tickets = msgspec.json.Decoder(list[Ticket]).decode  # type: ignore[valid-type]
_decode_fields = msgspec.json.Decoder(list[list[CustomField] | None]).decode
_decode_via = msgspec.json.Decoder(list[Via | None]).decode
_decode_rating = msgspec.json.Decoder(list[Rating | None]).decode


def _joined(raws: Sequence[Raw | bytes]) -> bytes:
    return b"[" + b",".join(raws) + b"]"


def _column(values: Sequence[Any], kind: Kind) -> pa.Array:
    if kind is Kind.JSON:
        return pa.array([None if value == b"null" else value for value in map(bytes, values)], TEXT)
    if kind is Kind.TIMESTAMP:
        return pa.array(values, TEXT).cast(STAMP)
    return pa.array(values, ARROW[kind])


def _mapped(values: pa.Array, mapping: Mapping[str, Any], kind: pa.DataType) -> pa.Array:
    return pa.array(list(mapping.values()), kind).take(pc.index_in(values, value_set=pa.array(list(mapping), TEXT)))


def _custom_fields(raws: Sequence[Raw]) -> pa.Array:
    """`[{"id": 1, "value": …}]` to `{"1": …}`."""
    objects = [
        None if fields is None else b"{" + b",".join([b'"%d":%b' % (field.id, field.value) for field in fields]) + b"}"
        for fields in _decode_fields(_joined(raws))
    ]
    return pa.array(objects, TEXT)


def _table(name: str, columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """The columns in the order of the table; what the floor does not know is null."""
    schema = SCHEMAS[name]
    arrays = [columns[f.name] if f.name in columns else pa.nulls(rows, f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def rows_of(desk: str, records: Sequence[Raw], now: datetime) -> dict[str, pa.Table]:
    """Rows of every table that these tickets give."""
    count = len(records)
    values = list(zip(*map(msgspec.structs.astuple, _decode_tickets(_joined(records))), strict=True))
    field = {name: _column(column, kind) for (name, kind), column in zip(FIELDS.items(), values, strict=True)}
    version = pc.multiply(field["generated_timestamp"], 1000)
    common = {
        "desk": pa.repeat(pa.scalar(desk, TEXT), count),
        "id": field["id"].cast(TEXT),
        "version": version,
        "synced_at": pa.repeat(pa.scalar(now, STAMP), count),
    }
    hashes = pa.array([xxhash.xxh3_64_intdigest(record) - 2**63 for record in records], pa.int64())
    vendor = {OURS.get(name, name): column for name, column in field.items()} | common | {"content_hash": hashes}
    ratings = _decode_rating(_joined(values[POSITIONS["satisfaction_rating"]]))
    channels = [via and via.channel for via in _decode_via(_joined(values[POSITIONS["via"]]))]
    text = {name: field[name].cast(TEXT) for name in IDS}
    unified = {
        **common,
        "vendor": pa.repeat(pa.scalar("zendesk", TEXT), count),
        "record_type": pa.repeat(pa.scalar("ticket", TEXT), count),
        "number": common["id"],
        "subject": field["subject"],
        "description_text": field["description"],
        "status_raw": field["status"],
        "status_id_raw": text["custom_status_id"],
        "status": _mapped(field["status"], {raw: one for raw, (one, _) in STATUS.items()}, TEXT),
        "status_category": _mapped(field["status"], {raw: one for raw, (_, one) in STATUS.items()}, TEXT),
        "priority_raw": field["priority"],
        "priority": field["priority"],
        "priority_rank": _mapped(field["priority"], RANK, pa.int64()),
        "type_raw": field["type"],
        "type": field["type"],
        "channel_raw": pa.array(channels, TEXT),
        "channel": pa.array(channels, TEXT),
        "group_id": text["group_id"],
        "brand_id": text["brand_id"],
        "form_id": text["ticket_form_id"],
        "assignee_id": text["assignee_id"],
        "requester_id": text["requester_id"],
        "submitter_id": text["submitter_id"],
        "account_id": text["organization_id"],
        "external_id": field["external_id"],
        "problem_id": text["problem_id"],
        "tags": field["tags"],
        "is_public": field["is_public"],
        "has_incidents": field["has_incidents"],
        "created_at": field["created_at"],
        "updated_at": field["updated_at"],
        "system_updated_at": pc.multiply(version, 1000).cast(STAMP),
        "due_at": field["due_at"],
        "satisfaction_score": pa.array([rating and rating.score for rating in ratings], TEXT),
        "satisfaction_comment": pa.array([rating and rating.comment for rating in ratings], TEXT),
        "url": field["url"],
        "custom_fields": _custom_fields(values[POSITIONS["custom_fields"]]),
    }
    return {
        "zendesk_tickets": _table("zendesk_tickets", vendor, count),
        "tickets": _table("tickets", unified, count),
    }

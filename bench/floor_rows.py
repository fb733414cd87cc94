"""Pages of tickets to Arrow by hand: the rows of all tables that a ticket gives, column by column.

Which columns the tables have comes from the product, so that both write the same; how they are made is written here
anew, without its checks, its counts and its slow ways, knowing that every record is as the data set makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from msgspec import Raw, Struct

from dlt_sources.base import Kind
from dlt_sources.zendesk import ZENDESK
from ticket_pipelines.unified.model import TABLES
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
CHANNEL = {"web": "web", "email": "email", "api": "api", "chat": "chat", "voice": "phone"}
RANK = {"urgent": 4, "high": 3, "normal": 2, "low": 1}
LINKS = UUID("6b1f5a0e-3c52-5d0b-9a5e-2f6d1c8e7a41")
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


TICKETS = ZENDESK.stream("tickets")
KINDS = {c.name: c.kind for c in TICKETS.columns if c.name not in TICKETS.ignored}
KINDS |= dict.fromkeys(UNDECLARED, Kind.JSON)
SPECS = {
    "zendesk_tickets": TableSpec(
        "zendesk_tickets",
        TICKETS.doc,
        (*COMMON, CONTENT_HASH, *(TableColumn(OURS.get(name, name), kind) for name, kind in KINDS.items())),
    ),
    "tickets": TABLES["tickets"],
    "record_links": TABLES["record_links"],
}
"""The tables, by name."""
SCHEMAS = {name: spec.arrow_schema() for name, spec in SPECS.items()}
FIELDS = {TICKETS.key: Kind.INTEGER} | KINDS
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
    found = _decode_fields(_joined(raws))
    encode = msgspec.json.encode
    return pa.array([None if one is None else encode({field.id: field.value for field in one}) for one in found], TEXT)


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
    hashes = pa.array([xxhash.xxh3_64_intdigest(record, 1) for record in records], pa.uint64()).view(pa.int64())
    vendor = {OURS.get(name, name): column for name, column in field.items()} | common | {"content_hash": hashes}
    ratings = _decode_rating(_joined(values[POSITIONS["satisfaction_rating"]]))
    channel = pa.array([via and via.channel for via in _decode_via(_joined(values[POSITIONS["via"]]))], TEXT)
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
        "channel_raw": channel,
        "channel": _mapped(channel, CHANNEL, TEXT),
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
        "url": pc.replace_substring(pc.replace_substring(field["url"], "/api/v2/", "/agent/"), ".json", ""),
        "custom_fields": _custom_fields(values[POSITIONS["custom_fields"]]),
    }
    links = _links(desk, common["id"].to_pylist(), text["problem_id"].to_pylist(), values[POSITIONS["followup_ids"]])
    parents = pa.array([parent for parent, _ in links], pa.int64())
    linked = {name: common[name].take(parents) for name in ("desk", "version", "synced_at")}
    for name in SCHEMAS["record_links"].names:
        if name not in linked:
            linked[name] = pa.array([row.get(name) for _, row in links], SCHEMAS["record_links"].field(name).type)
    return {
        "zendesk_tickets": _table("zendesk_tickets", vendor, count),
        "tickets": _table("tickets", unified, count),
        "record_links": _table("record_links", linked, len(links)),
    }


def _links(
    desk: str, ids: Sequence[str], problems: Sequence[str | None], followups: Sequence[Raw]
) -> list[tuple[int, dict[str, str]]]:
    """Rows of `record_links` beside the position of their ticket."""
    found = [(at, _link(desk, ids[at], one, "incident_of", ids[at])) for at, one in enumerate(problems) if one]
    for at, raw in enumerate(followups):
        if len(bytes(raw)) > len("[]"):
            found += [(at, _link(desk, str(one), ids[at], "follow_up", ids[at])) for one in msgspec.json.decode(raw)]
    return found


def _link(desk: str, left: str, right: str, kind: str, ticket: str) -> dict[str, str]:
    return {
        "id": str(uuid5(LINKS, f"tickets\n{desk}\n{left}\ntickets\n{desk}\n{right}\n{kind}")),
        "vendor": "zendesk",
        "from_table": "tickets",
        "from_desk": desk,
        "from_id": left,
        "to_table": "tickets",
        "to_desk": desk,
        "to_id": right,
        "link_type": kind,
        "method": "sync",
        "status": "confirmed",
        "ticket_id": ticket,
    }

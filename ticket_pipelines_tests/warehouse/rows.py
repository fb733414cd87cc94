"""Rows for the warehouse tests: a table that has a column of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.table import COMMON, CONTENT_HASH, TableColumn, TableSpec

SYNCED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def table(name: str = "zendesk_tickets", extra: Sequence[TableColumn] = ()) -> TableSpec:
    return TableSpec(
        name=name,
        doc="One row per ticket, in a user's words.",
        columns=(
            *COMMON,
            CONTENT_HASH,
            TableColumn("subject", Kind.TEXT, "What it's about."),
            TableColumn("fields", Kind.JSON),
            TableColumn("score", Kind.NUMBER),
            TableColumn("is_open", Kind.BOOLEAN),
            TableColumn("due_on", Kind.DATE),
            *extra,
        ),
    )


TICKETS = table()


def row(row_id: str, version: int = 1, desk: str = "acme", **values: Any) -> dict[str, Any]:
    return {
        "desk": desk,
        "id": row_id,
        "version": version,
        "synced_at": SYNCED,
        "content_hash": -7,
        "subject": f"ticket {row_id}",
        "fields": '{"a": 1}',
        "score": 0.5,
        "is_open": True,
        "due_on": date(2026, 1, 31),
        **values,
    }


def arrow(rows: Sequence[Mapping[str, Any]], spec: TableSpec = TICKETS) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=spec.arrow_schema())

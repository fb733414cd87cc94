"""Rows of vendor tables as the engine would store them, for tests of the mappings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from dlt_sources import VENDORS
from dlt_sources.base import Kind
from ticket_pipelines.unified import Mapped, mappings
from ticket_pipelines.warehouse.naming import column_name
from ticket_pipelines.warehouse.table import ARROW, COMMON, CONTENT_HASH

SYNCED_AT = datetime(2026, 3, 1, tzinfo=UTC)
DELETED_AT = datetime(2026, 2, 1, tzinfo=UTC)

Record = dict[str, Any]


def vendor_table(
    stream: str,
    records: Sequence[Mapping[str, Any]],
    *,
    vendor: str = "zendesk",
    desk: str = "acme",
    version: int = 1_000,
    deleted: bool = False,
    unparsed: str | None = None,
) -> pa.Table:
    """Records of one stream as rows of its table; a field that is not declared becomes a JSON column."""
    declared = VENDORS[vendor].stream(stream)
    kinds = {column.name: column.kind for column in declared.columns}
    learned = dict.fromkeys(name for record in records for name in record if name not in {*kinds, declared.key})
    kinds |= dict.fromkeys(learned, Kind.JSON)
    common: dict[str, Any] = {
        "desk": desk,
        "version": version,
        "deleted_at": DELETED_AT if deleted else None,
        "synced_at": SYNCED_AT,
        "unparsed": unparsed,
        "content_hash": 0,
    }
    columns = {
        column.name: pa.array(
            [str(record[declared.key]) if column.name == "id" else common[column.name] for record in records],
            ARROW[column.kind],
        )
        for column in (*COMMON, CONTENT_HASH)
    }
    for name, kind in kinds.items():
        values = [_value(kind, record.get(name)) for record in records]
        columns[column_name(name)] = pa.array(values, ARROW[kind])
    return pa.table(columns)


def _value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.JSON:
        return value if isinstance(value, Json) else json.dumps(value, ensure_ascii=False)
    return datetime.fromisoformat(value) if kind is Kind.TIMESTAMP else value


class Json(str):
    """JSON text that stands in the column as it is."""


def mapped(stream: str, *records: Mapping[str, Any], vendor: str = "zendesk", **common: Any) -> Mapped:
    """What the mapping of a stream makes of records."""
    return mappings(vendor)[stream].rows(vendor_table(stream, records, vendor=vendor, **common))


def rows_of(found: Mapped, table: str) -> list[Record]:
    """Rows of one unified table as dictionaries."""
    rows: list[Record] = found.tables[table].to_pylist()
    return rows

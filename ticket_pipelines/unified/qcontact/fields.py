"""Columns of QContact's cases: rows of `ticket_fields`, keyed by name."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.aliases import alias
from ticket_pipelines.unified.columns import BOOLEAN, TEXT, constant, direct, front, unified_table
from ticket_pipelines.unified.model import TICKET_FIELDS
from ticket_pipelines.unified.qcontact.people import VENDOR

NAMES: Mapping[str, str] = {"label": "title", "type": "data_type_raw"}
DATA_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("string", "text", "textarea", "email", "phone", "url"), "text"),
    "integer": "integer",
    **dict.fromkeys(("decimal", "float", "number", "currency"), "number"),
    "boolean": "boolean",
    **dict.fromkeys(("date", "datetime"), "date"),
    **dict.fromkeys(("option", "select", "state"), "choice"),
    "relationship": "lookup",
}
"""QContact's type to one word for all vendors; its names are not documented."""


def rows(found: pa.Table) -> Mapped:
    """Rows of `qcontact_case_columns` into `ticket_fields`."""
    base, plain = front(found, VENDOR, (), NAMES), direct(found, TICKET_FIELDS, NAMES)
    names = base["id"].to_pylist()
    columns = {
        **base,
        **plain,
        "id": pa.array([f"ticket:{name}" for name in names], TEXT),
        "key": base["id"],
        "entity": constant(found, "ticket"),
        "alias": pa.array([alias("ticket", name, None) for name in names], TEXT),
        "data_type": labels.each_distinct(plain["data_type_raw"], _data_type, TEXT),
        "is_system": pa.array([not name.startswith("c__") for name in names], BOOLEAN),
    }
    return Mapped({"ticket_fields": unified_table(TICKET_FIELDS, columns, found.num_rows)})


def _data_type(vendor_type: str | None) -> str | None:
    return None if vendor_type is None else DATA_TYPES.get(vendor_type.lower())

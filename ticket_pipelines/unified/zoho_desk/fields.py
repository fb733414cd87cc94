"""Fields of Zoho Desk's tickets, contacts and accounts: rows of `ticket_fields`, keyed by API name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.aliases import alias
from ticket_pipelines.unified.columns import BOOLEAN, TEXT, Members, column, direct, front, unified_table
from ticket_pipelines.unified.model import TICKET_FIELDS
from ticket_pipelines.unified.zoho_desk.parts import VENDOR

ENTITIES: Mapping[str, str] = {"tickets": "ticket", "contacts": "user", "accounts": "organization"}
"""Module to the entity whose fields it has."""
NAMES: Mapping[str, str] = {
    "display_label": "title",
    "api_name": "key",
    "type": "data_type_raw",
    "is_mandatory": "is_required",
    "sort_by": "position",
}
DATA_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("Text", "URL", "Textarea", "Email", "Phone", "Fax", "LargeText", "AutoNumber", "Formula"), "text"),
    "Number": "integer",
    **dict.fromkeys(("Percent", "Decimal", "Currency"), "number"),
    "Boolean": "boolean",
    **dict.fromkeys(("Date", "DateTime"), "date"),
    "Picklist": "choice",
    "Multiselect": "choices",
    **dict.fromkeys(("LookUp", "MultiLookup"), "lookup"),
}
"""Zoho's type to one word for all vendors."""


class Option(msgspec.Struct, gc=False):
    """A value of a pick list."""

    value: str | None = None


_OPTIONS: Members[list[Option]] = Members(list[Option])


def rows(found: pa.Table) -> Mapped:
    """Rows of `zoho_desk_fields` into `ticket_fields`."""
    warnings: Counter[str] = Counter()
    entities = [ENTITIES.get(module) for module in column(found, "module").to_pylist()]
    base, plain = front(found, VENDOR, (), NAMES), direct(found, TICKET_FIELDS, NAMES)
    ids, keys = base["id"].to_pylist(), plain["key"].to_pylist()
    columns = {
        **base,
        **plain,
        "id": pa.array([f"{entity}:{key}" if entity else key for entity, key in zip(entities, ids, strict=True)], TEXT),
        "entity": pa.array(entities, TEXT),
        "alias": pa.array([alias(entity or "", *one) for entity, *one in zip(entities, ids, keys, strict=True)], TEXT),
        "data_type": labels.each_distinct(plain["data_type_raw"], _data_type, TEXT),
        "options": _options(found, warnings),
        "is_system": pc.invert(column(found, "is_custom_field", BOOLEAN)),
    }
    return Mapped({"ticket_fields": unified_table(TICKET_FIELDS, columns, found.num_rows)}, warnings)


def _data_type(vendor_type: str | None) -> str | None:
    return None if vendor_type is None else DATA_TYPES.get(vendor_type)


def _options(found: pa.Table, warnings: Counter[str]) -> pa.Array:
    decoded = _OPTIONS.decode(found, "allowed_values", warnings)
    encode = msgspec.json.encode
    made = [
        encode([{"value": one.value, "label": one.value} for one in options]) if options else None
        for options in decoded
    ]
    return pa.array(made, TEXT)

"""Fields of Zoho CRM's modules that the unified tables hold: rows of `ticket_fields`, keyed by API name."""

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
from ticket_pipelines.unified.zoho_crm.references import VENDOR

ENTITIES: Mapping[str, str] = {
    "Cases": "ticket",
    "Deals": "ticket",
    "Contacts": "user",
    "Leads": "user",
    "Accounts": "organization",
}
"""Module to the entity whose fields it has."""

NAMES: Mapping[str, str] = {
    "api_name": "key",
    "data_type": "data_type_raw",
    "system_mandatory": "is_required",
    "sequence_number": "position",
}
DATA_TYPES: Mapping[str, str] = {
    "text": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "website": "text",
    "autonumber": "text",
    "integer": "integer",
    "bigint": "integer",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "picklist": "choice",
    "multiselectpicklist": "choices",
    "lookup": "lookup",
    "ownerlookup": "lookup",
    "userlookup": "lookup",
}
"""Zoho's type to one word for all vendors."""


class Option(msgspec.Struct, gc=False):
    """A value of a pick list."""

    actual_value: str | None = None
    display_value: str | None = None


_OPTIONS: Members[list[Option]] = Members(list[Option])


def rows(found: pa.Table) -> Mapped:
    """Rows of `zoho_crm_fields` into `ticket_fields`; those of other modules are none."""
    warnings: Counter[str] = Counter()
    held = found.filter(pc.is_in(column(found, "module"), value_set=pa.array(list(ENTITIES), TEXT)))
    entities = [ENTITIES[module] for module in column(held, "module").to_pylist()]
    base, plain = front(held, VENDOR, (), NAMES), direct(held, TICKET_FIELDS, NAMES)
    keys, names = base["id"].to_pylist(), plain["key"].to_pylist()
    columns = {
        **base,
        **plain,
        "id": pa.array([f"{entity}:{key}" for entity, key in zip(entities, keys, strict=True)], TEXT),
        "entity": pa.array(entities, TEXT),
        "title": pc.coalesce(column(held, "field_label"), column(held, "display_label")),
        "alias": pa.array([alias(*one) for one in zip(entities, keys, names, strict=True)], TEXT),
        "data_type": labels.each_distinct(plain["data_type_raw"], _data_type, TEXT),
        "options": _options(held, warnings),
        "is_system": pc.invert(column(held, "custom_field", BOOLEAN)),
    }
    return Mapped({"ticket_fields": unified_table(TICKET_FIELDS, columns, held.num_rows)}, warnings)


def _data_type(vendor_type: str | None) -> str | None:
    return None if vendor_type is None else DATA_TYPES.get(vendor_type)


def _options(held: pa.Table, warnings: Counter[str]) -> pa.Array:
    encode = msgspec.json.encode
    found = _OPTIONS.decode(held, "pick_list_values", warnings)
    made = [
        encode([{"value": one.actual_value, "label": one.display_value or one.actual_value} for one in options])
        if options
        else None
        for options in found
    ]
    return pa.array(made, TEXT)

"""Fields of Zendesk's tickets, people and organizations: one table, `ticket_fields`.

Values of custom fields are keyed by these: a ticket's by the field's id, a person's and an organization's by its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Deletion
from dlt_sources.zendesk.streams.account import ORGANIZATION_FIELDS, TICKET_FIELDS, USER_FIELDS
from ticket_pipelines.unified import Mapped, labels
from ticket_pipelines.unified.aliases import alias
from ticket_pipelines.unified.columns import BOOLEAN, TEXT, Members, column, constant, direct, front, unified_table
from ticket_pipelines.unified.model import TICKET_FIELDS as SPEC

VENDOR = "zendesk"
NAMES: Mapping[str, str] = {
    "title": "title",
    "key": "key",
    "type": "data_type_raw",
    "required": "is_required",
    "position": "position",
}
DATA_TYPES: Mapping[str, str] = {
    "text": "text",
    "textarea": "text",
    "regexp": "text",
    "partialcreditcard": "text",
    "integer": "integer",
    "decimal": "number",
    "checkbox": "boolean",
    "date": "date",
    "tagger": "choice",
    "dropdown": "choice",
    "multiselect": "choices",
    "lookup": "lookup",
}
"""Type of a custom field to one word for all vendors; the types of built-in fields are not among them."""


class Option(msgspec.Struct, gc=False):
    """An option of a drop-down, of a built-in field, or a custom status."""

    value: str | int | None = None
    name: str | None = None
    id: int | str | None = None
    agent_label: str | None = None


_OPTIONS: Members[list[Option]] = Members(list[Option])


def ticket_fields(found: pa.Table) -> Mapped:
    """Rows of `zendesk_ticket_fields` into `ticket_fields`."""
    return _rows("ticket", found, TICKET_FIELDS.deletions, pc.invert(column(found, "removable", BOOLEAN)))


def user_fields(found: pa.Table) -> Mapped:
    """Rows of `zendesk_user_fields` into `ticket_fields`."""
    return _rows("user", found, USER_FIELDS.deletions, column(found, "system", BOOLEAN))


def organization_fields(found: pa.Table) -> Mapped:
    """Rows of `zendesk_organization_fields` into `ticket_fields`."""
    return _rows("organization", found, ORGANIZATION_FIELDS.deletions, column(found, "system", BOOLEAN))


def _rows(entity: str, found: pa.Table, deletions: Sequence[Deletion], is_system: pa.Array) -> Mapped:
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, deletions, NAMES)
    plain = direct(found, SPEC, NAMES)
    ids = base["id"].to_pylist()
    names = pc.coalesce(plain["key"], plain["title"]).to_pylist()
    columns = {
        **base,
        **plain,
        "id": pc.binary_join_element_wise(constant(found, entity), base["id"], ":"),
        "entity": constant(found, entity),
        "alias": pa.array([alias(entity, key, name) for key, name in zip(ids, names, strict=True)], TEXT),
        "data_type": labels.each_distinct(plain["data_type_raw"], _data_type, TEXT),
        "options": _options(found, warnings),
        "is_system": is_system,
    }
    return Mapped({"ticket_fields": unified_table(SPEC, columns, found.num_rows)}, warnings)


def _data_type(vendor_type: str | None) -> str | None:
    return None if vendor_type is None else DATA_TYPES.get(vendor_type)


def _options(found: pa.Table, warnings: Counter[str]) -> pa.Array:
    names = ("custom_field_options", "system_field_options", "custom_statuses")
    lists = [_OPTIONS.decode(found, name, warnings) for name in names]
    chosen = [_chosen(row) for row in zip(*lists, strict=True)]
    encode = msgspec.json.encode
    return pa.array([None if row is None else encode([_option(one) for one in row]) for row in chosen], TEXT)


def _chosen(lists: Sequence[list[Option] | None]) -> list[Option] | None:
    given = [options for options in lists if options is not None]
    return next((options for options in given if options), given[0] if given else None)


def _option(option: Option) -> dict[str, Any]:
    value = option.id if option.value is None else option.value
    return {
        "value": None if value is None else str(value),
        "label": option.agent_label if option.name is None else option.name,
    }

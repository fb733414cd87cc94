"""What each engine spells in its own way in the unified views. A new engine is one more entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """SQL fragments; `{0}` and `{1}` stand for arguments.

    Attributes:
        json: Name of the JSON type.
        members: Table function: members of an object as (key, value); no row for anything but an object.
        elements: Table function: elements of a list as (value); no row for anything but a list.
        kind: Kind of a JSON value: string, number, boolean, array, object or null.
        text: A JSON value as text, a string without its quotes.
        member: Member {1} of an object as text.
        lookup: Aggregate: columns `value` and `label` as a lookup.
        label: Label of one text in a lookup.
        label_list: Labels of a JSON list of texts, joined by comma and space; a text without a label as it is; NULL for
            an empty list.
    """

    json: str
    members: str
    elements: str
    kind: str
    text: str
    member: str
    lookup: str
    label: str
    label_list: str


DIALECTS: Mapping[str, Dialect] = {
    "postgres": Dialect(
        json="jsonb",
        members="jsonb_each(CASE WHEN jsonb_typeof({0}) = 'object' THEN {0} END)",
        elements="jsonb_array_elements(CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} END)",
        kind="jsonb_typeof({0})",
        text="({0} #>> '{{}}')",
        member="({0} ->> '{1}')",
        lookup="jsonb_object_agg(value, label)",
        label="({0} ->> {1})",
        label_list=(
            "(SELECT string_agg(coalesce({0} ->> item.value, item.value), ', ' ORDER BY item.position)"
            " FROM jsonb_array_elements_text({1}) WITH ORDINALITY AS item(value, position))"
        ),
    ),
    "duckdb": Dialect(
        json="JSON",
        members="json_each(CASE WHEN json_type({0}) = 'OBJECT' THEN {0} END)",
        elements="json_each(CASE WHEN json_type({0}) = 'ARRAY' THEN {0} END)",
        kind=(
            "CASE json_type({0}) WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'ARRAY' THEN 'array'"
            " WHEN 'OBJECT' THEN 'object' WHEN 'NULL' THEN 'null' ELSE 'number' END"
        ),
        text="({0} ->> '$')",
        member="({0} ->> '$.{1}')",
        lookup="map(list(value), list(label))",
        label="{0}[{1}]",
        label_list=(
            "CASE WHEN json_array_length({1}) > 0 THEN"
            " array_to_string([coalesce({0}[item], item) FOR item IN CAST({1} AS VARCHAR[])], ', ') END"
        ),
    ),
}
"""Every engine that has the unified views, by `Warehouse.engine`."""

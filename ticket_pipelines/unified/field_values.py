"""The view `ticket_field_values`: custom fields unfolded, one row per record and field that has a value.

A multi-select is one row too, its options in `value_json` and their labels in `label`: the key stays (entity, record,
field), and a count of rows counts fields that are filled in. An option that was deleted keeps the vendor's value as its
label. Types come from the value itself, except that a number or a date sent as text is typed by the field's definition.
"""

from __future__ import annotations

from ticket_pipelines.unified.dialects import Dialect
from ticket_pipelines.warehouse.base import SCHEMA

HOLDERS = (("ticket", "tickets"), ("user", "contacts"), ("organization", "accounts"))
"""Entity of `ticket_fields` and the table whose `custom_fields` hold its values."""

KEYED_BY_ID = (("zendesk", "ticket"),)
"""Vendors and entities whose custom_fields are keyed by the field's id; all others by its key."""

_DAY = (
    "((19|2[0-2])[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    "|((19|2[0-2])(0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
"""Days that exist, 1900 to 2299: no engine is ever asked to cast another one, which would fail the whole query."""
_TIME = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_NUMBER = "-?[0-9]{1,100}([.][0-9]{1,200})?([eE][+-]?[0-9]{1,2})?"
"""Numbers that fit a double."""
_ROUNDED = "(-0|-?[0-9]{22,100}|-?[0-9]{1,100}([.][0-9]{1,200}([eE][+-]?[0-9]{1,2})?|[eE][+-]?[0-9]{1,2}))"
"""Numbers that are written as doubles: Postgres keeps the 0 of 1.0, but neither 1e21 nor -0."""


def options_query(dialect: Dialect) -> str:
    """SELECT of all options of all fields: desk, id (the field's), data_type_raw, value, label; one row per value."""
    elements = dialect.elements.format("field.options")
    value, label = (dialect.member.format("element.value", name) for name in ("value", "label"))
    return f"""SELECT field.desk AS desk, field.id AS id, field.data_type_raw AS data_type_raw,
        {value} AS value, min({label}) AS label
    FROM {SCHEMA}.ticket_fields AS field {dialect.unfold.format(elements, "element")}
    WHERE {value} IS NOT NULL
    GROUP BY field.desk, field.id, field.data_type_raw, {value}"""


def field_values(dialect: Dialect) -> str:
    """SELECT of the view."""
    members = dialect.members.format("holder.custom_fields")
    # engines keep or drop the zeros of 1.50 and the exponent of 1e21; as text of a double both are the same everywhere
    double, double_text = (form.format("value_text") for form in (dialect.double, dialect.double_text))
    day = dialect.moment.format("value_text || 'T00:00:00Z'")

    def matches(pattern: str) -> str:
        return dialect.matches.format("value_text", f"'^{pattern}$'")

    return f"""
WITH options AS (
    {options_query(dialect)}
), lookups AS (
    SELECT desk, id, {dialect.lookup} AS labels FROM options GROUP BY desk, id
), definitions AS (
    SELECT DISTINCT ON (field.desk, field.entity, {_field_key()})
        field.desk AS desk, field.entity AS entity, {_field_key()} AS field_id, field.id AS id, field.title AS title,
        field.data_type AS data_type, lookups.labels AS labels
    FROM {SCHEMA}.ticket_fields AS field
    LEFT JOIN lookups ON lookups.desk = field.desk AND lookups.id = field.id
    ORDER BY field.desk, field.entity, {_field_key()}, field.deleted_at DESC NULLS FIRST, field.version DESC, field.id
), holders AS (
    {_holders()}
), found AS (
    SELECT holder.*, member.key AS field_id, member.value AS value,
        {dialect.kind.format("member.value")} AS kind, {dialect.text.format("member.value")} AS value_text
    FROM holders AS holder {dialect.unfold.format(members, "member")}
)
SELECT found.desk AS desk,
    found.entity || ':' || found.record_id || ':' || found.field_id AS id,
    found.version AS version,
    found.deleted_at AS deleted_at,
    found.synced_at AS synced_at,
    CAST(NULL AS {dialect.json}) AS unparsed,
    found.vendor AS vendor,
    found.deletion_kind AS deletion_kind,
    found.entity AS entity,
    found.record_id AS record_id,
    found.field_id AS field_id,
    nullif(definition.id, '') AS definition_id,
    definition.title AS title,
    definition.data_type AS data_type,
    CASE WHEN kind IN ('array', 'object') THEN NULL
        WHEN kind = 'number' AND {matches(_ROUNDED)} THEN regexp_replace({double_text}, '[.]0$', '')
        ELSE value_text END AS value_text,
    CASE WHEN (kind = 'number' OR kind = 'string' AND definition.data_type IN ('integer', 'number'))
        AND {matches(_NUMBER)} THEN {double} END AS value_num,
    CASE WHEN kind = 'boolean' THEN {dialect.truth.format("value_text = 'true'")} END AS value_bool,
    CASE WHEN kind = 'string' AND definition.data_type = 'date' AND {matches(_DAY)}
            THEN {day}
        WHEN kind = 'string' AND definition.data_type = 'date' AND {matches(_DAY + _TIME)}
            THEN {dialect.moment.format("value_text")} END AS value_ts,
    CASE WHEN kind IN ('array', 'object') THEN value END AS value_json,
    CASE WHEN definition.data_type IN ('choice', 'choices') THEN
        CASE WHEN kind = 'array' THEN {dialect.label_list}
            ELSE coalesce({dialect.label}, value_text) END END AS label
FROM found
LEFT JOIN definitions AS definition ON definition.desk = found.desk
    AND definition.entity = found.entity AND definition.field_id = found.field_id
WHERE kind <> 'null'
""".strip()


def _field_key() -> str:
    """Under which name a field's values stand in custom_fields."""
    by_id = " OR ".join(f"field.vendor = '{vendor}' AND field.entity = '{entity}'" for vendor, entity in KEYED_BY_ID)
    return f"CASE WHEN {by_id} THEN substr(field.id, length(field.entity) + 2) ELSE field.key END"


def _holders() -> str:
    return "\n    UNION ALL\n    ".join(
        f"SELECT desk, vendor, version, deleted_at, deletion_kind, synced_at, '{entity}' AS entity, id AS record_id,"
        f" custom_fields FROM {SCHEMA}.{table}"
        for entity, table in HOLDERS
    )

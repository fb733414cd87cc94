"""What each engine spells in its own way in the unified views. A new engine is one more entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """SQL fragments; `{0}` and `{1}` stand for arguments.

    Labels of options are looked up in the way that is fast on the engine (500,000 values of fields with 200 options):
    Postgres in one object a field that travels with the row (4 s, by a join 30 s), DuckDB by a join that it makes of a
    scalar subquery (0.7 s, with an object that travels 8 s).

    Where an outer join finds no row, ClickHouse gives '' and 0 in columns that are never NULL; the views' conditions
    hold for both.

    Attributes:
        json: Name of the JSON type.
        members: Table function: members of an object as (key, value); no row for anything but an object.
        elements: Table function: elements of a list as (value); no row for anything but a list.
        kind: Kind of a JSON value: string, number, boolean, array, object or null.
        text: A JSON value as text, a string without its quotes.
        member: Member {1} of an object as text.
        lookup: Aggregate of `options` to one lookup a field; unused where labels come from `options` itself.
        label: Label of the value `found`, a text; NULL without one.
        label_list: Labels of the value `found`, a list of texts, joined by comma and space; a text without a label as
            it is; NULL for an empty list.
        unfold: Joins a row with what a table function gives for it, {0}, as {1}.
        matches: Whether text {0} matches the regular expression {1}, a text literal.
        double: A text that is a number, {0}, as a double.
        double_text: The double of a text that is a number, {0}, as text: its digits from 1e-4 up to 1e21, else with an
            exponent of a sign and at least two digits; 0 has no sign.
        truth: A condition {0} as a boolean.
        moment: Text {0}, ISO 8601 with offset, as a point in time.
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
    unfold: str = "CROSS JOIN LATERAL {0} AS {1}"
    matches: str = "{0} ~ {1}"
    double: str = "CAST({0} AS double precision)"
    double_text: str = ""
    truth: str = "{0}"
    moment: str = "CAST({0} AS timestamptz)"


DIALECTS: Mapping[str, Dialect] = {
    "postgres": Dialect(
        json="jsonb",
        members="jsonb_each(CASE WHEN jsonb_typeof({0}) = 'object' THEN {0} END)",
        elements="jsonb_array_elements(CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} END)",
        kind="jsonb_typeof({0})",
        text="({0} #>> '{{}}')",
        member="({0} ->> '{1}')",
        lookup="jsonb_object_agg(value, label)",
        # the server itself turns to exponents from 1e15 on
        double_text=(
            "CASE WHEN abs(CAST({0} AS double precision)) >= 1e15 AND abs(CAST({0} AS double precision)) < 1e21"
            " THEN CAST(trim_scale(CAST({0} AS numeric)) AS varchar)"
            " ELSE CAST(CAST({0} AS double precision) AS varchar) END"
        ),
        label="(definition.labels ->> found.value_text)",
        label_list=(
            "(SELECT string_agg(coalesce(definition.labels ->> item.value, item.value), ', ' ORDER BY item.position)"
            " FROM jsonb_array_elements_text(found.value) WITH ORDINALITY AS item(value, position))"
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
        lookup="NULL",
        # the engine itself turns to exponents from 1e16 on
        double_text=(
            "CASE WHEN CAST({0} AS double) = 0 THEN '0'"
            " WHEN abs(CAST({0} AS double)) >= 1e15 AND abs(CAST({0} AS double)) < 1e21"
            " THEN regexp_replace(CAST(CAST({0} AS DECIMAL(38, 6)) AS varchar), '[.]?0+$', '')"
            " ELSE CAST(CAST({0} AS double) AS varchar) END"
        ),
        label=(
            "(SELECT chosen.label FROM options AS chosen WHERE chosen.desk = found.desk AND chosen.id = definition.id"
            " AND chosen.value = found.value_text)"
        ),
        label_list=(
            "(SELECT string_agg(coalesce(chosen.label, item.text), ', ' ORDER BY item.position)"
            " FROM (SELECT CAST(element.key AS INTEGER) AS position, element.value ->> '$' AS text"
            " FROM json_each(CASE WHEN found.kind = 'array' THEN found.value END) AS element) AS item"
            " LEFT JOIN options AS chosen ON chosen.desk = found.desk AND chosen.id = definition.id"
            " AND chosen.value = item.text)"
        ),
    ),
    "clickhouse": Dialect(
        json="Nullable(String)",
        members="CAST(JSONExtractKeysAndValuesRaw(ifNull({0}, '')) AS Array(Tuple(key String, value String)))",
        elements="CAST(arrayMap(x -> tuple(x), JSONExtractArrayRaw(ifNull({0}, ''))) AS Array(Tuple(value String)))",
        kind=(
            "multiIf(JSONType({0}) = 'String', 'string', JSONType({0}) = 'Bool', 'boolean', JSONType({0}) = 'Array',"
            " 'array', JSONType({0}) = 'Object', 'object', JSONType({0}) = 'Null', 'null', 'number')"
        ),
        text="if(JSONType({0}) = 'String', JSONExtractString({0}), {0})",
        member=(
            "multiIf(JSONType({0}, '{1}') = 'Null', NULL, JSONType({0}, '{1}') = 'String',"
            " JSONExtractString({0}, '{1}'), JSONExtractRaw({0}, '{1}'))"
        ),
        # a label is wrapped, since an array drops NULL
        lookup=(
            "CAST((groupArray(assumeNotNull(value)), groupArray(tuple(label))), 'Map(String, Tuple(Nullable(String)))')"
        ),
        label="(definition.labels[found.value_text].1)",
        label_list=(
            "if(empty(JSONExtractArrayRaw(found.value)), NULL, arrayStringConcat(arrayMap(x ->"
            " coalesce(definition.labels[x].1, x), arrayMap(x -> if(JSONType(x) = 'String', JSONExtractString(x), x),"
            " JSONExtractArrayRaw(found.value))), ', '))"
        ),
        unfold="ARRAY JOIN {0} AS {1}",
        matches="match({0}, {1})",
        double="toFloat64OrNull({0})",
        # the engine itself writes 0.00001, 1e-7 and 1e21
        double_text=(
            "if(toFloat64OrNull({0}) = 0, '0', replaceRegexpOne(replaceRegexpOne(replaceRegexpOne(replaceRegexpOne("
            "replaceRegexpOne(toString(toFloat64OrNull({0})), '^(-?)0[.]0000([1-9])([0-9]*)$', '\\\\1\\\\2.\\\\3e-05'),"
            " '^(-?)0[.]00000([1-9])([0-9]*)$', '\\\\1\\\\2.\\\\3e-06'),"
            " '[.]e', 'e'), 'e-([0-9])$', 'e-0\\\\1'), 'e([0-9])', 'e+\\\\1'))"
        ),
        truth="CAST({0} AS Nullable(Bool))",
        moment="parseDateTime64BestEffortOrNull({0}, 6, 'UTC')",
    ),
}
"""Every engine that has the unified views, by `Warehouse.engine`."""

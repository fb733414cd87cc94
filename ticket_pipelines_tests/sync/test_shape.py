"""Shaping: no value is lost, nothing raises, columns never change meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources.base import Column, Kind, Stream
from ticket_pipelines.sync import instants
from ticket_pipelines.sync import layout as layouts
from ticket_pipelines.sync.layout import layout, with_room
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper, vendor_spec
from ticket_pipelines_tests.sync.paper import COLOURS, PAPER, TICKETS, raw

NOW = datetime(2025, 6, 1, tzinfo=UTC)
COMMON = {"desk", "id", "version", "deleted_at", "synced_at", "unparsed", "content_hash"}


def settled(record: Any, number: int = 1) -> Settled:
    return Settled(raw(record), str(number), 5, 77, None, Outcome.CREATED, None, 1)


def shaper(stream: Stream = TICKETS, learned: Mapping[str, str] | None = None, **real: Kind) -> Shaper:
    return Shaper(PAPER, stream, "acme", learned or {}, lambda: real)


def shape(*records: Any, by: Shaper | None = None) -> list[dict[str, Any]]:
    rows, rejected = (by or shaper()).rows([settled(one, number) for number, one in enumerate(records)], NOW)
    assert rejected == []
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def values(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says, without the common columns and nulls."""
    return {name: value for name, value in row.items() if name not in COMMON and value is not None}


def test_typed_columns_and_common_ones() -> None:
    record = {
        "id": 1,
        "subject": "",
        "priority": 3,
        "price": 2.5,
        "open": False,
        "created_at": "2024-05-06T07:08:09.5+02:00",
        "born": "1999-12-31",
        "tags": ["a", {"b": 1}],
        "status": "open",
        "clock": 9,
    }
    (row,) = shape(record)
    assert values(row) == {
        "subject": "",
        "priority": 3,
        "price": 2.5,
        "open": False,
        "created_at": datetime(2024, 5, 6, 5, 8, 9, 500_000, tzinfo=UTC),
        "born": date(1999, 12, 31),
        "tags": '["a", {"b": 1}]',
        "status": "open",
        "clock": 9,
    }
    assert {name: row[name] for name in COMMON} == {
        "desk": "acme",
        "id": "0",
        "version": 5,
        "deleted_at": None,
        "synced_at": NOW,
        "unparsed": None,
        "content_hash": 77,
    }


def test_rows_have_the_schema_of_their_table() -> None:
    by = shaper()
    rows, _ = by.rows([settled({"id": 1, "colour": 1})], NOW)
    assert rows.schema == vendor_spec(PAPER, TICKETS, by.learned).arrow_schema()
    assert not rows.schema.field("id").nullable


def test_null_absent_and_empty() -> None:
    first, second, third = shape(
        {"id": 1, "subject": None, "tags": None}, {"id": 2}, {"id": 3, "subject": "", "tags": ""}
    )
    assert values(first) == values(second) == {}
    assert values(third) == {"subject": "", "tags": '""'}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", "n/a"),
        ("priority", 1.0),
        ("priority", True),
        ("priority", 2**63),
        ("priority", 10**40),
        ("price", "2.5"),
        ("price", 2**53 + 1),
        ("open", "true"),
        ("open", 1),
        ("subject", 7),
        ("subject", ["a"]),
        ("created_at", "yesterday"),
        ("created_at", ""),
        ("created_at", "2024-05-06T07:08:09"),
        ("created_at", "1899-12-31T23:59:59Z"),
        ("created_at", "2300-01-01T00:00:00Z"),
        ("created_at", 1_700_000_000),
        ("born", "0001-01-01"),
        ("born", "2024-13-01"),
        ("born", "2024-01-01T00:00:00Z"),
    ],
)
def test_a_value_that_does_not_fit_stands_in_unparsed(field: str, value: Any) -> None:
    good = {"id": 2, "priority": 3, "price": 1, "open": True, "subject": "x", "born": "2024-02-29"}
    bad, other = shape({"id": 1, field: value}, good)
    assert bad[field] is None
    assert json.loads(bad["unparsed"]) == {field: value}
    assert other["unparsed"] is None
    assert values(other) == {**values(other), "priority": 3, "price": 1.0, "open": True, "subject": "x"}


@pytest.mark.parametrize("value", ["1900-01-01T00:00:00Z", "2299-12-31T23:59:59.999999Z", "2024-02-29T23:59:59-12:00"])
def test_instants_at_the_bounds_fit(value: str) -> None:
    (row,) = shape({"id": 1, "created_at": value})
    assert row["created_at"] == datetime.fromisoformat(value)
    assert row["unparsed"] is None


def test_a_number_too_large_for_a_double_is_kept() -> None:
    (row,) = shape('{"id": 1, "price": 1e400}')
    assert row["unparsed"] == '{"price":1e400}'


def test_drift_of_one_field_keeps_the_column() -> None:
    rows = shape(*({"id": n, "priority": value} for n, value in enumerate([10, "n/a", ["a"], None])))
    assert [row["priority"] for row in rows] == [10, None, None, None]
    assert [row["unparsed"] and json.loads(row["unparsed"]) for row in rows] == [
        None,
        {"priority": "n/a"},
        {"priority": ["a"]},
        None,
    ]


def test_a_new_field_becomes_a_json_column_and_the_next_list_is_fast() -> None:
    by = shaper()
    first = shape({"id": 1, "Order ID": 5}, {"id": 2, "Order ID": {"a": None}}, {"id": 3, "Order ID": None}, by=by)
    assert [row["order_id"] for row in first] == ["5", '{"a": null}', None]
    assert by.learned == {"Order ID": "order_id"}
    layout = by.layout
    (row,) = shape({"id": 4, "Order ID": "x"}, by=by)
    assert row["order_id"] == '"x"'
    assert by.layout is layout


def test_fields_that_collide_stay_apart() -> None:
    titles = ["Order ID", "order-id", "order_id", "Subject", "version", "desk", "unparsed"]
    by = shaper()
    (row,) = shape({"id": 1, "subject": "own", **{title: title for title in titles}}, by=by)
    assert len(set(by.learned.values())) == len(titles)
    assert [row[by.learned[title]] for title in titles] == [json.dumps(title) for title in titles]
    assert (row["subject"], row["version"], row["desk"], row["unparsed"]) == ("own", 5, "acme", None)
    assert (by.learned["version"], by.learned["desk"]) == ("version_vendor", "desk_vendor")


def test_a_learned_field_keeps_its_column_in_later_syncs() -> None:
    before = shaper()
    shape({"id": 1, "order-id": 1}, by=before)
    later = shaper(learned=before.learned)
    shape({"id": 1, "Order ID": 2, "order-id": 3}, by=later)
    assert later.learned["order-id"] == before.learned["order-id"]
    assert later.learned["Order ID"] != later.learned["order-id"]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"], ids=["quote", "backslash", "newline"])
def test_a_field_that_no_column_can_decode_stands_in_unparsed(name: str) -> None:
    first, second = shape({"id": 1, name: [1], "subject": "x"}, {"id": 2, "subject": "y"})
    assert json.loads(first["unparsed"]) == {name: [1]}
    assert (first["subject"], second["subject"], second["unparsed"]) == ("x", "y", None)


def test_a_name_of_a_hundred_letters_fits() -> None:
    by = shaper()
    (row,) = shape({"id": 1, "ä" * 100: 1, "ä" * 101: 2}, by=by)
    names = [by.learned["ä" * 100], by.learned["ä" * 101]]
    assert all(len(name.encode()) <= 63 for name in names)
    assert [row[name] for name in names] == ["1", "2"]


def test_fields_that_repeat_another_are_not_stored() -> None:
    by = shaper()
    (row,) = shape({"id": 1, "echo": [1]}, by=by)
    assert "echo" not in row
    assert by.learned == {}


def test_a_key_of_another_name_is_a_column_too() -> None:
    (row,) = shape({"name": "red", "shade": "dark", "id": 3}, by=shaper(COLOURS))
    assert (row["name"], row["shade"], row["id_vendor"]) == ("red", "dark", "3")


def test_the_real_type_of_a_column_wins() -> None:
    real = shaper(priority=Kind.TEXT, price=Kind.JSON, subject=Kind.INTEGER)
    (row,) = shape({"id": 1, "priority": 3, "price": 2.5, "subject": "x"}, by=real)
    assert (row["priority"], row["price"], row["subject"]) == (None, "2.5", None)
    assert json.loads(row["unparsed"]) == {"priority": 3, "subject": "x"}
    (fits,) = shape({"id": 1, "priority": "high", "subject": 4}, by=real)
    assert (fits["priority"], fits["subject"], fits["unparsed"]) == ("high", 4, None)


def test_a_field_that_a_later_release_declares_keeps_its_json_column() -> None:
    declared = replace(TICKETS, columns=(*TICKETS.columns, Column("colour", Kind.TEXT)))
    later = Shaper(PAPER, declared, "acme", {"colour": "colour"}, lambda: {"colour": Kind.JSON})
    (row,) = shape({"id": 1, "colour": "red"}, by=later)
    assert row["colour"] == '"red"'
    assert list(row).count("colour") == 1


def test_a_record_that_is_too_deep_is_rejected_alone() -> None:
    deep = '{"id": 2, "tags": ' + "[" * 5000 + "]" * 5000 + "}"
    rows, rejected = shaper().rows([settled({"id": 1}, 1), settled(deep, 2), settled({"id": 3}, 3)], NOW)
    assert rows["id"].to_pylist() == ["1", "3"]
    assert [(one.record_id, one.stage, one.reason) for one in rejected] == [("2", "shape", "nested too deep")]


def test_more_records_than_a_chunk() -> None:
    rows = shape(*({"id": n, "subject": str(n), f"new_{n // 2000}": n} for n in range(6000)))
    assert [row["subject"] for row in rows] == [str(n) for n in range(6000)]
    assert [row["new_0"] for row in rows[:2000]] == [str(n) for n in range(2000)]
    assert rows[5999]["new_2"] == "5999"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes(datetime(1800, 1, 1), datetime(2400, 1, 1)).map(lambda moment: f"{moment.isoformat()}Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([c.name for c in TICKETS.columns if c.name != "id"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=5
).filter(lambda name: name not in ("id", "echo"))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(names, json_values, max_size=5), max_size=4))
def test_no_value_is_lost(records: list[dict[str, Any]]) -> None:
    by = shaper()
    rows, rejected = by.rows([settled(json.dumps(one), n) for n, one in enumerate(records)], NOW)
    assert rejected == []
    for record, row in zip(records, rows.to_pylist(), strict=True):
        aside = json.loads(row["unparsed"]) if row["unparsed"] else {}
        for name, value in record.items():
            assert found(by, row, aside, name) == as_stored(by, name, value, aside)


def found(by: Shaper, row: dict[str, Any], aside: dict[str, Any], name: str) -> Any:
    """What a row holds of a field: in its column, or in `unparsed`."""
    column = column_of(by, name)
    if column is None:
        return aside[name]
    if column in aside:
        assert row[column] is None
        return aside[column]
    kind = by.layout.spec.kinds()[column]
    return json.loads(row[column]) if kind is Kind.JSON and row[column] is not None else row[column]


def as_stored(by: Shaper, name: str, value: Any, aside: dict[str, Any]) -> Any:
    column = column_of(by, name)
    kind = by.layout.spec.kinds()[column] if column else Kind.JSON
    if column in aside or value is None:
        return value
    if kind is Kind.TIMESTAMP:
        return instants.parse(value)
    return date.fromisoformat(value) if kind is Kind.DATE else value


def column_of(by: Shaper, name: str) -> str | None:
    place = by.layout.places.get(name)
    return None if place is None else by.layout.fields[place].column


def test_duplicate_names_in_one_record_leave_the_last() -> None:
    (row,) = shape('{"id": 1, "subject": "a", "subject": "b"}')
    assert row["subject"] == "b"


def test_raw_is_not_needed_after_shaping() -> None:
    one = settled({"id": 1, "tags": [1]})
    rows, _ = shaper().rows([one], NOW)
    one.raw = msgspec.Raw(b"")
    assert rows["tags"].to_pylist() == ["[1]"]


def test_a_column_that_another_desk_made_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    real = dict.fromkeys((f"other_{number}" for number in range(30)), Kind.JSON)
    at = layout(PAPER, TICKETS, {}, real)
    assert with_room(TICKETS, {}, ["other_1", "new"], at, real) == ["other_1", "new"]
    monkeypatch.setattr(layouts, "MOST_COLUMNS", 10)
    full = layout(PAPER, TICKETS, {}, real)
    assert with_room(TICKETS, {}, ["other_1", "new"], full, real) == ["other_1"]

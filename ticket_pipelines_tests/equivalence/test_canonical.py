"""What the canonical form tells apart, and what it takes for the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from dlt_sources.base import Kind
from ticket_pipelines_tests.equivalence.canonical import digest, rows

INDIA = timezone(timedelta(hours=5, minutes=30))
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def hashed(value: Any, kind: Kind, column: str = "given") -> str:
    return digest(rows("tickets", [{column: value, "synced_at": object()}], {column: kind, "synced_at": kind}))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.TEXT, [None, "", " ", "null", "1"]),
        (Kind.INTEGER, [None, 0, 1, -1, 2**63 - 1, 2**63 - 2]),
        (Kind.NUMBER, [None, 0.1, 0.1 + 1e-17 + 1e-16, 1e308, 5e-324]),
        (Kind.BOOLEAN, [None, True, False]),
        (Kind.TIMESTAMP, [None, NOON, NOON + timedelta(microseconds=1), NOON.replace(tzinfo=INDIA)]),
        (Kind.DATE, [None, date(2025, 6, 1), date(2025, 6, 2)]),
        (Kind.JSON, [None, "null", '""', '"null"', "[]", "{}", '{"a":null}', "[1,2]", "[2,1]", '"1"', "1", "true"]),
    ],
)
def test_other_values_have_other_hashes(kind: Kind, values: list[Any]) -> None:
    assert len({hashed(value, kind) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.NUMBER, 1.0, 1),
        (Kind.NUMBER, -0.0, 0.0),
        (Kind.TIMESTAMP, NOON, NOON.astimezone(INDIA)),
        (Kind.JSON, '{"b": 1.50, "a": [1e2]}', '{"a":[100],"b":1.5}'),
        (Kind.JSON, '"\\u00e9"', '"é"'),
    ],
)
def test_the_same_value_in_other_words_has_the_same_hash(kind: Kind, one: Any, other: Any) -> None:
    assert hashed(one, kind) == hashed(other, kind)


def test_a_time_without_a_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        hashed(datetime(2025, 6, 1), Kind.TIMESTAMP)


def test_the_time_of_a_deletion_counts_where_the_vendor_gave_it() -> None:
    missed = [datetime(2026, 6, day, tzinfo=UTC) for day in (1, 2)]
    assert len({hashed(at, Kind.TIMESTAMP, "deleted_at") for at in missed}) == 1
    told = [NOON, NOON + timedelta(seconds=1), None, missed[0]]
    assert len({hashed(at, Kind.TIMESTAMP, "deleted_at") for at in told}) == len(told)


def test_the_order_of_rows_does_not_count_but_each_row_does() -> None:
    kinds = {"id": Kind.TEXT}
    one, two = {"id": "1"}, {"id": "2"}
    assert rows("tickets", [one, two], kinds) == rows("tickets", [two, one], kinds)
    assert len({digest(rows("tickets", each, kinds)) for each in ([one, two], [one], [one, one], [])}) == 4

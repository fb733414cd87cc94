"""Heads: id, version, hash and deletion of a record, and what has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources.base import Clock, Deletion
from ticket_pipelines.sync.heads import Head, HeadReader, Rejected, content_hash
from ticket_pipelines_tests.sync.paper import PEOPLE, TICKETS, raw

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def read(*records: Any, stream: Any = TICKETS) -> tuple[list[Head], list[Rejected]]:
    return HeadReader(stream).read([raw(one) for one in records], NOW)


def test_version_in_milliseconds() -> None:
    assert [head.version for head in read({"id": 1, "clock": 1_700_000_000}, {"id": 2, "clock": 1.5})[0]] == [
        1_700_000_000_000,
        1500,
    ]


@pytest.mark.parametrize(
    ("value", "version"),
    [
        pytest.param("2023-11-14T22:13:20Z", 1_700_000_000_000, id="utc"),
        pytest.param("2023-11-14T23:13:20.123+01:00", 1_700_000_000_123, id="offset"),
        pytest.param("2023-11-14T22:13:20.1234567Z", 1_700_000_000_123, id="more digits than microseconds"),
        pytest.param("2023-11-14T22:13:20", None, id="no zone"),
        pytest.param("yesterday", None, id="not a time"),
        pytest.param(5, None, id="not text"),
        pytest.param(None, None, id="null"),
    ],
)
def test_version_from_text(value: Any, version: int | None) -> None:
    record = {"id": 1, "updated_at": value}
    assert [head.version for head in read(record, stream=PEOPLE)[0]] == [version]


@pytest.mark.parametrize("value", ["x", None, True, 10**30, 1e300], ids=str)
def test_a_clock_that_is_none(value: Any) -> None:
    assert read({"id": 1, "clock": value})[0][0].version is None


def test_ids_are_text() -> None:
    heads, _ = read({"id": 7}, {"id": "7b"}, {"id": 10**25})
    assert [head.id for head in heads] == ["7", "7b", str(10**25)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param({"subject": "x"}, "no id: field 'id' is missing or not one", id="no id"),
        pytest.param({"id": None}, "no id: field 'id' is missing or not one", id="null"),
        pytest.param({"id": ""}, "no id: field 'id' is missing or not one", id="empty"),
        pytest.param({"id": 1.5}, "no id: field 'id' is missing or not one", id="fraction"),
        pytest.param({"id": True}, "no id: field 'id' is missing or not one", id="true"),
        pytest.param("[1]", "not a JSON object", id="a list"),
        pytest.param("7", "not a JSON object", id="a number"),
        pytest.param('{"id": 1, "a": "\\ud800"}', "not valid JSON text", id="lone surrogate"),
        pytest.param('{"id": 1, "a": ', "not valid JSON text", id="cut off"),
        pytest.param(b'{"id": 1, "a": "\xff"}', "not valid JSON text", id="not UTF-8"),
        pytest.param('{"id": 1, "a": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deep", id="too deep"),
    ],
)
def test_a_record_without_a_head_is_rejected_alone(record: Any, reason: str) -> None:
    heads, rejected = read({"id": 1}, record, {"id": 2})
    assert [head.id for head in heads] == ["1", "2"]
    assert [(one.stage, one.reason, one.payload) for one in rejected] == [("shape", reason, bytes(raw(record)))]


def test_deleted_at_the_time_of_the_version() -> None:
    (head,), _ = read({"id": 1, "clock": 1_700_000_000, "status": "deleted"})
    assert head.deleted_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "record", "deleted_at"),
    [
        pytest.param(
            Deletion("gone", None, "soft", at="gone"), {"gone": "2024-01-02T00:00:00Z"}, "2024-01-02", id="at"
        ),
        pytest.param(Deletion("gone", None, "soft"), {"gone": 0, "clock": 86_400}, "1970-01-02", id="any value"),
        pytest.param(Deletion("gone", True, "soft"), {"gone": True}, "2025-06-01", id="no clock: now"),
        pytest.param(Deletion("gone", True, "soft"), {"gone": 1}, None, id="1 is not true"),
        pytest.param(Deletion("gone", True, "soft"), {"gone": False}, None, id="false"),
        pytest.param(Deletion("gone", None, "soft"), {"gone": None}, None, id="null"),
        pytest.param(Deletion("a", "x", "soft", also=(("b", "y"),)), {"a": "x", "b": "y"}, "2025-06-01", id="both"),
        pytest.param(Deletion("a", "x", "soft", also=(("b", "y"),)), {"a": "x", "b": "z"}, None, id="one of two"),
    ],
)
def test_deletion_rules(rule: Deletion, record: dict[str, Any], deleted_at: str | None) -> None:
    (head,), _ = read({"id": 1, **record}, stream=replace(TICKETS, deletions=(rule,)))
    assert (head.deleted_at and head.deleted_at.date().isoformat()) == deleted_at


def test_the_first_rule_that_matches_dates_the_deletion() -> None:
    rules = (Deletion("a", True, "permanent", at="first"), Deletion("a", True, "soft", at="second"))
    record = {"id": 1, "a": True, "first": "2024-01-01T00:00:00Z", "second": "2024-02-02T00:00:00Z"}
    (head,), _ = read(record, stream=replace(TICKETS, deletions=rules, clock_unit=Clock.EPOCH_SECONDS))
    assert head.deleted_at == datetime(2024, 1, 1, tzinfo=UTC)


def test_the_hash_is_a_bigint_and_tells_contents_apart() -> None:
    hashes = {content_hash(raw({"id": number})) for number in range(1000)}
    assert len(hashes) == 1000
    assert all(-(2**63) <= found < 2**63 for found in hashes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=6))
def test_every_record_has_a_head_or_is_rejected(values: list[Any]) -> None:
    records = [msgspec.Raw(msgspec.json.encode(value)) for value in values if encodable(value)]
    heads, rejected = HeadReader(TICKETS).read(records, NOW)
    assert sorted([*(bytes(h.raw) for h in heads), *(r.payload for r in rejected)]) == sorted(map(bytes, records))


def encodable(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (msgspec.MsgspecError, OverflowError, UnicodeError):
        return False
    return True

"""Whatever a record holds, its mapping neither raises nor makes a value up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources.base import Kind
from dlt_sources.zendesk.streams import STREAMS
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.labels import STATUSES
from ticket_pipelines.unified.model import TABLES, UNIFIED
from ticket_pipelines_tests.unified.vendor_rows import mapped

MAPPED = sorted(mappings("zendesk"))
ASSUMED = {"record_type", "number", "kind", "entity", "alias", "field", "event_type", "id"}
"""Columns that a row has by being a row of its table."""

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "channel", "x"]), inner)
    ),
    max_leaves=8,
)
BY_KIND: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(max_size=8),
    Kind.INTEGER: st.integers(-(2**31), 2**31),
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    Kind.BOOLEAN: st.booleans(),
    Kind.TIMESTAMP: st.sampled_from(["1900-01-01T00:00:00Z", "2026-02-28T23:59:59.999999Z", "2299-12-31T00:00:00Z"]),
    Kind.DATE: st.just("2026-01-01"),
    Kind.JSON: JSON_VALUES,
}


def records(stream: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    declared = next(one for one in STREAMS if one.name == stream)
    optional = {column.name: st.none() | BY_KIND[column.kind] for column in declared.columns}
    one = st.fixed_dictionaries({declared.key: st.integers(1, 10**14)}, optional=optional)
    return st.lists(one, max_size=3, unique_by=lambda record: record[declared.key])


@pytest.mark.parametrize("stream", MAPPED)
@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_maps_into_the_schema_with_its_key_and_version(stream: str, data: st.DataObject) -> None:
    found = mapped(stream, *data.draw(records(stream)), version=7)
    for name, table in found.tables.items():
        assert table.schema == TABLES[name].arrow_schema()
        assert set(table["desk"].to_pylist()) <= {"acme"}
        assert set(table["version"].to_pylist()) <= {7}
        ids = table["id"].to_pylist()
        assert None not in ids
        assert len(set(ids)) == len(ids)


CHILD_KEYS = [
    "id",
    "type",
    "event_type",
    "via",
    "status",
    "field_name",
    "value",
    "previous_value",
    "custom_ticket_fields",
    "comment_present",
    "body",
    "author_id",
    "public",
    "attachments",
    "created_at",
    "data",
]
CHILDREN = st.dictionaries(
    st.sampled_from(CHILD_KEYS), JSON_VALUES | st.sampled_from(["Comment", "VoiceComment", "Change", "Create"])
)


@given(st.lists(CHILDREN, max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_child_of_an_event_is_a_row(children: list[dict[str, Any]]) -> None:
    found = mapped("ticket_events", {"id": 50, "ticket_id": 35, "child_events": children})
    ids = found.tables["ticket_events"]["id"].to_pylist()
    assert [f"50:{position}" for position in range(len(children))] == [key for key in ids if "." not in key]


@pytest.mark.parametrize("stream", MAPPED)
def test_a_record_that_says_nothing_gives_nothing(stream: str) -> None:
    found = mapped(stream, {"id": 1})
    common = {column.name for column in UNIFIED}
    for table in found.tables.values():
        for row in table.to_pylist():
            given_values = {name for name, value in row.items() if value is not None}
            assert given_values - common <= ASSUMED
    assert not found.warnings


@pytest.mark.parametrize("status", sorted(STATUSES["zendesk"]))
def test_every_status_of_zendesk_is_mapped(status: str) -> None:
    found = mapped("tickets", {"id": 1, "status": status})
    (row,) = found.tables["tickets"].to_pylist()
    assert row["status_raw"] == status
    assert (row["status"] is None) == (status == "deleted")
    assert not found.warnings

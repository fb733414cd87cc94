"""Whatever JSON stands in any field of any vendor's record: its mapping never raises, and never makes a value up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources import VENDORS
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines_tests.sync.paper import raw

Record = dict[str, Any]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MAPPED = [(vendor, stream) for vendor in VENDORS for stream in sorted(mappings(vendor))]
OURS = {"desk", "version", "deleted_at", "synced_at", "vendor", "deletion_kind", "record_type", "entity", "kind"}
OURS |= {"event_type", "field", "link_type", "alias"}
"""Columns that say what a row is, not what the vendor says: their values are ours."""

IMPLIED = {"event_id", "role", "is_system", "key"}
"""What follows from the stream that a record stands in."""

WORDS = st.integers(0, 10**6).map(lambda number: f"word{number}")
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda one: f"{one.isoformat()}Z")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | MOMENTS
    | st.sampled_from(["", " ", "null", "<b>word1</b>", "a@b.example", "https://a.example/x?y=1", "\u202e", "0"])
)
INNER = ["id", "value", "name", "type", "created_at", "email", "body", "field_name", "module", "zuid", "firstName"]
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER) | WORDS, inner, max_size=4),
    max_leaves=8,
)


def records(vendor: str, stream: str) -> st.SearchStrategy[list[Record]]:
    """Records with anything in any declared field, and in some that are not declared."""
    declared = VENDORS[vendor].stream(stream)
    names = [column.name for column in declared.columns if column.name != declared.key]
    fields = st.dictionaries(st.sampled_from(names) | WORDS, ANY, max_size=10)
    one = st.tuples(st.integers(1, 10**12), fields).map(lambda given: {**given[1], declared.key: given[0]})
    return st.lists(one, max_size=3, unique_by=lambda record: record[declared.key])


def said(value: Any) -> Iterator[str]:
    """Every text in a value, names of fields included."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from said(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from said(inner)
    elif value is not None:
        yield str(value)


@pytest.mark.parametrize(("vendor", "stream"), MAPPED)
@given(data=st.data())
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_mapping_never_raises_and_never_invents(vendor: str, stream: str, data: st.DataObject) -> None:
    given_records = data.draw(records(vendor, stream))
    declared = VENDORS[vendor].stream(stream)
    settled = [Settled(raw(one), str(one[declared.key]), 7, 1, None, Outcome.CREATED, None, 1) for one in given_records]
    rows, rejected = Shaper(VENDORS[vendor], declared, "acme", {}, dict).rows(settled, NOW)
    assert rejected == []

    found = mappings(vendor)[stream].rows(rows)

    words = {word for record in given_records for text in said(record) for word in re.findall(r"word\d+", text)}
    moments = {one for record in given_records for text in said(record) if (one := _moment(text))}
    for name, table in found.tables.items():
        assert table.schema == TABLES[name].arrow_schema()
        ids = table["id"].to_pylist()
        assert None not in ids
        assert len(set(ids)) == len(ids)
        for row in table.to_pylist():
            assert (row["desk"], row["synced_at"], row["deleted_at"]) == ("acme", NOW, None)
            # what a record only mentions is older than any record of its own
            assert row["version"] in (7, 0)
            for column, value in row.items():
                if value is not None and column not in OURS:
                    assert_said(f"{name}.{column}", value, words, moments, given_records)


def assert_said(column: str, value: Any, words: set[str], moments: set[datetime], given_records: list[Record]) -> None:
    if isinstance(value, datetime):
        assert value in moments, column
    elif isinstance(value, str):
        assert set(re.findall(r"word\d+", value)) <= words, column
    elif not isinstance(value, bool):
        texts = {text for record in given_records for text in said(record)}
        assert str(value) in texts or any(_number(text) == value for text in texts), column


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@pytest.mark.parametrize(("vendor", "stream"), MAPPED)
def test_a_record_that_says_nothing_gives_nothing(vendor: str, stream: str) -> None:
    declared = VENDORS[vendor].stream(stream)
    bare = Settled(raw({declared.key: 1}), "1", 7, 1, None, Outcome.CREATED, None, 1)
    rows, _ = Shaper(VENDORS[vendor], declared, "acme", {}, dict).rows([bare], NOW)
    found = mappings(vendor)[stream].rows(rows)
    assert not found.warnings
    for name, table in found.tables.items():
        for row in table.to_pylist():
            said_of_it = {column for column, value in row.items() if value is not None and column not in OURS}
            assert said_of_it <= {"id", "number", "field_id", "title", "ticket_id", *IMPLIED}, name

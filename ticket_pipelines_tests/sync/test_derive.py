"""Deriving unified rows: the row that cannot be mapped stands alone, each id once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.sync.derive import derive, newest
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper
from ticket_pipelines.unified import StreamMapping
from ticket_pipelines_tests.sync.paper import PAPER, TICKETS, map_tickets, raw, ticket

NOW = datetime(2025, 6, 1, tzinfo=UTC)
MAPPINGS = {"tickets": StreamMapping(map_tickets)}


def vendor_rows(*records: dict[str, Any]) -> pa.Table:
    settled = [
        Settled(raw(one), str(one["id"]), one["clock"] * 1000, 1, None, Outcome.CREATED, None, 1) for one in records
    ]
    return Shaper(PAPER, TICKETS, "acme", {}, dict).rows(settled, NOW)[0]


def test_rows_of_all_tables() -> None:
    derived = derive(MAPPINGS, {"tickets": vendor_rows(ticket(1, tags=["a", "b"]), ticket(2)), "people": pa.table({})})
    assert derived.tables["tickets"]["id"].to_pylist() == ["1", "2"]
    assert derived.tables["ticket_comments"]["id"].to_pylist() == ["1:a", "1:b"]


@given(st.lists(st.booleans(), max_size=12))
def test_only_the_rows_that_cannot_be_mapped_are_set_aside(poison: list[bool]) -> None:
    records = [ticket(n, subject="unmappable" if bad else "fine") for n, bad in enumerate(poison)]
    derived = derive(MAPPINGS, {"tickets": vendor_rows(*records)})
    mapped = derived.tables["tickets"]["id"].to_pylist() if "tickets" in derived.tables else []
    assert mapped == [str(n) for n, bad in enumerate(poison) if not bad]
    assert [one.id for one in derived.poison] == [str(n) for n, bad in enumerate(poison) if bad]
    assert {one.reason for one in derived.poison} <= {"ValueError in the unified mapping"}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(0, 3)), max_size=9))
def test_each_id_once_with_its_highest_version_as_it_was_read_last(keys: list[tuple[str, int, int]]) -> None:
    rows = pa.table(
        {
            "id": pa.array([key for key, *_ in keys], pa.string()),
            "version": pa.array([version for _, version, _ in keys], pa.int64()),
            "synced_at": pa.array([second * 1_000_000 for *_, second in keys], pa.timestamp("us", "UTC")),
            "place": pa.array(range(len(keys)), pa.int64()),
        }
    )
    found = {row["id"]: row for row in newest(rows).to_pylist()}
    assert len(found) == newest(rows).num_rows == len({key for key, *_ in keys})
    for key, row in found.items():
        last = max((version, second, place) for place, (other, version, second) in enumerate(keys) if other == key)
        assert (row["version"], row["place"]) == (last[0], last[2])

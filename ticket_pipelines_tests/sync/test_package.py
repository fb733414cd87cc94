"""Packages: bounded, each id once, the newest copy kept, every record counted once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.sync.heads import HeadReader, Rejected
from ticket_pipelines.sync.package import Bounds, Package
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.warehouse.base import Stored
from ticket_pipelines_tests.sync.paper import TICKETS, raw, ticket

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def filled(*records: Any, stored: dict[str, Stored] | None = None, bounds: Bounds | None = None) -> Package:
    package = Package(bounds or Bounds())
    heads, rejected = HeadReader(TICKETS).read([raw(one) for one in records], NOW)
    package.add("tickets", heads, rejected, sum(len(bytes(head.raw)) for head in heads))
    for name, waiting in package.waiting():
        package.settle(name, waiting, stored or {}, False)
    return package


def kept(package: Package) -> dict[str, tuple[int, bytes]]:
    return {key: (one.version, bytes(one.raw)) for key, one in package.kept["tickets"].items()}


def test_the_highest_version_of_an_id_is_kept() -> None:
    package = filled(ticket(1, 5), ticket(1, 9, subject="new"), ticket(1, 7), ticket(2, 1))
    assert {key: version for key, (version, _) in kept(package).items()} == {"1": 9000, "2": 1000}
    assert package.count("tickets").unchanged == 2


def test_of_equal_versions_the_last_read_is_kept() -> None:
    package = filled(ticket(1, 5, subject="first"), ticket(1, 5, subject="second"))
    assert b"second" in kept(package)["1"][1]


def test_a_copy_that_goes_back_to_what_is_stored_leaves_nothing() -> None:
    before = filled(ticket(1, 5)).kept["tickets"]["1"]
    stored = {"1": Stored(before.version, before.content_hash, None)}
    package = filled(ticket(1, 5), stored=stored)
    assert kept(package) == {}
    assert package.is_empty
    assert package.count("tickets").unchanged == 1


def test_an_outcome_is_told_against_what_is_stored() -> None:
    package = filled(ticket(1, 5), ticket(1, 6, status="deleted"), stored={"1": Stored(1000, 1, None)})
    assert package.kept["tickets"]["1"].outcome is Outcome.DELETED


def test_it_is_bounded_in_rows_and_bytes() -> None:
    by_rows = filled(ticket(1), ticket(2), bounds=Bounds(rows=2))
    assert by_rows.is_full
    assert not by_rows.has_room(1, 1)
    by_size = filled(ticket(1, subject="x" * 100), bounds=Bounds(size=100))
    assert by_size.is_full
    assert not by_size.has_room(1, 1)


def test_a_page_larger_than_the_bounds_fits_an_empty_package() -> None:
    assert Package(Bounds(rows=2)).has_room(1500, 10)


def test_many_unchanged_records_end_it_too() -> None:
    stored = {"1": Stored(10**15, 1, None)}
    package = filled(*[ticket(1)] * 5, stored=stored, bounds=Bounds(read=5))
    assert package.is_full
    assert package.count("tickets").unchanged == 5


def test_a_record_among_many_unchanged_does_not_hold_its_page_in_memory() -> None:
    page = msgspec.json.decode(json.dumps([ticket(n) for n in range(9)]).encode(), type=list[msgspec.Raw])
    heads, _ = HeadReader(TICKETS).read(page, NOW)
    stored = {head.id: Stored(head.version or 0, head.content_hash, None) for head in heads[1:]}
    package = Package(Bounds())
    package.settle("tickets", heads, stored, False)
    (kept,) = package.kept["tickets"].values()
    assert kept.raw is not heads[0].raw
    assert bytes(kept.raw) == bytes(heads[0].raw)


def test_rejected_records_alone_make_a_package() -> None:
    package = Package(Bounds())
    package.reject([Rejected("tickets", "shape", "no id", b"{}")])
    assert not package.is_empty


copies = st.lists(
    st.builds(ticket, st.integers(1, 3), st.integers(1, 4), status=st.sampled_from(["open", "deleted"])), max_size=12
)


@given(copies)
def test_every_record_is_counted_once(records: list[dict[str, Any]]) -> None:
    package = filled(*records)
    found = package.kept.get("tickets", {})
    assert len(found) + package.count("tickets").unchanged == len(records)
    assert package.read == len(records)
    for key, one in found.items():
        assert one.version == 1000 * max(r["clock"] for r in records if str(r["id"]) == key)

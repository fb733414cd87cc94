"""Settling: a pure decision, with its laws."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.sync.heads import Head
from ticket_pipelines.sync.settle import Outcome, settle
from ticket_pipelines.warehouse.base import Stored

THEN = datetime(2024, 1, 1, tzinfo=UTC)


def head(version: int | None, content: int = 1, deleted: bool = False, older: bool = False) -> Head:
    return Head(msgspec.Raw(b"{}"), "7", version, content, THEN if deleted else None, older)


def row(version: int, content: int = 1, deleted: bool = False) -> Stored:
    return Stored(version, content, THEN if deleted else None)


@pytest.mark.parametrize(
    ("record", "stored", "counted", "outcome", "version"),
    [
        pytest.param(head(5), None, False, Outcome.CREATED, 5, id="new"),
        pytest.param(head(None), None, True, Outcome.CREATED, 1, id="new without a clock"),
        pytest.param(head(5, deleted=True), None, False, Outcome.DELETED, 5, id="new tombstone"),
        pytest.param(head(5), row(5), False, Outcome.UNCHANGED, 5, id="the same"),
        pytest.param(head(5), row(9), True, Outcome.UNCHANGED, 9, id="the same under a counted version"),
        pytest.param(head(4, 2), row(5), False, Outcome.STALE, 5, id="an older copy"),
        pytest.param(head(5, 2), row(5), False, Outcome.UPDATED, 5, id="changed within the clock's second"),
        pytest.param(head(6, 2), row(5), False, Outcome.UPDATED, 6, id="changed later"),
        pytest.param(head(5, 2), row(5), True, Outcome.UPDATED, 6, id="changed without a higher clock"),
        pytest.param(head(3, 2), row(5), True, Outcome.UPDATED, 6, id="changed with a lower clock"),
        pytest.param(head(9, 2), row(5), True, Outcome.UPDATED, 9, id="an untrusted clock that moved"),
        pytest.param(head(3, 2, older=True), row(5), True, Outcome.STALE, 5, id="out of an older file"),
        pytest.param(head(3, older=True), row(5, 2, deleted=True), True, Outcome.STALE, 5, id="deleted since the file"),
        pytest.param(head(9, 2, older=True), row(5), True, Outcome.UPDATED, 9, id="out of a file that is newer"),
        pytest.param(head(None, 2), row(5), False, Outcome.UPDATED, 6, id="a clock that cannot be read"),
        pytest.param(head(6, 2, deleted=True), row(5), False, Outcome.DELETED, 6, id="deleted"),
        pytest.param(head(6, 2, deleted=True), row(5, deleted=True), False, Outcome.UPDATED, 6, id="scrubbed"),
        pytest.param(head(6, 2), row(5, deleted=True), False, Outcome.REVIVED, 6, id="restored"),
        pytest.param(head(5), row(6, deleted=True), True, Outcome.REVIVED, 7, id="seen again after a sweep"),
    ],
)
def test_each_case(record: Head, stored: Stored | None, counted: bool, outcome: Outcome, version: int) -> None:
    assert settle(record, stored, counted) == (outcome, version)


heads = st.builds(head, st.none() | st.integers(-5, 5), st.integers(1, 3), st.booleans())
rows = st.none() | st.builds(row, st.integers(-5, 5), st.integers(1, 3), st.booleans())


@given(heads, rows, st.booleans())
def test_a_version_never_falls(record: Head, stored: Stored | None, counted: bool) -> None:
    _, version = settle(record, stored, counted)
    assert stored is None or version >= stored.version


@given(heads, rows, st.booleans())
def test_settling_again_changes_nothing(record: Head, stored: Stored | None, counted: bool) -> None:
    outcome, version = settle(record, stored, counted)
    if not outcome.dropped:
        again = settle(record, Stored(version, record.content_hash, record.deleted_at), counted)
        assert again == (Outcome.UNCHANGED, version)


@given(heads, rows)
def test_what_is_read_from_a_listing_is_stored(record: Head, stored: Stored | None) -> None:
    outcome, _ = settle(record, stored, counted=True)
    assert outcome is not Outcome.STALE


@given(heads, rows, st.booleans())
def test_created_means_not_stored(record: Head, stored: Stored | None, counted: bool) -> None:
    outcome, _ = settle(record, stored, counted)
    if outcome is Outcome.CREATED:
        assert stored is None

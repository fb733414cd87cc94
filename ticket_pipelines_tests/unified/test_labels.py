from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from ticket_pipelines.unified.labels import (
    CATEGORIES,
    PRIORITIES,
    RANKS,
    STATUSES,
    category_of,
    each_distinct,
    priority_of,
    rank_of,
    status_of,
    unmapped,
)


@pytest.mark.parametrize(
    ("label", "status", "category"),
    [
        ("new", "new", "open"),
        ("open", "open", "open"),
        ("pending", "pending", "on_hold"),
        ("hold", "on_hold", "on_hold"),
        ("solved", "solved", "closed"),
        ("closed", "closed", "closed"),
        ("deleted", None, None),
        ("weird", None, None),
        (None, None, None),
    ],
)
def test_a_zendesk_status_has_its_canonical_one_and_its_category(
    label: str | None, status: str | None, category: str | None
) -> None:
    assert status_of(STATUSES["zendesk"], label) == status
    assert category_of(status_of(STATUSES["zendesk"], label)) == category


@pytest.mark.parametrize("label", ["Open", " open ", "O P E N"])
def test_case_and_spaces_do_not_matter(label: str) -> None:
    assert status_of(STATUSES["zendesk"], label) == "open"


def test_the_maps_name_canonical_words_alone() -> None:
    assert {status for known in STATUSES.values() for status in known.values()} - {None} <= set(CATEGORIES)
    assert {priority for known in PRIORITIES.values() for priority in known.values()} - {None} <= set(RANKS)


@pytest.mark.parametrize(("label", "rank"), [("urgent", 4), ("high", 3), ("normal", 2), ("low", 1), (None, None)])
def test_a_priority_has_its_rank(label: str | None, rank: int | None) -> None:
    assert priority_of("zendesk", label) == label
    assert rank_of(priority_of("zendesk", label)) == rank


def test_unmapped_labels_are_counted_and_known_ones_without_a_status_are_not() -> None:
    labels = pa.array(["open", "weird", None, "deleted", "weird"])
    assert unmapped(labels, STATUSES["zendesk"]) == Counter({"weird": 2})


def test_a_column_goes_through_a_function_with_null_staying_null() -> None:
    labels = pa.array(["HOLD", None, "weird"])
    found = each_distinct(labels, lambda label: status_of(STATUSES["zendesk"], label), pa.string())
    assert found.to_pylist() == ["on_hold", None, None]

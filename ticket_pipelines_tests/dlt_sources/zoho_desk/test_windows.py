from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources.base import Window
from dlt_sources.zoho_desk.bodies import Brief
from dlt_sources.zoho_desk.by_date import ByDate
from dlt_sources.zoho_desk.search import Found
from dlt_sources.zoho_desk.times import millis, minutes, stamp
from dlt_sources.zoho_desk.windows import Span, halves, parts

SPANS = st.tuples(st.integers(0, 2**32), st.integers(1, 2**30)).map(lambda ends: Span(ends[0], ends[0] + ends[1]))


def test_the_ends_of_a_window_lie_between_two_seconds() -> None:
    assert Span(1_466_514_974, 1_466_514_974).param == "2016-06-21T13:16:13.999Z,2016-06-21T13:16:14.999Z"


@given(SPANS)
def test_halves_leave_no_second_out_and_hold_none_twice(span: Span) -> None:
    first, second = halves(span)
    assert (first.first, second.last) == (span.first, span.last)
    assert second.first == first.last + 1
    assert first.param.split(",")[1] == second.param.split(",")[0]


@given(SPANS, st.lists(st.integers(0, 2**33), max_size=20))
def test_parts_hold_every_second_from_the_first_row_on(span: Span, seconds: list[int]) -> None:
    found = parts(span, seconds)
    assert found[-1].last == span.last
    assert all(one.last + 1 == other.first for one, other in pairwise(found))
    assert all(part.first <= part.last for part in found)
    rising = [second for second in seconds if span.first <= second <= span.last]
    earliest = min(rising, default=span.first) if rising == sorted(rising) else span.first
    assert found[0].first <= max(span.first, earliest)


def test_rows_in_rising_order_say_where_a_window_begins() -> None:
    assert parts(Span(0, 1_000), [500, 510, 700]) == [Span(500, 750), Span(751, 1_000)]


def test_rows_in_another_order_say_nothing() -> None:
    assert parts(Span(0, 1_000), [700, 510]) == [Span(0, 500), Span(501, 1_000)]


def test_a_second_that_fills_the_page_stands_alone() -> None:
    assert parts(Span(0, 1_000), [500, 500, 500]) == [Span(0, 499), Span(500, 500), Span(501, 1_000)]
    assert parts(Span(500, 1_000), [500, 500]) == [Span(500, 500), Span(501, 1_000)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2016-06-21T13:16:14.000Z", 1_466_514_974_000),
        (1_466_514_974_000, 1_466_514_974_000),
        ("2016-06-21T13:16:14", 1_466_514_974_000),
        ("yesterday", None),
        (None, None),
        (True, None),
        (10**18, None),
    ],
)
def test_times_come_as_text_or_as_milliseconds(value: object, found: int | None) -> None:
    assert millis(value) == found


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_comes_back_as_it_was_written(at: int) -> None:
    assert millis(stamp(at)) == at


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("01:50 hrs", 110),
        ("125:00 Hrs", 7_500),
        ("00:00 hrs", 0),
        ("", None),
        (None, None),
        ("2 days", None),
        (90, None),
    ],
)
def test_durations_in_words_become_minutes(words: object, found: int | None) -> None:
    assert minutes(words) == found


def test_people_of_whom_an_earlier_release_read_a_part_are_read_again_since_then() -> None:
    began, now = "2025-01-01T00:00:00.000Z", 1_736_000_000
    walk = ByDate({"modified": began, "created": "2024-05-01T00:00:00.000Z"}, Window(), now)
    walk.behind(Found([], [1_735_000_000], whole=True), [Brief("1", "2025-01-04T10:00:00.000Z")])
    live = walk.live(now + 60)
    assert live is not None
    assert live <= began


def test_an_empty_account_is_read_from_the_start() -> None:
    assert ByDate({}, Window(), 1_736_000_000).live(1_736_000_000) is None

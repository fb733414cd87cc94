from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources.limits import Announcement, Limit, MemoryBudgets, close, take


@given(
    total=st.integers(1, 12),
    period=st.sampled_from([10.0, 60.0]),
    steps=st.lists(st.floats(0, 30, allow_nan=False), max_size=80),
)
def test_no_span_of_the_period_ever_holds_more_than_the_total(total: int, period: float, steps: list[float]) -> None:
    now, taken, granted = 1000.0, list[float](), list[float]()
    for step in steps:
        now += step
        wait, taken = take(taken, now, total, period)
        if wait == 0.0:
            granted.append(now)
    for start in granted:
        assert sum(start <= each < start + period for each in granted) <= total


def test_the_wait_that_is_named_is_enough() -> None:
    wait, taken = take([100.0, 130.0], 140.0, 2, 60.0)
    assert wait == 20.0
    assert take(taken, 140.0 + wait, 2, 60.0)[0] == 0.0


def test_a_closed_budget_names_the_time_until_it_opens() -> None:
    assert take([], 100.0, 10, 60.0, closed_until=130.0) == (30.0, [])


def test_a_clock_that_was_set_back_does_not_close_the_budget() -> None:
    assert take([9_000.0] * 10, 100.0, 10, 60.0)[0] == 0.0


def test_an_announced_total_of_nothing_still_lets_a_request_through() -> None:
    assert take([], 100.0, 0, 60.0)[0] == 0.0


@pytest.mark.parametrize(
    ("remaining", "resets_in", "closed"),
    [(0, 7.0, 107.0), (3, 7.0, 0.0), (0, None, 0.0), (None, 7.0, 0.0)],
    ids=["used up", "some left", "no reset named", "nothing said"],
)
def test_only_a_used_up_budget_is_closed(remaining: int | None, resets_in: float | None, closed: float) -> None:
    assert close(Announcement("account", 10, remaining, resets_in), 100.0) == closed


def test_the_announced_total_rules() -> None:
    now = 100.0
    budgets = MemoryBudgets(lambda: now)
    budgets.observe("acme", "incremental", total=2, remaining=1, resets_in=None)
    assert [budgets.reserve("acme", (Limit("incremental", 10, 60.0),))[0] for _ in range(3)] == [0.0, 0.0, 60.0]
    budgets.observe("acme", "incremental", total=30, remaining=28, resets_in=None)
    assert budgets.reserve("acme", (Limit("incremental", 10, 60.0),))[0] == 0.0


def test_accounts_and_classes_are_counted_apart() -> None:
    budgets = MemoryBudgets(lambda: 100.0)
    assert budgets.reserve("acme", (Limit("incremental", 1, 60.0),))[0] == 0.0
    assert budgets.reserve("acme", (Limit("account", 1, 60.0),))[0] == 0.0
    assert budgets.reserve("umbrella", (Limit("incremental", 1, 60.0),))[0] == 0.0
    assert budgets.reserve("acme", (Limit("incremental", 1, 60.0),))[0] == 60.0


def test_a_request_takes_of_all_its_budgets_or_of_none() -> None:
    budgets, wide, narrow = MemoryBudgets(lambda: 100.0), Limit("account", 3), Limit("incremental", 1)
    assert budgets.reserve("acme", (wide, narrow)) == (0.0, "account")
    assert budgets.reserve("acme", (wide, narrow)) == (60.0, "incremental")
    assert [budgets.reserve("acme", (Limit("account", 3, 60.0),))[0] for _ in range(3)] == [0.0, 0.0, 60.0]
    assert budgets.reserve("acme", ()) == (0.0, "")


def test_a_clock_that_is_a_little_ahead_is_counted_and_one_that_was_set_back_is_not() -> None:
    assert take([100.5], 100.0, 1, 60.0)[0] == 60.5
    assert take([3700.0], 100.0, 1, 60.0)[0] == 0.0


def test_many_threads_get_no_more_than_the_total() -> None:
    budgets = MemoryBudgets(lambda: 100.0)
    waits: list[float] = []
    threads = [
        threading.Thread(target=lambda: waits.append(budgets.reserve("acme", (Limit("incremental", 10, 60.0),))[0]))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0.0) == 10

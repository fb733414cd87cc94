"""Budgets: no window of a period ever holds more requests than allowed, however many processes ask."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from dlt_sources.limits import CREDITS, Limit
from ticket_pipelines.control.budgets import ControlBudgets, left
from ticket_pipelines.control.connection import reading

ACCOUNT = "acme.zendesk.com"

TAKE_MANY = """
import sys, time
from dlt_sources.limits import Limit
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.connection import open_control
url, total, period, wanted = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
budgets = ControlBudgets(open_control(url))
taken = 0
while taken < wanted:
    wait = budgets.reserve("acme.zendesk.com", (Limit("incremental", total, period),))[0]
    if wait == 0.0:
        taken += 1
        print(time.time())
    else:
        time.sleep(wait)
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(control: sa.Engine, clock: Clock) -> ControlBudgets:
    return ControlBudgets(control, clock)


def take_all(budgets: ControlBudgets, limit: str = "incremental", total: int = 10, period: float = 60) -> int:
    """Takes until there is nothing left; the count."""
    count = 0
    while budgets.reserve(ACCOUNT, (Limit(limit, total, period),))[0] == 0.0:
        count += 1
    return count


def test_a_budget_gives_its_total_and_then_says_how_long_to_wait(budgets: ControlBudgets, clock: Clock) -> None:
    assert take_all(budgets) == 10
    clock.now += 20
    assert budgets.reserve(ACCOUNT, (Limit("incremental", 10, 60),))[0] == pytest.approx(40)
    clock.now += 40
    assert take_all(budgets) == 10


def test_classes_and_accounts_are_counted_apart(budgets: ControlBudgets) -> None:
    assert take_all(budgets) == 10
    assert budgets.reserve(ACCOUNT, (Limit("account", 400, 60),))[0] == 0.0
    assert budgets.reserve("other.zendesk.com", (Limit("incremental", 10, 60),))[0] == 0.0


def test_what_the_vendor_announces_rules_and_stays(control: sa.Engine, clock: Clock, budgets: ControlBudgets) -> None:
    budgets.observe(ACCOUNT, "incremental", total=30, remaining=20, resets_in=40)
    assert take_all(budgets) == 30
    clock.now += 61
    another_process = ControlBudgets(control, clock)
    assert take_all(another_process) == 30
    another_process.observe(ACCOUNT, "incremental", total=5, remaining=4, resets_in=40)
    clock.now += 61
    assert take_all(budgets) == 5


def test_nothing_remaining_closes_until_the_reset(budgets: ControlBudgets, clock: Clock) -> None:
    budgets.observe(ACCOUNT, "account", total=None, remaining=0, resets_in=25)
    assert budgets.reserve(ACCOUNT, (Limit("account", 400, 60),))[0] == pytest.approx(25)
    clock.now += 25
    assert budgets.reserve(ACCOUNT, (Limit("account", 400, 60),))[0] == 0.0


def test_a_closed_budget_stays_closed_for_every_process(
    control: sa.Engine, clock: Clock, budgets: ControlBudgets
) -> None:
    budgets.close_until(ACCOUNT, "incremental", clock.now + 90)
    budgets.close_until(ACCOUNT, "incremental", clock.now + 30)
    assert ControlBudgets(control, clock).reserve(ACCOUNT, (Limit("incremental", 10, 60),))[0] == pytest.approx(90)


def test_a_request_takes_of_all_its_budgets_or_of_none(budgets: ControlBudgets, clock: Clock) -> None:
    wide, narrow = Limit("account", 3), Limit("incremental", 1)
    assert budgets.reserve(ACCOUNT, (wide, narrow)) == (0.0, "account")
    assert budgets.reserve(ACCOUNT, (wide, narrow)) == (60.0, "incremental")
    assert take_all(budgets, "account", total=3) == 2
    clock.now += 60
    budgets.close_until(ACCOUNT, "account", clock.now + 5)
    assert budgets.reserve(ACCOUNT, (narrow, wide)) == (5.0, "account")
    assert take_all(budgets, total=1) == 1
    assert budgets.reserve(ACCOUNT, ()) == (0.0, "")


@pytest.mark.parametrize("control_url", ["postgres"], indirect=True)
def test_on_postgres_the_servers_clock_counts(control: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert take_all(ControlBudgets(control), total=3) == 3
    here = time.time
    with monkeypatch.context() as changed:
        changed.setattr(time, "time", lambda: here() + 3600)
        ahead = ControlBudgets(control)
        assert 0 < ahead.reserve(ACCOUNT, (Limit("incremental", 3, 60),))[0] <= 60


def remaining(control: sa.Engine, clock: Clock, limit: Limit) -> int | None:
    with reading(control) as connection:
        (found,) = left(connection, {ACCOUNT}, (limit,), clock.now)[ACCOUNT]
    return found.left


def test_what_is_left_is_the_total_without_the_requests_of_the_period(
    control: sa.Engine, clock: Clock, budgets: ControlBudgets
) -> None:
    exports = Limit("incremental", 10)
    assert remaining(control, clock, exports) == 10
    for _ in range(3):
        budgets.reserve(ACCOUNT, (Limit("incremental", 10, 60),))[0]
    assert remaining(control, clock, exports) == 7
    budgets.observe(ACCOUNT, "incremental", total=30, remaining=20, resets_in=40)
    assert remaining(control, clock, exports) == 27
    budgets.close_until(ACCOUNT, "incremental", clock.now + 90)
    assert remaining(control, clock, exports) == 0
    clock.now += 91
    assert remaining(control, clock, exports) == 30


def test_what_is_left_of_credits_is_what_the_vendor_said_for_a_day(
    control: sa.Engine, clock: Clock, budgets: ControlBudgets
) -> None:
    assert remaining(control, clock, CREDITS) is None
    budgets.observe(ACCOUNT, "credits", total=None, remaining=5_000, resets_in=None)
    assert remaining(control, clock, CREDITS) == 5_000
    clock.now += 3
    budgets.observe(ACCOUNT, "credits", total=None, remaining=4_999, resets_in=None)
    assert remaining(control, clock, CREDITS) == 5_000, "a write for each request"
    clock.now += 8
    budgets.observe(ACCOUNT, "credits", total=None, remaining=4_998, resets_in=None)
    assert remaining(control, clock, CREDITS) == 4_998
    budgets.observe(ACCOUNT, "credits", total=None, remaining=0, resets_in=None)
    assert remaining(control, clock, CREDITS) == 0
    clock.now += 86_401
    assert remaining(control, clock, CREDITS) is None


def test_an_account_can_be_moved_on_in_time(budgets: ControlBudgets) -> None:
    assert take_all(budgets) == 10
    budgets.advance(ACCOUNT, 61)
    assert take_all(budgets) == 10


def test_processes_together_never_exceed_the_total_in_any_window(control_url: str) -> None:
    total, period, each = 6, 1.0, 5
    arguments = [control_url, str(total), str(period), str(each)]
    asking = [
        subprocess.Popen([sys.executable, "-c", TAKE_MANY, *arguments], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in asking]
    assert [process.returncode for process in asking] == [0] * 4
    times = sorted(float(line) for output in outputs for line in output.split())
    assert len(times) == 4 * each
    # printed a moment after it was taken, so the window is looked at with that much tolerance
    spans = [later - earlier for earlier, later in zip(times, times[total:], strict=False)]
    assert min(spans) > period * 0.9

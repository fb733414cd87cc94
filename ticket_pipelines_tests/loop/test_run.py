"""The loop: when it ends, how it is stopped, and how soon it follows what people change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.loop import pulse
from ticket_pipelines.loop.pulse import Kind, Loop, beat, read_loops
from ticket_pipelines.loop.run import LoopOptions, run_loop
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.sync.lease import Lease
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.loop.conftest import Clock, Visits, add

WITHIN = timedelta(seconds=5)
"""How soon a running loop has to follow a change."""


def batch(threads: int = 3) -> LoopOptions:
    return LoopOptions(kind=Kind.BATCH, threads=threads)


def test_a_batch_visits_every_due_desk_once_and_ends(desks: Registry, control: sa.Engine) -> None:
    keys = [f"desk{number}" for number in range(9)]
    add(desks, *keys)
    visits, told = Visits(desks), list[str]()
    outcomes = run_loop(control, visits, threading.Event(), batch(), lambda visit: told.append(visit.desk.key))
    assert outcomes == {Status.SUCCESS: 9}
    assert sorted(visits.keys()) == sorted(told) == keys
    assert read_loops(control) == []


def test_a_visit_that_is_lost_counts_as_failed_and_spares_the_others(desks: Registry, control: sa.Engine) -> None:
    add(desks, "aa", "bb")
    visits, told = Visits(desks), list[str]()
    lost = iter([True])

    def visit(desk: Desk, lease: Lease) -> Visit:
        found = visits(desk, lease)
        if desk.key == "aa" and next(lost, False):
            raise OSError("the record cannot be written")
        return found

    outcomes = run_loop(control, visit, threading.Event(), batch(), lambda visit: told.append(visit.desk.key))
    assert outcomes == {Status.FAILED: 1, Status.SUCCESS: 1}
    assert told == ["bb"]


def test_who_cannot_be_told_of_one_desk_is_told_of_the_next(desks: Registry, control: sa.Engine) -> None:
    add(desks, "aa", "bb")
    told: list[str] = []

    def tell(visit: Visit) -> None:
        told.append(visit.desk.key)
        if visit.desk.key == "aa":
            raise OSError("away")

    assert run_loop(control, Visits(desks), threading.Event(), batch(1), tell) == {Status.SUCCESS: 2}
    assert told == ["aa", "bb"]


def test_a_stop_lets_what_has_begun_end_and_begins_nothing_more(desks: Registry, control: sa.Engine) -> None:
    add(desks, "aa", "bb", "cc")
    stop, visits = threading.Event(), Visits(desks)

    def visit(desk: Desk, lease: Lease) -> Visit:
        stop.set()
        return visits(desk, lease)

    assert run_loop(control, visit, stop, LoopOptions(threads=1)) == {Status.SUCCESS: 1}
    assert visits.keys() == ["aa"]


def test_an_interrupt_ends_syncs_and_tells_of_them(desks: Registry, control: sa.Engine) -> None:
    """Dagster ends a run by an exception in the loop's own thread."""
    add(desks, "aa", "bb")
    stop, visits, told = threading.Event(), Visits(desks), list[str]()

    def visit(desk: Desk, lease: Lease) -> Visit:
        if desk.key == "bb":
            assert stop.wait(30), "a sync is told to end"
        return visits(desk, lease)

    def tell(visit: Visit) -> None:
        told.append(visit.desk.key)
        if visit.desk.key == "aa":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_loop(control, visit, stop, batch(), tell)
    assert told == ["aa", "bb"]
    assert read_loops(control) == []


def follow(desks: Registry, control: sa.Engine, acts: dict[int, Callable[[], object]], seconds: int) -> Visits:
    """Runs a loop for so many seconds of a movable clock, in which people do things; the loop began at 0."""
    clock = Clock()
    visits, stop, began = Visits(desks, clock), threading.Event(), clock()
    desks._now = clock

    def pause(waited: float) -> None:
        clock.now += timedelta(seconds=waited)
        passed = round((clock() - began).total_seconds())
        if act := acts.pop(passed, None):
            act()
        if passed >= seconds:
            stop.set()

    run_loop(control, visits, stop, LoopOptions(), now=clock, pause=pause)
    visits.made = [(key, datetime.min + (at - began)) for key, at in visits.made]
    return visits


def at(seconds: int) -> datetime:
    return datetime.min + timedelta(seconds=seconds)


def test_changes_take_effect_while_the_loop_runs(desks: Registry, control: sa.Engine) -> None:
    add(desks, "every", "paused", "resumed")
    desks.update("every", {"schedule": "every 1h"})
    desks.pause("resumed")
    acts: dict[int, Callable[[], object]] = {
        2: lambda: desks.ended("every", Ending(Status.SUCCESS, desks._now())),
        100: lambda: desks.update("every", {"schedule": "every 10s"}),
        101: lambda: desks.pause("paused"),
        102: lambda: desks.resume("resumed"),
    }
    made = follow(desks, control, acts, 140).made
    of = {key: [moment for name, moment in made if name == key] for key in ("every", "paused", "resumed")}
    first, second, *_ = (moment for moment in of["every"] if moment >= at(100))
    assert first - at(110) <= WITHIN
    assert second - first <= timedelta(seconds=10) + WITHIN
    assert [moment for moment in of["paused"] if moment >= at(101) + WITHIN] == []
    assert [moment for moment in of["paused"] if moment < at(101)]
    assert at(132) <= of["resumed"][0] <= at(132) + WITHIN


def test_a_live_run_goes_on_until_its_successor_beats(desks: Registry, control: sa.Engine) -> None:
    clock = Clock()
    began, options = clock(), LoopOptions(kind=Kind.LIVE, seconds=100)

    def pause(waited: float) -> None:
        clock.now += timedelta(seconds=waited)
        if clock() - began >= timedelta(seconds=120):
            ends = began + timedelta(seconds=220)
            beat(control, Loop("next", "another run", Kind.LIVE, clock(), clock(), ends), clock())

    run_loop(control, Visits(desks, clock), threading.Event(), options, now=clock, pause=pause)
    assert timedelta(seconds=120) <= clock() - began <= timedelta(seconds=122)


def test_a_live_run_without_a_successor_ends_all_the_same(desks: Registry, control: sa.Engine) -> None:
    clock = Clock()
    began = clock()

    def pause(waited: float) -> None:
        clock.now += timedelta(seconds=waited)

    options = LoopOptions(kind=Kind.LIVE, seconds=100, poll_seconds=5)
    run_loop(control, Visits(desks, clock), threading.Event(), options, now=clock, pause=pause)
    assert clock() - began == timedelta(seconds=100) + pulse.HANDOVER

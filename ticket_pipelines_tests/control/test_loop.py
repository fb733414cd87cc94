"""The loop: who is synced, how often, and how it stops."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.control.loop import LoopOptions, run_loop
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import DeskBusyError
from ticket_pipelines.project import Project
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.fixtures.project import OAUTH, MakeProject

UNTIL_IDLE = LoopOptions(threads=3, until_idle=True, poll_seconds=0.05)


def add(project: Project, *keys: str) -> None:
    for key in keys:
        project.desks.add(key, "zendesk", {"subdomain": key}, OAUTH)


class Syncs:
    """Stands where the engine stands: records that the desk was synced."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.synced: list[str] = []

    def __call__(self, desk: Desk) -> Status:
        self.synced.append(desk.key)
        self.project.desks.finished(desk.key, Status.SUCCESS, datetime.now(UTC))
        return Status.SUCCESS


def test_every_due_desk_is_synced_once_and_then_the_loop_is_idle(project: Project) -> None:
    add(project, "aa", "bb", "cc", "dd", "ee")
    project.desks.pause("cc")
    project.desks.remove("dd")
    syncs = Syncs(project)
    assert run_loop(project.desks, syncs, threading.Event(), UNTIL_IDLE) == {Status.SUCCESS: 3}
    assert sorted(syncs.synced) == ["aa", "bb", "ee"]


def test_two_loops_never_take_the_same_desk(make_project: MakeProject) -> None:
    one, other = Syncs(make_project()), Syncs(make_project())
    keys = [f"desk{number}" for number in range(12)]
    add(one.project, *keys)
    loops = [
        threading.Thread(target=run_loop, args=(syncs.project.desks, syncs, threading.Event(), UNTIL_IDLE))
        for syncs in (one, other)
    ]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert sorted(one.synced + other.synced) == sorted(keys)


def test_a_desk_that_fails_does_not_stop_the_others(project: Project) -> None:
    add(project, "aa", "bb", "cc")
    syncs = Syncs(project)

    def sync(desk: Desk) -> Status:
        if desk.key == "aa":
            raise ConnectionFailedError("no answer")
        if desk.key == "bb":
            raise DeskBusyError("held by somebody")
        return syncs(desk)

    outcomes = run_loop(project.desks, sync, threading.Event(), UNTIL_IDLE)
    assert outcomes == {Status.FAILED: 1, Status.SKIPPED: 1, Status.SUCCESS: 1}
    assert [project.desks.get(key).failures for key in ("aa", "bb", "cc")] == [1, 0, 0]
    assert list(project.desks.due(datetime.now(UTC))) == []


def test_a_stop_lets_what_has_begun_end_and_begins_nothing_more(project: Project) -> None:
    add(project, "aa", "bb", "cc")
    stop, syncs = threading.Event(), Syncs(project)

    def sync(desk: Desk) -> Status:
        stop.set()
        return syncs(desk)

    assert run_loop(project.desks, sync, stop, LoopOptions(threads=1)) == {Status.SUCCESS: 1}
    assert len(syncs.synced) == 1

"""What `status` and `runs` say of made-up histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ticket_pipelines.control.ending import Ending
from ticket_pipelines.control.status import DeskStatus, runs, status
from ticket_pipelines.project import Project
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.control.runs import insert_lease, insert_run
from ticket_pipelines_tests.fixtures.project import OAUTH

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def one(project: Project) -> Project:
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    return project


def only(project: Project, now: datetime = NOON) -> DeskStatus:
    found = status(project.control, project.desks.list(), now)
    assert len(found) == 1
    return found[0]


def test_a_new_desk_has_no_history(one: Project) -> None:
    found = only(one)
    assert (found.last_run_at, found.last_status, found.last_success_at, found.data_as_of) == (None,) * 4
    assert (found.rows, found.consecutive_failures, found.running) == (0, 0, None)


def test_a_failure_after_a_success_keeps_the_data_of_the_success(one: Project) -> None:
    insert_run(one.control, "acme", NOON - minutes(30), rows_created=7)
    insert_run(one.control, "acme", NOON - minutes(15), "failed", rows_created=0, error_message="refused")
    one.desks.ended("acme", Ending(Status.FAILED, NOON - minutes(14)))
    found = only(one)
    assert (found.last_status, found.last_error, found.consecutive_failures) == (Status.FAILED, "refused", 1)
    assert found.last_run_at == NOON - minutes(15)
    assert found.last_success_at == NOON - minutes(30) + timedelta(seconds=10)
    assert found.data_as_of == NOON - minutes(30)
    assert found.rows == 7


def test_today_and_the_last_three_syncs(one: Project) -> None:
    for hours, status_, created in ((20, "success", 7), (3, "success", 2), (2, "failed", 0), (1, "success", 5)):
        insert_run(one.control, "acme", NOON - minutes(60 * hours), status_, rows_created=created)
    found = only(one)
    assert (found.rows, found.rows_today, found.errors_today) == (14, 7, 1)
    assert [run["status"] for run in found.last_runs] == ["success", "failed", "success"]
    assert [run["rows_created"] for run in found.last_runs] == [5, 0, 2]


def test_a_parked_desk_is_not_late_and_says_why(one: Project) -> None:
    one.desks.ended("acme", Ending(Status.FAILED, NOON, "credentials", "refused"))
    found = only(one, NOON + minutes(600))
    assert (found.parked, found.late_seconds, found.next_due_at) == ("refused", 0, None)


def test_an_idle_check_moves_the_time_of_the_data_on(one: Project) -> None:
    insert_run(one.control, "acme", NOON - minutes(30))
    one.desks.ended("acme", Ending(Status.SUCCESS, NOON - minutes(30) + timedelta(seconds=10), whole=True))
    assert only(one).data_as_of == NOON - minutes(30)
    one.desks.ended("acme", Ending(Status.SKIPPED, NOON - minutes(5)))
    assert only(one).data_as_of == NOON - minutes(5)


def test_lateness_and_next_due(one: Project) -> None:
    one.desks.ended("acme", Ending(Status.SUCCESS, NOON - minutes(20)))
    found = only(one)
    assert found.next_due_at == NOON - minutes(15)
    assert found.late_seconds == 900
    one.desks.pause("acme")
    assert (only(one).next_due_at, only(one).late_seconds) == (None, 0)


def test_a_held_lease_names_who_syncs(one: Project) -> None:
    insert_lease(one.control, "acme", "worker on host", NOON + minutes(1))
    assert only(one).running == "worker on host"
    assert only(one, NOON + minutes(2)).running is None


def test_runs_come_newest_first_and_can_be_limited_to_a_desk(one: Project) -> None:
    for count in range(3):
        insert_run(one.control, "acme", NOON - minutes(count))
        insert_run(one.control, "other", NOON - minutes(count + 0.5))
    assert [run.desk for run in runs(one.control)] == ["acme", "other"] * 3
    newest, older = runs(one.control, "acme", limit=2)
    assert (newest.started_at, older.started_at) == (NOON, NOON - minutes(1))
    assert newest.status is Status.SUCCESS

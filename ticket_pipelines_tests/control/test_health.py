"""The verdict and its parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ticket_pipelines.control import heartbeat
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.control.health import Grade, Health, check_health
from ticket_pipelines.loop import pulse
from ticket_pipelines.project import Project
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.control.runs import insert_lease, insert_run
from ticket_pipelines_tests.fixtures.project import OAUTH

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def one(project: Project) -> Project:
    project.desks.add("acme", "zendesk", {"subdomain": "acme", "schedule": "every 10m"}, OAUTH)
    project.desks.ended("acme", Ending(Status.SUCCESS, NOON))
    return project


def grades(found: Health) -> dict[str, Grade]:
    return {part.name: part.grade for part in found.parts}


def test_all_is_well(one: Project) -> None:
    found = check_health(one.settings, NOON)
    assert found.verdict is Grade.OK
    assert list(grades(found)) == [
        "control_database",
        "warehouse",
        "oldest_due_desk",
        "failing_desks",
        "stuck_leases",
        "loop_heartbeat",
        "dagster_daemons",
    ]


@pytest.mark.parametrize(
    ("late", "grade"),
    [
        (timedelta(minutes=4), Grade.OK),
        (timedelta(minutes=6), Grade.WARNING),
        (timedelta(minutes=61), Grade.FAILED),
    ],
)
def test_a_late_desk(one: Project, late: timedelta, grade: Grade) -> None:
    found = check_health(one.settings, NOON + timedelta(minutes=10) + late)
    assert grades(found)["oldest_due_desk"] is grade
    assert found.verdict is grade


def test_a_failing_desk_is_a_warning(one: Project) -> None:
    for _ in range(3):
        one.desks.ended("acme", Ending(Status.FAILED, NOON))
    found = check_health(one.settings, NOON)
    assert grades(found)["failing_desks"] is Grade.WARNING
    assert found.verdict is Grade.WARNING


def test_a_sync_that_runs_is_well_and_one_that_died_is_a_warning(one: Project) -> None:
    insert_run(one.control, "acme", NOON - timedelta(minutes=5), "running")
    insert_lease(one.control, "acme", "worker", NOON + timedelta(seconds=30))
    assert grades(check_health(one.settings, NOON))["stuck_leases"] is Grade.OK
    assert grades(check_health(one.settings, NOON + timedelta(minutes=1)))["stuck_leases"] is Grade.WARNING


def test_a_warehouse_that_is_away_fails(one: Project) -> None:
    home = str(one.settings.home)
    settings = read_settings({"TICKETS_HOME": home, "TICKETS_WAREHOUSE": "postgresql://u:s3cret@127.0.0.1:1/d"})
    found = check_health(settings, NOON)
    assert grades(found)["warehouse"] is Grade.FAILED
    assert found.verdict is Grade.FAILED
    assert "s3cret" not in str(found)


def test_a_control_database_that_is_away_ends_the_look(home: Path) -> None:
    home.mkdir()
    (home / "control.db").mkdir()
    found = check_health(read_settings({"TICKETS_HOME": str(home)}), NOON)
    assert grades(found) == {"control_database": Grade.FAILED}


def beat_of_a_daemon(control: sa.Engine, at: datetime) -> None:
    heartbeat.beat(control, f"{heartbeat.DAEMON}sensor", at)


def beat_of_a_loop(control: sa.Engine, at: datetime) -> None:
    for name, when in (("died", at - timedelta(hours=1)), ("alive", at)):
        pulse.beat(control, pulse.Loop(name, "a process", pulse.Kind.WORKER, NOON, when), when)


@pytest.mark.parametrize(("beat", "part"), [(beat_of_a_loop, "loop_heartbeat"), (beat_of_a_daemon, "dagster_daemons")])
def test_what_beats_is_well_what_fell_silent_is_not(
    one: Project, beat: Callable[[sa.Engine, datetime], None], part: str
) -> None:
    assert grades(check_health(one.settings, NOON))[part] is Grade.OK
    assert grades(check_health(one.settings, NOON, [part]))[part] is Grade.FAILED
    beat(one.control, NOON - timedelta(minutes=3))
    assert grades(check_health(one.settings, NOON, [part]))[part] is Grade.OK
    later = NOON + timedelta(seconds=1)
    silent = check_health(one.settings, later)
    assert grades(silent)[part] is Grade.WARNING
    assert "silent" in next(found.detail for found in silent.parts if found.name == part)
    assert grades(check_health(one.settings, later, [part]))[part] is Grade.FAILED


def test_a_loop_that_ended_in_order_is_not_missed(one: Project) -> None:
    loop = pulse.Loop("one", "a process", pulse.Kind.BATCH, NOON, NOON)
    pulse.beat(one.control, loop, NOON)
    pulse.end(one.control, loop)
    assert grades(check_health(one.settings, NOON + timedelta(hours=1)))["loop_heartbeat"] is Grade.OK

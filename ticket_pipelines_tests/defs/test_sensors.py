"""Sensors and the schedule, by real ticks on a real instance and registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.sensors import OVERDUE, STARVING, partition_requests, why_wait
from ticket_pipelines.loop.pulse import LEAD, SILENT, Kind, Loop, beat, end
from ticket_pipelines.project import Project
from ticket_pipelines.sync.lease import hold
from ticket_pipelines_tests.defs.conftest import Daemon
from ticket_pipelines_tests.fixtures.project import OAUTH


def add(project: Project, *keys: str) -> None:
    for key in keys:
        project.desks.add(key, "zendesk", {"subdomain": key.replace("_", "-")}, OAUTH)


def wanted(data: dg.SensorExecutionData) -> list[tuple[str, list[str]]]:
    return [
        (type(request).__name__.removesuffix("DynamicPartitionsRequest"), list(request.partition_keys))
        for request in data.dynamic_partitions_requests or []
    ]


def test_partitions_follow_the_registry(daemon: Daemon) -> None:
    add(daemon.project, "acme", "globex")
    assert wanted(daemon.evaluate("desk_partitions")) == [("Add", ["acme", "globex"])]
    daemon.instance.add_dynamic_partitions("zendesk_desks", ["acme", "globex", "long_gone"])
    daemon.project.desks.remove("globex")
    assert wanted(daemon.evaluate("desk_partitions")) == [("Delete", ["globex", "long_gone"])]
    daemon.instance.delete_dynamic_partition("zendesk_desks", "globex")
    daemon.instance.delete_dynamic_partition("zendesk_desks", "long_gone")
    quiet = daemon.evaluate("desk_partitions")
    assert wanted(quiet) == []
    assert quiet.skip_message == "The partitions are those of the registry."


def test_partition_requests_of_equal_sets_are_none() -> None:
    assert partition_requests("zendesk", {"a", "b"}, {"b", "a"}) == []


def started(data: dg.SensorExecutionData) -> list[dg.RunRequest]:
    return list(data.run_requests or [])


def running(daemon: Daemon, status: dg.DagsterRunStatus, **tags: str) -> str:
    """A run over due desks, as the queue or a process left it."""
    job = defs.resolve_job_def("sync_due_desks")
    return daemon.instance.create_run_for_job(job, status=status, tags=tags or None).run_id


def test_many_due_desks_are_one_run(daemon: Daemon) -> None:
    add(daemon.project, "acme", "globex")
    (request,) = started(daemon.evaluate("due_desks"))
    assert (request.job_name, request.partition_key) == (None, None)
    daemon.project.desks.pause("acme")
    daemon.project.desks.remove("globex")
    assert daemon.evaluate("due_desks").skip_message == "No desk is due."


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED], ids=str)
def test_a_run_that_is_at_it_is_not_joined_by_another(daemon: Daemon, status: dg.DagsterRunStatus) -> None:
    add(daemon.project, "acme")
    running(daemon, status)
    assert daemon.evaluate("due_desks").skip_message == "1 due; a run is at it."


def test_a_run_whose_process_died_unnoticed_holds_nobody_up(daemon: Daemon) -> None:
    add(daemon.project, "acme")
    now = datetime.now(UTC)
    run_id = running(daemon, dg.DagsterRunStatus.STARTED)
    loop = Loop(run_id, "a machine that is gone", Kind.BATCH, now, now)
    beat(daemon.project.control, loop, now)
    assert daemon.evaluate("due_desks").skip_message == "1 due; a run is at it."
    end(daemon.project.control, loop)
    beat(daemon.project.control, loop, now - SILENT - timedelta(seconds=1))
    assert len(started(daemon.evaluate("due_desks"))) == 1


def test_a_desk_that_somebody_syncs_is_not_waited_for(daemon: Daemon) -> None:
    add(daemon.project, "acme")
    with hold(daemon.project.control, "acme"):
        assert daemon.evaluate("due_desks").skip_message == "No desk is due."


def test_a_loop_at_work_is_left_alone(daemon: Daemon) -> None:
    add(daemon.project, "acme")
    now = datetime.now(UTC)
    beat(daemon.project.control, Loop("one", "worker", Kind.WORKER, now, now), now - SILENT - timedelta(seconds=1))
    assert len(started(daemon.evaluate("due_desks"))) == 1, "one that died is none"
    beat(daemon.project.control, Loop("two", "worker", Kind.WORKER, now, now), now)
    assert daemon.evaluate("due_desks").skip_message == "1 due; a loop is at work."


@pytest.mark.parametrize(
    ("due", "late", "runs", "at_work", "waits"),
    [
        (0, 0, 0, False, True),
        (3, 0, 0, False, False),
        (3, OVERDUE - 1, 0, True, True),
        (3, OVERDUE, 0, True, False),
        (3, STARVING - 1, 1, True, True),
        (3, STARVING, 1, True, False),
        (3, STARVING, 2, True, True),
    ],
)
def test_when_a_run_is_started(due: int, late: float, runs: int, at_work: bool, waits: bool) -> None:
    assert (why_wait(due, late, runs, at_work) is not None) is waits


def test_a_live_run_is_started_once_and_again_before_its_time_is_up(daemon: Daemon) -> None:
    (request,) = started(daemon.evaluate("live_sync"))
    assert request.run_config["ops"]["due_desks_op"]["config"]["live"] is True
    run_id = running(daemon, dg.DagsterRunStatus.STARTING, **request.tags)
    assert started(daemon.evaluate("live_sync")) == [], "it is on its way"
    now = datetime.now(UTC)
    beat(daemon.project.control, Loop(run_id, "run", Kind.LIVE, now, now, now + 2 * LEAD), now)
    assert started(daemon.evaluate("live_sync")) == []
    end(daemon.project.control, Loop(run_id, "run", Kind.LIVE, now, now))
    beat(daemon.project.control, Loop(run_id, "run", Kind.LIVE, now, now, now + LEAD / 2), now)
    assert len(started(daemon.evaluate("live_sync"))) == 1


def test_the_daily_schedule_asks_for_every_desk_that_is_not_paused(daemon: Daemon) -> None:
    add(daemon.project, "acme", "globex", "initech")
    daemon.instance.add_dynamic_partitions("zendesk_desks", ["acme", "globex"])
    daemon.project.desks.pause("globex")
    moment = datetime(2026, 3, 1, 3, tzinfo=UTC)
    with dg.build_schedule_context(
        instance=daemon.instance,
        scheduled_execution_time=moment,
        resources={"tickets": daemon.tickets},
        repository_def=defs.get_repository_def(),
    ) as context:
        data = defs.resolve_schedule_def("zendesk_daily").evaluate_tick(context)
    assert {request.partition_key: request.run_key for request in data.run_requests or []} == {
        "acme": "acme 2026-03-01"
    }

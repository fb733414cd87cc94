"""Sensors and the schedule, by real ticks on a real instance and registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.sensors import CLAIM, partition_requests
from ticket_pipelines.project import Project
from ticket_pipelines_tests.defs.conftest import Daemon
from ticket_pipelines_tests.fixtures.project import OAUTH


def add(project: Project, *keys: str) -> None:
    for key in keys:
        project.desks.add(key, "zendesk", {"subdomain": key.replace("_", "-")}, OAUTH)


def asked(data: dg.SensorExecutionData) -> dict[str, dg.RunRequest]:
    return {str(request.partition_key): request for request in data.run_requests or []}


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


def test_a_due_desk_is_started_once(daemon: Daemon) -> None:
    add(daemon.project, "acme", "globex")
    first = daemon.evaluate("due_desks")
    assert set(asked(first)) == {"acme", "globex"}
    # a desk that is due before the other sensor has looked has its partition all the same
    assert wanted(first) == [("Add", ["acme", "globex"])]
    request = asked(first)["acme"]
    assert request.job_name == "zendesk_sync"
    assert request.run_config["ops"]["zendesk_desk"]["config"]["trigger"] == "schedule"
    assert request.run_config["ops"]["zendesk_desk"]["config"]["due_only"] is True
    assert request.run_config["ops"]["zendesk_desk"]["config"]["wait"] is False
    assert daemon.evaluate("due_desks").skip_message == "No desk is due."


def test_the_run_that_is_asked_for_works(daemon: Daemon, acme: str) -> None:
    request = asked(daemon.evaluate("due_desks"))[acme]
    result = daemon.run("zendesk_sync", acme, **request.run_config["ops"]["zendesk_desk"]["config"])
    assert result.success
    assert daemon.project.desks.get(acme).next_due_at > datetime.now(UTC)  # type: ignore[operator]


def test_a_run_that_died_before_it_recorded_anything_is_asked_for_again(daemon: Daemon) -> None:
    add(daemon.project, "acme")
    first = asked(daemon.evaluate("due_desks"))["acme"]
    desk = daemon.project.desks.get("acme")
    assert desk.next_due_at
    assert abs(desk.next_due_at - datetime.now(UTC) - CLAIM) < timedelta(minutes=1)
    # the claim ends
    assert daemon.project.desks.claim(desk, datetime.now(UTC) - timedelta(seconds=1))
    again = asked(daemon.evaluate("due_desks"))["acme"]
    assert again.run_key != first.run_key


def test_paused_and_removed_desks_are_left_alone(daemon: Daemon) -> None:
    add(daemon.project, "acme", "globex")
    daemon.project.desks.pause("acme")
    daemon.project.desks.remove("globex")
    assert asked(daemon.evaluate("due_desks")) == {}


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED], ids=str)
def test_a_desk_in_a_run_is_not_asked_for_again(daemon: Daemon, status: dg.DagsterRunStatus) -> None:
    add(daemon.project, "acme", "globex")
    daemon.instance.add_dynamic_partitions("zendesk_desks", ["acme"])
    daemon.instance.create_run_for_job(
        defs.resolve_job_def("zendesk_sync"), status=status, tags={"dagster/partition": "acme"}
    )
    assert set(asked(daemon.evaluate("due_desks"))) == {"globex"}


def test_a_desk_claimed_by_the_loop_is_not_asked_for(daemon: Daemon) -> None:
    add(daemon.project, "acme")
    now = datetime.now(UTC)
    assert daemon.project.desks.claim(daemon.project.desks.get("acme"), now + timedelta(minutes=2))
    assert asked(daemon.evaluate("due_desks")) == {}


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

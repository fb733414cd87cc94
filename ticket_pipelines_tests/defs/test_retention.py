"""Old history is cleared away: Dagster's runs, events and ticks, old syncs, dlt's notes of loads."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import StepMaterializationData
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    TickData,
    TickStatus,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable
from dagster._serdes import serialize_value

from ticket_pipelines.control.status import status
from ticket_pipelines.definitions import defs
from ticket_pipelines.defs import event_log
from ticket_pipelines.defs.launch import instance_of, prepare_home
from ticket_pipelines.defs.maintenance import old_runs
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.project import Project
from ticket_pipelines_tests.control.runs import lasting
from ticket_pipelines_tests.defs.conftest import Daemon

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1)
YEAR = timedelta(days=365)
KEY = dg.AssetKey(["zendesk", "tickets"])


def made(daemon: Daemon, job: str, desk: str | None, status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> str:
    tags = {"dagster/partition": desk} if desk else {}
    return daemon.instance.create_run_for_job(defs.resolve_job_def(job), status=status, tags=tags).run_id


def test_retention_is_on_where_nobody_switches_it_off() -> None:
    schedule = defs.get_repository_def().get_schedule_def("maintenance")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_last_run_of_each_job_and_desk_stays_and_so_do_unfinished_ones(daemon: Daemon) -> None:
    old = [made(daemon, "maintenance", "acme"), made(daemon, "maintenance", "acme", dg.DagsterRunStatus.FAILURE)]
    old.append(made(daemon, "maintenance", None))
    made(daemon, "maintenance", "acme")
    made(daemon, "maintenance", "globex")
    made(daemon, "clickhouse_optimize", "acme")
    made(daemon, "maintenance", None)
    made(daemon, "maintenance", "acme", dg.DagsterRunStatus.STARTED)
    assert set(old_runs(daemon.instance, LATER)) == set(old)
    assert old_runs(daemon.instance, LATER - timedelta(days=2)) == []


def maintained(instance: dg.DagsterInstance, project: Project, **ops: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each step of the job tells."""
    done = defs.resolve_job_def("maintenance").execute_in_process(
        instance=instance,
        run_config={"ops": {name: {"config": config} for name, config in ops.items()}},
        resources={"tickets": Tickets(project.settings)},
    )
    outputs = [event for event in done.all_node_events if event.is_successful_output]
    return {
        event.node_name: {name: value.value for name, value in event.step_output_data.metadata.items()}
        for event in outputs
    }


def test_the_job_keeps_what_is_needed_of_real_runs(daemon: Daemon, acme: str) -> None:
    """The first run has the latest of the brands, the last one of the groups, the one between of nothing."""
    groups, brands = dg.AssetKey(["zendesk", "groups"]), dg.AssetKey(["zendesk", "brands"])
    runs = [daemon.run("zendesk_sync", streams=["groups", "brands"]).run_id]
    runs += [daemon.run("zendesk_sync", streams=["groups"]).run_id for _ in range(2)]
    control, files = daemon.project.control, daemon.project.settings.dagster_home / "history" / "runs"
    (before,) = map(lasting, status(control, daemon.project.desks.list(), NOW))
    assert (files / f"{runs[1]}.db").exists()

    old = {"keep_runs_days": -1, "keep_loads_days": -1}
    gone = maintained(daemon.instance, daemon.project, purge_runs={"keep_days": -1}, purge_history=old)

    assert gone["purge_runs"]["runs"] == 1
    assert [daemon.instance.get_run_by_id(run_id) is not None for run_id in runs] == [True, False, True]
    assert not list(files.glob(f"{runs[1]}*"))
    for key in (groups, brands):
        assert daemon.instance.get_materialized_partitions(key) == {acme}
        assert len(daemon.instance.fetch_materializations(key, limit=9).records) == 1
    assert gone["purge_history"]["control"] == gone["purge_history"]["sync_runs"] == 2
    (after,) = map(lasting, status(control, daemon.project.desks.list(), NOW))
    assert after == before
    assert before.rows > 0


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, project: Project) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance on each kind of storage."""
    home = prepare_home(project.settings)
    if request.param == "postgres":
        block = {"postgres_url": request.getfixturevalue("postgres_url").replace("://", "+psycopg2://")}
        with (home / "dagster.yaml").open("a") as file:
            file.write(json.dumps({"storage": {"postgres": block}})[1:-1] + "\n")
    with instance_of(project.settings) as instance:
        yield instance


def synthetic(instance: dg.DagsterInstance, count: int, desks: int) -> None:
    """Runs a second apart, the newest now; each holds one materialization of one of so many desks, in turn."""
    one = instance.create_run_for_job(defs.resolve_job_def("maintenance"), status=dg.DagsterRunStatus.SUCCESS)
    event = dg.DagsterEvent(
        event_type_value="ASSET_MATERIALIZATION",
        job_name="sync_due_desks",
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(KEY, partition="desk_0")),
    )
    entry = dg.EventLogEntry(  # type: ignore[no-untyped-call]
        None, "info", "", one.run_id, datetime.now(UTC).timestamp(), dagster_event=event, job_name="sync_due_desks"
    )
    body, text = serialize_value(one), serialize_value(entry)
    runs, logs = [], []
    for number in range(count):
        run_id, at = str(uuid.UUID(int=number)), NOW - timedelta(days=60, seconds=count - number)
        made = {"create_timestamp": at, "update_timestamp": at}
        run = {"run_id": run_id, "pipeline_name": "sync_due_desks", "status": "SUCCESS", **made}
        runs.append({**run, "run_body": body.replace(one.run_id, run_id).replace("maintenance", "sync_due_desks")})
        desk = f"desk_{number % desks}"
        log = {"run_id": run_id, "event": text.replace(one.run_id, run_id).replace("desk_0", desk), "timestamp": at}
        log |= {"dagster_event_type": "ASSET_MATERIALIZATION", "asset_key": KEY.to_string(), "partition": desk}
        logs.append(log)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.insert(RunsTable), runs)
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.insert(SqlEventLogStorageTable), logs)


def test_ten_thousand_runs_shrink_to_the_latest_of_each_partition(
    storage: dg.DagsterInstance, project: Project
) -> None:
    synthetic(storage, count=10_000, desks=7)
    gone = maintained(storage, project)["purge_runs"]
    assert (gone["runs"], gone["events"]) == (9_993, 0)
    left = storage.get_run_records(dg.RunsFilter(job_name="sync_due_desks"))
    assert {uuid.UUID(record.dagster_run.run_id).int for record in left} == set(range(9_993, 10_000))
    latest = storage.get_latest_storage_id_by_partition(KEY, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert set(latest) == {f"desk_{number}" for number in range(7)}
    assert len(storage.fetch_materializations(KEY, limit=99).records) == 7


def test_superseded_events_go_though_their_run_is_needed(storage: dg.DagsterInstance) -> None:
    synthetic(storage, count=6, desks=3)
    with storage.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.update(event_log.events).values(run_id=str(uuid.UUID(int=0))))
    assert event_log.delete_superseded(storage, NOW - timedelta(days=61)) == 0
    assert event_log.delete_superseded(storage, NOW) == 3
    assert event_log.runs_of_newest(storage) == {str(uuid.UUID(int=0))}


def test_old_ticks_and_evaluations_go(storage: dg.DagsterInstance, project: Project) -> None:
    rows = [
        {"asset_key": KEY.to_string(), "check_name": name, "run_id": str(number), "create_timestamp": at}
        for number, (name, at) in enumerate([("a", NOW - YEAR), ("a", NOW - YEAR), ("b", NOW - YEAR), ("a", NOW)])
    ]
    with storage.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.insert(AssetCheckExecutionsTable), rows)
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("tickets"), "all")
    state = InstigatorState(
        RemoteInstigatorOrigin(repository, "alerts"), InstigatorType.SENSOR, InstigatorStatus.RUNNING
    )
    storage.add_instigator_state(state)
    origin, selector = state.instigator_origin_id, state.selector_id
    for at in (NOW - YEAR, NOW):
        tick = TickData(
            origin, "alerts", InstigatorType.SENSOR, TickStatus.SKIPPED, at.timestamp(), selector_id=selector
        )
        storage.create_tick(tick)
    assert maintained(storage, project)["purge_runs"]["checks"] == 2
    (left,) = storage.get_ticks(origin, selector)
    assert left.timestamp == NOW.timestamp()

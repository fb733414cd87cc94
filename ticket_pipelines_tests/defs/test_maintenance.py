"""Old Dagster runs are cleared away, so that its storage stays bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.maintenance import old_runs
from ticket_pipelines_tests.defs.conftest import Daemon

LATER = datetime.now(UTC) + timedelta(days=1)


def made(daemon: Daemon, job: str, desk: str | None, status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> str:
    tags = {"dagster/partition": desk} if desk else {}
    return daemon.instance.create_run_for_job(defs.resolve_job_def(job), status=status, tags=tags).run_id


def test_the_last_run_of_each_job_and_desk_stays_and_so_do_unfinished_ones(daemon: Daemon) -> None:
    daemon.instance.add_dynamic_partitions("zendesk_desks", ["acme", "globex"])
    old = [made(daemon, "zendesk_sync", "acme"), made(daemon, "zendesk_sync", "acme", dg.DagsterRunStatus.FAILURE)]
    old.append(made(daemon, "maintenance", None))
    made(daemon, "zendesk_sync", "acme")
    made(daemon, "zendesk_sync", "globex")
    made(daemon, "zendesk_full_sync", "acme")
    made(daemon, "maintenance", None)
    made(daemon, "zendesk_sync", "acme", dg.DagsterRunStatus.STARTED)
    assert set(old_runs(daemon.instance, LATER)) == set(old)
    assert old_runs(daemon.instance, LATER - timedelta(days=2)) == []


def test_the_job_deletes_them_with_their_events(daemon: Daemon, acme: str) -> None:
    first, last = daemon.run("zendesk_sync", streams=["groups"]), daemon.run("zendesk_sync", streams=["groups"])
    done = defs.resolve_job_def("maintenance").execute_in_process(
        instance=daemon.instance, run_config={"ops": {"purge_runs": {"config": {"keep_days": -1}}}}
    )
    assert done.success
    assert daemon.instance.get_run_by_id(first.run_id) is None
    assert daemon.instance.all_logs(first.run_id) == []
    assert daemon.instance.get_run_by_id(last.run_id)
    assert daemon.instance.get_latest_materialization_event(dg.AssetKey(["zendesk", "groups"]))
    assert acme in daemon.instance.get_materialized_partitions(dg.AssetKey(["zendesk", "groups"]))

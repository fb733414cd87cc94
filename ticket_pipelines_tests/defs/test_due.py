"""Many desks in one run: each on its own partition, the failed ones as failed, never told of too often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ticket_pipelines.alerts.store import read_standing
from ticket_pipelines.alerts.tick import tick
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.control.status import runs, status
from ticket_pipelines.definitions import defs
from ticket_pipelines.defs import planned
from ticket_pipelines.defs.due import DUE_OP
from ticket_pipelines.defs.launch import QUIET
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.loop.pulse import Kind, Loop, beat, read_loops
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.lease import acquire
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.defs.conftest import Daemon
from ticket_pipelines_tests.fixtures.project import Cli
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

TICKETS = dg.AssetKey(["zendesk", "tickets"])
LITTLE = {"streams": ["tickets"]}


def add(daemon: Daemon, sandbox: SandboxServer, count: int, broken: int = 0) -> None:
    """Desks on one account, as many as asked; the last ones with a wrong secret."""
    credentials = dict(sandbox.zendesk.credentials)
    for number in range(count):
        wrong = {name: "wrong-secret" if "secret" in name else value for name, value in credentials.items()}
        given = wrong if number >= count - broken else credentials
        daemon.project.desks.add(f"desk{number:02}", "zendesk", {**sandbox.zendesk.config, **LITTLE}, given)


def run(daemon: Daemon, **config: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("sync_due_desks").execute_in_process(
        instance=daemon.instance,
        run_config={"ops": {DUE_OP: {"config": config}}, **QUIET},
        resources={"tickets": daemon.tickets},
        raise_on_error=False,
    )


def partitions(daemon: Daemon) -> Mapping[str, str]:
    """What the UI shows of each desk's partition."""
    desks = daemon.instance.get_dynamic_partitions("zendesk_desks")
    found = daemon.instance.get_status_by_partition(TICKETS, desks, desks_of("zendesk"))
    return {key: shown.value if shown else "missing" for key, shown in (found or {}).items()}


def told(daemon: Daemon, result: dg.ExecuteInProcessResult, key: str) -> list[dict[str, Any]]:
    """Metadata of the materializations of a desk's tickets in a run."""
    chosen = dg.AssetRecordsFilter(TICKETS, asset_partitions=[key])
    return [
        {name: value.value for name, value in record.asset_materialization.metadata.items()}
        for record in daemon.instance.fetch_materializations(chosen, limit=10).records
        if record.run_id == result.run_id and record.asset_materialization
    ]


def alerting(daemon: Daemon) -> list[str]:
    """The desks whose failure people are told of."""
    tick(daemon.project.control, daemon.project.settings, datetime.now(UTC))
    with daemon.project.control.connect() as connection:
        return [desk for rule, desk in read_standing(connection) if rule == "sync_failed"]


def make_due(daemon: Daemon) -> None:
    """Time passes until every desk is due."""
    with daemon.project.control.begin() as connection:
        connection.execute(sa.update(table).values(next_due_at=datetime.now(UTC) - timedelta(seconds=1)))


@pytest.mark.parametrize(("count", "broken"), [(12, 2), pytest.param(100, 10, marks=pytest.mark.torture)])
def test_of_many_desks_some_fail_and_history_status_partitions_and_alerts_agree(
    daemon: Daemon, sandbox: SandboxServer, count: int, broken: int
) -> None:
    add(daemon, sandbox, count, broken)
    wrong = [f"desk{number:02}" for number in range(count - broken, count)]
    result = run(daemon)
    assert not result.success
    failure = result.failure_data_for_node(DUE_OP)
    assert failure
    assert failure.user_failure_data
    said = str(failure.user_failure_data.description)
    assert said.startswith(f"{broken} desks failed; the others are in.\n{wrong[0]}: ")
    shown = partitions(daemon)
    assert sorted(key for key, state in shown.items() if state == "FAILED") == wrong
    assert [state for state in shown.values() if state != "FAILED"] == ["MATERIALIZED"] * (count - broken)
    history = {one.desk: one for one in runs(daemon.project.control, limit=1000)}
    assert len(history) == count
    assert {one.dagster_run_id for one in history.values()} == {result.run_id}
    assert sorted(alerting(daemon)) == wrong
    for one in status(daemon.project.control, daemon.project.desks.list(), datetime.now(UTC)):
        failed = one.desk in wrong
        assert (f"{one.desk}: {history[one.desk].error_message}" in said) == failed
        assert history[one.desk].status is (Status.FAILED if failed else Status.SUCCESS)
        assert (one.last_status, bool(one.parked)) == (history[one.desk].status, failed)
        assert [metadata["rows_created"] for metadata in told(daemon, result, one.desk)] == (
            [] if failed else [history[one.desk].rows_created]
        )
    # nothing is left to do: the broken ones are parked, and a run over nobody succeeds
    assert run(daemon).success
    assert partitions(daemon)[wrong[0]] == "FAILED"


def test_a_desk_that_works_again_shows_so_though_nothing_changed(daemon: Daemon, sandbox: SandboxServer) -> None:
    add(daemon, sandbox, 1)
    assert run(daemon).success
    good = daemon.project.desks.credentials("desk00")
    daemon.project.desks.update("desk00", credentials={**good, "client_secret": "wrong-secret"})
    make_due(daemon)
    assert not run(daemon).success
    assert partitions(daemon) == {"desk00": "FAILED"}
    daemon.project.desks.update("desk00", credentials=good)
    result = run(daemon)
    assert result.success
    assert partitions(daemon) == {"desk00": "MATERIALIZED"}
    assert [metadata["rows_created"] for metadata in told(daemon, result, "desk00")] == [0]


def test_changes_are_told_together_once_in_a_while(daemon: Daemon, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(now="2025-06-01T12:00:00Z", frozen=True)
    add(daemon, sandbox, 1)
    assert len(told(daemon, run(daemon), "desk00")) == 1

    def change() -> None:
        sandbox.zendesk.control.mutate("create_ticket")
        sandbox.zendesk.control.clock(advance=120)
        make_due(daemon)

    for _ in range(2):
        change()
        assert told(daemon, run(daemon), "desk00") == []
    make_due(daemon)
    assert told(daemon, run(daemon), "desk00") == [], "not before the time is over"
    # a sync by hand tells of itself, and leaves what is still to be told
    assert daemon.run("zendesk_sync", "desk00", streams=["tickets"]).success
    make_due(daemon)
    (metadata,) = told(daemon, run(daemon, report_seconds=0), "desk00")
    assert (metadata["rows_created"], metadata["syncs"]) == (2, 2)
    make_due(daemon)
    assert told(daemon, run(daemon, report_seconds=0), "desk00") == [], "nothing new since"


def test_without_the_private_call_the_reason_is_observed(
    daemon: Daemon, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> dg.DagsterEvent:
        raise ImportError("cannot import name")

    add(daemon, sandbox, 1, broken=1)
    monkeypatch.setattr(planned, "_planned", gone)
    result = run(daemon)
    assert not result.success
    observed = daemon.instance.fetch_observations(TICKETS, limit=10).records
    assert {(record.run_id, record.partition_key) for record in observed} == {(result.run_id, "desk00")}
    assert partitions(daemon) == {}, "the colour is what the private call is for"


def test_a_live_run_ends_when_its_successor_is_there_and_tells_of_who_failed(
    daemon: Daemon, sandbox: SandboxServer
) -> None:
    add(daemon, sandbox, 2, broken=1)
    now = datetime.now(UTC)
    # it beats before its time, so that the run's own end is all that is waited for
    beat(daemon.project.control, Loop("next", "another run", Kind.LIVE, now, now, now + timedelta(hours=1)), now)
    result = run(daemon, live=True, seconds=1)
    assert not result.success
    assert partitions(daemon) == {"desk00": "MATERIALIZED", "desk01": "FAILED"}
    assert [loop.id for loop in read_loops(daemon.project.control)] == ["next"]


def control(daemon: Daemon, job: str, **config: str) -> dg.ExecuteInProcessResult:
    op = job.removesuffix("_desk")
    return defs.resolve_job_def(job).execute_in_process(
        instance=daemon.instance,
        run_config={"ops": {op: {"config": config}}, **QUIET},
        resources={"tickets": daemon.tickets},
        raise_on_error=False,
    )


def test_schedules_are_changed_from_the_ui(daemon: Daemon, sandbox: SandboxServer) -> None:
    add(daemon, sandbox, 1)
    desks = daemon.project.desks
    assert control(daemon, "pause_desk", desk="desk00").success
    assert desks.get("desk00").paused
    assert control(daemon, "resume_desk", desk="desk00").success
    assert not desks.get("desk00").paused
    assert control(daemon, "schedule_desk", desk="desk00", schedule="*/5 9-17 * * 1-5", timezone="Europe/Rome").success
    assert (desks.get("desk00").schedule, desks.get("desk00").timezone) == ("*/5 9-17 * * 1-5", "Europe/Rome")
    assert not control(daemon, "schedule_desk", desk="desk00", schedule="often").success
    assert not control(daemon, "pause_desk", desk="nobody").success


def test_a_stuck_desk_is_reset_from_the_ui(daemon: Daemon, sandbox: SandboxServer) -> None:
    add(daemon, sandbox, 1)
    hung = acquire(daemon.project.control, "desk00", "a sync that hangs")
    daemon.project.desks.ended("desk00", Ending(Status.FAILED, datetime.now(UTC), "credentials", "refused"))
    assert control(daemon, "reset_desk", desk="desk00").success
    desk = daemon.project.desks.get("desk00")
    assert (desk.parked, desk.failures) == (None, 0)
    assert not hung.prolong()
    assert not control(daemon, "reset_desk", desk="nobody").success


def test_a_worker_tells_dagster_too(daemon: Daemon, sandbox: SandboxServer, cli: Cli) -> None:
    add(daemon, sandbox, 2, broken=1)
    ended = cli("worker", "--until-idle", "--json")
    assert (ended.exit_status, ended.json) == (0, {"success": 1, "failed": 1})
    assert partitions(daemon) == {"desk00": "MATERIALIZED", "desk01": "missing"}
    (observed,) = daemon.instance.fetch_observations(TICKETS, limit=10).records
    assert observed.partition_key == "desk01"

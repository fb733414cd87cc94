"""Materializing desks: what is emitted, what it says, and what a choice of assets does."""

from __future__ import annotations

import threading
from typing import Any

import dagster as dg
import pytest

from ticket_pipelines.control.status import runs
from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.report import STATUS_TAG
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.defs.conftest import Daemon, checked, materialized, told


def count(daemon: Daemon, table: str) -> int:
    found = daemon.project.warehouse.query(f"SELECT count(*) AS n FROM helpdesk.{table} WHERE desk = 'acme'")
    return int(found["n"][0].as_py())


def tags(daemon: Daemon, result: dg.ExecuteInProcessResult) -> dict[str, str]:
    run = daemon.instance.get_run_by_id(result.run_id)
    assert run
    return dict(run.tags)


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What the UI shows of a failed step."""
    (event,) = result.get_step_failure_events()
    data = event.step_failure_data.user_failure_data
    assert data
    return str(data.description)


def test_one_run_is_one_sync_with_the_numbers_of_sync_runs(daemon: Daemon, acme: str) -> None:
    result = daemon.run("zendesk_sync")
    assert result.success
    (run,) = runs(daemon.project.control, acme)
    assert (run.dagster_run_id, run.status, run.trigger) == (result.run_id, Status.SUCCESS, "manual")
    assert {STATUS_TAG: "success", "dagster/partition": acme}.items() <= tags(daemon, result).items()

    emitted = materialized(result)
    vendor = {key: metadata for key, metadata in emitted.items() if key.startswith("zendesk/")}
    for number in ("read", "created", "updated", "unchanged", "deleted", "failed"):
        assert sum(metadata[f"rows_{number}"] for metadata in vendor.values()) == getattr(run, f"rows_{number}")
    assert {metadata["sync"] for metadata in emitted.values()} == {run.id}
    assert {metadata["api_requests"] for metadata in emitted.values()} == {run.api_requests}
    assert emitted["zendesk/tickets"]["dagster/partition_row_count"] == count(daemon, "zendesk_tickets") > 0
    assert emitted["helpdesk/zendesk/tickets"]["dagster/partition_row_count"] == count(daemon, "tickets")
    assert checked(result)["zendesk/tickets:complete"].passed
    assert daemon.instance.get_status_by_partition(
        dg.AssetKey(["helpdesk", "zendesk", "tickets"]), [acme], dg.DynamicPartitionsDefinition(name="zendesk_desks")
    )


def test_chosen_vendor_assets_sync_only_their_streams(daemon: Daemon, acme: str, sandbox: SandboxServer) -> None:
    result = daemon.materialize("zendesk/groups", "zendesk/organizations")
    assert result.success
    (run,) = runs(daemon.project.control, acme)
    assert set(run.details["streams"]) == {"groups", "organizations"}
    # the unified rows that came along are told too
    assert set(materialized(result)) == {
        "zendesk/groups",
        "zendesk/organizations",
        "helpdesk/zendesk/groups",
        "helpdesk/zendesk/accounts",
    }
    assert not [entry for entry in sandbox.zendesk.control.log() if "tickets" in entry.path]


def test_a_unified_asset_alone_is_made_again_without_a_request(
    daemon: Daemon, acme: str, sandbox: SandboxServer
) -> None:
    daemon.run("zendesk_sync")
    before = count(daemon, "contacts")
    sandbox.zendesk.control.clear_log()
    result = daemon.materialize("helpdesk/zendesk/contacts")
    assert result.success
    assert set(materialized(result)) == {"helpdesk/zendesk/contacts"}
    assert materialized(result)["helpdesk/zendesk/contacts"]["dagster/partition_row_count"] == before > 0
    assert sandbox.zendesk.control.log() == []
    assert len(runs(daemon.project.control, acme)) == 1


def test_a_stream_that_fails_is_not_materialized_and_the_run_says_partial(
    daemon: Daemon, acme: str, sandbox: SandboxServer
) -> None:
    sandbox.zendesk.control.fail("status", match="macros", status=403, times=None)
    result = daemon.run("zendesk_sync")
    assert result.success
    assert "zendesk/macros" not in materialized(result)
    assert "zendesk/tickets" in materialized(result)
    assert tags(daemon, result)[STATUS_TAG] == "partial"
    complete = checked(result)["zendesk/tickets:complete"]
    assert not complete.passed
    assert complete.severity is dg.AssetCheckSeverity.WARN
    assert "macros" in (complete.description or "")
    assert list(told(complete)["left_out"]) == ["macros"]
    assert complete.partition == acme


def test_a_failed_choice_of_assets_fails_the_check_of_the_desk_too(
    daemon: Daemon, acme: str, sandbox: SandboxServer
) -> None:
    sandbox.zendesk.control.fail("status", match="macros", status=403, times=None)
    result = daemon.materialize("zendesk/macros", "zendesk/groups")
    assert tags(daemon, result)["dagster/partition"] == acme
    assert set(materialized(result)) == {"zendesk/groups", "helpdesk/zendesk/groups"}
    assert not checked(result)["zendesk/tickets:complete"].passed


def test_wrong_credentials_fail_at_once_with_one_line_and_spare_other_desks(
    daemon: Daemon, acme: str, sandbox: SandboxServer
) -> None:
    daemon.project.desks.add(
        "broken", "zendesk", sandbox.zendesk.config, {"client_id": "tickets", "client_secret": "wr0ng-secret"}
    )
    daemon.instance.add_dynamic_partitions("zendesk_desks", ["broken"])
    broken, good = daemon.run("zendesk_sync", "broken"), daemon.run("zendesk_sync", acme)
    assert not broken.success
    (run,) = runs(daemon.project.control, "broken")
    assert failure(broken) == run.error_message
    assert "wr0ng-secret" not in str(broken.all_events)
    assert not [event for event in broken.all_events if event.is_step_up_for_retry]
    assert tags(daemon, broken)["dagster/retry_on_asset_or_op_failure"] == "false"
    assert good.success


def test_a_desk_that_is_being_synced_is_refused_with_the_holder_or_skipped_when_scheduled(
    daemon: Daemon, acme: str
) -> None:
    with hold(daemon.project.control, acme, "the other process"):
        refused = daemon.run("zendesk_sync", wait=False)
        skipped = daemon.run("zendesk_sync", wait=False, trigger="schedule")
    assert not refused.success
    assert "the other process" in failure(refused)
    assert skipped.success
    assert materialized(skipped) == {}
    assert tags(daemon, skipped)[STATUS_TAG] == "skipped"
    assert runs(daemon.project.control, acme) == []


def test_two_runs_of_a_desk_at_once_sync_it_one_after_the_other(daemon: Daemon, acme: str) -> None:
    results: list[dg.ExecuteInProcessResult] = []
    with hold(daemon.project.control, acme, "the first"):
        second = threading.Thread(target=lambda: results.append(daemon.run("zendesk_sync", streams=["groups"])))
        second.start()
        second.join(0.1)
        assert runs(daemon.project.control, acme) == []
    second.join(300)
    assert [result.success for result in results] == [True]
    assert len(runs(daemon.project.control, acme)) == 1


@pytest.mark.parametrize(
    ("job", "config", "mode"),
    [
        ("zendesk_full_sync", {}, "full"),
        ("zendesk_backfill", {"since": "2020-01-01", "streams": ["tickets"]}, "backfill"),
    ],
)
def test_jobs_run_in_their_mode(daemon: Daemon, acme: str, job: str, config: dict[str, Any], mode: str) -> None:
    result = daemon.run(job, **config)
    assert result.success
    assert runs(daemon.project.control, acme)[0].mode == mode


def test_a_backfill_without_dates_says_what_it_needs(daemon: Daemon, acme: str) -> None:
    result = daemon.run("zendesk_backfill")
    assert not result.success
    assert "since" in failure(result)
    assert runs(daemon.project.control, acme) == []


def test_an_unknown_mode_says_what_there_is(daemon: Daemon, acme: str) -> None:
    assert acme
    result = daemon.run("zendesk_sync", mode="sideways")
    assert failure(result) == "mode: 'sideways' is not known; write one of incremental, full, backfill"


def test_the_daily_run_reads_reference_streams_and_checks_every_table(daemon: Daemon, acme: str) -> None:
    daemon.run("zendesk_sync")
    job = defs.resolve_job_def("zendesk_daily")
    result = daemon.run(job.name, acme, **job.get_run_config_for_partition_key(acme)["ops"]["zendesk_desk"]["config"])
    assert result.success
    run = runs(daemon.project.control, acme)[0]
    assert run.trigger == "schedule"
    assert "groups" in run.details["streams"]
    assert "tickets" not in run.details["streams"]
    found = checked(result)
    assert {"helpdesk/zendesk/tickets:matches_vendor", "zendesk/tickets:unique_key"} <= set(found)
    assert all(check.passed for check in found.values())

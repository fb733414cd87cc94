"""`outbox …` and `push` on the command line, and what Dagster shows of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.launch import add_partition, instance_of, run_push
from ticket_pipelines.defs.outbound import waiting_desks
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Status
from ticket_pipelines.writeback.entry import State
from ticket_pipelines_tests.fixtures.project import Cli, Result
from ticket_pipelines_tests.writeback.conftest import MakeWritable, Writable

Run = Callable[..., Result]


@pytest.fixture
def desk(make_writable: MakeWritable) -> Writable:
    return make_writable()


@pytest.fixture
def run(desk: Writable) -> Run:
    """The command line on the desk's installation."""
    return Cli({"TICKETS_HOME": str(desk.project.settings.home)})


def test_a_change_goes_in_is_shown_and_is_written(desk: Writable, run: Run) -> None:
    ticket = desk.cases()[0]
    sync_desk(desk.project, desk.key)
    sets = ("--set", "status=solved", "--set", "c__dr_location=DR=5")
    added = run("outbox", "add", desk.key, "--ticket", ticket, *sets, "--note", "done", "--json")
    assert added.exit_status == 0, added.stderr
    status, fields, note = added.json
    assert [one["operation"] for one in added.json] == ["status", "fields", "note"]
    assert status["base"] == {"status": desk.fields(ticket)["status"]}
    assert status["base_version"] > 0
    assert fields["fields"] == {"c__dr_location": "DR=5"}
    assert note["note"] == "done"

    planned = run("push", desk.key, "--dry-run", "--json")
    assert [(one["action"], one["send"]) for one in planned.json] == [
        ("send", {"status": "Solved"}),
        ("send", {"c__dr_location": "DR=5"}),
        ("send", {"note": "done", "public": False}),
    ]
    assert desk.sent("PATCH") == desk.sent("POST") == 0
    assert "c__dr_location" in run("push", desk.key, "--dry-run").stdout

    pushed = run("push", desk.key, "--json")
    assert pushed.exit_status == 0, pushed.stderr
    assert (pushed.json["status"], pushed.json["direction"], pushed.json["mode"]) == ("success", "outbound", "push")
    assert desk.fields(ticket)["status"] == "Solved"
    listed = run("outbox", "list", "--desk", desk.key, "--json")
    assert {one["state"] for one in listed.json} == {"done"}
    assert "nothing waits" in run("push", desk.key, "--dry-run").stdout
    (row,) = [one for one in run("status", "--json").json if one["desk"] == desk.key]
    assert row["last_status"] == "success"
    (outbound,) = [one for one in run("runs", "--desk", desk.key, "--json").json if one["direction"] == "outbound"]
    with instance_of(desk.project.settings) as instance:
        recorded = instance.get_run_by_id(outbound["dagster_run_id"])
        assert recorded is not None
        assert recorded.job_name == "qcontact_outbound"


def test_a_parked_entry_is_told_retried_and_cancelled(desk: Writable, run: Run) -> None:
    ticket = desk.cases()[0]
    run("outbox", "add", desk.key, "--ticket", ticket, "--set", "status=pending")
    pushed = run("push", desk.key)
    assert pushed.exit_status == 3, pushed.stderr
    assert "status 'pending' has no token" in pushed.stdout
    (entry,) = desk.outbox.entries(desk.key)
    shown = run("outbox", "list", "--desk", desk.key).stdout
    assert "parked: unmapped" in shown
    assert run("outbox", "retry", str(entry.id)).exit_status == 0
    assert run("outbox", "retry", str(entry.id)).exit_status == 2
    (planned,) = run("push", desk.key, "--dry-run", "--json").json
    assert planned["action"] == "park"
    assert run("outbox", "cancel", str(entry.id), "--json").json["state"] == "cancelled"
    assert run("outbox", "cancel", "999").exit_status == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--ticket", "7"), "nothing to write"),
        (("--ticket", "FT7", "--note", "x"), "no id of QContact"),
        (("--ticket", "7", "--set", "status"), "write FIELD=VALUE"),
        (("--ticket", "7", "--set", "status="), "cannot be cleared"),
        (("--ticket", "7", "--set", "a=1", "--set", "a=2"), "given twice"),
        (("--ticket", "7", "--note", " "), "a note needs a text"),
        (("--note", "x"), "--ticket"),
    ],
)
def test_a_change_that_cannot_be_is_refused(desk: Writable, run: Run, given: tuple[str, ...], words: str) -> None:
    done = run("outbox", "add", desk.key, *given)
    assert done.exit_status == 2
    assert words in done.stderr


def test_a_desk_that_may_not_be_written_says_how_to_change_that(make_writable: MakeWritable) -> None:
    desk = make_writable(write_enabled=False)
    run = Cli({"TICKETS_HOME": str(desk.project.settings.home)})
    added = run("outbox", "add", desk.key, "--ticket", desk.cases()[0], "--note", "hello", "--json")
    assert (added.exit_status, len(added.json)) == (0, 1)
    assert "write_enabled" in added.stderr
    done = run("push", desk.key)
    assert done.exit_status == 2
    assert "write_enabled" in done.stderr
    assert run("push", desk.key, "--dry-run", "--json").json[0]["action"] == "send"
    desk.project.desks.update(desk.key, json.loads(done.stderr.split("'")[-2]))
    assert run("push", desk.key).exit_status == 0


def test_dagster_shows_the_push_and_what_is_left_parked(desk: Writable) -> None:
    settings = desk.project.settings
    desk.add(desk.cases()[0], {"status": "pending"})
    assert waiting_desks(desk.project, "qcontact") == [desk.key]
    assert run_push(settings, desk.key).status is Status.PARTIAL
    key = dg.AssetKey(["qcontact", "outbound"])
    with instance_of(settings) as instance:
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["parked_or_waiting"].value == 1
        assert last_check(instance, key) is False
        (entry,) = desk.outbox.entries(desk.key, [State.PARKED])
        desk.outbox.cancel(entry.id)
        assert waiting_desks(desk.project, "qcontact") == []
        assert run_push(settings, desk.key).status is Status.SUCCESS
        assert last_check(instance, key) is True


def test_a_push_that_failed_is_a_failed_run_and_no_materialization(desk: Writable, run: Run) -> None:
    desk.add_note(desk.cases()[0], "hello")
    desk.vendor.control.fail("refuse_credentials")
    done = run("push", desk.key, "--json")
    desk.vendor.control.fail("restore_access")
    assert (done.exit_status, done.json["error_code"]) == (1, "credentials")
    with instance_of(desk.project.settings) as instance:
        recorded = instance.get_run_by_id(done.json["dagster_run_id"])
        assert recorded is not None
        assert recorded.status is dg.DagsterRunStatus.FAILURE
        made = instance.all_logs(recorded.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert made == []


def last_check(instance: dg.DagsterInstance, asset: dg.AssetKey) -> bool:
    """Whether the last evaluation of the check passed."""
    (run,) = instance.get_runs(dg.RunsFilter(job_name="qcontact_outbound"), limit=1)
    (found,) = [
        event.dagster_event.asset_check_evaluation_data
        for event in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        if event.dagster_event
    ]
    assert (found.asset_key, found.check_name) == (asset, "nothing_parked")
    return found.passed


def test_the_schedule_asks_for_desks_with_something_to_write(desk: Writable, make_writable: MakeWritable) -> None:
    settings = desk.project.settings
    other = make_writable()
    for one in (desk, other):
        add_partition(settings, "qcontact", one.key)
    schedule = defs.resolve_schedule_def("qcontact_outbound")
    with instance_of(settings) as instance:

        def tick() -> set[str | None]:
            context = dg.build_schedule_context(
                instance,
                resources={"tickets": Tickets(settings)},
                repository_def=defs.get_repository_def(),
                scheduled_execution_time=datetime.now(UTC),
            )
            asked = {one.partition_key for one in schedule.evaluate_tick(context).run_requests or []}
            return asked & {desk.key, other.key}

        assert tick() == set()
        for one in (desk, other):
            one.add_note(one.cases()[0], "hello")
        assert tick() == {desk.key, other.key}
        desk.project.desks.pause(desk.key)
        assert tick() == {other.key}
        desk.project.desks.update(other.key, {"write_enabled": False})
        assert tick() == set()

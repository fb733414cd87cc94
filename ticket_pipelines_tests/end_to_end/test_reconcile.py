"""Source against warehouse: what is missing, stale or extra is found, named with its reason, and repaired."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import UTC, datetime
from typing import cast

import pytest
import sqlalchemy as sa

from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.control.database import leases
from ticket_pipelines.errors import DeskBusyError, SyncStoppedError, UsageError
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.progress import Progress, Quiet
from ticket_pipelines.sync.reconcile import ReconcileRequest, reconcile_desk, status_of
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk
from ticket_pipelines_tests.fixtures.handwork import drop, invent, put_back
from ticket_pipelines_tests.fixtures.reconciling import named, of, reconcile

STREAMS = ("tickets", "organizations", "groups")


def test_what_is_lost_stale_and_extra_is_found_and_repaired(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, **PAST)
    desk.synced(streams=STREAMS)
    clean = reconcile(desk, *STREAMS)
    assert status_of(clean) is Status.SUCCESS
    assert {one.outcome for one in clean.found} == {"equal"}
    assert (
        of(clean, "tickets").warehouse_rows
        == of(clean, "tickets").source_rows
        == desk.count("zendesk_tickets", "deleted_at IS NULL")
    )

    warehouse = desk.project.warehouse
    lost, old, like = [str(one["id"]) for one in desk.held("tickets") if one["status"] != "deleted"][:3]
    before = [desk.row(table, key) for table in ("zendesk_tickets", "tickets") for key in (lost, old)]
    drop(warehouse, "zendesk_tickets", lost)
    drop(warehouse, "tickets", lost)
    put_back(warehouse, "zendesk_tickets", old)
    put_back(warehouse, "tickets", old)
    invent(warehouse, "zendesk_tickets", like, "999")
    group = str(desk.held("groups")[0]["id"])
    drop(warehouse, "zendesk_groups", group)
    company = str(desk.held("organizations")[0]["id"])
    drop(warehouse, "zendesk_organizations", company)

    seen = reconcile(desk, *STREAMS)

    assert status_of(seen) is Status.PARTIAL
    assert sorted(named(of(seen, "tickets"))) == sorted(
        [(lost, "missing", "lost"), (old, "stale", "lost"), ("999", "extra", "deleted")]
    )
    assert named(of(seen, "groups")) == [(group, "missing", "lost")]
    assert seen.repair is None
    assert desk.count("zendesk_tickets", f"id = '{lost}'") == 0

    mended = reconcile(desk, *STREAMS, repair=True)

    assert status_of(mended) is Status.SUCCESS
    assert [(one.outcome, one.repaired, one.deleted) for one in mended.found] == [
        ("repaired", 2, 1),
        ("repaired", 1, 0),
        ("repaired", 1, 0),
    ]
    after = [desk.row(table, key) for table in ("zendesk_tickets", "tickets") for key in (lost, old)]
    assert [{**row, "synced_at": None} for row in after] == [{**row, "synced_at": None} for row in before]
    assert desk.count("zendesk_tickets", "id = '999' AND deleted_at IS NOT NULL") == 1
    assert desk.count("zendesk_groups", f"id = '{group}'") == desk.count("zendesk_organizations", f"id = '{company}'")
    assert {one.outcome for one in reconcile(desk, *STREAMS).found} == {"equal"}
    (run,) = desk.ask(
        f"SELECT mode, status, rows_created, rows_updated, rows_deleted FROM helpdesk.sync_runs"
        f" WHERE id = '{mended.repair}'"
    )
    assert run == {"mode": "repair", "status": "success", "rows_created": 3, "rows_updated": 1, "rows_deleted": 1}
    kept = desk.ask(
        "SELECT stream, missing, stale, extra, repaired, marked_deleted FROM helpdesk.reconciliations"
        f" WHERE reconciliation = '{mended.id}' AND stream = 'tickets'"
    )
    assert kept == [{"stream": "tickets", "missing": 1, "stale": 1, "extra": 1, "repaired": 2, "marked_deleted": 1}]


def test_every_stream_of_a_fresh_copy_is_equal(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced()
    done = reconcile(desk)
    assert {one.stream: (one.outcome, one.rows) for one in done.found if one.outcome != "equal" or one.rows} == {}
    assert len(done.found) > 15


def test_what_changed_since_the_last_sync_is_no_difference(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(streams=("tickets",))
    desk.sandbox.zendesk.control.clock(advance=600)
    key = desk.held("tickets")[0]["id"]
    desk.change("update_ticket", id=key, fields={"priority": "urgent"})

    found = of(reconcile(desk, "tickets"), "tickets")

    assert (found.outcome, found.newer, found.approximate, named(found)) == ("equal", 1, True, [])


def test_one_that_was_killed_goes_on_behind_its_last_page(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlt_sources.zendesk.reader.EXPORT_PAGE", 10)
    desk = make_desk("", **PAST)
    desk.synced(streams=("tickets",))
    desk.sandbox.zendesk.control.clear_log()

    assert in_a_process_that_dies(desk, pages=2) == -signal.SIGKILL
    before = len(desk.requests("/incremental/tickets"))
    with desk.project.control.begin() as connection:
        # what the time would do
        connection.execute(sa.update(leases).values(expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    done = of(reconcile(desk, "tickets"), "tickets")
    both = len(desk.requests("/incremental/tickets"))

    desk.sandbox.zendesk.control.clear_log()
    whole = of(reconcile(desk, "tickets"), "tickets")
    assert (done.outcome, done.source_rows, done.warehouse_rows) == ("equal", whole.source_rows, whole.warehouse_rows)
    assert (before, both) == (2, len(desk.requests("/incremental/tickets")))


def in_a_process_that_dies(desk: ZendeskDesk, pages: int) -> int | None:
    """A reconciliation in a process of its own that is killed behind so many pages; its exit code."""
    settings = desk.project.settings

    def work() -> None:
        left = iter(range(pages - 1))

        def stopping() -> bool:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return False

        with open_project(settings) as project:
            reconcile_desk(project, desk.key, ReconcileRequest(("tickets",)), stopping=stopping)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    return child.exitcode


def test_one_that_is_told_to_stop_goes_on_too(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(streams=("groups",))
    with pytest.raises(SyncStoppedError, match="goes on"):
        reconcile_desk(desk.project, desk.key, ReconcileRequest(("groups",)), stopping=lambda: True)
    assert of(reconcile(desk, "groups"), "groups").outcome == "equal"
    assert not list((desk.project.settings.home / "reconcile").iterdir())


def test_a_desk_that_is_being_synced_is_left_alone(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    with hold(desk.project.control, desk.key, "somebody"), pytest.raises(DeskBusyError, match="somebody"):
        reconcile(desk)
    with pytest.raises(UsageError, match="no stream 'nonsense'"):
        reconcile(desk, "nonsense")


def test_a_stream_that_may_not_be_read_is_said(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(streams=("groups", "macros"))
    desk.sandbox.zendesk.control.fail(preset="forbidden", stream="macros", times=9)

    done = reconcile(desk, "groups", "macros")

    assert status_of(done) is Status.PARTIAL
    assert of(done, "groups").outcome == "equal"
    assert of(done, "macros").outcome == "not compared"
    assert "403" in (of(done, "macros").reason or "") or "may not" in (of(done, "macros").reason or "")


class Hasty(Quiet):
    """Waits for nothing."""

    def wait(self, seconds: float, why: str) -> bool:  # type: ignore[override] # noqa: ARG002 - see `OnWait`
        return True


def test_where_nobody_answers_it_does_not_ask_stream_by_stream(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(streams=STREAMS)
    control = desk.sandbox.zendesk.control
    control.fail("status", match="/api/v2", status=503, times=None)
    control.clear_log()
    with pytest.raises(ConnectionFailedError, match="503"):
        reconcile_desk(desk.project, desk.key, progress=cast("Progress", Hasty()))
    asked = {entry.path for entry in control.log() if "/api/v2" in entry.path}
    assert len(asked) == 2

    control.heal()
    control.fail("status", match="/api/v2", status=503, skip=1, times=None)
    done = reconcile_desk(desk.project, desk.key, ReconcileRequest(STREAMS), cast("Progress", Hasty()))
    reasons = [one.reason or "" for one in done.found if one.outcome == "not compared"]
    assert reasons
    assert status_of(done) is Status.PARTIAL
    control.heal()
    assert {one.outcome for one in reconcile(desk, *STREAMS).found} == {"equal"}

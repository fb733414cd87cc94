"""The engine on an emulated Zendesk account: true counts, and two desks of one account."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dlt_sources import VENDORS
from dlt_sources.zendesk import reader
from ticket_pipelines.control.status import status
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.zendesk.access import CREDENTIALS
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Mode, Status, SyncRequest
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines_tests.dlt_sources.scripted import Reply, serving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture

MakeProject = Callable[..., Project]


def register(project: Project, sandbox: Any, key: str = "acme") -> None:
    project.desks.add(key, "zendesk", {"base_url": sandbox.zendesk.url}, CREDENTIALS["oauth"])


def contents(project: Project, desk: str = "acme") -> dict[str, list[dict[str, Any]]]:
    """All rows of a desk, without the times at which they were read."""
    vendor = VENDORS["zendesk"]
    found = {}
    for table in [*(vendor.table(stream) for stream in vendor.streams), *TABLES]:
        if not project.warehouse.columns(table):
            continue
        rows = project.warehouse.query(f"SELECT * FROM helpdesk.{table} WHERE desk = '{desk}' ORDER BY id").to_pylist()
        found[table] = [
            {name: value for name, value in row.items() if name not in ("synced_at", "desk")} for row in rows
        ]
    return found


@others_in_torture
def test_nothing_changed_and_nothing_lost(make_project: MakeProject, sandbox: Any, warehouse_url: str) -> None:
    project = make_project(warehouse_url)
    register(project, sandbox)
    first = sync_desk(project, "acme")
    assert first.status is Status.SUCCESS
    assert first.rows_failed == 0
    assert first.rows_read == first.rows_created + first.rows_deleted + first.rows_unchanged
    before = contents(project)
    second = sync_desk(project, "acme")
    assert (second.rows_created, second.rows_updated, second.rows_deleted) == (0, 0, 0)
    full = sync_desk(project, "acme", SyncRequest(mode=Mode.FULL))
    assert (full.rows_created, full.rows_updated, full.rows_deleted) == (0, 0, 0)
    assert contents(project) == before


def test_two_desks_of_one_account_hold_the_same(make_project: MakeProject, sandbox: Any) -> None:
    project = make_project()
    for key in ("acme", "beta"):
        register(project, sandbox, key)
        sync_desk(project, key)
    # a link's id is made of its ends, and they name the desk
    first, second = (contents(project, key) for key in ("acme", "beta"))
    for table in first.keys() - {"record_links"}:
        assert first[table] == second[table], table


class Watcher(Quiet):
    """Counts the rows that are committed."""

    rows = 0

    def loaded(self, rows: int) -> None:
        self.rows += rows


def test_a_backfill_that_is_cut_off_says_how_far_it_came(
    make_project: MakeProject, make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "EXPORT_PAGE", 50)
    sandbox = make_sandbox(tickets=150)
    project = make_project()
    register(project, sandbox)
    watcher = Watcher()
    request = SyncRequest(mode=Mode.BACKFILL, since=datetime(2020, 1, 1, tzinfo=UTC), streams=("tickets",))
    cut = sync_desk(project, "acme", request, watcher, Bounds(rows=50, read=50), stopping=lambda: watcher.rows > 0)
    assert cut.status is Status.PARTIAL
    (found,) = status(project.control, project.desks.list(), datetime.now(UTC))
    assert found.backfill is not None
    assert (found.backfill.mode, found.backfill.stream) == ("backfill", "tickets")
    assert found.backfill.fraction is not None
    assert 0 < found.backfill.fraction < 1
    assert found.backfill.seconds_left is not None
    exports = next(one for one in found.budget if one.limit == "incremental")
    assert exports.left is not None
    assert exports.total is not None
    assert 0 <= exports.left < exports.total

    assert sync_desk(project, "acme", request).status is Status.SUCCESS
    assert status(project.control, project.desks.list(), datetime.now(UTC))[0].backfill is None


def test_business_minutes_are_those_of_the_vendor(make_project: MakeProject) -> None:
    minutes = {"reply_time_in_minutes": {"calendar": 90, "business": 30}, "on_hold_time_in_minutes": {"business": None}}
    record = {"id": 35, "generated_timestamp": 5, "status": "open", "metric_set": minutes}
    with serving() as account:
        account.on(
            "/api/v2/incremental/tickets/cursor",
            Reply({"tickets": [record], "after_cursor": "c", "end_of_stream": True}),
        )
        project = make_project()
        project.desks.add("acme", "zendesk", {"base_url": account.url}, {"access_token": "an-access-token"})
        sync_desk(project, "acme", SyncRequest(streams=("tickets",)))
    (row,) = project.warehouse.query("SELECT metric_set FROM helpdesk.zendesk_tickets").to_pylist()
    assert json.loads(row["metric_set"]) == minutes

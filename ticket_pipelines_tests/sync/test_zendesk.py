"""The engine on an emulated Zendesk account: true counts, and two desks of one account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlt_sources import VENDORS
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.zendesk.access import CREDENTIALS
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Mode, Status, SyncRequest
from ticket_pipelines.unified.model import TABLES

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

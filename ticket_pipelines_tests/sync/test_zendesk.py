"""The engine on an emulated Zendesk account: true counts, two desks, and processes killed at every kind of point."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources import VENDORS
from ticket_pipelines.control.database import leases, sync_runs
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


@pytest.mark.parametrize(("event", "number"), [("page", 5), ("loaded", 2)])
def test_a_killed_sync_ends_like_an_uninterrupted_one(
    make_project: MakeProject, sandbox: Any, warehouse_url: str, home: Path, tmp_path: Path, event: str, number: int
) -> None:
    project = make_project(warehouse_url)
    register(project, sandbox)
    script = [sys.executable, "-m", "ticket_pipelines_tests.sync.killed", str(home), warehouse_url, event, str(number)]
    ended = subprocess.run(script, check=False, cwd=Path(__file__).parents[2], capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    with project.control.begin() as connection:
        connection.execute(sa.update(leases).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    result = sync_desk(project, "acme")
    assert (result.status, result.rows_updated) == (Status.SUCCESS, 0)
    with project.control.connect() as connection:
        codes = connection.execute(sa.select(sync_runs.c.error_code).order_by(sync_runs.c.started_at)).scalars().all()
    assert codes == ["killed", None]
    straight = make_project(f"duckdb:///{tmp_path / 'straight.duckdb'}", TICKETS_HOME=str(tmp_path / "straight"))
    register(straight, sandbox)
    sync_desk(straight, "acme")
    assert sizes(project) == sizes(straight)
    if straight.warehouse.engine == project.warehouse.engine:
        assert contents(project) == contents(straight)


def sizes(project: Project) -> dict[str, int]:
    return {table: len(rows) for table, rows in contents(project).items()}

"""Processes that are killed, anywhere in a sync: the next ones leave what one undisturbed sync leaves."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.database import leases
from ticket_pipelines.control.status import runs
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.result import Status, SyncResult
from ticket_pipelines.unified.job_history import JOB_HISTORY, SYNC_LOG
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines_tests.end_to_end.conftest import PAST
from ticket_pipelines_tests.end_to_end.killing import PAGES, sync_in_process
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

ROUNDS: dict[str, list[tuple[int, ...]]] = {
    "duckdb": [(2, 30, 60), (10, 25, 55), (45, 5, 40), (95, 2, 1)],
    "postgres": [(5, 35, 50), (20, 15, 60), (96, 2)],
    # its points differ by some per cent from run to run, with what the engine has merged meanwhile
    "chdb": [(8, 40, 45), (92, 1)],
}
"""Kills, one after the other on one installation, each after so many percent of the points of a whole sync.

Together they are less than 100: a process goes on where the last one was, and still reaches its point.
"""

MakeUrl = Callable[[str], str]


@pytest.fixture
def empty_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Gives URLs of empty warehouses on the engine that the test is parametrized with."""
    made: list[str] = []

    def make(engine: str) -> str:
        made.append(engine)
        if engine == "duckdb":
            return f"duckdb:///{tmp_path / f'{len(made)}.duckdb'}"
        if engine == "chdb":
            return f"chdb:///{tmp_path / f'{len(made)}.chdb'}"
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.create_database()
        request.addfinalizer(lambda: server.drop_database(name))
        return server.url(name)

    return make


def installation(home: Path, warehouse: str, account: Listening) -> dict[str, str]:
    """A new installation with one desk."""
    environ = {"TICKETS_HOME": str(home), "TICKETS_WAREHOUSE": warehouse}
    with open_project(environ) as project:
        project.desks.add("acme", "zendesk", account.config, account.credentials)
    return environ


def contents(project: Project) -> dict[str, tuple[int, str]]:
    """Rows and their hash, of each table and view but for those of the history of syncs; all columns but synced_at."""
    history = (SYNC_RUNS.name, JOB_HISTORY, SYNC_LOG)
    listed = project.warehouse.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'helpdesk'"
        f" AND left(table_name, 1) <> '_' AND table_name NOT IN {history}"
    )
    found = {}
    for name in sorted(listed["table_name"].to_pylist()):
        rows = project.warehouse.query(f"SELECT * FROM helpdesk.{name}").drop_columns(["synced_at"]).to_pylist()
        texts = sorted(repr(sorted(row.items())) for row in rows)
        found[name] = (len(texts), hashlib.sha256("\n".join(texts).encode()).hexdigest())
    return found


def pages(account: Listening, whole: SyncResult) -> Counter[tuple[str, str]]:
    """How often each page of an export was read, but for the empty ones behind the last."""
    ends = {str(value) for part in whole.details["streams"].values() for value in (part["cursor_after"] or {}).values()}
    asked = [
        (entry.path, entry.query.get("cursor") or entry.query["start_time"])
        for entry in account.control.log()
        if "/incremental/" in entry.path
    ]
    return Counter(page for page in asked if page[1] not in ends)


def free(project: Project) -> None:
    """Ends the lease of a killed process, as time does."""
    with project.control.begin() as connection:
        connection.execute(sa.update(leases).values(expires_at=datetime(2020, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("engine", list(ROUNDS))
def test_killed_syncs_leave_what_an_undisturbed_one_leaves(
    engine: str, tmp_path: Path, empty_warehouse: MakeUrl, make_sandbox: MakeSandbox
) -> None:
    account = make_sandbox(tickets=60, **PAST).zendesk
    environ = installation(tmp_path / "whole", empty_warehouse(engine), account)
    whole = sync_in_process(environ, "acme")
    assert whole.result is not None
    assert whole.result.status is Status.SUCCESS
    once = pages(account, whole.result)
    assert once.total() == len(once) > 2 * PAGES
    with open_project(environ) as project:
        wanted = contents(project)

    for number, shares in enumerate(ROUNDS[engine]):
        environ = installation(tmp_path / str(number), empty_warehouse(engine), account)
        account.control.clear_log()
        with open_project(environ) as project:
            for share in shares:
                assert sync_in_process(environ, "acme", whole.points * share // 100).killed
                free(project)
            last = sync_in_process(environ, "acme").result

            assert last is not None
            statuses = [run.status for run in runs(project.control, "acme")]
            assert statuses == [Status.SUCCESS, *[Status.FAILED] * (len(statuses) - 1)]
            assert contents(project) == wanted, shares
        read = pages(account, whole.result)
        assert read.keys() == once.keys()
        assert read.total() - once.total() <= PAGES * len(shares), shares

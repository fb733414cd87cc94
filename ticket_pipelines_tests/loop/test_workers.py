"""Two workers, processes of their own, on one Postgres: never a desk at once, and none lost when one is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.control.database import leases
from ticket_pipelines.control.status import runs
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.result import Status, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject

DESKS = 20
PATIENCE = 120.0

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def shared(make_project: MakeProject, postgres_url: str) -> Project:
    """An installation with everything on Postgres."""
    return make_project(postgres_url, postgres_url, TICKETS_SECRET_KEY=Fernet.generate_key().decode())


@pytest.fixture
def start(shared: Project) -> Iterator[Start]:
    """Starts workers, which end with the test."""
    settings = shared.settings
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TICKETS_", "DAGSTER_"))}
    environ = {
        "TICKETS_HOME": str(settings.home),
        "TICKETS_WAREHOUSE": settings.warehouse,
        "TICKETS_CONTROL_DB": settings.control_db,
        "TICKETS_SECRET_KEY": settings.secret_keys[0],
    }
    workers: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ticket_pipelines.cli", "worker", "--no-dagster", "--threads", "3", "--json"]
        workers.append(subprocess.Popen(command, env={**clean, **environ}, stdout=subprocess.PIPE, text=True))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()
        worker.communicate()


def until(found: Callable[[], bool]) -> None:
    """Waits for something that comes, however slow the machine is."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def holding(project: Project, worker: subprocess.Popen[str]) -> list[str]:
    """The desks that a worker holds."""
    mine = sa.and_(leases.c.holder.endswith(f"process {worker.pid}"), leases.c.expires_at > datetime.now(UTC))
    with project.control.connect() as connection:
        return list(connection.execute(sa.select(leases.c.desk).where(mine)).scalars())


def by_desk(project: Project) -> dict[str, list[SyncResult]]:
    found: dict[str, list[SyncResult]] = defaultdict(list)
    for run in reversed(runs(project.control, limit=1000)):
        found[run.desk].append(run)
    return found


def test_two_workers_share_desks_and_one_is_killed(shared: Project, sandbox: SandboxServer, start: Start) -> None:
    config = {**sandbox.zendesk.config, "streams": ["tickets"], "schedule": "every 1h"}
    for number in range(DESKS):
        shared.desks.add(f"desk{number:02}", "zendesk", config, sandbox.zendesk.credentials)
    killed, other = start(), start()
    until(lambda: len(holding(shared, killed)) > 1)
    killed.kill()
    killed.wait()
    orphans = holding(shared, killed)
    assert orphans, "it was killed amid its work"
    # the time of its leases passes
    over = sa.update(leases).where(leases.c.holder.endswith(f"process {killed.pid}"))
    with shared.control.begin() as connection:
        connection.execute(over.values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    def all_in() -> bool:
        done = {run.desk for run in runs(shared.control, limit=1000) if run.status is Status.SUCCESS}
        return len(done) == DESKS and not holding(shared, other)

    until(all_in)
    other.send_signal(signal.SIGTERM)
    told, _ = other.communicate(timeout=PATIENCE)
    assert other.returncode == 0
    assert json.loads(told)["success"] >= len(orphans)
    history = by_desk(shared)
    for one in history.values():
        assert all(before.completed_at and before.completed_at <= after.started_at for before, after in pairwise(one))
        assert [run.status for run in one].count(Status.SUCCESS) == 1
    rows = shared.warehouse.query("SELECT desk, count(*) AS n FROM helpdesk.zendesk_tickets GROUP BY desk").to_pylist()
    assert sorted({row["n"] for row in rows}) == [40]
    assert len(rows) == DESKS

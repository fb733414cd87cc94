"""Two workers, processes of their own, on one Postgres: never a desk at once, and none lost when one is killed.

Proved by records, not by timing: a trigger keeps every change of a lease, and each desk starts at a time of its own, by
which the vendor's log says whose request it was.
"""

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
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.control.database import leases
from ticket_pipelines.control.status import runs
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.result import Status, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject

PATIENCE = 600.0
EPOCH = 1_500_000_000
"""Unix seconds before all records of the sandbox: desk n starts n seconds later."""

HISTORY = """
CREATE TABLE lease_history (number serial, at timestamptz DEFAULT clock_timestamp(),
                            desk text, token bigint, holder text, expires_at timestamptz);
CREATE FUNCTION keep_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lease_history (desk, token, holder, expires_at)
    VALUES (NEW.desk, NEW.token, NEW.holder, NEW.expires_at);
    RETURN NEW;
END $$;
CREATE TRIGGER keep_lease AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION keep_lease();
"""

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


def done(project: Project) -> set[str]:
    """The desks that were synced."""
    return {run.desk for run in runs(project.control, limit=1000) if run.status is Status.SUCCESS}


def unfinished(project: Project, worker: subprocess.Popen[str]) -> set[str]:
    """The desks that a worker holds and whose sync has not ended."""
    return set(holding(project, worker)) - done(project)


class Grant(NamedTuple):
    """A lease of a desk, from its grant to its end."""

    holder: str
    begin: datetime
    end: datetime


def grants(project: Project) -> dict[str, list[Grant]]:
    """All leases that there ever were, by desk, in the order of their tokens; the last change of one says its end."""
    query = sa.text("SELECT at, desk, token, holder, expires_at FROM lease_history ORDER BY number")
    found: dict[str, dict[int, Grant]] = defaultdict(dict)
    with project.control.connect() as connection:
        for row in connection.execute(query):
            begin = found[row.desk][row.token].begin if row.token in found[row.desk] else row.at
            # who gives a lease back dates its end back
            found[row.desk][row.token] = Grant(row.holder, begin, max(row.at, row.expires_at))
    return {desk: [held[token] for token in sorted(held)] for desk, held in found.items()}


def first_requests(sandbox: SandboxServer) -> dict[str, list[datetime]]:
    """When each desk's syncs asked for tickets from its own start on."""
    asked: dict[str, list[datetime]] = defaultdict(list)
    for entry in sandbox.zendesk.control.log():
        if "tickets/cursor" in entry.path and (start := entry.query.get("start_time")):
            asked[name(int(start) - EPOCH)].append(datetime.fromtimestamp(entry.at, UTC))
    return asked


def name(number: int) -> str:
    return f"desk{number:03}"


def by_desk(project: Project) -> dict[str, list[SyncResult]]:
    found: dict[str, list[SyncResult]] = defaultdict(list)
    for run in reversed(runs(project.control, limit=1000)):
        found[run.desk].append(run)
    return found


@pytest.mark.parametrize("desks", [20, pytest.param(200, marks=pytest.mark.torture)])
def test_two_workers_share_desks_and_one_is_killed(
    shared: Project, sandbox: SandboxServer, start: Start, desks: int
) -> None:
    with shared.control.begin() as connection:
        connection.execute(sa.text(HISTORY))
    config = {**sandbox.zendesk.config, "streams": ["tickets"], "schedule": "every 1h"}
    for number in range(desks):
        own = datetime.fromtimestamp(EPOCH + number, UTC).isoformat()
        shared.desks.add(name(number), "zendesk", {**config, "start_time": own}, sandbox.zendesk.credentials)
    killed, other = start(), start()

    def caught() -> bool:
        """Whether the worker stands amid a sync, after some that ended."""
        killed.send_signal(signal.SIGSTOP)
        if len(grants(shared)) > desks // 4 and unfinished(shared, killed):
            return True
        killed.send_signal(signal.SIGCONT)
        return False

    until(caught)
    killed.kill()
    killed.wait()
    orphans = unfinished(shared, killed)
    # the time of its leases passes
    mine = leases.c.holder.endswith(f"process {killed.pid}")
    over = sa.update(leases).where(mine, leases.c.expires_at > datetime.now(UTC))
    with shared.control.begin() as connection:
        connection.execute(over.values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    def all_in() -> bool:
        return len(done(shared)) == desks and not holding(shared, other)

    until(all_in)
    other.send_signal(signal.SIGTERM)
    told, _ = other.communicate(timeout=PATIENCE)
    assert other.returncode == 0
    assert json.loads(told)["success"] >= len(orphans)
    everybody = {name(number) for number in range(desks)}

    held = grants(shared)
    assert set(held) == everybody
    assert all(before.end <= after.begin for one in held.values() for before, after in pairwise(one))
    assert {len(held[key]) for key in orphans} == {2}, "taken over once"
    workers = {grant.holder.rpartition(" ")[2] for one in held.values() for grant in one}
    assert workers == {str(killed.pid), str(other.pid)}, "both had a share"

    asked = first_requests(sandbox)
    assert set(asked) == everybody
    for key, moments in asked.items():
        assert len(moments) <= len(held[key]), "a sync asks once from the start"
        within = [sum(grant.begin <= moment <= grant.end for moment in moments) for grant in held[key]]
        assert sum(within) == len(moments), "nobody asks without a lease"
        assert max(within) == 1

    for one in by_desk(shared).values():
        assert all(before.completed_at and before.completed_at <= after.started_at for before, after in pairwise(one))
        assert [run.status for run in one].count(Status.SUCCESS) == 1
    rows = shared.warehouse.query("SELECT desk, count(*) AS n FROM helpdesk.zendesk_tickets GROUP BY desk").to_pylist()
    assert {row["desk"]: row["n"] for row in rows} == dict.fromkeys(everybody, 40)

"""`python -m bench.loop`: what the loop over due desks costs, with Postgres as control database and warehouse.

The vendor is the sandbox, each desk an account of its own. Cases: `idle`, many desks with nothing new; `live`, desks
that change now and then, and how soon that is in the warehouse; `row`, the sync of one changed ticket; `idle_sync`, a
sync that finds nothing. CPU is the worker's and the database server's; the sandbox's is not counted. Exit status 1
where a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bench import postgres
from bench.looping import Spent, changeable
from bench.measure import ROOT
from bench.report import text_table
from ticket_pipelines.control.database import cursors
from ticket_pipelines.control.database import desks as desks_table
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import VENDORS
from ticket_pipelines.sync.engine import sync_desk

CREDENTIALS = dict(next(iter(VENDORS["zendesk"].logins.values())))
AMPLE = {"account_total": 1_000_000, "incremental_total": 1_000_000}
LIVE = {"incremental_total": 100}
EXPORT_DELAY = 60
INTERVAL = 60
"""Seconds between two looks at an idle desk."""
CASES = ("idle", "live", "row", "idle_sync")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case runs: its databases and accounts."""

    server: postgres.Postgres
    environ: dict[str, str]
    accounts: list[str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside its bound; None: it has none."""

    name: str
    value: float
    unit: str
    bound: float | None

    @property
    def kept(self) -> bool:
        """Whether it is within its bound."""
        return self.bound is None or self.value <= self.bound


@contextmanager
def place(server: postgres.Postgres, case: str, accounts: int, data: int, settings: dict[str, Any]) -> Iterator[Place]:
    """Fresh databases and accounts for one case."""
    for kind in ("control", "warehouse"):
        postgres.execute(server.url("postgres"), f"CREATE DATABASE {case}_{kind}")
    with TemporaryDirectory(prefix="bench-loop-") as folder:
        ready = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "bench.accounts", "--accounts", str(accounts), "--data", str(data)]
        command += ["--settings", json.dumps(settings), "--ready", str(ready)]
        vendor = subprocess.Popen(command, cwd=ROOT)
        try:
            while not ready.exists() or not ready.read_text():
                if vendor.poll() is not None:
                    raise SystemExit("the sandbox did not start")
                time.sleep(0.1)
            environ = {
                "TICKETS_HOME": folder,
                "TICKETS_WAREHOUSE": server.url(f"{case}_warehouse"),
                "TICKETS_CONTROL_DB": server.url(f"{case}_control"),
                "TICKETS_SECRET_KEY": Fernet.generate_key().decode(),
                "TICKETS_LOG_LEVEL": "warning",
            }
            yield Place(server, environ, json.loads(ready.read_text()))
        finally:
            vendor.kill()
            vendor.wait()


def idle(server: postgres.Postgres, options: argparse.Namespace) -> list[Figure]:
    """Many desks on one set of data with nothing new. One is really synced, the others get its position."""
    with place(server, "idle", options.desks, 1, AMPLE) as here:
        with open_project(here.environ) as project:
            register(project, here.accounts, f"every {INTERVAL}s")
            sync_desk(project, "desk0000")
            share_position(project)
        spent = worker(here, "loop", warm=INTERVAL + 5, seconds=options.seconds)
    cpu = spent.client + spent.server
    late = sorted(spent.lateness)
    return [
        Figure(f"{options.desks} idle desks: percent of one core", 100 * cpu / spent.seconds, "%", 15),
        Figure("of it the database server's", 100 * spent.server / spent.seconds, "%", None),
        Figure("lateness p50", late[len(late) // 2], "s", None),
        Figure("lateness p99", late[int(len(late) * 0.99)], "s", 2),
        Figure("visits a second", len(late) / spent.seconds, "", None),
        Figure("CPU of a probe, lease and bookkeeping included", 1000 * cpu / len(late), "ms", 5),
        Figure("visits that were syncs, or failed", spent.syncs, "", 0),
        Figure("peak memory of the worker", spent.peak / 1e6, "MB", None),
    ]


def live(server: postgres.Postgres, options: argparse.Namespace) -> list[Figure]:
    """Of all desks 10 change every 10 seconds, at moments chosen by chance."""
    with place(server, "live", options.live_desks, options.live_desks, LIVE) as here:
        with open_project(here.environ) as project:
            register(project, here.accounts, f"every {options.interval}s")
            for desk in project.desks.list():
                sync_desk(project, desk.key)
        running = subprocess.Popen(
            worker_command(here, "loop", warm=10 + EXPORT_DELAY, seconds=options.seconds),
            cwd=ROOT,
            env=os.environ | here.environ,
            stdout=subprocess.PIPE,
        )
        changes = change_in_turn(here.accounts, options.seconds)
        told, _ = running.communicate()
        found = arrivals(here, changes)
    spent = Spent(**json.loads(told))
    late = sorted(found)
    return [
        Figure(f"{options.live_desks} live desks, {len(late)} changes: in the warehouse beyond the export delay, p50",
               late[len(late) // 2], "s", None),
        Figure("the same, p95", late[int(len(late) * 0.95)], "s", 5),
        Figure("changes that did not arrive", len(changes) - len(late), "", 0),
        Figure("percent of one core", 100 * (spent.client + spent.server) / spent.seconds, "%", None),
        Figure("probes a second", spent.probes / spent.seconds, "", None),
        Figure("syncs a second", spent.syncs / spent.seconds, "", None),
        Figure("a sync, median", statistics.median(spent.sync_seconds or [0.0]), "s", None),
        Figure("syncs that were not whole", spent.failed, "", 0),
        Figure("peak memory of the worker", spent.peak / 1e6, "MB", None),
    ]  # fmt: skip


def row(server: postgres.Postgres, options: argparse.Namespace) -> list[Figure]:
    """Syncs of one changed ticket."""
    spent = _single(server, "row", options.count)
    return [
        Figure("one changed row: CPU of worker and server", (spent.client + spent.server) / options.count, "s", 0.6),
        Figure("of it the server's", spent.server / options.count, "s", None),
        Figure("wall", spent.seconds / options.count, "s", None),
    ]


def idle_sync(server: postgres.Postgres, options: argparse.Namespace) -> list[Figure]:
    """Syncs that find nothing new."""
    spent = _single(server, "idle_sync", options.count)
    return [Figure("a sync that finds nothing: CPU", (spent.client + spent.server) / options.count, "s", None)]


def _single(server: postgres.Postgres, form: str, count: int) -> Spent:
    with place(server, form, 1, 1, AMPLE) as here:
        with open_project(here.environ) as project:
            register(project, here.accounts, "every 1h")
            sync_desk(project, "desk0000")
        spent = worker(here, form, count=count)
    if spent.syncs != count or spent.failed:
        raise SystemExit(f"{form}: of {count} visits {spent.syncs} were syncs, {spent.failed} failed")
    return spent


def register(project: Project, accounts: Sequence[str], schedule: str) -> None:
    """A desk for each account."""
    for number, address in enumerate(accounts):
        config = {"base_url": address, "schedule": schedule}
        project.desks.add(f"desk{number:04}", "zendesk", config, CREDENTIALS)


def share_position(project: Project) -> None:
    """Gives all desks the position of the first, which their accounts share, and spreads them over the interval."""
    chance, now = random.Random(1), datetime.now(UTC)
    with project.control.begin() as connection:
        position = dict(connection.execute(sa.select(cursors)).mappings().one())
        for key in connection.execute(sa.select(desks_table.c.key)).scalars().all():
            due = now + timedelta(seconds=chance.uniform(0, INTERVAL))
            values = {"synced_whole_at": now, "last_checked_at": now, "next_due_at": due}
            connection.execute(sa.update(desks_table).where(desks_table.c.key == key).values(**values))
            if key != position["desk"]:
                connection.execute(sa.insert(cursors).values(**{**position, "desk": key}))


def change_in_turn(accounts: Sequence[str], seconds: float) -> list[tuple[str, int, int]]:
    """Changes one desk a second on the average; each change is of another ticket of its desk.

    Returns:
        Desk, ticket and Unix time of each change.
    """
    chance, done, began = random.Random(1), [], time.time()
    moments = sorted(chance.uniform(0, seconds) for _ in range(int(seconds)))
    tickets = [changeable(address) for address in accounts]
    order = chance.sample(range(len(accounts)), len(accounts))
    for number, moment in enumerate(moments):
        time.sleep(max(0.0, began + moment - time.time()))
        desk = order[number % len(order)]
        ticket, at = tickets[desk][number // len(order)], int(time.time())
        change = {"op": "update_ticket", "id": ticket, "subject": f"changed {number}", "at": at}
        requests.post(f"{accounts[desk]}/__sandbox/mutate", json=change, timeout=30).raise_for_status()
        done.append((f"desk{desk:04}", ticket, at))
    return done


def arrivals(here: Place, changes: Sequence[tuple[str, int, int]]) -> list[float]:
    """Seconds from when the vendor showed each change until its transaction was committed in the warehouse."""
    rows = postgres.execute(
        here.environ["TICKETS_WAREHOUSE"],
        "SELECT desk, id, version, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 "
        "FROM helpdesk.zendesk_tickets",
    )
    committed = {(desk, int(key)): (version, at) for desk, key, version, at in rows}
    found = []
    for desk, ticket, at in changes:
        version, when = committed[desk, ticket]
        if version >= at * 1000:
            found.append(when - at - EXPORT_DELAY)
    return found


def worker_command(here: Place, form: str, **given: float) -> list[str]:
    """The command of a measured worker."""
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    return [sys.executable, "-m", "bench.looping", form, "--server", str(here.server.pid), *options]


def worker(here: Place, form: str, **given: float) -> Spent:
    """Runs a measured worker to its end."""
    command = worker_command(here, form, **given)
    done = subprocess.run(command, cwd=ROOT, env=os.environ | here.environ, stdout=subprocess.PIPE, check=True)
    return Spent(**json.loads(done.stdout))


def main() -> int:
    """Runs the cases asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.loop", description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES), help="comma separated")
    parser.add_argument("--desks", type=int, default=1000, help="idle desks")
    parser.add_argument("--live-desks", type=int, default=100)
    parser.add_argument("--interval", type=int, default=2, help="seconds between two looks at a live desk")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long the loop is measured")
    parser.add_argument("--count", type=int, default=20, help="syncs of one row")
    options = parser.parse_args()
    cases = {"idle": idle, "live": live, "row": row, "idle_sync": idle_sync}
    load = os.getloadavg()[0]
    with postgres.running({"track_commit_timestamp": "on", "max_connections": "200", "autovacuum": "on"}) as server:
        figures = [figure for case in options.cases.split(",") for figure in cases[case](server, options)]
    rows = [
        (one.name, f"{one.value:.3g} {one.unit}".strip(), "" if one.bound is None else f"{one.bound:g}",
         "" if one.bound is None else "kept" if one.kept else "MISSED")
        for one in figures
    ]  # fmt: skip
    print(f"Python {platform.python_version()}, {server.version}; load at the start {load:.1f}, at the end "
          f"{os.getloadavg()[0]:.1f}\n\n{text_table(('figure', 'value', 'bound', ''), rows, names=1)}")  # fmt: skip
    return 0 if all(one.kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.scale [claims|live]`: what many desks cost, and what breaks first. The sandbox is the vendor.

Prints a line a figure; `docs/scaling.md` says what they mean. Idle desks are `bench.loop`'s. About four minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import sqlalchemy as sa
import yaml
from cryptography.fernet import Fernet

from bench import postgres
from bench.measure import ROOT, cpu_of_tree
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.settings import read_settings

MANY = 10_000
LIVE = 100
HOUR = 3600
AMPLE = 10_000_000
SYNCED = ["-m", "ticket_pipelines.cli", "worker", "--no-dagster"]


def tell(what: str, figure: float, unit: str) -> None:
    print(f"{what:<78}{figure:>10,.2f} {unit}", flush=True)


class Costs:
    """CPU of a server, and wall time, from here on."""

    def __init__(self, server: int) -> None:
        self._server, self._before, self._began = server, cpu_of_tree(server), time.perf_counter()

    @property
    def cpu(self) -> float:
        return cpu_of_tree(self._server) - self._before

    @property
    def wall(self) -> float:
        return time.perf_counter() - self._began


@contextmanager
def installation(server: postgres.Postgres, name: str, home: Path) -> Iterator[tuple[Project, dict[str, str]]]:
    """One with everything in a database of its own."""
    postgres.execute(server.url("postgres"), f"CREATE DATABASE {name}")
    environ = {
        "TICKETS_HOME": str(home / name),
        "TICKETS_WAREHOUSE": server.url(name),
        "TICKETS_CONTROL_DB": server.url(name),
        "TICKETS_SECRET_KEY": Fernet.generate_key().decode(),
        "TICKETS_LOG_LEVEL": "warning",
    }
    with open_project(read_settings(environ)) as project:
        yield project, {**os.environ, **environ}


def register(project: Project, sandbox: SandboxServer, count: int, every: int) -> None:
    """Desks by one registration and its copies: what is measured is what comes after."""
    config = {**sandbox.zendesk.config, "streams": ["tickets"], "schedule": f"every {every}s"}
    project.desks.add("desk00000", "zendesk", config, sandbox.zendesk.credentials)
    with project.control.begin() as connection:
        (row,) = connection.execute(sa.select(table)).mappings().all()
        connection.execute(sa.insert(table), [{**row, "key": f"desk{number:05}"} for number in range(1, count)])


def make_due(project: Project) -> None:
    with project.control.begin() as connection:
        connection.execute(sa.update(table).values(next_due_at=datetime.now(UTC) - timedelta(seconds=1)))


def per_row(project: Project, name: str) -> float:
    size, rows = f"pg_total_relation_size('{name}')", f"(SELECT count(*) FROM {name})"
    with project.control.connect() as connection:
        return float(connection.execute(sa.text(f"SELECT {size}::float / greatest({rows}, 1)")).scalar() or 0)


def run(count: int, arguments: list[str], environ: Mapping[str, str]) -> float:
    """Runs so many equal processes to their end; their CPU seconds."""
    before = os.times()
    started = [
        subprocess.Popen([sys.executable, *arguments], env=dict(environ), cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(count)
    ]
    assert [process.wait() for process in started] == [0] * count
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def claims(server: postgres.Postgres, sandbox: SandboxServer, home: Path) -> None:
    """How many desks can be claimed and given back, and what the ticks of sensors cost beside them."""
    with installation(server, "claims", home) as (project, environ):
        register(project, sandbox, MANY, HOUR)
        for processes in (1, 2, 4):
            make_due(project)
            costs = Costs(server.pid)
            client = run(processes, ["-m", "bench.scale_loop", "8"], environ)
            what = f"visits without a vendor, {MANY:,} desks, {processes} processes"
            tell(what, MANY / costs.wall, "a second")
            tell(f"{what}: CPU, client and Postgres", 1000 * (client + costs.cpu) / MANY, "ms a visit")
        tell("control database: a desk", per_row(project, "desks"), "bytes")
        tell("control database: a lease", per_row(project, "leases"), "bytes")
        with instance(server) as dagster:
            ticks(project, dagster)
            events(dagster, server)


def ticks(project: Project, instance: dg.DagsterInstance) -> None:
    tickets = dg.ResourceDefinition.hardcoded_resource(Tickets(project.settings))

    def tick(sensor: str) -> Any:
        with dg.SensorEvaluationContext(
            instance_ref=instance.get_ref(), definitions=defs, resources={"tickets": tickets}
        ) as context:
            return defs.resolve_sensor_def(sensor).evaluate_tick(context)

    keys = [desk.key for desk in project.desks.list()]
    seconds("partitions added, 10,000", lambda: instance.add_dynamic_partitions("zendesk_desks", keys))
    seconds("tick of desk_partitions, 10,000 desks", lambda: tick("desk_partitions"))
    seconds("tick of due_desks, none of 10,000 due", lambda: tick("due_desks"))
    make_due(project)
    seconds("tick of due_desks, all of 10,000 due", lambda: tick("due_desks"))
    seconds("tick of alerts, 10,000 desks, all late", lambda: tick("alerts"))


def events(instance: dg.DagsterInstance, server: postgres.Postgres) -> None:
    """What a materialization costs Dagster's storage."""
    count, metadata = 2_000, {f"rows_{number}": number for number in range(6)}
    key = dg.AssetKey(["zendesk", "tickets"])

    def size() -> int:
        return int(postgres.execute(server.url("dagster"), "SELECT pg_total_relation_size('event_logs')")[0][0])

    before, began = size(), time.process_time()
    for number in range(count):
        one = dg.AssetMaterialization(key, partition=f"desk{number:05}", metadata=metadata)
        instance.report_runless_asset_event(one)
    tell("a materialization: CPU of the client", 1000 * (time.process_time() - began) / count, "ms")
    tell("a materialization: storage", (size() - before) / count, "bytes")


@contextmanager
def instance(server: postgres.Postgres) -> Iterator[dg.DagsterInstance]:
    postgres.execute(server.url("postgres"), "CREATE DATABASE dagster")
    address = {"scheme": "postgresql+psycopg2", "hostname": "127.0.0.1", "port": server.port}
    address |= {"username": "postgres", "password": "-", "db_name": "dagster"}
    given = {"storage": {"postgres": {"postgres_db": address}}, "telemetry": {"enabled": False}}
    with TemporaryDirectory() as folder:
        Path(folder, "dagster.yaml").write_text(yaml.safe_dump(given))
        with dg.DagsterInstance.from_config(folder) as found:
            yield found


def seconds(what: str, act: Callable[[], object]) -> None:
    began = time.perf_counter()
    act()
    tell(what, time.perf_counter() - began, "s")


def live(server: postgres.Postgres, sandbox: SandboxServer, home: Path) -> None:
    """A worker with desks that are read for the first time, then with one changed row each."""
    with installation(server, "live", home) as (project, environ):
        register(project, sandbox, LIVE, HOUR)
        make_due(project)
        costs = Costs(server.pid)
        client = run(1, [*SYNCED, "--until-idle", "--threads", "4"], environ)
        tell(
            f"first sync of {LIVE} desks of 40 tickets: CPU, client and Postgres",
            (client + costs.cpu) / LIVE,
            "s a desk",
        )
        sandbox.zendesk.control.mutate("create_ticket")
        sandbox.zendesk.control.clock(advance=120)
        make_due(project)
        costs = Costs(server.pid)
        client = run(1, [*SYNCED, "--until-idle", "--threads", "4"], environ)
        tell(
            f"one new ticket in each of {LIVE} desks: CPU, client and Postgres", (client + costs.cpu) / LIVE, "s a desk"
        )
        tell("the same: syncs", LIVE / costs.wall, "a second")
        tell("control database: a sync", per_row(project, "sync_runs"), "bytes")
        tell("control database: positions of a desk", per_row(project, "cursors"), "bytes")


CASES = {"claims": claims, "live": live}


def main(chosen: list[str]) -> None:
    limits = {"zendesk": {"account_total": AMPLE, "incremental_total": AMPLE}}
    with (
        TemporaryDirectory() as home,
        SandboxServer(Options(tickets=40), settings=limits) as sandbox,
        postgres.running() as server,
    ):
        print(f"{server.version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        for name in chosen or CASES:
            CASES[name](server, sandbox, Path(home))
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The cases and who takes part in them: what is run, in which order, against which state.

Within a repeat all subjects run one after the other on the same machine at the same time of day, each in a database of
its own, and the order turns round from repeat to repeat; ratios are made within a repeat.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from bench import peers, tickets
from bench.measure import Measure, measure
from bench.postgres import Postgres, execute
from bench.report import Run

FIRST, UNCHANGED, UPDATE = "first load", "unchanged", "full update"
POSTGRES, DUCKDB, CLICKHOUSE = "postgres", "duckdb", "clickhouse"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a bench runs.

    Attributes:
        data: Folder of the data sets, kept from run to run.
        work: Folder of this run's homes and logs, gone with it.
        postgres: The server; None without that engine.
        peer: Program of ingestr; None where it is left out.
        certificate: What the TLS side of the mock shows; None without the peer.
        tell: Takes a line on the progress.
    """

    data: Path
    work: Path
    postgres: Postgres | None
    peer: Path | None
    certificate: peers.Certificate | None
    tell: Callable[[str], None]


@contextmanager
def served(bench: Bench, size: int) -> Iterator[str]:
    """The mock Zendesk with both revisions of a size; gives its address."""
    command: list[str | Path] = [sys.executable, "-m", "bench.server"]
    for revision in (0, 1):
        command += ["--data", tickets.build(bench.data, size, revision)]
    if bench.certificate:
        command += ["--tls-port", str(peers.TLS_PORT), "--cert", bench.certificate.cert, "--key", bench.certificate.key]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
    finally:
        server.terminate()
        server.wait(10)


def serve_revision(url: str, revision: int) -> None:
    """Lets the mock serve another revision of all tickets."""
    with urlopen(f"{url}/__bench/revision/{revision}", timeout=10) as answer:
        answer.read()


class Subject:
    """One who loads the tickets: an empty database, and the commands for each case."""

    def __init__(self, bench: Bench, name: str, engine: str, url: str) -> None:
        self.name = name
        self._bench, self._engine, self._url = bench, engine, url
        self._home = bench.work / f"home-{name}"
        self._database = f"bench_{name}"

    @property
    def warehouse(self) -> str:
        """Address of its database."""
        if self._engine == DUCKDB:
            return f"duckdb:///{self._home.resolve() / 'warehouse.duckdb'}"
        if self._engine == CLICKHOUSE:
            return f"chdb:///{self._home.resolve() / 'clickhouse'}"
        assert self._bench.postgres is not None
        return self._bench.postgres.url(self._database)

    def prepare(self) -> None:
        """Makes the empty database; for ours also the desk, so that only its sync is measured."""
        self.remove()
        self._home.mkdir(parents=True)
        if self._engine == POSTGRES and self._bench.postgres:
            execute(self._bench.postgres.url("postgres"), f"CREATE DATABASE {self._database}")
        if self.name == "ours":
            command = [sys.executable, "-m", "bench.ours", "add", "--url", self._url]
            subprocess.run(command, check=True, env=os.environ | self._environment(), cwd=ROOT)

    def remove(self) -> None:
        """Drops the database and the home."""
        shutil.rmtree(self._home, ignore_errors=True)
        if self._engine == POSTGRES and self._bench.postgres:
            execute(self._bench.postgres.url("postgres"), f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")

    def run(self, case: str) -> Measure:
        """Runs one case and measures it."""
        if self._engine == POSTGRES and self._bench.postgres:
            # what runs before left dirty pages; writing them is not this run's work
            execute(self._bench.postgres.url("postgres"), "CHECKPOINT")
        return measure(
            self._command(case),
            log=self._bench.work / f"{self.name}.log",
            server=self._bench.postgres.pid if self._engine == POSTGRES and self._bench.postgres else None,
            environment=self._environment(),
        )

    def _command(self, case: str) -> list[str | Path]:
        if self.name == "ours":
            mode = "full" if case == UNCHANGED else "incremental"
            return [sys.executable, "-m", "bench.ours", "sync", "--mode", mode]
        if self.name == "ingestr":
            assert self._bench.peer is not None
            return peers.command(self._bench.peer, self.warehouse)
        return [sys.executable, "-m", "bench.floor", "--url", self._url, "--warehouse", self.warehouse]

    def _environment(self) -> dict[str, str]:
        if self.name == "ours":
            return {"TICKETS_HOME": str(self._home.resolve()), "TICKETS_WAREHOUSE": self.warehouse}
        if self.name == "ingestr" and self._bench.certificate:
            return peers.environment(self._bench.certificate)
        return {}

    def stored(self) -> int:
        """Tickets in its database."""
        table = "bench.tickets" if self.name == "ingestr" else "helpdesk.zendesk_tickets"
        if self._engine == POSTGRES:
            return int(execute(self.warehouse, f"SELECT count(*) FROM {table}")[0][0])
        if self._engine == CLICKHOUSE:
            return count_in_clickhouse(self.warehouse.removeprefix("chdb:///"), "zendesk_tickets")
        import duckdb

        with duckdb.connect(self.warehouse.removeprefix("duckdb:///"), read_only=True) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0


def count_in_clickhouse(folder: str, table: str) -> int:
    """Rows of a table in a folder of the engine."""
    import clickhouse_connect

    with closing(clickhouse_connect.get_client(interface="chdb", path=folder)) as client:
        return int(client.query(f"SELECT count() FROM helpdesk_storage.{table} FINAL").result_rows[0][0])


def _takes_part(name: str, case: str) -> bool:
    match case:
        case "first load":
            return True
        case "full update":
            return name != "ingestr"
        case _:
            return name == "ours"


def run(bench: Bench, engine: str, size: int, cases: Sequence[str], repeats: int) -> Iterator[Run]:
    """Runs all cases of one engine and size.

    Raises:
        CommandFailedError: A subject ended with an error.
        SystemExit: A subject did not store every ticket.
    """
    names = ["floor", "ours"] + (["ingestr"] if bench.peer and engine == POSTGRES else [])
    with served(bench, size) as url:
        for repeat in range(repeats):
            subjects = [Subject(bench, name, engine, url) for name in (names if repeat % 2 == 0 else names[::-1])]
            for subject in subjects:
                subject.prepare()
            for case in (FIRST, *cases):
                serve_revision(url, 1 if case == UPDATE else 0)
                for subject in subjects:
                    if not _takes_part(subject.name, case):
                        continue
                    found = subject.run(case)
                    if (stored := subject.stored()) != size:
                        raise SystemExit(f"{subject.name} stored {stored} of {size} tickets in {engine}")
                    bench.tell(f"{engine} {size:,} {case}: {subject.name} {found.wall:.1f} s, {found.total:.1f} CPU s")
                    yield Run(engine, size, case, subject.name, repeat, found)
            for subject in subjects:
                subject.remove()

"""DuckDB, Postgres and ClickHouse hold the same rows after the same history, whatever the zone of the host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.equivalence.histories import CONFIG, HISTORY
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.fixtures.postgres import PostgresServer

ZONES = ("America/New_York", "Asia/Kolkata", "UTC")
PROJECT = Path(__file__).parents[2]
PAST = {"now": "2025-06-01T12:00:00Z", "frozen": True}
AMPLE = 1_000_000
SETTINGS = {
    "zendesk": {"account_total": AMPLE, "incremental_total": AMPLE},
    "zoho_desk": {"mint_total": AMPLE, "live_tokens": AMPLE},
    "zoho_crm": {"mint_total": AMPLE, "live_tokens": AMPLE},
}
SHOWN = 30
"""Differences of a table that are told."""


class Follower:
    """A process in a time zone that has an installation on each engine; see `following`."""

    def __init__(self, zone: str, folder: Path, postgres: PostgresServer, clickhouse: ClickHouseServer) -> None:
        self.zone = zone
        self.folder = folder
        folder.mkdir(parents=True)
        warehouses = {
            "duckdb": f"duckdb:///{folder / 'warehouse.duckdb'}",
            "postgres": postgres.url(postgres.create_database()),
            "chdb": f"chdb:///{folder / 'chdb'}",
            "clickhouse": clickhouse.url(),
        }
        environs = {
            engine: {"TICKETS_HOME": str(folder / f"home_{engine}"), "TICKETS_WAREHOUSE": url}
            for engine, url in warehouses.items()
        }
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ticket_pipelines_tests.equivalence.following"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=PROJECT,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "TZ": zone, "PGTZ": zone},
                text=True,
            )
        self._tell(environs)

    def _tell(self, line: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def order(self, **told: Any) -> None:
        """Tells it what to do; `answer` waits until it is done."""
        self._tell(told)

    def answer(self) -> Any:
        """What came of the oldest order without an answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self.folder / "log").read_text()
        return json.loads(line)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


def all_do(followers: list[Follower], **told: Any) -> list[Any]:
    """Lets all do the same at once."""
    for follower in followers:
        follower.order(**told)
    return [follower.answer() for follower in followers]


@pytest.fixture
def followers(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[list[Follower]]:
    """A follower in each zone; each with a ClickHouse server of its own, in its zone too."""
    with ExitStack() as opened:
        made = []
        for number, zone in enumerate(ZONES):
            server = ClickHouseServer(zone)
            opened.callback(server.close)
            made.append(Follower(zone, tmp_path / str(number), postgres_server, server))
            opened.callback(made[-1].close)
        yield made


def difference(found: Path, wanted: Path) -> Iterator[str]:
    """What rows of two files differ in, column by column."""
    if not (found.exists() and wanted.exists()):
        yield "only one has it"
        return
    ours, theirs = (
        {(row.get("desk"), row.get("id")): row for row in map(json.loads, path.read_text().splitlines())}
        for path in (found, wanted)
    )
    for key in sorted(ours.keys() ^ theirs.keys(), key=str):
        yield f"row {key}: only one has it"
    for key in sorted(ours.keys() & theirs.keys(), key=str):
        for name in sorted(ours[key].keys() | theirs[key].keys()):
            one, other = ours[key].get(name), theirs[key].get(name)
            if one != other:
                yield f"row {key}: {name} is {one!r} and not {other!r}"


def test_every_engine_holds_the_same_rows_in_every_time_zone(tmp_path: Path, followers: list[Follower]) -> None:
    assert len(set(all_do(followers, zone=True))) == len(ZONES)
    with ExitStack() as served:
        accounts = {
            number: served.enter_context(SandboxServer(Options(tickets=24, seed=seed, **PAST), settings=SETTINGS))
            for seed, number in enumerate(("one", "two"), 1)
        }
        begun: set[str] = set()
        for step in HISTORY:
            account = accounts[step.desk.rpartition("_")[2]].vendors[step.vendor]
            if step.desk not in begun:
                begun.add(step.desk)
                config = {**account.config, **CONFIG.get(step.vendor, {})}
                all_do(followers, add=step.desk, vendor=step.vendor, config=config, credentials=account.credentials)
            request = {**step.request, **(step.change(account) or {})}
            ends = [end for each in all_do(followers, sync=step.desk, request=request) for end in each.items()]
            assert all(end == ends[0][1] for _, end in ends), (step.desk, request, ends)
            assert ends[0][1][0] in ("success", "partial"), ends[0]
            print(step.desk, request, ends[0][1])

    for follower in followers:
        follower.order(read=str(follower.folder / "rows"))
    held = {
        (follower.zone, engine): (follower.folder / "rows" / engine, tables)
        for follower in followers
        for engine, tables in follower.answer().items()
    }
    (first, wanted), *others = held.values()
    assert len(wanted) > 40
    wrong = [
        f"{table} of {engine} in {zone}: {what}"
        for (zone, engine), (folder, tables) in held.items()
        for table in sorted(wanted.keys() | tables.keys())
        if tables.get(table) != wanted.get(table)
        for what in [*difference(folder / table, first / table), "its columns"][:SHOWN]
    ]
    assert not wrong, "\n".join(wrong)

"""DuckDB, Postgres and ClickHouse hold the same rows after the same history, whatever the zones of the hosts.

Processes of three time zones share the syncs of one history, a third each, on one installation an engine: so each
vendor is written in each zone. At the end each of them reads all tables and views of all engines.
"""

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
from ticket_pipelines_tests.equivalence.histories import CONFIG, HISTORY, Account
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.fixtures.sandbox import SELDOM

ZONES = ("America/New_York", "Asia/Kolkata", "UTC")
"""Of the hosts: with a change of the clocks, half an hour off, and neither."""
SERVERS_ZONE = "America/New_York"
PROJECT = Path(__file__).parents[2]
OPTIONS: dict[str, Any] = {"tickets": 24, "now": "2025-06-01T12:00:00Z", "frozen": True}
AMPLE = 1_000_000
SETTINGS = {
    "zendesk": {"account_total": AMPLE, "incremental_total": AMPLE},
    "zoho_desk": {"mint_total": AMPLE, "live_tokens": AMPLE},
    "zoho_crm": {"mint_total": AMPLE, "live_tokens": AMPLE},
}
LEAST = 50
"""Tables and views that the history fills at least."""
SHOWN = 20
"""Differences of a table that are told."""


class Follower:
    """A process in a time zone; see `following`."""

    def __init__(self, zone: str, folder: Path, environs: dict[str, dict[str, str]]) -> None:
        self.zone = zone
        self.folder = folder
        folder.mkdir()
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

    def do(self, **told: Any) -> Any:
        """Tells it what to do, and waits for what came of it."""
        self._tell(told)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self.folder / "log").read_text()
        return json.loads(line)

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def followers(tmp_path: Path, postgres_url: str) -> Iterator[list[Follower]]:
    """A follower in each zone, all of the same installations."""
    with ExitStack() as opened:
        server = ClickHouseServer(SERVERS_ZONE)
        opened.callback(server.close)
        warehouses = {
            "duckdb": f"duckdb:///{tmp_path / 'warehouse.duckdb'}",
            "postgres": postgres_url,
            "chdb": f"chdb:///{tmp_path / 'chdb'}",
            "clickhouse": server.url(),
        }
        environs = {
            engine: {"TICKETS_HOME": str(tmp_path / f"home_{engine}"), "TICKETS_WAREHOUSE": url}
            for engine, url in warehouses.items()
        }
        made = []
        for number, zone in enumerate(ZONES):
            made.append(Follower(zone, tmp_path / str(number), environs))
            opened.callback(made[-1].close)
        yield made


@pytest.fixture
def accounts() -> Iterator[dict[str, Account]]:
    """Two accounts of each vendor, by the desk's key."""
    with ExitStack() as served:
        found: dict[str, Account] = {}
        for seed, number in enumerate(("one", "two"), 1):
            server = served.enter_context(SandboxServer(Options(seed=seed, **OPTIONS), settings=SETTINGS))
            found |= {f"{vendor}_{number}": account for vendor, account in server.vendors.items()}
        yield found


def live(followers: list[Follower], accounts: dict[str, Account]) -> None:
    """Lets the history happen; each sync comes to the same on every engine."""
    known: set[str] = set()
    before = followers[0]
    for number, step in enumerate(HISTORY):
        account = accounts[step.desk]
        follower = followers[number * len(followers) // len(HISTORY)]
        if follower is not before:
            before.do(close=True)
        before = follower
        if step.desk not in known:
            config = {**account.config, **CONFIG.get(step.vendor, {}), "schedule": SELDOM}
            follower.do(add=step.desk, vendor=step.vendor, config=config, credentials=account.credentials)
            known.add(step.desk)
        request = {**step.request, **(step.change(account) or {})}
        ends = follower.do(sync=step.desk, request=request)
        assert {json.dumps(end) for end in ends.values()} == {json.dumps(ends["duckdb"])}, (step.desk, ends)
        assert ends["duckdb"][:2] == ["success", None], step.desk
    before.do(close=True)


def difference(found: Path, wanted: Path) -> Iterator[str]:
    """What two files of rows differ in, column by column."""
    if not (found.exists() and wanted.exists()):
        yield "only one has the table"
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


@pytest.mark.long
def test_every_engine_holds_the_same_rows_in_every_time_zone(
    followers: list[Follower], accounts: dict[str, Account]
) -> None:
    assert len({follower.do(zone=True) for follower in followers}) == len(ZONES)
    live(followers, accounts)

    held = {}
    for follower in followers:
        for engine, tables in follower.do(read=str(follower.folder / "rows")).items():
            held[follower.zone, engine] = follower.folder / "rows" / engine, tables
        follower.do(close=True)
    first, wanted = next(iter(held.values()))
    assert len(wanted) >= LEAST
    assert sum(rows > 0 for _, rows, _ in wanted.values()) >= LEAST
    wrong = [
        f"{table} of {engine} in {zone}: {what}"
        for (zone, engine), (folder, tables) in held.items()
        for table in sorted(wanted.keys() | tables.keys())
        if tables.get(table) != wanted.get(table)
        for what in [*difference(folder / table, first / table), "kinds of columns"][:SHOWN]
    ]
    assert not wrong, "\n".join(wrong)

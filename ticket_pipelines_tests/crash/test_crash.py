"""Processes that are killed, anywhere in a sync: the next ones leave what an undisturbed one leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.crash.cases import CASES, PAST
from ticket_pipelines_tests.crash.installations import Embedded, InDatabase, OnServer, Stored
from ticket_pipelines_tests.crash.killing import Bench, Told, spread

ENGINES = ("duckdb", "postgres", "chdb", "clickhouse")
POINTS = 200
SAMPLE = {
    ("zendesk", "duckdb"): 2,
    ("zoho_desk", "postgres"): 1,
    ("zoho_crm", "clickhouse"): 1,
    ("qcontact", "chdb"): 1,
}
"""Scenes that are played in each run of the tests: the first sync, and for 2 also the one that finds what changed."""

MakeBench = Callable[[str, str], Bench]


@pytest.fixture
def make_bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeBench]:
    """Makes a bench: `make_bench(vendor, engine)`."""
    with ExitStack() as served:

        def make(vendor: str, engine: str) -> Bench:
            case = CASES[vendor]
            options = Options(tickets=case.tickets, **PAST)  # type: ignore[arg-type]
            sandbox = served.enter_context(SandboxServer(options, settings={vendor: dict(case.settings)}))
            home = tmp_path / "begun"
            stored: Stored = Embedded(engine, home)
            if engine == "postgres":
                server = request.getfixturevalue("postgres_server")
                stored = InDatabase(server, server.create_database())
            elif engine == "clickhouse":
                stored = OnServer(request.getfixturevalue("start_clickhouse_server"), home)
            return Bench(home, stored, case, sandbox.vendors[vendor])

        yield make


@pytest.mark.parametrize(("vendor", "engine"), SAMPLE, ids=str)
def test_killed_syncs_leave_what_an_undisturbed_one_leaves(vendor: str, engine: str, make_bench: MakeBench) -> None:
    bench, told = make_bench(vendor, engine), Told()
    chance = random.Random(f"{vendor} {engine}")
    scenes = SAMPLE[vendor, engine]
    for scene in range(scenes):
        whole, made = bench.whole()
        first, second = chance.sample(list(spread(whole, 12, chance)), 2)
        # the second one is killed in the sync that was to make good the first
        bench.kill(whole, [first, second], told)
        if scene + 1 < scenes:
            bench.go_on(made)
    assert told.killed >= scenes


@pytest.mark.torture
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("vendor", CASES)
def test_a_sync_killed_at_any_point_is_made_good_by_the_next(
    vendor: str, engine: str, make_bench: MakeBench, record_property: Callable[[str, object], None]
) -> None:
    bench, told = make_bench(vendor, engine), Told()
    chance = random.Random(f"{vendor} {engine}")
    for scene in range(2):
        whole, made = bench.whole()
        for point in spread(whole, POINTS // 2, chance):
            bench.kill(whole, [point], told)
        if not scene:
            bench.go_on(made)
    record_property(
        "torture",
        f"{vendor} on {engine}: {POINTS} points, {told.killed} killed, at most {told.again} pages read again of "
        f"{bench.case.most} allowed, all tables equal",
    )
    assert told.killed >= POINTS * 0.95

"""200 tickets through the mock, by the floor and by the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from bench import floor, ours, tickets
from bench.measure import Measure
from bench.report import Run, bounds, costs, limits
from bench.server import Export, Server
from ticket_pipelines.warehouse.base import Warehouse

TICKETS = 200


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export([tickets.build(tmp_path, TICKETS, revision) for revision in (0, 1)])


@pytest.fixture
def mock(export: Export) -> Iterator[str]:
    server = Server(export, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join()


def by_floor(mock: str, warehouse_url: str) -> int:
    return floor.load(mock, warehouse_url)


def rows(warehouse: Warehouse, table: str) -> pa.Table:
    names = [name for name in sorted(warehouse.columns(table)) if name != "synced_at"]
    return pa.concat_tables(list(warehouse.rows(table, "bench", columns=names)))


def test_a_ticket_is_as_large_as_real_ones() -> None:
    assert len(tickets.ticket(0)) == 45
    assert len(tickets.ticket(0, metric_set=True)) == 46


def test_floor_loads_and_updates_every_ticket(
    mock: str, export: Export, warehouse_url: str, open_test_warehouse: Callable[[str], Warehouse]
) -> None:
    assert by_floor(mock, warehouse_url) == TICKETS
    export.revision = 1
    assert by_floor(mock, warehouse_url) == TICKETS
    stored = rows(open_test_warehouse(warehouse_url), "tickets")
    assert stored.num_rows == TICKETS
    assert all(subject.endswith("(changed 1)") for subject in stored["subject"].to_pylist())


@pytest.mark.parametrize("table", ["zendesk_tickets", "tickets", "record_links"])
def test_floor_and_engine_write_the_same_rows(
    table: str, mock: str, tmp_path: Path, open_test_warehouse: Callable[[str], Warehouse]
) -> None:
    floors, engines = (f"duckdb:///{tmp_path / name}.duckdb" for name in ("floor", "engine"))
    by_floor(mock, floors)
    environ = {"TICKETS_HOME": str(tmp_path / "home"), "TICKETS_WAREHOUSE": engines}
    ours.add(ours.zendesk(mock), environ)
    ours.sync("incremental", environ)
    expected = rows(open_test_warehouse(floors), table)
    assert expected.num_rows > 0
    assert rows(open_test_warehouse(engines), table).to_pylist() == expected.to_pylist()


def test_report_says_which_bounds_are_missed() -> None:
    runs = [
        Run("postgres", 200_000, "first load", "floor", 0, Measure(10.0, 10.0, 10.0, 100_000_000)),
        Run("postgres", 200_000, "first load", "ours", 0, Measure(12.0, 20.0, 20.0, 300_000_000)),
    ]
    found = {bound.name: bound.kept for bound in bounds(runs)}
    assert found == {"200,000: CPU of a first load / floor": False, "200,000: peak MB of any case": True}
    assert "MISSED" in limits(bounds(runs))
    assert "| postgres | 200,000" in costs(runs)

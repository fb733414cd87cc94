"""Several desks, processes and readers at once; processes that die."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dlt_sources.base import Kind
from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.duckdb import DuckDBWarehouse
from ticket_pipelines.warehouse.table import TableColumn
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]
PROJECT = Path(__file__).parents[2]
EXACT = (
    "SELECT desk, count(*) AS n, count(DISTINCT id) AS ids, min(version) AS least, max(version) AS most "
    "FROM helpdesk.{} GROUP BY desk ORDER BY desk"
)


def start(url: str, home: Path, desk: str, *numbers: int) -> subprocess.Popen[str]:
    module = "ticket_pipelines_tests.warehouse.loader"
    command = [sys.executable, "-W", "error", "-m", module, url, str(home), desk, *map(str, numbers)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> None:
    results = [(process.communicate(timeout=300), process.returncode) for process in processes]
    assert [(errors, status) for (_, errors), status in results] == [("", 0)] * len(processes)


def test_three_loaders_that_add_columns_and_a_reader_never_meet_a_lock(
    warehouse_url: str, open_test_warehouse: Opener, tmp_path: Path
) -> None:
    warehouse = open_test_warehouse(warehouse_url)
    warehouse.prepare([table("zendesk_tickets"), table("zendesk_users")], {})
    desks = ("acme", "brand", "corp")
    processes = [start(warehouse_url, tmp_path, desk, 2, 400, 40) for desk in desks]
    reads = 0
    while any(process.poll() is None for process in processes):
        # a reader without a pause would have a core for itself
        time.sleep(0.02)
        for found in warehouse.query(EXACT.format("zendesk_tickets")).to_pylist():
            assert found["n"] == found["ids"] == 400
            assert found["least"] == found["most"], "half a load was seen"
        reads += 1
    finish(processes)
    assert reads > 1
    columns = open_test_warehouse(warehouse_url).columns("zendesk_tickets")
    assert sum(kind is Kind.JSON for kind in columns.values()) == 2 + 20 + 3 * 20
    for name in ("zendesk_tickets", "zendesk_users"):
        assert warehouse.query(EXACT.format(name)).to_pylist() == [
            {"desk": desk, "n": 400, "ids": 400, "least": 2, "most": 2} for desk in desks
        ]


def test_four_desks_load_in_threads_of_one_process(warehouse_url: str, open_test_warehouse: Opener) -> None:
    warehouse = open_test_warehouse(warehouse_url)
    failures: list[BaseException] = []

    def load(desk: str) -> None:
        try:
            pipeline = warehouse.pipeline("zendesk", desk)
            for version in (1, 2, 3):
                rows = arrow([row(str(number), version, desk) for number in range(500)])
                pipeline.load({"zendesk_tickets": rows}, {"zendesk_tickets": TICKETS}, {"version": version})
            assert pipeline.state() == {"version": 3}
            pipeline.close()
        except BaseException as error:
            failures.append(error)

    desks = ("acme", "brand", "corp", "delta")
    threads = [threading.Thread(target=load, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert warehouse.query(EXACT.format("zendesk_tickets")).to_pylist() == [
        {"desk": desk, "n": 500, "ids": 500, "least": 3, "most": 3} for desk in desks
    ]
    schema = "helpdesk_storage" if warehouse.engine == "clickhouse" else "helpdesk"
    assert warehouse.query(f"SELECT DISTINCT pipeline_name FROM {schema}._dlt_pipeline_state").num_rows == 4


def test_threads_add_columns_at_once(warehouse_url: str, open_test_warehouse: Opener) -> None:
    warehouses = [open_test_warehouse(warehouse_url) for _ in range(4)]
    specs = [table(extra=[TableColumn(f"c_{number}", Kind.JSON) for number in range(i, i + 50)]) for i in range(4)]
    failures: list[BaseException] = []

    def ensure(number: int) -> None:
        try:
            warehouses[number].ensure(specs[number])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ensure, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(name.startswith("c_") for name in open_test_warehouse(warehouse_url).columns("zendesk_tickets")) == 53


@pytest.mark.parametrize(
    "package",
    [
        pytest.param(0, id="first package", marks=pytest.mark.torture),
        pytest.param(1, id="second package"),
        pytest.param(3, id="fourth package", marks=pytest.mark.torture),
    ],
)
def test_a_killed_load_is_finished_by_the_next(
    warehouse_url: str, open_test_warehouse: Opener, tmp_path: Path, package: int
) -> None:
    killed = start(warehouse_url, tmp_path, "acme", 6, 500)
    assert killed.stdout is not None
    while killed.stdout.readline().strip() != str(package):
        assert killed.poll() is None, killed.communicate()
    killed.kill()
    killed.communicate()
    warehouse = open_test_warehouse(warehouse_url)
    pipeline = warehouse.pipeline("zendesk", "acme")
    reached = pipeline.state().get("package", 0)
    pipeline.close()
    assert package <= reached <= package + 1
    finish([start(warehouse_url, tmp_path, "acme", 6, 500)])
    for name in ("zendesk_tickets", "zendesk_users"):
        assert warehouse.query(EXACT.format(name)).to_pylist() == [
            {"desk": "acme", "n": 500, "ids": 500, "least": 6, "most": 6}
        ]


def test_a_reader_that_waits_in_vain_says_who_holds_the_file(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    holder, reader = DuckDBWarehouse(path), DuckDBWarehouse(path, reader_wait=0.05)
    holder.prepare([TICKETS], {})
    with holder._open(write=True), pytest.raises(WarehouseUnavailableError, match=r"in use by .*process \d+") as caught:
        reader.query("SELECT 1")
    assert "0.05 seconds" in str(caught.value)
    assert reader.query("SELECT 1 AS one").num_rows == 1


def test_a_program_that_opened_the_file_itself_is_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    DuckDBWarehouse(path).prepare([TICKETS], {})
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "open"
        impatient = DuckDBWarehouse(path, reader_wait=0.05, writer_wait=0.05)
        for use in (lambda: impatient.query("SELECT 1"), lambda: impatient.ensure(table("zendesk_users"))):
            with pytest.raises(WarehouseUnavailableError, match=f"PID {other.pid}"):
                use()
        other.communicate()
    assert impatient.query("SELECT 1 AS one").num_rows == 1

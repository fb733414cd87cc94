"""What only ClickHouse needs: few parts though nothing merges, and purges that wait for no merge."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.warehouse import clickhouse_parts, clickhouse_purging
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.table import TableSpec
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.warehouse.rows import SYNCED, TICKETS, arrow, row

Opener = Callable[[str], Warehouse]
OPEN = "helpdesk_storage.zendesk_tickets"
MOST = (
    "SELECT max(n) FROM (SELECT count() AS n FROM system.parts "
    "WHERE active AND database = 'helpdesk_storage' GROUP BY table)"
)


@pytest.fixture
def warehouse(clickhouse_server: ClickHouseServer, open_test_warehouse: Opener) -> ClickHouseWarehouse:
    opened = open_test_warehouse(clickhouse_server.url(send_receive_timeout=10))
    assert isinstance(opened, ClickHouseWarehouse)
    return opened


def stop_merges(server: ClickHouseServer) -> None:
    """Of all tables that are there: those that are made later merge."""
    server.execute("SYSTEM STOP MERGES")


class Files:
    """Writes packages' files, one after the other, as dlt names them."""

    def __init__(self, warehouse: ClickHouseWarehouse, folder: Path) -> None:
        self._warehouse = warehouse
        self._folder = folder
        self._written = 0

    def load(self, spec: TableSpec, rows: pa.Table, desk: str = "acme") -> None:
        self._written += 1
        file = self._folder / f"{spec.name}.{self._written}.0.parquet"
        pq.write_table(rows, file)
        self._warehouse.upsert(desk, spec.name, file, rows.column_names)
        file.unlink()


@pytest.fixture
def files(warehouse: ClickHouseWarehouse, tmp_path: Path) -> Files:
    return Files(warehouse, tmp_path)


def small_rows(spec: TableSpec, number: int, desk: str) -> pa.Table:
    """Two rows for any table: one that changes with each load, and a new one."""
    common = {"desk": desk, "version": number, "synced_at": SYNCED}
    given = [{**common, "id": "same"}, {**common, "id": str(number)}]
    return pa.Table.from_pylist(given, schema=spec.arrow_schema())


@pytest.mark.parametrize(
    ("loads", "tables", "desks"),
    [
        pytest.param(45, 1, ("acme", "other"), id="two desks"),
        pytest.param(1_000, len(TABLES), ("acme",), id="1000 into all tables", marks=pytest.mark.torture),
        pytest.param(1_000, 2, ("acme", "other", "third"), id="1000 of three desks", marks=pytest.mark.torture),
    ],
)
def test_loads_in_a_row_into_all_tables_stay_few_parts_without_merges(
    clickhouse_server: ClickHouseServer,
    warehouse: ClickHouseWarehouse,
    files: Files,
    loads: int,
    tables: int,
    desks: Sequence[str],
) -> None:
    specs = list(TABLES.values())[:tables]
    warehouse.ensure(*specs)
    stop_merges(clickhouse_server)
    most = 0
    for number in range(loads):
        for desk in desks:
            for spec in specs:
                files.load(spec, small_rows(spec, number, desk), desk)
        most = max(most, clickhouse_server.execute(MOST)[0][0])
    assert most < 100
    for spec in specs:
        counted = clickhouse_server.execute(f"SELECT desk, count(), max(version) FROM helpdesk.{spec.name} GROUP BY 1")
        assert sorted(counted) == [(desk, loads + 1, loads - 1) for desk in sorted(desks)]


def test_a_load_waits_for_merges_where_there_is_nothing_of_its_own_to_coalesce(
    clickhouse_server: ClickHouseServer,
    warehouse: ClickHouseWarehouse,
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in {"MANY": 3, "TOO_MANY": 5, "WAITS": (0.0, 0.0)}.items():
        monkeypatch.setattr(clickhouse_parts, name, value)
    warehouse.ensure(TICKETS)
    stop_merges(clickhouse_server)
    for number in range(5):
        files.load(TICKETS, arrow([row("1", desk=f"desk_{number}")]), f"desk_{number}")
    caplog.set_level(logging.WARNING)
    with pytest.raises(WarehouseUnavailableError, match="zendesk_tickets has 5 parts, since the server does not merge"):
        files.load(TICKETS, arrow([row("1")]))
    assert caplog.text.count("zendesk_tickets has 5 parts; waiting") == 2
    clickhouse_server.execute(f"SYSTEM START MERGES {OPEN}")
    clickhouse_server.execute(f"OPTIMIZE TABLE {OPEN} FINAL")
    files.load(TICKETS, arrow([row("1")]))
    assert clickhouse_server.execute("SELECT count() FROM helpdesk.zendesk_tickets") == [(6,)]


def of_desks(server: ClickHouseServer) -> list[tuple[str, int]]:
    return [
        (str(desk), int(rows))
        for desk, rows in server.execute(f"SELECT desk, count() FROM {OPEN} FINAL GROUP BY 1 ORDER BY 1")
    ]


def test_a_purge_waits_for_no_merge_where_a_desk_has_parts_of_its_own(
    clickhouse_server: ClickHouseServer, warehouse: ClickHouseWarehouse
) -> None:
    for desk in ("acme", "other"):
        pipeline = warehouse.pipeline("zendesk", desk)
        pipeline.load({"zendesk_tickets": arrow([row("1", desk=desk)])}, {"zendesk_tickets": TICKETS}, {"n": 1})
        if desk == "acme":
            stop_merges(clickhouse_server)
        pipeline.close()
    warehouse.purge("zendesk", "acme")
    assert of_desks(clickhouse_server) == [("other", 1)]
    assert clickhouse_server.execute("SELECT count() FROM system.mutations") == [(0,)]
    pipelines = "SELECT pipeline_name FROM helpdesk_storage._dlt_pipeline_state"
    assert clickhouse_server.execute(pipelines) == [("zendesk__other",)]
    assert clickhouse_server.execute("SELECT count() FROM helpdesk_storage._dlt_loads") == [(1,)]
    again = warehouse.pipeline("zendesk", "acme")
    assert again.state() == {}
    again.close()


def test_a_purge_that_needs_stopped_merges_says_so_and_is_finished_by_them(
    clickhouse_server: ClickHouseServer, warehouse: ClickHouseWarehouse, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.ensure(TICKETS)
    for desk in ("acme", "other"):
        files.load(TICKETS, arrow([row(str(number), desk=desk) for number in range(9)]), desk)
    clickhouse_server.execute(f"OPTIMIZE TABLE {OPEN} FINAL")
    clickhouse_server.execute(f"SYSTEM STOP MERGES {OPEN}")
    monkeypatch.setattr(clickhouse_purging, "DONE_WITHIN", 0.0)
    for _ in range(2):
        with pytest.raises(WarehouseUnavailableError, match="has not rewritten zendesk_tickets within"):
            warehouse.purge("zendesk", "acme")
    assert clickhouse_server.execute("SELECT count() FROM system.mutations") == [(1,)], "asked for once"
    files.load(TICKETS, arrow([row("new", desk="acme")]))
    clickhouse_server.execute(f"SYSTEM START MERGES {OPEN}")
    while clickhouse_server.execute("SELECT count() FROM system.mutations WHERE NOT is_done") != [(0,)]:
        pass
    assert of_desks(clickhouse_server) == [("acme", 1), ("other", 9)], "what came after the purge stays"
    monkeypatch.undo()
    warehouse.purge("zendesk", "acme")
    assert of_desks(clickhouse_server) == [("other", 9)]

"""Somebody who reads while loads come in sees each ticket once and at its newest, and never fewer than before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.table import TableColumn, TableSpec
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]
LOADS = 100
FIRST = 50
"""Tickets that are there from the beginning."""
SEEN = "SELECT count(), uniqExact(id), countIf(id = '7'), minIf(version, id = '7') FROM helpdesk.zendesk_tickets"
STATUS = "SELECT subject, version FROM helpdesk.zendesk_tickets WHERE id = '7'"


def wider(number: int) -> TableSpec:
    """A field more with each tenth load."""
    return table(extra=[TableColumn(f"field_{added}", Kind.JSON) for added in range(number // 10)])


def test_a_reader_during_100_loads_sees_no_dip_no_duplicate_and_no_old_version(
    clickhouse_server: ClickHouseServer, open_test_warehouse: Opener, tmp_path: Path
) -> None:
    """The loads are those of the load job, in front of it the schema's changes; dlt's part is not seen by readers."""
    warehouse = open_test_warehouse(clickhouse_server.url())
    assert isinstance(warehouse, ClickHouseWarehouse)

    def load(number: int) -> None:
        spec = wider(number)
        extra = {column.name: "[1]" for column in spec.columns[len(TICKETS.columns) :]}
        given = [row("7", number, subject=f"status {number}", **extra), row(f"new {number}", number, **extra)]
        if number % 2:
            # the same version again, with other content, counts as newer
            given[0] = row("7", number - 1, subject=f"status {number}", **extra)
        given += [row(str(other), 0) for other in range(FIRST) if number == 0 and other != 7]
        file = tmp_path / f"zendesk_tickets.{number}.0.parquet"
        pq.write_table(arrow(given, spec), file)
        warehouse.ensure(spec)
        warehouse.upsert("acme", "zendesk_tickets", file, spec.arrow_schema().names)

    load(0)
    over = threading.Event()
    seen: list[tuple[int, int]] = []
    wrong: list[object] = []

    def read() -> None:
        with clickhouse_server.client() as client:
            while not over.is_set():
                ((count, ids, found, version),) = client.query(SEEN).result_rows
                ((subject, later),) = client.query(STATUS).result_rows
                status = int(subject.removeprefix("status "))
                if (ids, found) != (count, 1) or later != status // 2 * 2 or later < version:
                    wrong.append((count, ids, found, version, subject, later))
                seen.append((count, status))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, LOADS + 1):
        if number == LOADS // 3:
            # from here on it is the loader that makes one part of many
            clickhouse_server.execute("SYSTEM STOP MERGES helpdesk_storage.zendesk_tickets")
        load(number)
    over.set()
    reader.join()

    assert wrong == []
    assert len(seen) > LOADS // 2
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    assert [status for _, status in seen] == sorted(status for _, status in seen)
    total = FIRST + LOADS + 1
    assert clickhouse_server.execute(SEEN) == [(total, total, 1, LOADS)]
    assert any("_part IN" in entry["query"] for entry in clickhouse_server.log("INSERT")), "nothing was coalesced"

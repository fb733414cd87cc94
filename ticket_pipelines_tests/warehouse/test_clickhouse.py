"""What only ClickHouse needs: few parts without merges, and inserts whose connection breaks."""

from __future__ import annotations

from pathlib import Path

from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

PARTS = (
    "SELECT count() AS n FROM system.parts "
    "WHERE active AND database = 'helpdesk_storage' AND \"table\" = 'zendesk_tickets'"
)


def test_small_loads_stay_few_parts_without_merges(tmp_path: Path) -> None:
    warehouse = open_warehouse(f"chdb:///{tmp_path / 'warehouse'}", tmp_path)
    assert isinstance(warehouse, ClickHouseWarehouse)
    warehouse.ensure(TICKETS)
    with warehouse.connections.taken(wait=30) as client:
        client.command("SYSTEM STOP MERGES helpdesk_storage.zendesk_tickets")
    pipeline = warehouse.pipeline("zendesk", "acme")
    for number in range(60):
        given = arrow([row("same", number), row(str(number))])
        pipeline.load({"zendesk_tickets": given}, {"zendesk_tickets": TICKETS}, {"n": number})
        rows = warehouse.query("SELECT count() AS n, maxIf(version, id = 'same') AS v FROM helpdesk.zendesk_tickets")
        assert rows.to_pylist() == [{"n": number + 2, "v": number}]
        assert warehouse.query(PARTS).to_pylist()[0]["n"] <= 41
    pipeline.close()
    warehouse.close()

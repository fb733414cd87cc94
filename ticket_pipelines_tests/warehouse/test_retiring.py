"""What goes by age, on every engine, and that a restore finds all that it needs afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from ticket_pipelines.warehouse.base import Retirement, Warehouse
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row, table

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
USERS = table("zendesk_users")


@pytest.fixture
def warehouse(warehouse_url: str, open_test_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    found = open_test_warehouse(warehouse_url)
    found.prepare([], {})
    return found


def count(warehouse: Warehouse, name: str) -> int:
    place = "helpdesk" if warehouse.engine in ("duckdb", "postgres") else "helpdesk_storage"
    return int(warehouse.query(f"SELECT count(*) AS n FROM {place}.{name}")["n"][0].as_py())


def run(run_id: str, started_at: datetime) -> dict[str, Any]:
    return {"id": run_id, "desk": "acme", "status": "success", "started_at": started_at, "details": "{}"}


def test_old_history_goes_and_positions_stay(warehouse: Warehouse) -> None:
    acme = warehouse.pipeline("zendesk", "acme")
    acme.load({TICKETS.name: arrow([row("1")])}, {TICKETS.name: TICKETS}, {"n": 1})
    acme.load({USERS.name: arrow([row("1")], USERS)}, {USERS.name: USERS}, {"n": 1})  # a schema more, no position
    globex = warehouse.pipeline("zendesk", "globex")
    globex.load({TICKETS.name: arrow([row("1", desk="globex")])}, {TICKETS.name: TICKETS}, {"n": 7})
    acme.close()
    globex.close()
    runs = [run("old", NOW - 3 * DAY), run("kept", NOW - 2 * DAY), run("new", NOW)]
    warehouse.write_runs(pa.Table.from_pylist(runs, schema=SYNC_RUNS.arrow_schema()))
    loads, versions = count(warehouse, "_dlt_loads"), count(warehouse, "_dlt_version")
    assert (loads, versions) == (3, 2)

    assert warehouse.retire(Retirement(NOW - 5 * DAY, (), NOW - 5 * DAY)) == {}
    gone = warehouse.retire(Retirement(NOW - DAY, ("kept",), NOW + DAY))
    assert gone == {"sync_runs": 1, "_dlt_loads": 1, "_dlt_version": 1}
    left = warehouse.query("SELECT id FROM helpdesk.sync_runs ORDER BY id")["id"].to_pylist()
    assert left == ["kept", "new"]
    assert warehouse.retire(Retirement(NOW - DAY, ("kept",), NOW + DAY)) == {}

    for desk, n in (("acme", 1), ("globex", 7)):
        with closing(warehouse.pipeline("zendesk", desk)) as again:
            assert again.state() == {"n": n}
            again.load({USERS.name: arrow([row("2", desk=desk)], USERS)}, {USERS.name: USERS}, {"n": n + 1})
        with closing(warehouse.pipeline("zendesk", desk)) as again:
            assert again.state() == {"n": n + 1}

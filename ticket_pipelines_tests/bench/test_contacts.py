"""Contacts of Zoho CRM, by the floor's bulk read into ClickHouse and by the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import crm, ours
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

CONTACTS = 40


@pytest.mark.parametrize("table", ["zoho_crm_contacts", "contacts"])
def test_floor_and_engine_write_the_same_rows(
    table: str, tmp_path: Path, make_sandbox: MakeSandbox, open_test_warehouse: Callable[[str], Warehouse]
) -> None:
    settings = {"rows": {"Contacts": CONTACTS}, "hidden": {"Contacts": crm.HIDDEN}}
    vendor = make_sandbox(zoho_crm=settings).zoho_crm
    config = {**vendor.config, "modules": ["Contacts"]}
    desk = {"vendor": "zoho_crm", "config": config, "credentials": vendor.credentials}
    floors, engines = f"chdb:///{tmp_path / 'floor'}", f"duckdb:///{tmp_path / 'engine.duckdb'}"
    assert crm.into_clickhouse(desk, floors) == CONTACTS
    environ = {"TICKETS_HOME": str(tmp_path / "home"), "TICKETS_WAREHOUSE": engines}
    ours.add(desk, environ)
    ours.sync("incremental", environ, stream=crm.ROWS)
    found = []
    for url in (floors, engines):
        warehouse = open_test_warehouse(url)
        # the floor hashes the file's row, the engine its own form of it; the floor meets no deleted contact
        names = [name for name in sorted(warehouse.columns(table)) if name not in ("synced_at", "content_hash")]
        found.append(
            [row for batch in warehouse.rows(table, "bench", alive=True, columns=names) for row in batch.to_pylist()]
        )
    floor_rows, engine_rows = found
    assert len(floor_rows) == CONTACTS
    shared = floor_rows[0].keys() & engine_rows[0].keys()
    assert len(shared) > 20
    for by_floor, by_engine in zip(floor_rows, engine_rows, strict=True):
        assert {name: by_floor[name] for name in shared if by_floor[name] != by_engine[name]} == {}

"""All engines, ClickHouse as a server too."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticket_pipelines_tests.fixtures.warehouse import empty_warehouse


@pytest.fixture(params=["duckdb", "postgres", "chdb", "clickhouse"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty warehouse, once for each engine and each way to it."""
    return empty_warehouse(request, tmp_path)

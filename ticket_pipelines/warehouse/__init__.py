"""The warehouses: one engine a file, behind one protocol (`base.Warehouse`).

`open_warehouse` finds the engine by the URL's scheme. Connections are made when they are first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.base import Warehouse


def _duckdb(url: str, home: Path) -> Warehouse:
    from ticket_pipelines.warehouse.duckdb import DuckDBWarehouse
    from ticket_pipelines.warehouse.url import duckdb_path

    del home
    return DuckDBWarehouse(duckdb_path(url))


def _postgres(url: str, home: Path) -> Warehouse:
    from ticket_pipelines.warehouse.postgres import PostgresWarehouse
    from ticket_pipelines.warehouse.url import postgres_address

    del home
    return PostgresWarehouse(postgres_address(url))


def _clickhouse(url: str, home: Path) -> Warehouse:
    from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
    from ticket_pipelines.warehouse.clickhouse_connections import ServerConnections
    from ticket_pipelines.warehouse.url import clickhouse_address

    del home
    address = clickhouse_address(url)
    return ClickHouseWarehouse(ServerConnections(address), address.label, address.layout)


def _chdb(url: str, home: Path) -> Warehouse:
    from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
    from ticket_pipelines.warehouse.clickhouse_connections import EmbeddedConnections
    from ticket_pipelines.warehouse.url import chdb_path

    del home
    if find_spec("chdb") is None:
        raise UsageError(
            "TICKETS_WAREHOUSE asks for the embedded engine of ClickHouse, which is not installed.\n"
            "Run: pip install 'ticket-pipelines[chdb]'"
        )
    path = chdb_path(url).absolute()
    return ClickHouseWarehouse(EmbeddedConnections(path), f"chdb:///{path}")


ENGINES: dict[str, Callable[[str, Path], Warehouse]] = {
    "duckdb": _duckdb,
    "postgresql": _postgres,
    "postgres": _postgres,
    "clickhouse": _clickhouse,
    "chdb": _chdb,
}
"""Opens a warehouse, by the scheme of its URL."""


def open_warehouse(url: str, home: Path) -> Warehouse:
    """Opens a warehouse.

    Args:
        url: `duckdb:///relative` (to the current folder), `duckdb:////absolute`, `postgresql://…`,
            `clickhouse://…` or `chdb:///…`.
        home: The project's folder, for engines that keep files of their own there.

    Raises:
        UsageError: The URL names no warehouse that this release knows.
    """
    scheme, separator, _ = url.partition("://")
    engine = ENGINES.get(scheme.lower()) if separator else None
    if engine is None:
        raise UsageError("The warehouse's URL must start with duckdb:///, postgresql://, clickhouse:// or chdb:///.")
    return engine(url, home)

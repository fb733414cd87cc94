"""dlt's DuckDB destination on a connection of ours: open while the file's lock is held, closed with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import duckdb as engine
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from ticket_pipelines.warehouse.destination import ResolvedOnceMixin, UpsertClientMixin, Upserts, Writer


class ConnectedWriter(Writer, Protocol):
    """A writer that has a connection open during a load."""

    connection: engine.DuckDBPyConnection | None


class _SqlClient(DuckDbSqlClient):
    """dlt's SQL client on the load's connection."""

    writer: ConnectedWriter

    def open_connection(self) -> engine.DuckDBPyConnection:
        """A cursor of the load's connection."""
        if self.writer.connection is None:
            raise RuntimeError("a DuckDB client was used outside of a load")
        self._conn = self.writer.connection.cursor()
        return self._conn

    def close_connection(self) -> None:
        """Closes the cursor; the load closes its connection."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None  # type: ignore[assignment]


class _Client(UpsertClientMixin, DuckDbClient):
    """dlt's job client with our job."""

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        ours = _SqlClient(
            self.sql_client.dataset_name, self.sql_client.staging_dataset_name, config.credentials, capabilities
        )
        self.sql_client = ours


class HelpdeskDuckDB(ResolvedOnceMixin, duckdb):  # type: ignore[misc]
    """The destination of one desk's pipeline."""

    def __init__(self, path: Path, writer: ConnectedWriter) -> None:
        super().__init__(credentials=str(path))
        self.writer = writer
        self.upserts = Upserts(writer, {}, {})

    @property
    def client_class(self) -> type[DuckDbClient]:
        """Our job client."""
        return _Client

    def client(self, schema: Any, initial_config: Any = None) -> Any:
        """A client that uses the writer's connection."""
        client = super().client(schema, initial_config)
        client.sql_client.writer = self.writer
        return client

"""dlt's Postgres destination, connected by our connection string and writing by our upsert.

Why not dlt's credentials: they insist on a password, so neither trust nor a password file works, and they drop
parameters of the URL that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from dlt.destinations import postgres
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from ticket_pipelines.warehouse.destination import ResolvedOnceMixin, UpsertClientMixin, Upserts, Writer
from ticket_pipelines.warehouse.postgres import LOCK


class _SqlClient(Psycopg2SqlClient):
    """dlt's SQL client on our connection string."""

    dsn = ""

    def open_connection(self) -> Any:
        """Connects; names are always qualified, so the search path does not matter."""
        self._conn = psycopg2.connect(self.dsn)
        self._conn.autocommit = True
        return self._conn


class _Client(UpsertClientMixin, PostgresClient):
    """dlt's job client with our job, and dlt's own tables made under the warehouse's lock."""

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        ours = _SqlClient(
            self.sql_client.dataset_name, self.sql_client.staging_dataset_name, config.credentials, capabilities
        )
        self.sql_client = ours

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        """Two desks that load for the first time must not both make dlt's tables."""
        with super().maybe_ddl_transaction():
            self.sql_client.execute_sql(LOCK)
            yield


class HelpdeskPostgres(ResolvedOnceMixin, postgres):  # type: ignore[misc]
    """The destination of one desk's pipeline."""

    def __init__(self, dsn: str, writer: Writer) -> None:
        super().__init__(
            credentials={"host": "unused", "database": "unused", "username": "unused", "password": "unused"},
        )
        self.dsn = dsn
        self.writer = writer
        self.upserts = Upserts(writer, {}, {})

    @property
    def client_class(self) -> type[PostgresClient]:
        """Our job client."""
        return _Client

    def client(self, schema: Any, initial_config: Any = None) -> Any:
        """A client that knows the connection string."""
        client = super().client(schema, initial_config)
        client.sql_client.dsn = self.dsn
        return client

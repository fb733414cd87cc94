"""dlt's ClickHouse destination on clickhouse-connect alone, a client of ours, with dlt's tables out of people's sight.

dlt speaks the native protocol through a second driver and HTTP beside it; the embedded engine has neither port.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from clickhouse_connect import dbapi as connect_dbapi
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError
from dlt.common.pipeline import current_pipeline
from dlt.destinations import clickhouse
from dlt.destinations.exceptions import (
    DatabaseTerminalException,
    DatabaseTransientException,
    DatabaseUndefinedRelation,
)
from dlt.destinations.impl.clickhouse.clickhouse import ClickHouseClient
from dlt.destinations.impl.clickhouse.sql_client import ClickHouseSqlClient
from dlt.destinations.sql_client import DBApiCursorImpl, raise_database_error, raise_open_connection_error
from dlt.destinations.utils import _convert_to_old_pyformat

from ticket_pipelines.logs import topic
from ticket_pipelines.warehouse import clickhouse_parts as parts
from ticket_pipelines.warehouse.clickhouse_connections import Connections
from ticket_pipelines.warehouse.clickhouse_tables import STORAGE, Layout, stored
from ticket_pipelines.warehouse.destination import ResolvedOnceMixin, UpsertClientMixin, Upserts, Writer
from ticket_pipelines.warehouse.failures import first_line, is_unavailable
from ticket_pipelines.warehouse.purging import LOADS, STATE

log = topic("warehouse")

WAIT = 300.0
UNDEFINED = frozenset((60, 81))
LEFT = 200
"""Superseded rows that may stand: they go with their parts, and only when many stay is a part written anew."""
_READS = re.compile(r"\s*\(*(SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS)\b", re.IGNORECASE)


class ConnectedWriter(Writer, Protocol):
    """A writer that has connections."""

    connections: Connections
    layout: Layout


class _Cursor:
    """As much of a DB-API cursor as dlt uses."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rows: list[Any] = []
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> None:
        """Runs a statement; a read keeps its rows."""
        if not _READS.match(sql):
            self._client.command(sql, parameters=parameters)
            return
        answer = self._client.query(sql, parameters=parameters)
        self.description = [
            (name, kind.name, None, None, None, None, None)
            for name, kind in zip(answer.column_names, answer.column_types, strict=True)
        ]
        self._rows = list(answer.result_rows)
        self.rowcount = len(self._rows)

    def fetchmany(self, size: int = 1) -> list[Any]:
        """The next rows."""
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return self.fetchmany(len(self._rows))

    def fetchone(self) -> Any:
        """The next row or None."""
        return next(iter(self.fetchmany(1)), None)

    def close(self) -> None:
        """Forgets the rows."""
        self._rows = []


class _SqlClient(ClickHouseSqlClient):
    """dlt's SQL client on a client of the warehouse's."""

    dbapi: ClassVar[Any] = connect_dbapi
    writer: ConnectedWriter
    _held: ExitStack | None = None

    @raise_open_connection_error
    def open_connection(self) -> Any:
        """Takes a client of the warehouse."""
        with ExitStack() as stack:
            self._conn = stack.enter_context(self.writer.connections.taken(wait=WAIT))
            self._held = stack.pop_all()
        return self._conn

    def close_connection(self) -> None:
        """Gives it back."""
        held, self._held, self._conn = self._held, None, None
        if held is not None:
            held.close()

    def commit_transaction(self) -> None:
        """There are none."""

    def rollback_transaction(self) -> None:
        """There are none."""

    def has_dataset(self) -> bool:
        """Whether the database of dlt's tables is there."""
        return bool(self.execute_sql("SELECT name FROM system.databases WHERE name = %s", STORAGE))

    def create_dataset(self) -> None:
        """Makes the database of dlt's tables."""
        self.execute_sql(f"CREATE DATABASE IF NOT EXISTS {STORAGE}{self.writer.layout.everywhere}")

    def make_qualified_table_name_path(
        self,
        table_name: str | None,
        quote: bool = True,
        casefold: bool = True,  # noqa: ARG002 - dlt's signature
        dataset_name: str | None = None,  # noqa: ARG002
        catalog: str | None = None,  # noqa: ARG002
    ) -> list[str]:
        """All tables stand in one database, whatever dlt's dataset."""
        path = [STORAGE, *([table_name] if table_name else [])]
        return [self.capabilities.escape_identifier(part) for part in path] if quote else path

    def insert_file(self, file_path: str, table_name: str, file_format: str, compression: str) -> Any:
        """Inserts a file of one of dlt's own tables."""
        settings = {"date_time_input_format": "best_effort"}
        return self._conn.raw_insert(
            stored(table_name),
            None,
            Path(file_path).read_bytes(),
            settings,
            fmt=file_format,
            compression="gzip" if compression == "gz" else None,
        )

    @contextmanager
    @raise_database_error
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Runs one statement."""
        given: dict[str, Any] = dict(kwargs)
        if args:
            query, given = _convert_to_old_pyformat(query, args, OperationalError)
            given.update(kwargs)
        given = {name: _naive(value) for name, value in given.items()}
        cursor = _Cursor(self._conn)
        text = str(query).strip().rstrip(";")
        try:
            cursor.execute(self.escape_pct(text) if given else text, given or None)
            yield DBApiCursorImpl(cursor)  # type: ignore[arg-type]
        finally:
            cursor.close()

    @staticmethod
    def is_dbapi_exception(ex: Exception) -> bool:
        """Whether the driver raised it."""
        return isinstance(ex, Error)

    @classmethod
    def _make_database_exception(cls, ex: Exception) -> Exception:
        if not isinstance(ex, Error):
            return ex
        if ex.code in UNDEFINED:
            return DatabaseUndefinedRelation(ex)
        return DatabaseTransientException(ex) if is_unavailable(ex) else DatabaseTerminalException(ex)


def _naive(value: Any) -> Any:
    """Times as text in UTC, which the column's type is."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(sep=" ")
    return value


class _Client(UpsertClientMixin, ClickHouseClient):
    """dlt's job client with our job."""

    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        old = self.sql_client
        self.sql_client = _SqlClient(
            old.dataset_name,
            old.staging_dataset_name,
            old.known_table_names,
            config.credentials,
            capabilities,
            config,
        )

    def _make_create_table(self, qualified_name: str, table: Any) -> str:  # noqa: ARG002 - dlt's signature
        """Two desks that load for the first time must not both fail on dlt's tables."""
        return f"CREATE TABLE IF NOT EXISTS {qualified_name}{self.sql_client.writer.layout.everywhere}"

    def _get_table_update_sql(self, table_name: str, new_columns: Sequence[Any], generate_alter: bool) -> list[str]:
        """Tables of dlt's own stand whole on every server: one shard's position would be unknown to the others."""
        statements: list[str] = super()._get_table_update_sql(table_name, new_columns, generate_alter)
        engine = self.sql_client.writer.layout.whole_engine
        # dlt names the engine without arguments
        return [
            re.sub(r"\bENGINE = (Replicated)?MergeTree\b", lambda _: f"ENGINE = {engine}", sql) for sql in statements
        ]

    def drop_superseded(self) -> None:
        """Drops the positions before the valid one, whole parts at a time.

        A DELETE waits for merges, which a server may have stopped. A load writes a part of one row, so the superseded
        rows mostly stand in parts of their own, and dropping those costs nothing. The package is committed by now: what
        fails here is left to the next one.
        """
        try:
            self._drop_superseded()
        except Error as error:
            log.debug("superseded positions stay until the next load: %s", first_line(error))

    def _drop_superseded(self) -> None:
        client: Client = self.sql_client.native_connection
        name = current_pipeline().pipeline_name
        done = f"SELECT load_id FROM {stored(LOADS)} WHERE status = 0"
        newest = (
            f"SELECT max(_dlt_load_id) FROM {stored(STATE)} "
            f"WHERE pipeline_name = {{name:String}} AND _dlt_load_id IN ({done})"
        )
        rows = client.query(
            f"SELECT _dlt_load_id, _part, pipeline_name = {{name:String}} AND _dlt_load_id < ({newest}) "
            f"FROM {stored(STATE)}",
            parameters={"name": name},
        ).result_rows
        old = {load_id for load_id, _, is_old in rows if is_old}
        if not old:
            return
        loads = client.query(f"SELECT load_id, _part FROM {stored(LOADS)}").result_rows
        self._drop_rows(client, LOADS, "load_id", [(load_id, part, load_id in old) for load_id, part in loads])
        self._drop_rows(client, STATE, "_dlt_load_id", rows)

    @staticmethod
    def _drop_rows(client: Client, table: str, column: str, rows: Sequence[Sequence[Any]]) -> None:
        needed = {part for _, part, is_old in rows if not is_old}
        for part in sorted({part for _, part, is_old in rows if is_old} - needed):
            parts.drop(client, stored(table), part)
        left = [load_id for load_id, part, is_old in rows if is_old and part in needed]
        if len(left) > LEFT:
            client.command(
                f"DELETE FROM {stored(table)} WHERE {column} IN {{left:Array(String)}}",
                parameters={"left": left},
                settings={"lightweight_deletes_sync": 0},
            )


class HelpdeskClickHouse(ResolvedOnceMixin, clickhouse):  # type: ignore[misc]
    """The destination of one desk's pipeline."""

    def __init__(self, writer: ConnectedWriter) -> None:
        super().__init__(
            credentials={"host": "unused", "database": STORAGE, "username": "unused", "password": "unused"},
            select_sequential_consistency=1,
            table_engine_type="replicated_merge_tree" if writer.layout.replicated else "merge_tree",
        )
        self.writer = writer
        self.upserts = Upserts(writer, {}, {})

    def _raw_capabilities(self) -> Any:
        capabilities = super()._raw_capabilities()
        capabilities.supports_multiple_statements = False
        capabilities.supported_merge_strategies = ["upsert", *capabilities.supported_merge_strategies]
        return capabilities

    @property
    def client_class(self) -> type[ClickHouseClient]:
        """Our job client."""
        return _Client

    def client(self, schema: Any, initial_config: Any = None) -> Any:
        """A client that uses the writer's connections."""
        client = super().client(schema, initial_config)
        client.sql_client.writer = self.writer
        return client

"""The warehouse in PostgreSQL.

Rows come in and go out as Arrow through ADBC (binary COPY); small questions go through psycopg2. Every connection comes
from the URL as it is, so whatever libpq understands (no password, `sslmode`, a service) works. Names are always
qualified: the search path does not matter. A load upserts each table in one transaction:

    parquet -> COPY into a temporary table (JSON as text) -> INSERT … SELECT … ::jsonb ON CONFLICT, guarded by version
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import adbc_driver_manager as adbc
import psycopg2
import psycopg2.extensions
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import dbapi
from adbc_driver_postgresql import dbapi as adbc_postgres

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError, WarehouseRejectedError, WarehouseUnavailableError
from ticket_pipelines.warehouse import postgres_admission as admission
from ticket_pipelines.warehouse import postgres_types as types
from ticket_pipelines.warehouse.base import SCHEMA, DeskPipeline, Retirement, Stored
from ticket_pipelines.warehouse.catalog import (
    IDENTITY_TABLE,
    Catalog,
    Existing,
    Relation,
    changed_views,
    exposed,
    lacks,
    plan_tables,
    qualified,
    quote,
    upsert,
)
from ticket_pipelines.warehouse.failures import first_line, sqlstate, translate
from ticket_pipelines.warehouse.pool import Pool
from ticket_pipelines.warehouse.postgres_views import expose, replace_views
from ticket_pipelines.warehouse.reading import batches, hash_column, stored_rows
from ticket_pipelines.warehouse.retiring import retire_statements
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import KEY, TableSpec
from ticket_pipelines.warehouse.url import PostgresAddress

LOCK = "SELECT pg_advisory_xact_lock(hashtext('ticket-pipelines'), hashtext('tables'))"
"""Held by every transaction that changes tables, until its end; advisory locks are a database's own."""
DDL_WAIT = "30s"
"""How long a change of tables waits for a lock: a waiting ALTER TABLE makes every reader wait behind it."""
BIND_ROWS = 100
"""Up to this many rows are bound to one prepared INSERT: a temporary table costs more, and litters the catalog."""
COPY_ROWS = 1_250
"""Rows of one batch that ADBC copies: the unit in which it takes memory."""
SESSION = "SET TIME ZONE 'UTC'; SET standard_conforming_strings = on"
INCOMING = "ticket_pipelines_incoming"


class PostgresWarehouse:
    """One database, open. Thread-safe; see `base.Warehouse`."""

    engine = "postgres"

    def __init__(self, address: PostgresAddress) -> None:
        self.label = address.label
        self._dsn = address.dsn
        self._connections: Pool[Any] = Pool(self._connect, self._is_alive)
        self._arrow: Pool[Any] = Pool(self._connect_arrow, self._answers)
        self._catalog: Catalog | None = None

    def _connect(self) -> Any:
        connection = psycopg2.connect(self._dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(SESSION)
        return connection

    @staticmethod
    def _is_alive(connection: Any) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True

    def _connect_arrow(self) -> dbapi.Connection:
        connection: dbapi.Connection = adbc_postgres.connect(self._dsn, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
        return connection

    @staticmethod
    def _answers(connection: dbapi.Connection) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                cursor.fetchall()
        except adbc.Error:
            return False
        return True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (psycopg2.Error, adbc.Error) as error:
            raise translate(error, self.label) or error from error

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self._translated(), self._connections.taken() as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._translated(), self._connections.taken() as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        """A transaction that may change tables: under the warehouse's lock."""
        with self._transaction() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{DDL_WAIT}'")
            cursor.execute(LOCK)
            yield cursor

    def prepare(self, tables: Sequence[TableSpec], views: Mapping[str, str]) -> None:
        """Makes what is missing or changed; see `base.Warehouse`."""
        specs = [*tables, SYNC_RUNS]
        with self._cursor() as cursor:
            catalog = read_catalog(cursor)
            self._catalog = catalog
            statements = plan_tables(specs, catalog, types.TYPES, indexed=True)
            if not statements and not changed_views(views, catalog) and IDENTITY_TABLE in catalog:
                return
        with self._changing() as cursor:
            make_schema(cursor)
            for statement in plan_tables(specs, read_catalog(cursor), types.TYPES, indexed=True):
                cursor.execute(statement)
            catalog = read_catalog(cursor)
            replace_views(cursor, changed_views(views, catalog), [name for name in views if name in catalog], views)
            expose(cursor, exposed(views))
            self._catalog = read_catalog(cursor)

    def identity(self) -> str:
        """The warehouse's own id; see `base.Warehouse`."""
        if IDENTITY_TABLE not in self._known():
            self.prepare((), {})
        with self._cursor() as cursor:
            cursor.execute(f"SELECT id FROM {qualified(IDENTITY_TABLE)}")
            return str(cursor.fetchone()[0])

    def _known(self) -> Catalog:
        """The catalog as it was last read."""
        if self._catalog is None:
            with self._cursor() as cursor:
                self._catalog = read_catalog(cursor)
        return self._catalog

    def _forget(self) -> None:
        self._catalog = None

    def ensure(self, *specs: TableSpec) -> None:
        """Creates tables or adds missing columns; see `base.Warehouse`."""
        missing = [spec for spec in specs if lacks(spec, self._known().get(spec.name))]
        if not missing:
            return
        with self._changing() as cursor:
            make_schema(cursor)
            for statement in plan_tables(missing, read_catalog(cursor), types.TYPES, indexed=True):
                cursor.execute(statement)
            self._catalog = read_catalog(cursor)

    def together(self) -> AbstractContextManager[None]:
        """Reads cost a connection of the pool, and no turn; see `base.Warehouse`."""
        return nullcontext()

    def columns(self, table: str) -> dict[str, Kind]:
        """The columns that a table really has; see `base.Warehouse`."""
        relation = self._known().get(table)
        return {name: column.kind for name, column in relation.columns.items()} if relation else {}

    def stored(self, table: str, desk: str, ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these ids; see `base.Warehouse`."""
        relation = self._known().get(table)
        if relation is None or not ids:
            return {}
        sql = (
            f"SELECT id, version, {hash_column(relation)}, deleted_at "
            f"FROM {qualified(table)} WHERE desk = %s AND id = ANY(%s)"
        )
        with self._cursor() as cursor:
            cursor.execute(sql, (desk, list(ids)))
            return stored_rows(cursor.fetchall())

    def rows(
        self,
        table: str,
        desk: str,
        *,
        column: str | None = None,
        values: Sequence[str] = (),
        alive: bool = False,
        columns: Sequence[str] | None = None,
        batch: int = 10_000,
    ) -> Iterator[pa.Table]:
        """Rows of a desk in batches ordered by id; see `base.Warehouse`."""
        relation = self._known().get(table)
        if relation is None:
            return
        wanted = list(columns) if columns is not None else list(relation.columns)
        selected = ", ".join(types.read_expression(name, relation.columns[name]) for name in wanted)
        conditions = ["desk = %s", "id > %s"]
        conditions += ["deleted_at IS NULL"] if alive else []
        conditions += [f"{quote(column)}::text = ANY(%s)"] if column is not None else []
        sql = (
            f"SELECT {selected}, id AS {quote(types.AFTER)} FROM {qualified(table)} "
            f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {int(batch)}"
        )

        def read(after: str) -> pa.Table:
            parameters = (desk, after, *([list(values)] if column is not None else []))
            with self._cursor() as cursor:
                text = cursor.mogrify(sql, parameters).decode()
            with self._translated(), self._arrow.taken() as connection, connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetch_arrow_table()

        yield from batches(read, wanted, relation, batch)

    def pipeline(self, vendor: str, desk: str) -> DeskPipeline:
        """The desk's pipeline; see `base.Warehouse`. Imports dlt (about two CPU seconds, once a process)."""
        from ticket_pipelines.warehouse.loading import DltDeskPipeline
        from ticket_pipelines.warehouse.postgres_destination import HelpdeskPostgres

        self._forget()
        return DltDeskPipeline(
            vendor,
            desk,
            destination=HelpdeskPostgres(self._dsn, self),
            session=nullcontext,
            ensure=self.ensure,
            forget=self._forget,
            label=self.label,
        )

    def upsert(self, table: str, parquet: Path, columns: Sequence[str]) -> None:
        """Upserts a file's rows in one transaction; called by the load job."""
        with pq.ParquetFile(parquet, pre_buffer=False) as file:
            if file.metadata.num_rows <= BIND_ROWS:
                self._upsert_bound(table, file.read(list(columns)))
            else:
                self._upsert_copied(table, file, columns)

    def _upsert_bound(self, table: str, rows: pa.Table, key: Sequence[str] = KEY) -> None:
        """Few rows: one prepared INSERT, executed for each."""
        relation = self._known()[table]
        names = rows.schema.names
        values = ", ".join(
            types.bound(position, field.type, relation.columns[field.name])
            for position, field in enumerate(rows.schema, start=1)
        )
        with self._loading() as cursor:
            cursor.executemany(upsert(table, names, f"VALUES ({values})", key), rows)

    def _upsert_copied(self, table: str, file: pq.ParquetFile, columns: Sequence[str]) -> None:
        """Many rows: COPY into a temporary table, then one INSERT."""
        relation = self._known()[table]
        selected = ", ".join(types.write_expression(name, relation.columns[name]) for name in columns)
        source = f"SELECT {selected} FROM pg_temp.{quote(INCOMING)}"
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        incoming = (batch.select(list(columns)) for batch in file.iter_batches(COPY_ROWS, columns=list(columns)))
        reader = pa.RecordBatchReader.from_batches(schema, incoming)
        with self._loading() as cursor:
            cursor.adbc_ingest(INCOMING, reader, mode="create", temporary=True)
            cursor.execute(upsert(table, columns, source, KEY))
            cursor.execute(f"DROP TABLE pg_temp.{quote(INCOMING)}")

    @contextmanager
    def _loading(self) -> Iterator[Any]:
        """A transaction on an Arrow connection."""
        with self._translated(), self._arrow.taken() as connection:
            connection.adbc_connection.set_autocommit(False)
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
            connection.adbc_connection.set_autocommit(True)

    def query(self, sql: str) -> pa.Table:
        """Runs one query, read-only; see `base.Warehouse`.

        The text becomes the query of a cursor, prepared by itself in a read-only transaction: the server takes neither
        a second statement nor anything but a query there; `postgres_admission` keeps it from reaching further. What
        the role may read still counts.
        """
        if reason := admission.refusal(sql):
            raise UsageError(f"Only a single SELECT can be run here. {reason}")
        connection = None
        try:
            connection = self._connect_arrow()
            connection.adbc_connection.set_autocommit(False)
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
                admission.drop_rights(cursor)
                cursor.execute(f"DECLARE asked NO SCROLL CURSOR FOR {sql}")
                cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
                cursor.execute("FETCH ALL FROM asked")
                return types.plain(cursor.fetch_arrow_table())
        except adbc.Error as error:
            failure = translate(error, self.label)
            if isinstance(failure, WarehouseUnavailableError) and not types.is_askers_fault(sqlstate(error)):
                raise failure from error
            raise UsageError(f"The query cannot run: {first_line(error)}") from error
        finally:
            if connection is not None:
                with suppress(adbc.Error):
                    connection.close()

    def write_runs(self, runs: pa.Table) -> None:
        """Upserts rows of `sync_runs` by id."""
        self.ensure(SYNC_RUNS)
        try:
            self._upsert_bound(SYNC_RUNS.name, runs, SYNC_RUNS.key)
        except (WarehouseRejectedError, WarehouseUnavailableError):
            self._forget()
            raise

    def purge(self, vendor: str, desk: str) -> None:
        """Deletes all rows and the position of a desk."""
        from ticket_pipelines.warehouse.purging import purge_statements

        with self._transaction() as cursor:
            for sql, parameters in purge_statements(read_catalog(cursor), vendor, desk):
                cursor.execute(sql.replace("?", "%s"), parameters)

    def retire(self, what: Retirement) -> dict[str, int]:
        """Deletes what is too old; see `base.Warehouse`."""
        gone: dict[str, int] = {}
        with self._transaction() as cursor:
            for table, sql, parameters in retire_statements(read_catalog(cursor), what):
                cursor.execute(sql.replace("?", "%s"), tuple(parameters))
                gone |= {table: cursor.rowcount} if cursor.rowcount else {}
        return gone

    def close(self) -> None:
        """Frees connections."""
        self._connections.close()
        self._arrow.close()


def read_catalog(cursor: Any) -> Catalog:
    """What stands in the schema `helpdesk`; empty where there is no schema."""
    cursor.execute(types.CATALOG_SQL, (SCHEMA,))
    catalog: dict[str, Relation] = {}
    for name, kind, comment, column, type_name, meaning in cursor.fetchall():
        relation = catalog.setdefault(name, Relation(is_view=kind in ("v", "m"), comment=comment or ""))
        relation.columns[column] = Existing(types.kind_of(type_name), type_name, meaning or "")
    return catalog


def make_schema(cursor: Any) -> None:
    """Makes the schema and the identity. Asks first: CREATE SCHEMA IF NOT EXISTS wants a right even to do nothing."""
    cursor.execute("SELECT to_regnamespace(%s) IS NULL", (SCHEMA,))
    if cursor.fetchone()[0]:
        cursor.execute(f"CREATE SCHEMA {quote(SCHEMA)}")
    cursor.execute("SELECT to_regclass(%s) IS NULL", (f"{SCHEMA}.{IDENTITY_TABLE}",))
    if cursor.fetchone()[0]:
        cursor.execute(f"CREATE TABLE {qualified(IDENTITY_TABLE)} (id text PRIMARY KEY)")
        insert = f"INSERT INTO {qualified(IDENTITY_TABLE)} VALUES (%s)"
        cursor.execute(insert, (str(uuid.uuid4()),))

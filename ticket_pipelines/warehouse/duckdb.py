"""The warehouse in one DuckDB file.

The file is open only while something is read or written, and its lock is held as long (`locking.py`): loads of several
desks, readers and other processes take turns. A load upserts each table straight from the package's parquet file.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError, WarehouseUnavailableError
from ticket_pipelines.warehouse import duckdb_types as types
from ticket_pipelines.warehouse.base import SCHEMA, DeskPipeline, Retirement, Stored
from ticket_pipelines.warehouse.catalog import (
    IDENTITY_TABLE,
    MARK,
    Catalog,
    Existing,
    Relation,
    changed_views,
    exposed,
    lacks,
    literal,
    plan_tables,
    qualified,
    quote,
    upsert,
    view_mark,
)
from ticket_pipelines.warehouse.failures import first_line, translate
from ticket_pipelines.warehouse.locking import busy, held
from ticket_pipelines.warehouse.purging import purge_statements
from ticket_pipelines.warehouse.reading import batches, hash_column, stored_rows
from ticket_pipelines.warehouse.retiring import retire_statements
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import KEY, TableSpec

READER_WAIT = 30.0
"""Seconds that a reader waits for the file."""
WRITER_WAIT = 600.0
"""Seconds that a load waits: others' loads go before it."""
RETRY_SECONDS = 0.1
UPSERT_ROWS = 1_500
"""Rows of one INSERT: DuckDB holds all of them while it looks for conflicts, at ten times their size."""

Config = dict[str, str | bool | int | float | list[str]]

COMMON_CONFIG: Config = {"python_enable_replacements": "false", "autoinstall_known_extensions": "false"}
WRITE_CONFIG: Config = {**COMMON_CONFIG, "threads": "1", "memory_limit": "256MB"}
"""One thread: a second one made a load of 30,000 tickets take 30 MB and a fifth of processor time more."""
READ_CONFIG: Config = {
    **COMMON_CONFIG,
    "threads": "2",
    "memory_limit": "1GB",
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


class DuckDBWarehouse:
    """One file. Thread-safe; see `base.Warehouse`.

    Args:
        path: The file; made with its folder when it is first written.
        reader_wait: Seconds that a read waits for the file.
        writer_wait: Seconds that a write waits for the file.
    """

    engine = "duckdb"

    def __init__(self, path: Path, *, reader_wait: float = READER_WAIT, writer_wait: float = WRITER_WAIT) -> None:
        self.path = path.absolute()
        self.label = f"duckdb:///{self.path}"
        self._reader_wait = reader_wait
        self._writer_wait = writer_wait
        self._catalog: Catalog | None = None
        self._shared = threading.local()

    @contextmanager
    def _open(self, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file under its lock, for the time of the `with`."""
        shared: duckdb.DuckDBPyConnection | None = getattr(self._shared, "connection", None)
        if shared is not None and not write:
            with shared.cursor() as cursor:
                yield cursor
            return
        wait = self._writer_wait if write else self._reader_wait
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with held(self.path, wait):
                connection = self._connect(write=write, wait=wait)
                try:
                    connection.execute("SET TimeZone = 'UTC'")
                    if not write:
                        connection.execute("SET lock_configuration = true")
                    yield connection
                finally:
                    connection.close()
        except (duckdb.Error, OSError) as error:
            raise translate(error, self.label) or error from error

    def _connect(self, *, write: bool, wait: float) -> duckdb.DuckDBPyConnection:
        """Opens the file; waits for a program that does not know our lock (DuckDB's own command line, say)."""
        deadline = time.monotonic() + wait
        if not write and not self.path.exists():
            duckdb.connect(self.path, config=WRITE_CONFIG).close()
        while True:
            try:
                return duckdb.connect(self.path, read_only=not write, config=WRITE_CONFIG if write else READ_CONFIG)
            except duckdb.IOException as error:
                if "lock on file" not in str(error):
                    raise
                if time.monotonic() > deadline:
                    reason = busy(self.path, wait, "a program that opened the file itself")
                    raise WarehouseUnavailableError(f"{reason}\n{first_line(error)}") from error
            time.sleep(RETRY_SECONDS)

    def prepare(self, tables: Sequence[TableSpec], views: Mapping[str, str]) -> None:
        """Makes what is missing or changed; see `base.Warehouse`."""
        specs = [*tables, SYNC_RUNS]
        if self.path.exists():
            with self._open(write=False) as connection:
                catalog = read_catalog(connection)
            self._catalog = catalog
            statements = plan_tables(specs, catalog, types.TYPES)
            if not statements and not changed_views(views, catalog) and IDENTITY_TABLE in catalog:
                return
        with self._changing() as connection:
            for statement in plan_tables(specs, read_catalog(connection), types.TYPES):
                connection.execute(statement)
            for name, sql in changed_views(views, read_catalog(connection)).items():
                connection.execute(f"CREATE OR REPLACE VIEW {qualified(name)} AS {sql}")
                connection.execute(f"COMMENT ON VIEW {qualified(name)} IS {literal(view_mark(sql))}")
            expose(connection, exposed(views))

    @contextmanager
    def _changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that may change tables."""
        with self._open(write=True) as connection:
            connection.begin()
            make_schema(connection)
            yield connection
            self._catalog = read_catalog(connection)
            connection.commit()

    def identity(self) -> str:
        """The warehouse's own id; see `base.Warehouse`."""
        found = self._found_identity()
        if found is None:
            self.prepare((), {})
            found = self._found_identity()
        if found is None:
            raise WarehouseUnavailableError(f"Warehouse {self.label} has lost its id; drop {SCHEMA}.{IDENTITY_TABLE}.")
        return found

    def _found_identity(self) -> str | None:
        """The id where there is one. One opening of the file, since each costs 15 ms of processor time."""
        if not self.path.exists():
            return None
        with self._open(write=False) as connection:
            try:
                row = connection.execute(f"SELECT id FROM {qualified(IDENTITY_TABLE)}").fetchone()
            except duckdb.CatalogException:
                return None
        return None if row is None else str(row[0])

    def _known(self) -> Catalog:
        """The catalog as it was last read."""
        catalog = self._catalog
        if catalog is None:
            if not self.path.exists():
                return {}
            with self._open(write=False) as connection:
                catalog = read_catalog(connection)
            self._catalog = catalog
        return catalog

    def _forget(self) -> None:
        self._catalog = None

    def ensure(self, *specs: TableSpec) -> None:
        """Creates tables or adds missing columns; see `base.Warehouse`."""
        missing = [spec for spec in specs if lacks(spec, self._known().get(spec.name))]
        if not missing:
            return
        with self._changing() as connection:
            for statement in plan_tables(missing, read_catalog(connection), types.TYPES):
                connection.execute(statement)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Opening the file costs more than a small read: several reads share one turn; see `base.Warehouse`."""
        with self._open(write=False) as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                self._shared.connection = None

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
            f"FROM {qualified(table)} WHERE desk = ? AND id IN (SELECT wanted FROM asked)"
        )
        with self._open(write=False) as connection:
            connection.register("asked", pa.table({"wanted": pa.array(ids, pa.string())}))
            return stored_rows(connection.execute(sql, [desk]).fetchall())

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
        conditions = ["desk = ?", "id > ?"]
        conditions += ["deleted_at IS NULL"] if alive else []
        if column is not None:
            conditions.append(f"{quote(column)}::VARCHAR IN (SELECT wanted FROM asked)")
        sql = (
            f"SELECT {selected}, id FROM {qualified(table)} "
            f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {int(batch)}"
        )
        asked = pa.table({"wanted": pa.array(values, pa.string())})

        def read(after: str) -> pa.Table:
            with self._open(write=False) as connection:
                connection.register("asked", asked)
                return types.plain(connection.sql(sql, params=[desk, after]).to_arrow_table())

        yield from batches(read, wanted, relation, batch)

    def pipeline(self, vendor: str, desk: str) -> DeskPipeline:
        """The desk's pipeline; see `base.Warehouse`. Imports dlt (about two CPU seconds, once a process)."""
        from ticket_pipelines.warehouse.duckdb_destination import HelpdeskDuckDB
        from ticket_pipelines.warehouse.loading import DltDeskPipeline

        self._forget()
        writer = DuckDBWriter()

        @contextmanager
        def session() -> Iterator[None]:
            with self._open(write=True) as connection:
                writer.connection = connection
                try:
                    yield
                finally:
                    writer.connection = None

        return DltDeskPipeline(
            vendor,
            desk,
            destination=HelpdeskDuckDB(self.path, writer),
            session=session,
            ensure=self.ensure,
            forget=self._forget,
            label=self.label,
        )

    def query(self, sql: str) -> pa.Table:
        """Runs one query on a read-only connection without access to files; see `base.Warehouse`."""
        with self._open(write=False) as connection:
            try:
                statements = connection.extract_statements(sql)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise UsageError("Only a single SELECT can be run here.")
                return types.plain(connection.sql(sql).to_arrow_table())
            except (duckdb.OutOfMemoryException, duckdb.FatalException):
                raise
            except duckdb.Error as error:
                raise UsageError(f"The query cannot run: {first_line(error)}") from error

    def write_runs(self, runs: pa.Table) -> None:
        """Upserts rows of `sync_runs` by id."""
        self.ensure(SYNC_RUNS)
        names = runs.schema.names
        source = f"SELECT {', '.join(map(quote, names))} FROM given"
        with self._open(write=True) as connection:
            connection.register("given", runs)
            connection.execute(upsert(SYNC_RUNS.name, names, source, SYNC_RUNS.key))

    def purge(self, vendor: str, desk: str) -> None:
        """Deletes all rows and the position of a desk."""
        with self._open(write=True) as connection:
            connection.begin()
            for sql, parameters in purge_statements(read_catalog(connection), vendor, desk):
                connection.execute(sql, list(parameters))
            connection.commit()

    def retire(self, what: Retirement) -> dict[str, int]:
        """Deletes what is too old; see `base.Warehouse`."""
        gone: dict[str, int] = {}
        with self._open(write=True) as connection:
            connection.begin()
            for table, sql, parameters in retire_statements(read_catalog(connection), what):
                (rows,) = connection.execute(sql, list(parameters)).fetchone() or (0,)
                gone |= {table: int(rows)} if rows else {}
            connection.commit()
        return gone

    def close(self) -> None:
        """Nothing is open between two uses."""


class DuckDBWriter:
    """Writes a load's files through the load's connection."""

    def __init__(self) -> None:
        self.connection: duckdb.DuckDBPyConnection | None = None

    def upsert(self, table: str, parquet: Path, columns: Sequence[str]) -> None:
        """Upserts a file's rows in one transaction; called by the load job."""
        if self.connection is None:
            raise RuntimeError("an upsert was asked for outside of a load")
        with pq.ParquetFile(parquet) as file, self.connection.cursor() as cursor:
            sql = upsert(table, columns, f"SELECT {', '.join(map(quote, columns))} FROM incoming", KEY)
            cursor.begin()
            for batch in file.iter_batches(batch_size=UPSERT_ROWS, columns=list(columns)):
                cursor.register("incoming", batch)
                cursor.execute(sql)
            cursor.commit()


def read_catalog(connection: duckdb.DuckDBPyConnection) -> Catalog:
    """What stands in the schema `helpdesk`; empty where there is no schema."""
    catalog: dict[str, Relation] = {}
    rows: list[tuple[Any, ...]] = connection.execute(types.CATALOG_SQL, [SCHEMA]).fetchall()
    for name, is_view, comment, column, type_name, meaning in rows:
        relation = catalog.setdefault(name, Relation(is_view=is_view, comment=comment or ""))
        relation.columns[column] = Existing(types.kind_of(type_name), type_name, meaning or "")
    return catalog


def expose(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Shows views in the default schema, too; what people made under these names stays theirs."""
    taken = dict(connection.execute(types.DEFAULT_SCHEMA_SQL).fetchall())
    for name in names:
        if name in taken and not (taken[name] or "").startswith(MARK):
            continue
        view = f"main.{quote(name)}"
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {qualified(name)}")
        connection.execute(f"COMMENT ON VIEW {view} IS {literal(f'{MARK}shows {SCHEMA}.{name}')}")


def make_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the schema and the identity where they are missing."""
    table = qualified(IDENTITY_TABLE)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (id VARCHAR PRIMARY KEY)")
    connection.execute(
        f"INSERT INTO {table} SELECT ? WHERE NOT EXISTS (FROM {table})",
        [str(uuid.uuid4())],
    )

"""The warehouse in ClickHouse: a server over HTTP, or the same engine in this process (chDB).

    parquet -> INSERT … FORMAT Parquet, one block, one part, with a deduplication token
    helpdesk_storage.<table>, rows as they came -> helpdesk.<table>, a view that reads them with FINAL

ClickHouse has no transactions; one insert is seen whole or not at all, and the newest version of a key counts however
often it is written. So an insert whose answer was lost is sent again with its token, and the server drops it if it had
come. The position is written last, as on every engine.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError, WarehouseRefusedError, WarehouseUnavailableError
from ticket_pipelines.logs import topic
from ticket_pipelines.warehouse import clickhouse_parts as parts
from ticket_pipelines.warehouse import clickhouse_types as types
from ticket_pipelines.warehouse.base import SCHEMA, DeskPipeline, Retirement, Stored
from ticket_pipelines.warehouse.catalog import IDENTITY_TABLE, Relation, lacks, quote
from ticket_pipelines.warehouse.clickhouse_admission import examine
from ticket_pipelines.warehouse.clickhouse_connections import Connections
from ticket_pipelines.warehouse.clickhouse_purging import purge
from ticket_pipelines.warehouse.clickhouse_retiring import retire
from ticket_pipelines.warehouse.clickhouse_tables import (
    CATALOG_SQL,
    RELATION_SQL,
    STORAGE,
    Layout,
    Shelf,
    changed_views,
    plan_fronts,
    plan_home,
    plan_tables,
    plan_view,
    read_shelf,
    stored,
)
from ticket_pipelines.warehouse.failures import first_line, translate
from ticket_pipelines.warehouse.reading import batches, hash_column, stored_rows
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import TableSpec

log = topic("warehouse")
Answer = TypeVar("Answer")

READER_WAIT = 30.0
WRITER_WAIT = 300.0
AGAIN = (0.1, 0.5, 2.0)
"""Seconds before an insert whose answer was lost is sent again."""
UNKNOWN_STATUS_OF_INSERT = 319
MANY_IDS = 1_000
"""Ids from which it is asked first whether their range is empty, as it is where a first load comes by id or by age."""
LOOKS = 10
"""How often fronts are compared with their tables: another process may add a column meanwhile."""


class ClickHouseWarehouse:
    """One server or folder, open. Thread-safe; see `base.Warehouse`."""

    engine = "clickhouse"

    def __init__(self, connections: Connections, label: str, layout: Layout | None = None) -> None:
        self.connections = connections
        self.label = label
        self.layout = layout or Layout()
        self._shelf: Shelf | None = None

    @contextmanager
    def _client(self, wait: float = READER_WAIT) -> Iterator[Client]:
        try:
            with self.connections.taken(wait=wait) as client:
                yield client
        except (ClickHouseError, OSError) as error:
            raise translate(error, self.label) or error from error

    def _read_shelf(self, client: Client) -> Shelf:
        sql = CATALOG_SQL.format(storage=types.literal(STORAGE), schema=types.literal(SCHEMA))
        self._shelf = read_shelf(client.query(sql).result_rows, self.layout)
        return self._shelf

    def _known(self) -> Shelf:
        """What stands there, as it was last read."""
        shelf = self._shelf
        if shelf is None:
            with self._client() as client:
                shelf = self._read_shelf(client)
        return shelf

    def _forget(self) -> None:
        self._shelf = None

    def prepare(self, tables: Sequence[TableSpec], views: Mapping[str, str]) -> None:
        """Makes what is missing or changed; see `base.Warehouse`."""
        with self._client(WRITER_WAIT) as client:
            self._bring(client, [*tables, SYNC_RUNS])
            for name, sql in changed_views(views, self._read_shelf(client)).items():
                client.command(plan_view(name, sql, self.layout))
            self._read_shelf(client)

    def _make_databases(self, client: Client) -> None:
        there = {name for (name,) in client.query("SELECT name FROM system.databases").result_rows}
        for statement in plan_home(there, self.layout):
            client.command(statement)
        table = stored(IDENTITY_TABLE)
        client.command(
            f"INSERT INTO {table} (id) SELECT {{made:String}} WHERE (SELECT count() FROM {table}) = 0",
            parameters={"made": str(uuid.uuid4())},
        )

    def _bring(self, client: Client, specs: Sequence[TableSpec]) -> None:
        """Makes tables or columns, then the views in front, until each shows what its table has."""
        names = [spec.name for spec in specs]
        for _ in range(LOOKS):
            shelf = self._read_shelf(client)
            if IDENTITY_TABLE not in shelf.tables or not shelf.views:
                self._make_databases(client)
            statements = plan_tables(specs, shelf, self.layout) or plan_fronts(names, shelf, self.layout)
            if not statements:
                return
            for statement in statements:
                client.command(statement)
        raise WarehouseUnavailableError(f"Warehouse {self.label}: tables and views change all the time; try again.")

    def identity(self) -> str:
        """The warehouse's own id; see `base.Warehouse`."""
        if IDENTITY_TABLE not in self._known().tables:
            self.prepare((), {})
        with self._client() as client:
            rows = client.query(f"SELECT id FROM {stored(IDENTITY_TABLE)} ORDER BY made, id LIMIT 1").result_rows
        if not rows:
            raise WarehouseUnavailableError(f"Warehouse {self.label} has lost its id; drop {stored(IDENTITY_TABLE)}.")
        return str(rows[0][0])

    def ensure(self, *specs: TableSpec) -> None:
        """Creates tables or adds missing columns; see `base.Warehouse`."""
        shelf = self._known()
        missing = [
            spec
            for spec in specs
            if lacks(spec, shelf.tables.get(spec.name)) or lacks(spec, shelf.views.get(spec.name))
        ]
        if not missing:
            return
        with self._client(WRITER_WAIT) as client:
            self._bring(client, missing)

    def together(self) -> AbstractContextManager[None]:
        """The engine stays open between reads, so they need no common turn; see `base.Warehouse`."""
        return nullcontext()

    def _relation(self, table: str) -> Relation | None:
        shelf = self._known()
        return shelf.tables.get(table) or shelf.views.get(table)

    def columns(self, table: str) -> dict[str, Kind]:
        """The columns that a table really has; see `base.Warehouse`."""
        relation = self._relation(table)
        return {name: column.kind for name, column in relation.columns.items()} if relation else {}

    def stored(self, table: str, desk: str, ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these ids; see `base.Warehouse`."""
        relation = self._relation(table)
        if relation is None or not ids:
            return {}
        sql = (
            f"SELECT id, version, {hash_column(relation)} AS content_hash, deleted_at FROM {stored(table)} FINAL "
            "WHERE desk = {desk:String} AND id IN {ids:Array(String)}"
        )
        with self._client() as client:
            if len(ids) > MANY_IDS and not _any_between(client, table, desk, min(ids), max(ids)):
                return {}
            found = client.query_arrow(sql, parameters={"desk": desk, "ids": list(ids)})
        return stored_rows(zip(*(column.to_pylist() for column in found.columns), strict=True))

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
        relation = self._relation(table)
        if relation is None:
            return
        wanted = list(columns) if columns is not None else list(relation.columns)
        selected = [types.read_expression(name, relation.columns[name]) for name in wanted]
        conditions = ["desk = {desk:String}", "id > {after:String}"]
        conditions += ["deleted_at IS NULL"] if alive else []
        conditions += [f"toString({quote(column)}) IN {{values:Array(String)}}"] if column is not None else []
        sql = (
            f"SELECT {', '.join([*selected, 'id AS _after'])} FROM {stored(table)} FINAL "
            f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {int(batch)}"
        )

        def read(after: str) -> pa.Table:
            given: dict[str, Any] = {"desk": desk, "after": after}
            if column is not None:
                given["values"] = list(values)
            with self._client() as client:
                return client.query_arrow(sql, parameters=given)

        yield from batches(read, wanted, relation, batch)

    def pipeline(self, vendor: str, desk: str) -> DeskPipeline:
        """The desk's pipeline; see `base.Warehouse`. Imports dlt (about two CPU seconds, once a process)."""
        from ticket_pipelines.warehouse.clickhouse_destination import HelpdeskClickHouse
        from ticket_pipelines.warehouse.loading import DltDeskPipeline

        self._forget()
        return DltDeskPipeline(
            vendor,
            desk,
            destination=HelpdeskClickHouse(_DeskWriter(self, desk)),
            session=self._session,
            ensure=self.ensure,
            forget=self._forget,
            label=self.label,
        )

    @contextmanager
    def _session(self) -> Iterator[None]:
        """The engine stays open for one load."""
        with self._client(WRITER_WAIT):
            yield

    def upsert(self, desk: str, table: str, parquet: Path, columns: Sequence[str]) -> None:
        """Upserts a file's rows as one part; called by the load job."""
        with self._client(WRITER_WAIT) as client:
            relation = self._relation_now(client, table)
            self._keep_parts_few(client, table, desk, relation)
            rows, names = self._whole(client, table, relation, desk, parquet, columns)
        # the second word of a file's name is its own, through all retries of its load
        self._insert(table, names, rows, parquet.name.split(".")[1])

    def _relation_now(self, client: Client, table: str) -> Relation:
        """A table's columns as they are now: another process may have added one."""
        rows = client.query(RELATION_SQL, parameters={"database": STORAGE, "table": table}).result_rows
        relation = read_shelf(rows).tables.get(table)
        if relation is None:
            raise WarehouseUnavailableError(f"Warehouse {self.label} has lost the table {table}; it is made anew.")
        return relation

    def _whole(
        self, client: Client, table: str, relation: Relation, desk: str, parquet: Path, columns: Sequence[str]
    ) -> tuple[bytes, Sequence[str]]:
        """The file, with what is stored in columns that it lacks: a row is replaced whole here, and they would be lost.

        Only the holder of the desk's lease writes its rows, so what is read is what stands.
        """
        lacking = [name for name in relation.columns if name not in columns]
        if not lacking:
            return parquet.read_bytes(), columns
        given = pq.read_table(parquet, columns=list(columns))
        selected = ", ".join(types.read_expression(name, relation.columns[name]) for name in lacking)
        there = client.query_arrow(
            f"SELECT id, {selected} FROM {stored(table)} FINAL "
            "WHERE desk = {desk:String} AND id IN {ids:Array(String)}",
            parameters={"desk": desk, "ids": given.column("id").to_pylist()},
        )
        if not there.num_rows:
            return parquet.read_bytes(), columns
        at = pc.index_in(given.column("id"), there.column("id").combine_chunks())
        for name in lacking:
            given = given.append_column(name, there.column(name).combine_chunks().take(at.combine_chunks()))
        buffer = io.BytesIO()
        pq.write_table(given, buffer, compression="none", use_dictionary=False, store_schema=False)
        return buffer.getvalue(), given.column_names

    def _insert(self, table: str, columns: Sequence[str], rows: bytes, of: str) -> None:
        token = f"{table}-{of}-{xxhash.xxh3_128_hexdigest(rows)}"

        def send() -> None:
            with self.connections.taken(wait=WRITER_WAIT) as client:
                settings = {"insert_deduplication_token": token}
                client.raw_insert(stored(table), list(columns), rows, settings, fmt="Parquet")

        try:
            self._again(send)
        except (ClickHouseError, OSError) as error:
            raise translate(error, self.label) or error from error

    def _keep_parts_few(self, client: Client, table: str, desk: str, relation: Relation) -> None:
        if not self.layout.sharded:
            parts.keep_few(client, table, desk, relation, self.label)

    def _again(self, act: Callable[[], Answer]) -> Answer:
        """Sends again what had no answer: it may have come, and the token says so."""
        for delay in AGAIN:
            try:
                return act()
            except ClickHouseError as error:
                failure = translate(error, self.label)
                unknown = getattr(error, "code", None) in (None, UNKNOWN_STATUS_OF_INSERT)
                lost = unknown and isinstance(failure, WarehouseUnavailableError)
                if not lost or isinstance(failure, WarehouseRefusedError):
                    raise
                log.warning("%s; sending the rows again in %g s", first_line(error), delay)
                time.sleep(delay)
        return act()

    def query(self, sql: str) -> pa.Table:
        """Runs one SELECT that the engine's parser shows to touch what is ours alone; see `base.Warehouse`."""
        asked = sql.strip().rstrip(";").rstrip()
        try:
            with self.connections.asking(wait=READER_WAIT) as client:
                reason = examine(client, asked)
                if reason is not None:
                    raise UsageError(f"Only a single SELECT can be run here. {reason}".strip())
                return types.plain(client.query_arrow(asked))
        except (ClickHouseError, OSError) as error:
            failure = translate(error, self.label)
            unanswered = getattr(error, "code", None) in (None, *types.SERVERS_FAULT)
            if isinstance(failure, WarehouseUnavailableError) and unanswered:
                raise failure from error
            # a text that cannot be parsed is quoted once more, as what the parser was asked
            said = first_line(error).partition(": In scope SELECT formatQuery")[0]
            raise UsageError(f"The query cannot run: {said}") from error

    def write_runs(self, runs: pa.Table) -> None:
        """Upserts rows of `sync_runs` by id."""
        self.ensure(SYNC_RUNS)
        buffer = io.BytesIO()
        pq.write_table(runs, buffer)
        try:
            with self._client(WRITER_WAIT) as client:
                relation = self._relation_now(client, SYNC_RUNS.name)
                for desk in sorted(set(runs.column("desk").to_pylist())):
                    self._keep_parts_few(client, SYNC_RUNS.name, str(desk), relation)
            self._insert(SYNC_RUNS.name, runs.schema.names, buffer.getvalue(), uuid.uuid4().hex)
        except WarehouseUnavailableError:
            self._forget()
            raise

    def purge(self, vendor: str, desk: str) -> None:
        """Deletes all rows and the position of a desk."""
        with self._client(WRITER_WAIT) as client:
            purge(client, self._read_shelf(client).tables, self.layout, vendor, desk, self.label)

    def retire(self, what: Retirement) -> dict[str, int]:
        """Deletes what is too old; see `base.Warehouse`."""
        with self._client(WRITER_WAIT) as client:
            return retire(client, self._read_shelf(client).tables, self.layout, what, self.label)

    def close(self) -> None:
        """Frees connections."""
        self.connections.close()


class _DeskWriter:
    """The warehouse as one desk's load jobs write through it."""

    def __init__(self, warehouse: ClickHouseWarehouse, desk: str) -> None:
        self._warehouse = warehouse
        self._desk = desk
        self.connections = warehouse.connections
        self.layout = warehouse.layout

    def upsert(self, table: str, parquet: Path, columns: Sequence[str]) -> None:
        """See `destination.Writer`."""
        self._warehouse.upsert(self._desk, table, parquet, columns)


def _any_between(client: Client, table: str, desk: str, first: str, last: str) -> bool:
    """Whether any row's id is within a range: answered from the index, without handing over all ids."""
    sql = (
        f"SELECT 1 FROM {stored(table)} "
        "WHERE desk = {desk:String} AND id >= {first:String} AND id <= {last:String} LIMIT 1"
    )
    return bool(client.query(sql, parameters={"desk": desk, "first": first, "last": last}).result_rows)

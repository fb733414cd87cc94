"""The floor: the same rows of the same tables, written by hand as leanly as Python allows.

Fetch a page, decode it once with msgspec, build Arrow columns, send them by ADBC's binary COPY into temporary tables,
then INSERT … ON CONFLICT into the tables (jsonb). Into DuckDB the same statement straight from Arrow. Into ClickHouse
the columns as Parquet, which the engine reads faster than Arrow, each batch one insert. Bounded batches,
one transaction a batch, and no position, no counts, no lease, no evolution, no quarantine: the difference to `ours.py`
is what those cost.

Run: `python -m bench.floor --url http://127.0.0.1:PORT --warehouse postgresql://…|duckdb:///FILE|chdb:///FOLDER|…`.
"""

from __future__ import annotations

import argparse
import http.client
import io
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import adbc_driver_postgresql.dbapi
import clickhouse_connect
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client
from msgspec import Raw

from bench.floor_rows import SPECS, Page, decode_page, rows_of
from dlt_sources.base import Kind
from ticket_pipelines.warehouse.table import KEY, TableColumn, TableSpec

DESK = "bench"
BATCH = 10_000
"""Tickets that are written at once."""
CHUNK = 2_500
"""Tickets whose columns are built at once: enough to spread the cost of a column, few enough for the caches."""
POSTGRES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamptz",
    Kind.DATE: "date",
    Kind.JSON: "jsonb",
}
DUCKDB = {
    **POSTGRES,
    Kind.NUMBER: "double",
    Kind.JSON: "json",
}
CLICKHOUSE = {
    Kind.TEXT: "String CODEC(ZSTD(1))",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "Float64",
    Kind.BOOLEAN: "Bool",
    Kind.TIMESTAMP: "DateTime64(6, 'UTC')",
    Kind.DATE: "Date32",
    Kind.JSON: "String CODEC(ZSTD(1))",
}


def fetch(url: str) -> Iterator[Page]:
    """All pages of the export."""
    target = "/api/v2/incremental/tickets/cursor.json?start_time=0"
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        while True:
            connection.request("GET", target, headers={"Accept": "application/json"})
            page = decode_page(connection.getresponse().read())
            yield page
            if page.end_of_stream:
                return
            target = f"/api/v2/incremental/tickets/cursor.json?cursor={quote(page.after_cursor or '')}"


def batches(url: str) -> Iterator[dict[str, pa.Table]]:
    """The rows of all tables, a few pages at a time."""
    now = datetime.now(UTC)
    records: list[Raw] = []
    for page in fetch(url):
        records += page.tickets
        if records and (page.end_of_stream or len(records) >= BATCH):
            made = [rows_of(DESK, records[at : at + CHUNK], now) for at in range(0, len(records), CHUNK)]
            yield {name: pa.concat_tables([one[name] for one in made]) for name in SPECS}
            records = []


def _columns(spec: TableSpec, types: Mapping[Kind, str]) -> str:
    return ", ".join(f'"{column.name}" {types[column.kind]}' for column in spec.columns)


def _create(spec: TableSpec, types: Mapping[Kind, str]) -> str:
    return f"CREATE TABLE IF NOT EXISTS helpdesk.{spec.name} ({_columns(spec, types)}, PRIMARY KEY (desk, id))"


def _upsert(spec: TableSpec, incoming: str, json: str = "") -> str:
    """What came in to the table; `json` is the cast of JSON that comes as text."""
    names = ", ".join(f'"{c.name}"' for c in spec.columns)
    values = ", ".join(f'"{c.name}"' + (json if c.kind is Kind.JSON else "") for c in spec.columns)
    changes = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in spec.columns if c.name not in KEY)
    return (
        f"INSERT INTO helpdesk.{spec.name} AS stored ({names}) SELECT {values} FROM {incoming} "
        f"ON CONFLICT (desk, id) DO UPDATE SET {changes} WHERE stored.version <= excluded.version"
    )


def into_postgres(url: str, warehouse: str) -> int:
    """Loads all tickets into Postgres; returns their count."""
    count = 0
    staging = POSTGRES | {Kind.JSON: "text"}
    with adbc_driver_postgresql.dbapi.connect(warehouse) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS helpdesk")
        for spec in SPECS.values():
            cursor.execute(_create(spec, POSTGRES))
            cursor.execute(f"CREATE TEMPORARY TABLE incoming_{spec.name} ({_columns(spec, staging)})")
        connection.commit()
        for tables in batches(url):
            for name, table in tables.items():
                if table.num_rows:
                    cursor.adbc_ingest(f"incoming_{name}", table, mode="append", temporary=True)
                    cursor.execute(_upsert(SPECS[name], f"incoming_{name}", "::jsonb"))
                    cursor.execute(f"TRUNCATE incoming_{name}")
            connection.commit()
            count += tables["zendesk_tickets"].num_rows
    return count


def into_duckdb(url: str, file: Path) -> int:
    """Loads all tickets into a DuckDB file; returns their count."""
    count = 0
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS helpdesk")
        for spec in SPECS.values():
            connection.execute(_create(spec, DUCKDB))
        for tables in batches(url):
            connection.begin()
            for name, table in tables.items():
                if table.num_rows:
                    connection.register("incoming", table)
                    connection.execute(_upsert(SPECS[name], "incoming"))
                    connection.unregister("incoming")
            connection.commit()
            count += tables["zendesk_tickets"].num_rows
    return count


def _clickhouse_column(column: TableColumn) -> str:
    kind, space, codec = CLICKHOUSE[column.kind].partition(" CODEC")
    if column.name in KEY:
        return f'"{column.name}" {kind}'
    wrapped = kind if column.name == "version" else f"Nullable({kind})"
    return f'"{column.name}" {wrapped}{space}{codec}'


def opened_clickhouse(warehouse: str) -> Client:
    """A client of the engine in this process (`chdb:///FOLDER`), or of a server; as many threads as ours has."""
    settings = {"max_threads": 2, "max_insert_threads": 1}
    engine, _, folder = warehouse.partition(":///")
    if engine == "chdb":
        return clickhouse_connect.get_client(interface="chdb", path=folder, settings=settings)
    at = urlsplit(warehouse)
    assert at.hostname is not None
    assert at.port is not None
    user, password = unquote(at.username or "default"), unquote(at.password or "")
    return clickhouse_connect.get_client(
        host=at.hostname, port=at.port, username=user, password=password, settings=settings
    )


def create_in_clickhouse(client: Client, specs: Mapping[str, TableSpec]) -> None:
    """Makes the tables."""
    client.command("CREATE DATABASE IF NOT EXISTS helpdesk_storage")
    for spec in specs.values():
        columns = ", ".join(map(_clickhouse_column, spec.columns))
        client.command(
            f"CREATE TABLE IF NOT EXISTS helpdesk_storage.{spec.name} ({columns}) "
            "ENGINE = ReplacingMergeTree(version) ORDER BY (desk, id)"
        )


def insert_into_clickhouse(client: Client, tables: Mapping[str, pa.Table]) -> None:
    """Inserts a batch."""
    for name, table in tables.items():
        if table.num_rows:
            file = io.BytesIO()
            pq.write_table(table, file, compression="none", use_dictionary=False, write_statistics=False)
            client.raw_insert(f"helpdesk_storage.{name}", table.column_names, file.getvalue(), fmt="Parquet")


def into_clickhouse(url: str, warehouse: str) -> int:
    """Loads all tickets into ClickHouse; returns their count."""
    count = 0
    with closing(opened_clickhouse(warehouse)) as client:
        create_in_clickhouse(client, SPECS)
        for tables in batches(url):
            insert_into_clickhouse(client, tables)
            count += tables["zendesk_tickets"].num_rows
    return count


def load(url: str, warehouse: str) -> int:
    """Loads all tickets into a warehouse; returns their count."""
    match urlsplit(warehouse).scheme:
        case "duckdb":
            return into_duckdb(url, Path(warehouse.removeprefix("duckdb:///")))
        case "chdb" | "clickhouse":
            return into_clickhouse(url, warehouse)
        case _:
            return into_postgres(url, warehouse)


def main() -> None:
    """Loads once and prints the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--warehouse", required=True)
    options = parser.parse_args()
    print(load(options.url, options.warehouse))


if __name__ == "__main__":
    main()

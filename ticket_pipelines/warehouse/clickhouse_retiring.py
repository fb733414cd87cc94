"""What goes from ClickHouse by age; `retiring.py` says what, and what stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from ticket_pipelines.warehouse.base import Retirement
from ticket_pipelines.warehouse.catalog import Relation
from ticket_pipelines.warehouse.clickhouse_purging import Deletion, count, delete, of_values
from ticket_pipelines.warehouse.clickhouse_tables import Layout, stored
from ticket_pipelines.warehouse.clickhouse_types import literal
from ticket_pipelines.warehouse.purging import LOADS, STATE
from ticket_pipelines.warehouse.retiring import VERSION, newest_schemas, newest_states
from ticket_pipelines.warehouse.runs import SYNC_RUNS

_AT_ONCE = 1_000
"""Values of a statement: the server parses no more than 256 KiB of one."""


def retire(
    client: Client, tables: Mapping[str, Relation], layout: Layout, what: Retirement, label: str
) -> dict[str, int]:
    """Deletes what is too old.

    Returns:
        How many rows went, by table.

    Raises:
        WarehouseUnavailableError: The server has not rewritten a table in time; it does so once it merges again.
    """
    gone: dict[str, int] = {}
    for deletion in _deletions(client, tables, what):
        rows = count(client, deletion)
        if rows:
            delete(client, [deletion], layout, label)
            gone[deletion.table] = gone.get(deletion.table, 0) + rows
    return gone


def _deletions(client: Client, tables: Mapping[str, Relation], what: Retirement) -> Iterator[Deletion]:
    """One after the other: what is unused depends on what has gone."""
    if SYNC_RUNS.name in tables:
        moment = _moment(what.runs_before)
        kept = f" AND id NOT IN ({', '.join(map(literal, what.kept_runs))})" if what.kept_runs else ""
        yield Deletion(SYNC_RUNS.name, f"started_at < {moment}{kept}", (moment,))
    before = _moment(what.loads_before)
    if STATE in tables and LOADS in tables:
        newest = newest_states(stored(STATE), stored(LOADS))
        yield from _old(client, STATE, "_dlt_load_id", f"created_at < {before} AND _dlt_load_id NOT IN ({newest})")
        used = f"SELECT _dlt_load_id FROM {stored(STATE)}"
        yield from _old(client, LOADS, "load_id", f"inserted_at < {before} AND load_id NOT IN ({used})")
    if VERSION in tables:
        newest = newest_schemas(stored(VERSION))
        yield from _old(client, VERSION, "version_hash", f"inserted_at < {before} AND version_hash NOT IN ({newest})")


def _old(client: Client, table: str, column: str, condition: str) -> Iterator[Deletion]:
    """By values: a mutation with a query in it would be another one on each replica."""
    sql = f"SELECT DISTINCT {column} FROM {stored(table)} WHERE {condition}"
    found = [str(value) for (value,) in client.query(sql).result_rows]
    for start in range(0, len(found), _AT_ONCE):
        yield of_values(table, column, found[start : start + _AT_ONCE])


def _moment(moment: datetime) -> str:
    return f"toDateTime64('{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"

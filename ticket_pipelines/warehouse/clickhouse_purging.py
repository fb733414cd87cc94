"""Deletes a desk from ClickHouse, whether or not the server merges.

A DELETE is done by the server's merges: where those are stopped it never ends. A desk's rows mostly stand in parts of
their own, and those are dropped at once; the parts that merges have mixed with other desks' rows are rewritten by the
server, for which a purge waits as long as it may, and then says that it goes on by itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.warehouse import clickhouse_parts as parts
from ticket_pipelines.warehouse.catalog import Relation, quote
from ticket_pipelines.warehouse.clickhouse_tables import LOCAL, STORAGE, Layout, stored
from ticket_pipelines.warehouse.clickhouse_types import literal
from ticket_pipelines.warehouse.purging import LOADS, STATE, holds_rows
from ticket_pipelines.warehouse.runs import SYNC_RUNS

DONE_WITHIN = 60.0
"""Seconds in which the server may rewrite the mixed parts of all tables."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Deletion:
    """Rows of a table that shall go.

    Attributes:
        table: The table.
        condition: Which rows, as SQL with the values in it: what a mutation keeps has no parameters.
        marks: Literals of the condition by which a mutation is known again.
    """

    table: str
    condition: str
    marks: tuple[str, ...]


def of_values(table: str, column: str, values: Sequence[str]) -> Deletion:
    """The rows that have one of these values in a column."""
    literals = tuple(map(literal, values))
    return Deletion(table, f"{quote(column)} IN ({', '.join(literals)})", literals)


def purge(client: Client, tables: Mapping[str, Relation], layout: Layout, vendor: str, desk: str, label: str) -> None:
    """Deletes a desk's rows, runs and position.

    Args:
        client: A client that may write.
        tables: What stands in the storage database.
        layout: How tables are laid out.
        vendor: The desk's vendor.
        desk: Key of the desk, whose lease the caller holds.
        label: The warehouse's address for messages.

    Raises:
        WarehouseUnavailableError: The server has not rewritten a table in time; it does so once it merges again.
    """
    rows = [
        of_values(name, "desk", (desk,))
        for name, relation in tables.items()
        if name == SYNC_RUNS.name or holds_rows(relation)
    ]
    delete(client, rows, layout, label)
    # last, and in this order: what is interrupted is found again by the position
    for deletions in _of_position(client, tables, f"{vendor}__{desk}"):
        delete(client, [deletions], layout, label)


def _of_position(client: Client, tables: Mapping[str, Relation], pipeline: str) -> list[Deletion]:
    if STATE not in tables or LOADS not in tables:
        return []
    found = client.query(
        f"SELECT DISTINCT _dlt_load_id FROM {stored(STATE)} WHERE pipeline_name = {literal(pipeline)}"
    ).result_rows
    loads = tuple(str(load_id) for (load_id,) in found)
    return [of_values(LOADS, "load_id", loads), of_values(STATE, "pipeline_name", (pipeline,))] if loads else []


def delete(client: Client, deletions: Sequence[Deletion], layout: Layout, label: str) -> None:
    """Deletes these rows, and returns when they are gone.

    Raises:
        WarehouseUnavailableError: The server has not rewritten a table in time; it does so once it merges again.
    """
    left = [deletion for deletion in deletions if _drop_whole_parts(client, deletion, layout)]
    for deletion in left:
        if not _is_under_way(client, deletion, layout):
            table = stored(_held_in(deletion, layout))
            client.command(
                f"ALTER TABLE {table}{layout.everywhere} DELETE WHERE {deletion.condition} SETTINGS mutations_sync = 0"
            )
    until = time.monotonic() + DONE_WITHIN
    while left := [deletion for deletion in left if count(client, deletion)]:
        if time.monotonic() > until:
            raise WarehouseUnavailableError(
                f"Warehouse {label}: the server has not rewritten {', '.join(each.table for each in left)} within "
                f"{DONE_WITHIN:g} s; it goes on by itself.\n"
                "Look into system.mutations; where merges are stopped, SYSTEM START MERGES. Then try again."
            )
        time.sleep(POLL_SECONDS)


def count(client: Client, deletion: Deletion) -> int:
    """Rows that are still there."""
    sql = f"SELECT count() FROM {stored(deletion.table)} WHERE {deletion.condition}"
    return int(client.query(sql).result_rows[0][0])


def _held_in(deletion: Deletion, layout: Layout) -> str:
    """Name of the table that holds the rows; dlt's own are not sharded."""
    is_sharded = layout.sharded and not deletion.table.startswith("_dlt")
    return f"{deletion.table}{LOCAL}" if is_sharded else deletion.table


def _drop_whole_parts(client: Client, deletion: Deletion, layout: Layout) -> bool:
    """Drops the parts that hold nothing else; whether rows are left in others."""
    found = client.query(
        f"SELECT _part, countIf(NOT {deletion.condition}) FROM {stored(deletion.table)} "
        f"GROUP BY _part HAVING countIf({deletion.condition}) > 0"
    ).result_rows
    if layout.sharded:
        return bool(found)  # the parts stand on the servers of a shard
    for part, others in found:
        if not others:
            parts.drop(client, stored(deletion.table), part)
    return bool(count(client, deletion))


def _is_under_way(client: Client, deletion: Deletion, layout: Layout) -> bool:
    """Whether an earlier purge has asked for it and the server has still to do it."""
    asked = client.query(
        f"SELECT command FROM system.mutations WHERE NOT is_done AND database = {literal(STORAGE)} "
        f'AND "table" = {literal(_held_in(deletion, layout))}'
    ).result_rows
    return any(all(mark in command for mark in deletion.marks) for (command,) in asked)

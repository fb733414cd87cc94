"""Keeps the parts of ClickHouse tables few, whether or not the server merges them.

Each load makes one part in each of its tables. The server merges them in the background; where it lags behind (many
small loads, merges stopped, a full disk), each part makes every read slower, until the server refuses inserts. So a
table with many parts is coalesced by the one who loads: the newest rows of a desk's own small parts are written as one
new part, then those parts are dropped. Readers see either; both say the same.

This is right only for parts that hold rows of this desk alone (others may be loading theirs), and for the newest of
them without a gap: of equal versions the row that was written last counts, and the new part is written last.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.logs import topic
from ticket_pipelines.warehouse.catalog import Relation, quote
from ticket_pipelines.warehouse.clickhouse_tables import STORAGE, WRITTEN, stored

log = topic("warehouse")

MANY = 40
"""Active parts of a table from which it is coalesced."""
TOO_MANY = 300
"""Active parts from which a load waits: the server slows inserts down at 1,000 and refuses them at 3,000."""
SMALL_ROWS = 50_000
"""A part of more rows is left to the server."""

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds that a load waits for the server to merge a table of too many parts."""

NO_SUCH_PART = 232


@dataclass(frozen=True, slots=True)
class Part:
    """An active part.

    Attributes:
        name: The server's name of it.
        rows: Rows in it.
        first: Number of the first insert in it.
        last: Number of the last insert in it.
        desks: Lowest and highest desk of its rows.
    """

    name: str
    rows: int
    first: int
    last: int
    desks: tuple[str, str]


def coalescible(parts: Sequence[Part], desk: str) -> list[str]:
    """The parts of a desk that may be written as one: its newest without a gap, small, and its own alone.

    Args:
        parts: All active parts of a table.
        desk: Key of the desk, whose lease the caller holds.

    Returns:
        Names of the parts; empty where fewer than two qualify.
    """
    found: list[str] = []
    for part in sorted(parts, key=lambda part: part.last, reverse=True):
        lowest, highest = part.desks
        if desk < lowest or highest < desk:
            continue
        if (lowest, highest) != (desk, desk) or part.rows > SMALL_ROWS:
            break
        found.append(part.name)
    return found if len(found) > 1 else []


def count(client: Client, database: str, table: str) -> int:
    """Active parts of a table."""
    sql = 'SELECT count() FROM system.parts WHERE active AND database = {database:String} AND "table" = {table:String}'
    return int(client.query(sql, parameters={"database": database, "table": table}).result_rows[0][0])


def read(client: Client, database: str, table: str) -> list[Part]:
    """The active parts of a table, with the desks of their rows."""
    given = {"database": database, "table": table}
    desks = {
        name: (lowest, highest)
        for name, lowest, highest in client.query(
            f"SELECT _part, min(desk), max(desk) FROM {quote(database)}.{quote(table)} GROUP BY _part"
        ).result_rows
    }
    found = client.query(
        "SELECT name, rows, min_block_number, max_block_number FROM system.parts "
        'WHERE active AND database = {database:String} AND "table" = {table:String}',
        parameters=given,
    ).result_rows
    return [Part(name, rows, first, last, desks[name]) for name, rows, first, last in found if name in desks]


def drop(client: Client, table: str, name: str) -> None:
    """Drops a part of a table (qualified), unless the server has merged it away meanwhile."""
    try:
        client.command(f"ALTER TABLE {table} DROP PART '{name}'")
    except ClickHouseError as error:
        if getattr(error, "code", None) != NO_SUCH_PART:
            raise


def keep_few(client: Client, table: str, desk: str, relation: Relation, label: str) -> None:
    """Coalesces a desk's own parts where a table has many; waits where that is not enough.

    Args:
        client: A client that may write.
        table: Name of the table.
        desk: Key of the desk, whose lease the caller holds.
        relation: The table's columns.
        label: The warehouse's address for messages.

    Raises:
        WarehouseUnavailableError: The table keeps too many parts.
    """
    for delay in (*WAITS, None):
        found = count(client, STORAGE, table)
        if found < MANY:
            return
        found -= _coalesce(client, table, desk, relation)
        if found < TOO_MANY:
            return
        if delay is None:
            break
        log.warning("table %s has %d parts; waiting %g s for the server to merge them", table, found, delay)
        time.sleep(delay)
    raise WarehouseUnavailableError(
        f"Warehouse {label}: table {table} has {found} parts, since the server does not merge them. "
        "Look into system.merges and the server's disk."
    )


def _coalesce(client: Client, table: str, desk: str, relation: Relation) -> int:
    """Writes a desk's newest parts as one; gives how many parts fewer there are."""
    before = read(client, STORAGE, table)
    names = coalescible(before, desk)
    if not names:
        return 0
    columns = ", ".join(quote(name) for name in relation.columns)
    if "version" not in relation.columns:
        columns += f", {quote(WRITTEN.name)}"
    client.command(
        f"INSERT INTO {stored(table)} ({columns}) SELECT {columns} FROM {stored(table)} FINAL "
        "WHERE _part IN {names:Array(String)}",
        parameters={"names": names},
        settings={"insert_deduplication_token": uuid.uuid4().hex, "max_threads": 1},
    )
    after = read(client, STORAGE, table)
    if not set(names) <= {part.name for part in after}:
        # the server merged one of them meanwhile: what was written may lack its rows, and would count as the newest
        newest = max(part.last for part in before)
        names = [part.name for part in after if part.first > newest and part.desks == (desk, desk)]
    for name in names:
        drop(client, stored(table), name)
    log.info("table %s: %d parts of a desk became one", table, len(names))
    return len(names) - 1

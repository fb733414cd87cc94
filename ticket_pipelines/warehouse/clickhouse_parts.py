"""Keeps the parts of ClickHouse tables few, whether or not the server merges them.

Each load makes one part in each of its tables. The server merges them in the background; where it lags behind (many
small loads, merges stopped, a full disk), each part makes every read slower, until the server refuses inserts. So a
table with many parts is coalesced by the one who loads: the newest rows of a desk's own small parts are written as one
new part, then those parts are dropped. Readers see either; both say the same.

This is right only for parts that hold rows of this desk alone (others may be loading theirs), and for the newest of
them without a gap: of equal versions the row that was written last counts, and the new part is written last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from ticket_pipelines.warehouse.catalog import quote

MANY = 40
"""Active parts of a table from which it is coalesced."""
TOO_MANY = 300
"""Active parts from which a load waits: the server slows inserts down at 1,000 and refuses them at 3,000."""
SMALL_ROWS = 50_000
"""A part of more rows is left to the server."""

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

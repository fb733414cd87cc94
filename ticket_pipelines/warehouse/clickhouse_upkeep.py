"""Merging a table by hand where it pays: which ones is a pure decision, the rest asks the server and tells it.

A view reads with FINAL, which costs by the rows that newer ones have superseded and by the parts that have to be put
together. The server merges by itself, but never a large part for a few superseded rows in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from ticket_pipelines.logs import topic
from ticket_pipelines.warehouse.catalog import quote
from ticket_pipelines.warehouse.clickhouse import WRITER_WAIT, ClickHouseWarehouse
from ticket_pipelines.warehouse.clickhouse_tables import STORAGE, Layout
from ticket_pipelines.warehouse.failures import translate

log = topic("warehouse")

WATCHED = 100
"""Active parts of a table from which something is wrong: the loader keeps them below, or the server does not merge."""
SPACE = 2
"""Times a table's own size that has to be free: the merged part is written beside the old ones."""

PARTS_SQL = """
SELECT name, max(parts), sum(rows), sum(size)
FROM (
    SELECT hostName() AS host, "table" AS name, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS size
    FROM {system}
    WHERE active AND database = {{database:String}} AND NOT startsWith("table", '_')
    GROUP BY host, name
)
GROUP BY name ORDER BY name
"""
"""Parts are counted by server, rows over all shards."""


@dataclass(frozen=True, slots=True)
class TableState:
    """What stands of a table.

    Attributes:
        table: Its name; with desks spread over shards that of a shard's own table.
        parts: Active parts, on the server that has most.
        rows: Rows in them, superseded ones included.
        live: Rows that the view shows.
        size: Bytes on disk.
    """

    table: str
    parts: int
    rows: int
    live: int
    size: int

    @property
    def superseded(self) -> float:
        """Share of the rows that newer ones have superseded, 0 to 1."""
        return (self.rows - self.live) / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Merging:
    """When a table is merged by hand.

    Attributes:
        superseded: Share of superseded rows, 0 to 1, from which it pays.
        parts: Active parts from which it pays.
        rows: Rows below which a table is read fast however it stands.
    """

    superseded: float = 0.1
    parts: int = 20
    rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Merged:
    """A table that was looked at.

    Attributes:
        before: As it stood.
        after: As it stands; None where it was left alone.
        reason: Why it was merged, or left alone.
    """

    before: TableState
    after: TableState | None
    reason: str


def why_merge(state: TableState, rule: Merging) -> str | None:
    """Why merging a table pays; None where it does not."""
    if state.rows < rule.rows or state.parts < 1:
        return None
    if state.superseded >= rule.superseded:
        return f"{state.superseded:.0%} of its rows are superseded"
    if state.parts >= rule.parts:
        return f"it has {state.parts} parts"
    return None


def plan_merge(name: str, layout: Layout) -> str:
    """The statement that merges a table that holds rows."""
    return f"OPTIMIZE TABLE {quote(STORAGE)}.{quote(name)}{layout.everywhere} FINAL"


def active_parts(warehouse: ClickHouseWarehouse) -> dict[str, int]:
    """Active parts of each table, on the server that has most.

    Raises:
        WarehouseUnavailableError: The warehouse does not answer.
    """
    try:
        with warehouse.connections.taken(wait=WRITER_WAIT) as client:
            return {name: parts for name, parts, _, _ in _parts(client, warehouse.layout)}
    except (ClickHouseError, OSError) as error:
        raise translate(error, warehouse.label) or error from error


def merge_where_it_pays(
    warehouse: ClickHouseWarehouse, rule: Merging, tables: Sequence[str] = (), *, only_look: bool = False
) -> list[Merged]:
    """Merges the tables where it pays, one after the other.

    Args:
        warehouse: The warehouse.
        rule: When it pays.
        tables: Only these; empty: all.
        only_look: Says what would be merged, and merges nothing.

    Raises:
        WarehouseUnavailableError: The warehouse does not answer, or the merge takes longer than its answer is awaited.
    """
    found = []
    try:
        with warehouse.connections.taken(wait=WRITER_WAIT) as client:
            for name, _, rows, size in _parts(client, warehouse.layout):
                plain = name.removesuffix("_local") if warehouse.layout.sharded else name
                if tables and plain not in tables:
                    continue
                before = _state(client, name, warehouse.layout)
                reason = why_merge(before, rule)
                short = reason is not None and _free(client) < SPACE * size
                if reason is None or short or only_look:
                    told = "the disk has no room for the merged part" if short else reason or "it would not pay"
                    found.append(Merged(before, None, told))
                    continue
                log.info("table %s: merging %d rows, since %s", plain, rows, reason)
                _merge(client, name, warehouse.layout)
                found.append(Merged(before, _state(client, name, warehouse.layout), reason))
    except (ClickHouseError, OSError) as error:
        raise translate(error, warehouse.label) or error from error
    return found


def _system(name: str, layout: Layout) -> str:
    """A system table over all shards: a server knows of its own parts only."""
    return f"cluster({quote(layout.cluster)}, system.{name})" if layout.cluster else f"system.{name}"


def _parts(client: Client, layout: Layout) -> list[tuple[str, int, int, int]]:
    sql = PARTS_SQL.format(system=_system("parts", layout))
    return [tuple(row) for row in client.query(sql, parameters={"database": STORAGE}).result_rows]


def _state(client: Client, name: str, layout: Layout) -> TableState:
    found = next((row for row in _parts(client, layout) if row[0] == name), (name, 0, 0, 0))
    shown = name.removesuffix("_local") if layout.sharded else name
    live = client.query(f"SELECT count() FROM {quote(STORAGE)}.{quote(shown)} FINAL").result_rows[0][0]
    return TableState(name, int(found[1]), int(found[2]), int(live), int(found[3]))


def _free(client: Client) -> int:
    """Bytes that are free on the fullest disk."""
    return int(client.query("SELECT min(unreserved_space) FROM system.disks").result_rows[0][0])


def _merge(client: Client, name: str, layout: Layout) -> None:
    client.command(plan_merge(name, layout), settings={"optimize_skip_merged_partitions": 1, "alter_sync": 1})

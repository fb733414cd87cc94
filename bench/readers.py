"""What readers pay for `helpdesk.tickets` in ClickHouse, which reads with FINAL, against the same rows fully merged.

A million tickets, a fifth of them in a second version, in 39 parts, just below those from which the loader coalesces;
ids are such that the parts overlap. The view is read so (no merge has run: the worst that the loader leaves), then once
the server's own merges have settled, then the table itself without FINAL after `OPTIMIZE … FINAL`. The engine runs in
this process; each query runs several times and its least cost counts.

Run: `python -m bench.readers [--tickets 1000000]`.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from bench import tickets
from bench.__main__ import FOLDER
from bench.floor_rows import SCHEMAS, decode_page, rows_of
from bench.report import text_table
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.warehouse import clickhouse_parts as parts
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse

TICKETS, MADE, RUNS, QUIET = 1_000_000, 20_000, 7, 5
GROUP_BOUND = 4.0
QUERIES = {
    "count": "SELECT count() FROM {tickets}",
    "group by status": "SELECT status, count() FROM {tickets} WHERE deleted_at IS NULL GROUP BY status",
    "one ticket by key": "SELECT * FROM {tickets} WHERE desk = 'bench' AND id = '500001'",
    "last 50 changed": "SELECT id, status, updated_at FROM {tickets} ORDER BY updated_at DESC LIMIT 50",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a query cost at least: CPU and wall in milliseconds."""

    cpu: float
    wall: float


def sample(folder: Path) -> pa.Table:
    """Unified rows of one data set, to be repeated under other ids."""
    index = tickets.read_index(folder)
    data = (folder / "pages.bin").read_bytes()
    now = datetime.now(UTC)
    pages = [data[at : at + length] for at, length in zip(index.offsets, index.lengths, strict=True)]
    return pa.concat_tables([rows_of("bench", decode_page(page).tickets, now)["tickets"] for page in pages])


def changed(rows: pa.Table, first: int, version: int) -> pa.Table:
    """The rows under ids from `first` on, in a version."""
    count, schema = rows.num_rows, SCHEMAS["tickets"]
    since = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=365 * version)
    stamps = [since + timedelta(seconds=first + at) for at in range(count)]
    columns = {
        "id": pa.array([str(first + at) for at in range(count)]),
        "version": pa.array([version] * count, pa.int64()),
        "updated_at": pa.array(stamps, schema.field("updated_at").type),
    }
    for name, column in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), schema.field(name), column)
    return rows


def fill(client: Client, rows: pa.Table, count: int) -> None:
    """Writes the tickets in one part less than are coalesced, a fifth of them twice."""
    made = parts.MANY - 1
    twice = made // 6
    share = count // (made - twice)
    firsts = [number * share + 1 for number in range(made - twice)]
    for version, first in [*((1, first) for first in firsts), *((2, first) for first in firsts[:twice])]:
        end = count + 1 if first == firsts[-1] else first + share
        tables = [changed(rows.slice(0, min(MADE, end - at)), at, version) for at in range(first, end, MADE)]
        file = io.BytesIO()
        pq.write_table(pa.concat_tables(tables), file, compression="none", use_dictionary=False)
        client.raw_insert("helpdesk_storage.tickets", rows.column_names, file.getvalue(), fmt="Parquet")


def cost(client: Client, sql: str) -> Cost:
    """The least cost of a query."""
    found = []
    for _ in range(RUNS):
        cpu, wall = time.process_time(), time.perf_counter()
        client.query(sql)
        found.append(Cost((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3))
    return Cost(min(one.cpu for one in found), min(one.wall for one in found))


def settle(client: Client) -> None:
    """Lets the server merge until it rests."""
    client.command("SYSTEM START MERGES helpdesk_storage.tickets")
    quiet = 0
    while quiet < QUIET:
        time.sleep(1)
        quiet = 0 if client.query("SELECT count() FROM system.merges").result_rows[0][0] else quiet + 1


def measured(folder: Path, count: int) -> dict[str, list[Cost]]:
    """Each query on the view without merges, on the view after them, and on the merged table."""
    rows = sample(tickets.build(FOLDER, MADE, 0))
    with closing(open_warehouse(f"chdb:///{folder / 'warehouse'}", folder)) as warehouse:
        assert isinstance(warehouse, ClickHouseWarehouse)
        warehouse.ensure(TABLES["tickets"])
        with warehouse.connections.taken(wait=60) as client:

            def costs(place: str) -> list[Cost]:
                print(f"{place}: {parts.count(client, 'helpdesk_storage', 'tickets')} parts", file=sys.stderr)
                return [cost(client, sql.format(tickets=place)) for sql in QUERIES.values()]

            client.command("SYSTEM STOP MERGES helpdesk_storage.tickets")
            fill(client, rows, count)
            unmerged = costs("helpdesk.tickets")
            settle(client)
            settled = costs("helpdesk.tickets")
            client.command("OPTIMIZE TABLE helpdesk_storage.tickets FINAL")
            merged = costs("helpdesk_storage.tickets")
    return {name: list(found) for name, *found in zip(QUERIES, unmerged, settled, merged, strict=True)}


def table(found: dict[str, list[Cost]]) -> str:
    """One line for each query: CPU and wall in milliseconds, CPU against that of the merged table."""
    head = ["query", "39 parts", "settled", "merged, no FINAL", "39 parts / merged", "settled / merged"]
    rows: list[Sequence[str]] = [
        [
            name,
            *(f"{one.cpu:.1f} ({one.wall:.1f})" for one in costs),
            *(f"{one.cpu / costs[-1].cpu:.1f}" for one in costs[:-1]),
        ]
        for name, costs in found.items()
    ]
    return text_table(head, rows, 1)


def main() -> int:
    """Measures and prints; 1 where the bound of the group-by is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=TICKETS)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-readers-") as folder:
        found = measured(Path(folder), options.tickets)
    print(table(found))
    _, settled, merged = found["group by status"]
    ratio = settled.cpu / merged.cpu
    print(
        f"group by status, settled: {ratio:.2f}, bound {GROUP_BOUND:g}: {'kept' if ratio <= GROUP_BOUND else 'MISSED'}"
    )
    return 0 if ratio <= GROUP_BOUND else 1


if __name__ == "__main__":
    sys.exit(main())

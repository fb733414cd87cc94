"""Tables in ClickHouse are merged by hand where it pays, and their parts are counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.clickhouse_upkeep import (
    Merging,
    TableState,
    active_parts,
    merge_where_it_pays,
    why_merge,
)
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

TABLE = TICKETS.name
EAGER = Merging(superseded=0.5, parts=20, rows=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[ClickHouseWarehouse]:
    """Four loads of the same two rows, in four parts that are not merged."""
    opened = open_warehouse(f"chdb:///{tmp_path / 'warehouse'}", tmp_path)
    assert isinstance(opened, ClickHouseWarehouse)
    opened.ensure(TICKETS)
    merges(opened, "STOP")
    pipeline = opened.pipeline("zendesk", "acme")
    for number in range(4):
        pipeline.load({TABLE: arrow([row("1", number), row("2", number)])}, {TABLE: TICKETS}, {"n": number})
    pipeline.close()
    yield opened
    opened.close()


def merges(warehouse: ClickHouseWarehouse, word: str) -> None:
    with warehouse.connections.taken(wait=30) as client:
        client.command(f"SYSTEM {word} MERGES helpdesk_storage.{TABLE}")


@pytest.mark.parametrize(
    ("parts", "rows", "live", "pays"),
    [
        (1, 200_000, 200_000, False),
        (2, 200_000, 190_000, False),
        (2, 200_000, 180_000, True),
        (20, 200_000, 200_000, True),
        (30, 99_999, 10, False),
        (0, 0, 0, False),
    ],
)
def test_merging_pays_by_what_readers_pay(parts: int, rows: int, live: int, pays: bool) -> None:
    assert (why_merge(TableState(TABLE, parts, rows, live, 1), Merging()) is not None) is pays


def test_a_table_is_merged_where_it_pays_and_readers_see_the_same(warehouse: ClickHouseWarehouse) -> None:
    sql = f"SELECT id, version FROM helpdesk.{TABLE} ORDER BY id"
    seen = warehouse.query(sql).to_pylist()
    assert active_parts(warehouse)[TABLE] == 4

    (looked,) = merge_where_it_pays(warehouse, EAGER, [TABLE], only_look=True)
    assert (looked.before.parts, looked.before.rows, looked.before.live) == (4, 8, 2)
    assert looked.after is None
    assert looked.reason == "75% of its rows are superseded"
    assert active_parts(warehouse)[TABLE] == 4

    merges(warehouse, "START")
    (merged,) = merge_where_it_pays(warehouse, EAGER, [TABLE])
    assert merged.after
    assert (merged.after.parts, merged.after.rows, merged.after.superseded) == (1, 2, 0)
    assert warehouse.query(sql).to_pylist() == seen

    (again,) = merge_where_it_pays(warehouse, EAGER, [TABLE])
    assert again.after is None


def test_small_tables_are_left_alone(warehouse: ClickHouseWarehouse) -> None:
    found = merge_where_it_pays(warehouse, Merging())
    assert found
    assert [one.after for one in found] == [None] * len(found)
    assert active_parts(warehouse)[TABLE] == 4

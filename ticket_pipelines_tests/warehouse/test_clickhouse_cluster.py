"""The SQL for a cluster, as far as the embedded engine can judge it: it has no Keeper and no cluster.

Each statement passes the engine's own parser. Without its ON CLUSTER the engine also takes it up and ends only where
Keeper, or a server's macro {shard}, is missing, so that engines, their arguments, settings and columns are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from dlt.common.schema import Schema

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse, _DeskWriter
from ticket_pipelines.warehouse.clickhouse_connections import EmbeddedConnections
from ticket_pipelines.warehouse.clickhouse_destination import HelpdeskClickHouse
from ticket_pipelines.warehouse.clickhouse_tables import (
    Layout,
    Shelf,
    plan_fronts,
    plan_home,
    plan_tables,
    plan_view,
    read_shelf,
)
from ticket_pipelines.warehouse.clickhouse_upkeep import plan_merge
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import TableColumn, TableSpec
from ticket_pipelines.warehouse.url import clickhouse_address
from ticket_pipelines_tests.warehouse.rows import TICKETS

REPLICATED = Layout("my-cluster", replicated=True)
SHARDED = Layout("my-cluster", replicated=True, sharded=True)
WHOLE = "('/clickhouse/tables/{uuid}/all', '{shard}-{replica}'"
NO_KEEPER, NO_MACRO, NO_CLUSTER = 225, 139, 701
WIDER = TableSpec(TICKETS.name, "Other words.", (*TICKETS.columns, TableColumn("added", Kind.TEXT, "It's new.")))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with closing(clickhouse_connect.get_client(interface="chdb", path=str(tmp_path / "engine"))) as made:
        made.command("CREATE DATABASE helpdesk_storage")
        made.command("CREATE DATABASE helpdesk")
        yield made


def standing() -> Shelf:
    """What an answer of the catalogue says once the table is there."""
    rows = [("helpdesk_storage", TICKETS.name, TICKETS.doc, c.name, "String", "") for c in TICKETS.columns]
    return read_shelf(rows)


def of_dlt(layout: Layout, path: Path) -> list[str]:
    """How dlt's own tables are made."""
    warehouse = ClickHouseWarehouse(EmbeddedConnections(path), "chdb", layout)
    made: Any = HelpdeskClickHouse(_DeskWriter(warehouse, "acme")).client(Schema("zendesk"))
    tables = made.schema.dlt_tables()
    return [
        statement
        for table in tables
        for statement in made._get_table_update_sql(table["name"], list(table["columns"].values()), False)
    ]


def all_of(layout: Layout, path: Path) -> list[str]:
    return [
        *plan_home((), layout),
        *of_dlt(layout, path),
        *plan_tables([TICKETS, SYNC_RUNS], Shelf(), layout),
        *plan_tables([WIDER], standing(), layout),
        *plan_fronts([TICKETS.name], standing(), layout),
        plan_view("open_tickets", "SELECT id FROM helpdesk.tickets", layout),
        plan_merge(layout.holding(TICKETS.name).split('"')[-2], layout),
    ]


@pytest.mark.parametrize("layout", [REPLICATED, SHARDED], ids=["replicated", "sharded"])
def test_every_statement_runs_everywhere_and_is_parsed(layout: Layout, client: Client, tmp_path: Path) -> None:
    statements = all_of(layout, tmp_path / "other")
    for statement in statements:
        found = client.query("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": statement}).result_rows
        assert " ON CLUSTER `my-cluster`" in str(found[0][0])


@pytest.mark.parametrize("layout", [REPLICATED, SHARDED], ids=["replicated", "sharded"])
def test_the_engine_takes_tables_up_until_it_lacks_a_keeper(layout: Layout, client: Client, tmp_path: Path) -> None:
    creating = [one for one in all_of(layout, tmp_path / "other") if one.startswith("CREATE TABLE")]
    assert len(creating) >= 5
    for statement in creating:
        # {uuid} is refused but in a statement ON CLUSTER or for a table whose UUID is given
        alone = re.sub(r' ON CLUSTER ["`]my-cluster["`]', f" UUID '{uuid4()}'", statement)
        with pytest.raises(Error) as caught:
            client.command(alone)
        expected = {NO_CLUSTER} if "Distributed(" in statement else {NO_KEEPER, NO_MACRO}
        assert caught.value.code in expected, statement
        assert caught.value.code != NO_MACRO or "shard" in str(caught.value)


def test_every_server_holds_the_rows_where_there_are_no_shards() -> None:
    (made,) = plan_tables([TICKETS], Shelf(), REPLICATED)
    assert f'ENGINE = ReplicatedReplacingMergeTree{WHOLE}, "version") ORDER BY ("desk", "id")' in made
    assert "SETTINGS replicated_deduplication_window = 1000" in made


def test_a_desk_stands_on_one_shard() -> None:
    local, over = plan_tables([TICKETS], Shelf(), SHARDED)
    # without arguments the server's own path holds the shard
    assert local.startswith('CREATE TABLE IF NOT EXISTS "helpdesk_storage"."zendesk_tickets_local" ON CLUSTER')
    assert 'ENGINE = ReplicatedReplacingMergeTree("version") ORDER BY ("desk", "id")' in local
    assert over.startswith('CREATE TABLE IF NOT EXISTS "helpdesk_storage"."zendesk_tickets" ON CLUSTER')
    assert "ENGINE = Distributed('my-cluster', 'helpdesk_storage', 'zendesk_tickets_local', xxHash64(\"desk\"))" in over
    altered = plan_tables([WIDER], standing(), SHARDED)
    # a column is there before anybody asks for it through the table over all shards
    assert [("zendesk_tickets_local" in one) for one in altered] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("layout", [REPLICATED, SHARDED], ids=["replicated", "sharded"])
def test_identity_and_position_stand_whole_on_every_server(layout: Layout, tmp_path: Path) -> None:
    made = [*plan_home(("helpdesk", "helpdesk_storage"), layout), *of_dlt(layout, tmp_path / "other")]
    assert len(made) >= 3
    for statement in made:
        assert f"ENGINE = ReplicatedMergeTree{WHOLE})" in statement


def test_without_a_cluster_the_servers_defaults_hold() -> None:
    layout = Layout(replicated=True)
    assert layout.whole_engine == "ReplicatedMergeTree"
    assert 'ENGINE = ReplicatedReplacingMergeTree("version")' in plan_tables([TICKETS], Shelf(), layout)[0]
    assert Layout().whole_engine == "MergeTree"


def test_a_shards_own_table_is_no_table_of_the_warehouse() -> None:
    rows = [("helpdesk_storage", f"groups{suffix}", "", "id", "String", "") for suffix in ("", "_local")]
    assert list(read_shelf(rows, SHARDED).tables) == ["groups"]
    assert list(read_shelf(rows, Layout()).tables) == ["groups", "groups_local"]


@pytest.mark.parametrize("options", ["sharded=true", "cluster=c", "cluster=c&sharded=true"])
def test_servers_that_would_know_different_things_are_refused(options: str) -> None:
    with pytest.raises(UsageError, match="cluster=NAME"):
        clickhouse_address(f"clickhouse://u:p@h:8123/?{options}")


def test_options_of_a_cluster() -> None:
    assert clickhouse_address("clickhouse://h/?cluster=my-cluster&replicated=true&sharded=true").layout == SHARDED

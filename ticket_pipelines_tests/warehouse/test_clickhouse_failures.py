"""Which errors of ClickHouse mean "later", "when somebody has mended it" and "not these rows".

Raised by the engine through the real client wherever one server can raise them; the others are ordered of the front.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from ticket_pipelines.errors import (
    TicketPipelinesError,
    WarehouseRefusedError,
    WarehouseRejectedError,
    WarehouseUnavailableError,
)
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.clickhouse_connections import SETTINGS
from ticket_pipelines.warehouse.failures import translate
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row

Opener = Callable[[str], Warehouse]
LATER, MEND, ROWS = WarehouseUnavailableError, WarehouseRefusedError, WarehouseRejectedError

ENGINES_OWN: list[tuple[int, type[TicketPipelinesError], str]] = [
    (60, LATER, "INSERT INTO shop.nowhere VALUES (1)"),
    (81, LATER, "SELECT 1 FROM nowhere.words"),
    (16, LATER, "INSERT INTO shop.words (id, other) VALUES (1, 'x')"),
    (47, LATER, "SELECT other FROM shop.words"),
    (159, LATER, "SELECT sleepEachRow(1) FROM numbers(9) SETTINGS max_execution_time = 0.01, max_block_size = 1"),
    (241, LATER, "SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000"),
    (252, LATER, "INSERT INTO shop.full VALUES (2)"),
    (164, MEND, "INSERT INTO shop.words SELECT 1, '{}' SETTINGS readonly = 1"),
    (115, MEND, "SELECT 1 SETTINGS no_such_setting = 1"),
    (46, MEND, "SELECT noSuchFunction(1)"),
    (62, MEND, "CREAT TABLE x"),
    (701, MEND, "CREATE TABLE shop.x ON CLUSTER nowhere (id Int64) ENGINE = MergeTree ORDER BY id"),
    (225, MEND, "CREATE TABLE shop.x (id Int64) ENGINE = ReplicatedMergeTree('/x', 'x') ORDER BY id"),
    (469, ROWS, "INSERT INTO shop.words SELECT 1, '{\"never\": \"it''s ' || repeat('told ', 99)"),
    (6, ROWS, "INSERT INTO shop.words SELECT toInt64('never told'), '{}'"),
]


MAKE = (
    "CREATE DATABASE shop",
    (
        "CREATE TABLE shop.words (id Int64, word String, CONSTRAINT json CHECK isValidJSON(word)) "
        "ENGINE = MergeTree ORDER BY id"
    ),
    (
        "CREATE TABLE shop.full (id Int64) ENGINE = MergeTree ORDER BY id "
        "SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 1, max_delay_to_insert = 0"
    ),
    "SYSTEM STOP MERGES shop.full",
    "INSERT INTO shop.full VALUES (1)",
)


@pytest.fixture
def shop(shared_clickhouse_server: ClickHouseServer) -> ClickHouseServer:
    """A server with a table, and one that takes no more parts; made once, since no test changes them."""
    shared_clickhouse_server.forget()
    made = shared_clickhouse_server.execute("SELECT 1 FROM system.databases WHERE name = 'shop'")
    for statement in () if made else MAKE:
        shared_clickhouse_server.execute(statement)
    return shared_clickhouse_server


@pytest.mark.parametrize(("code", "expected", "sql"), ENGINES_OWN, ids=[str(code) for code, *_ in ENGINES_OWN])
def test_an_error_of_the_engine(
    shop: ClickHouseServer, code: int, expected: type[TicketPipelinesError], sql: str
) -> None:
    with shop.client() as client, pytest.raises(DatabaseError) as caught:
        client.command(sql)
    assert caught.value.code == code
    translated = translate(caught.value, "clickhouse://host")
    assert type(translated) is expected
    assert "clickhouse://host" in str(translated)
    assert "told" not in str(translated)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        (6, {"id": ["never told"]}),
        (53, {"id": [1], "word": [["never told"]]}),
        (349, {"id": pa.array([1, None], pa.int64())}),
        (469, {"id": range(300), "word": [*["{}"] * 299, '{"never": "told']}),
        (117, b"PAR1 and no more of it PAR1"),
    ],
)
def test_rows_that_do_not_fit_are_refused_as_a_whole(shop: ClickHouseServer, code: int, given: Any) -> None:
    sink = io.BytesIO(given if isinstance(given, bytes) else b"")
    if not isinstance(given, bytes):
        pq.write_table(pa.table(given), sink)
    with shop.client() as client, pytest.raises(DatabaseError) as caught:
        client.raw_insert("shop.words", insert_block=sink.getvalue(), settings=SETTINGS, fmt="Parquet")
    assert caught.value.code == code
    translated = translate(caught.value, "clickhouse://host")
    assert type(translated) is ROWS
    assert "told" not in str(translated)
    assert shop.execute("SELECT count() FROM shop.words") == [(0,)]


@pytest.mark.parametrize("code", [202, 209, 210, 236, 242, 243, 319, 394, 999])
def test_an_error_that_one_server_does_not_raise(shop: ClickHouseServer, code: int) -> None:
    shop.fault("^SELECT 'ordered'", "error", arg=code)
    with shop.client() as client, pytest.raises(DatabaseError) as caught:
        client.command("SELECT 'ordered'")
    assert caught.value.code == code
    assert type(translate(caught.value, "clickhouse://host")) is LATER


def test_a_wrong_password_is_to_be_mended_and_not_told(clickhouse_server: ClickHouseServer, tmp_path: Path) -> None:
    warehouse = open_warehouse(f"clickhouse://tester:s3cret@127.0.0.1:{clickhouse_server.port}", tmp_path)
    with pytest.raises(WarehouseRefusedError, match="tester@127") as caught:
        warehouse.prepare([TICKETS], {})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("database", ["helpdesk", "helpdesk_storage"])
def test_a_database_that_a_user_drops_comes_back(
    clickhouse_server: ClickHouseServer, open_test_warehouse: Opener, database: str
) -> None:
    warehouse = open_test_warehouse(clickhouse_server.url())
    pipeline = warehouse.pipeline("zendesk", "acme")

    def load(version: int) -> None:
        pipeline.load({"zendesk_tickets": arrow([row("1", version)])}, {"zendesk_tickets": TICKETS}, {"n": version})

    load(1)
    clickhouse_server.execute(f"DROP DATABASE {database} SYNC")
    with pytest.raises(WarehouseUnavailableError) if database == "helpdesk_storage" else nullcontext():
        load(2)
    load(3)
    again = open_test_warehouse(clickhouse_server.url())
    again.ensure(TICKETS)
    assert again.query("SELECT id, version FROM helpdesk.zendesk_tickets").to_pylist() == [{"id": "1", "version": 3}]
    pipeline.close()

"""Connections to ClickHouse that break and servers that are killed: no row is lost, none stands twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.base import DeskPipeline, Warehouse
from ticket_pipelines_tests.clickhouse_front.faults import Action
from ticket_pipelines_tests.fixtures.clickhouse import END_SECONDS, ClickHouseServer
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]
USERS = table("zendesk_users")
ROWS = 200
TICKETS_INSERT = '^INSERT INTO "helpdesk_storage"."zendesk_tickets"'
STATE_INSERT = '^INSERT INTO "helpdesk_storage"."_dlt_pipeline_state"'
LOADS_INSERT = "^INSERT INTO `helpdesk_storage`.`_dlt_loads`"
BROKEN: list[tuple[str, Action, int, float | None]] = [
    (TICKETS_INSERT, "status", 1, 500),
    (TICKETS_INSERT, "reset_before", 99, None),
    (TICKETS_INSERT, "reset_in_body", 1, None),
    (TICKETS_INSERT, "reset_after", 99, None),
    (TICKETS_INSERT, "truncate", 1, None),
    (TICKETS_INSERT, "status", 99, 503),
    (STATE_INSERT, "status", 1, 503),
    (LOADS_INSERT, "reset_before", 1, None),
    (LOADS_INSERT, "reset_after", 1, None),
    (LOADS_INSERT, "status", 1, 503),
    ("FROM system.parts", "reset_after", 99, None),
]
STORED = """
SELECT count(), uniqExact(id), min(version), max(version), sum(length(assumeNotNull(subject)))
FROM helpdesk_storage.{}
"""


def load(pipeline: DeskPipeline, version: int) -> None:
    """A package of two tables whose rows carry the package's number."""
    rows = [row(str(number), version, subject=f"version {version:9d}", fields='{"a": 1}') for number in range(ROWS)]
    pipeline.load(
        {"zendesk_users": arrow(rows, USERS), "zendesk_tickets": arrow(rows)},
        {"zendesk_users": USERS, "zendesk_tickets": TICKETS},
        {"version": version},
    )


def load_until_it_came(pipeline: DeskPipeline, version: int) -> None:
    """Loads a package again after each transient failure, as the next syncs do."""
    came = False
    while not came:
        with suppress(WarehouseUnavailableError):
            came = pipeline.state() == {"version": version}
            if not came:
                load(pipeline, version)


def counted(server: ClickHouseServer, table: str, clause: str = "") -> list[tuple[Any, ...]]:
    """Rows, ids, lowest and highest version, letters; the server's log and faults do not matter."""
    server.forget()
    return [tuple(int(value) for value in found) for found in server.execute(STORED.format(table) + clause)]


def once(version: int) -> list[tuple[int, ...]]:
    return [(ROWS, ROWS, version, version, ROWS * len("version 123456789"))]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is gained by the pauses before an insert is sent again."""
    monkeypatch.setattr("ticket_pipelines.warehouse.clickhouse.AGAIN", (0.0, 0.0, 0.0))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("match", "action", "times", "arg"), BROKEN)
def test_a_broken_connection_costs_no_row_and_doubles_none(
    clickhouse_server: ClickHouseServer,
    open_test_warehouse: Opener,
    match: str,
    action: Action,
    times: int,
    arg: float | None,
) -> None:
    pipeline = open_test_warehouse(clickhouse_server.url()).pipeline("zendesk", "acme")
    load(pipeline, 1)
    clickhouse_server.fault(match, action, times=times, arg=arg)
    with suppress(WarehouseUnavailableError):
        load(pipeline, 2)
    assert [entry["fault"] for entry in clickhouse_server.log()].count(action) > 0
    clickhouse_server.forget()
    load_until_it_came(pipeline, 2)
    for name in ("zendesk_users", "zendesk_tickets"):
        assert counted(clickhouse_server, name, "FINAL") == once(2)
    pipeline.close()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("match", "action", "arg"),
    [
        (TICKETS_INSERT, "reset_after", None),
        (TICKETS_INSERT, "status", 503),
        (TICKETS_INSERT, "error", 319),
        (STATE_INSERT, "reset_after", None),
        ("DROP PART", "reset_after", None),
        ("DROP PART", "status", 503),
    ],
)
def test_one_lost_answer_fails_no_load_and_doubles_nothing_below_the_views_either(
    clickhouse_server: ClickHouseServer, open_test_warehouse: Opener, match: str, action: Action, arg: float | None
) -> None:
    pipeline = open_test_warehouse(clickhouse_server.url()).pipeline("zendesk", "acme")
    load(pipeline, 1)
    clickhouse_server.fault(match, action, arg=arg)
    load(pipeline, 2)
    assert counted(clickhouse_server, "zendesk_tickets", "WHERE version = 2") == once(2)
    load(pipeline, 3)
    for name in ("_dlt_pipeline_state", "_dlt_loads"):
        assert clickhouse_server.execute(f"SELECT count() FROM helpdesk_storage.{name}") == [(1,)], name
    pipeline.close()


def test_an_insert_that_comes_after_the_client_gave_up_is_not_written_again(
    clickhouse_server: ClickHouseServer, open_test_warehouse: Opener
) -> None:
    warehouse = open_test_warehouse(clickhouse_server.url(send_receive_timeout=1))
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, 1)
    clickhouse_server.forget()
    clickhouse_server.fault(TICKETS_INSERT, "delay", arg=END_SECONDS)
    load(pipeline, 2)
    clickhouse_server.forget()
    while not clickhouse_server.log("INSERT"):
        pass
    assert counted(clickhouse_server, "zendesk_tickets", "WHERE version = 2") == once(2)
    pipeline.close()


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_server_that_is_killed_during_loads_costs_no_row_and_doubles_none(
    own_clickhouse_server: ClickHouseServer, tmp_path: Path, moment: str
) -> None:
    server = own_clickhouse_server
    warehouse = open_warehouse(server.url(), tmp_path)
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, 1)
    for version in (2, 3):
        server.forget()
        loading = threading.Thread(target=load_until_it_came, args=(pipeline, version))
        if moment == "within":
            server.fault(TICKETS_INSERT, "delay", arg=END_SECONDS)
        if moment == "before":
            server.kill()
        loading.start()
        wanted = "zendesk_users" if moment == "within" else "zendesk_tickets"
        while moment != "before" and not any(wanted in entry["query"] for entry in server.log("INSERT")):
            pass
        if moment != "before":
            server.kill()
        server.start()
        loading.join()
        assert pipeline.state() == {"version": version}
        for name in ("zendesk_users", "zendesk_tickets"):
            assert counted(server, name, "FINAL") == once(version)
    pipeline.close()
    warehouse.close()

"""What a load leaves behind, on both engines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from dlt.common.storages.load_package import PackageStorage

from dlt_sources.base import Kind
from ticket_pipelines.errors import WarehouseRejectedError, WarehouseUnavailableError
from ticket_pipelines.warehouse import workdir
from ticket_pipelines.warehouse.base import DeskPipeline, Stored, Warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.table import TableColumn, TableSpec
from ticket_pipelines_tests.warehouse.rows import SYNCED, TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]


@pytest.fixture
def warehouse(warehouse_url: str, open_test_warehouse: Opener) -> Warehouse:
    return open_test_warehouse(warehouse_url)


def load(pipeline: DeskPipeline, rows: list[dict[str, Any]], state: Any, spec: TableSpec = TICKETS) -> None:
    pipeline.load({spec.name: arrow(rows, spec)}, {spec.name: spec}, state)


def all_rows(warehouse: Warehouse, spec: TableSpec = TICKETS, desk: str = "acme") -> dict[str, dict[str, Any]]:
    return {found["id"]: found for batch in warehouse.rows(spec.name, desk) for found in batch.to_pylist()}


@pytest.mark.parametrize("count", [1, 300], ids=["few rows", "many rows"])
def test_values_come_back_as_they_went_in(warehouse: Warehouse, count: int) -> None:
    given = row("1", deleted_at=SYNCED, unparsed='{"priority": ["a"]}', subject="Zoë said 'hi' \\ \"there\"\n价格 🙂")
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [given, *(row(f"other {number}") for number in range(count - 1))], {})
    found = all_rows(warehouse)["1"]
    for name in ("unparsed", "fields"):
        assert json.loads(found.pop(name)) == json.loads(given.pop(name))
    assert found == given
    pipeline.close()


@pytest.mark.parametrize("count", [1, 300], ids=["few rows", "many rows"])
def test_an_empty_string_is_not_null(warehouse: Warehouse, count: int) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row(f"{number}", subject=("", None)[number % 2]) for number in range(count + 1)], {})
    found = all_rows(warehouse)
    assert (found["0"]["subject"], found["1"]["subject"]) == ("", None)
    pipeline.close()


@pytest.mark.parametrize("count", [1, 300], ids=["few rows", "many rows"])
@pytest.mark.parametrize(
    "text",
    [
        '{"big": 123456789012345678901234567890, "deep": [[{"a": null}]]}',
        '{"é": "\\u00e9 🙂 \\\\ \\" /"}',
        '"text"',
        "[]",
        "0.1",
        "null",
    ],
)
def test_json_keeps_its_value(warehouse: Warehouse, text: str, count: int) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row(f"{number}", fields=text) for number in range(count)], {})
    found = all_rows(warehouse)["0"]["fields"]
    assert json.loads(found) == json.loads(text)
    pipeline.close()


def test_a_lower_version_stays_out_and_an_equal_one_comes_in(warehouse: Warehouse) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1", 5, subject="five"), row("2", 5, subject="five")], {})
    load(pipeline, [row("1", 4, subject="four"), row("2", 5, subject="five again"), row("3", 1)], {})
    found = all_rows(warehouse)
    assert [found[key]["subject"] for key in ("1", "2", "3")] == ["five", "five again", "ticket 3"]
    load(pipeline, [row("1", 6, subject="six")], {})
    assert all_rows(warehouse)["1"]["subject"] == "six"
    assert warehouse.stored("zendesk_tickets", "acme", ["1", "9"]) == {"1": Stored(6, -7, None)}
    pipeline.close()


def test_a_key_stands_once_whatever_is_loaded(warehouse: Warehouse) -> None:
    first, second = warehouse.pipeline("zendesk", "acme"), warehouse.pipeline("zendesk", "other")
    for version in (1, 2, 2):
        load(first, [row(f"{number}", version) for number in range(150)], {"v": version})
        load(second, [row(f"{number}", version, desk="other") for number in range(150)], {"v": version})
    counted = warehouse.query(
        "SELECT desk, count(*) n, count(DISTINCT id) ids FROM helpdesk.zendesk_tickets GROUP BY 1"
    )
    assert sorted(counted.to_pylist(), key=str) == [
        {"desk": "acme", "n": 150, "ids": 150},
        {"desk": "other", "n": 150, "ids": 150},
    ]
    first.close()
    second.close()


def test_a_row_that_moves_to_another_month_and_is_deleted_stands_once(warehouse: Warehouse) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    months = [date(2026, 1, 31), date(2026, 2, 1), date(2025, 12, 31)]
    for version, due_on in enumerate(months, start=1):
        load(pipeline, [{**row("1", version), "due_on": due_on}, row("2", version)], {"v": version})
    load(pipeline, [{**row("1", 9), "due_on": months[0], "deleted_at": SYNCED}], {"v": 9})
    found = warehouse.query("SELECT id, due_on, deleted_at FROM helpdesk.zendesk_tickets ORDER BY id").to_pylist()
    assert [one["id"] for one in found] == ["1", "2"]
    assert (found[0]["due_on"], found[0]["deleted_at"]) == (months[0], SYNCED)
    alive = warehouse.query("SELECT count(*) AS n FROM helpdesk.zendesk_tickets WHERE deleted_at IS NULL")
    assert alive.to_pylist() == [{"n": 1}]
    pipeline.close()


def test_the_position_is_restored_in_an_empty_folder(warehouse_url: str, open_test_warehouse: Opener) -> None:
    state = {"streams": {"tickets": {"cursor": "MTU3=", "n": 2**60}}, "full": {}, "refreshed": {"users": "2026-01-01"}}
    pipeline = open_test_warehouse(warehouse_url).pipeline("zendesk", "acme")
    assert pipeline.state() == {}
    load(pipeline, [row("1")], state)
    assert pipeline.state() == state
    pipeline.close()
    again = open_test_warehouse(warehouse_url)
    for desk, expected in (("acme", state), ("other", {})):
        pipeline = again.pipeline("zendesk", desk)
        assert pipeline.state() == expected
        pipeline.close()


def test_a_position_can_move_without_rows_and_rows_come_without_a_move(warehouse: Warehouse) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    pipeline.load({}, {}, {"cursor": 1})
    load(pipeline, [row("1")], {"cursor": 1})
    load(pipeline, [], {"cursor": 1})
    load(pipeline, [row("2")], {"cursor": 1})
    pipeline.close()
    pipeline = warehouse.pipeline("zendesk", "acme")
    assert pipeline.state() == {"cursor": 1}
    assert set(all_rows(warehouse)) == {"1", "2"}
    pipeline.close()


def test_old_positions_are_dropped(warehouse: Warehouse) -> None:
    pipelines = [warehouse.pipeline("zendesk", desk) for desk in ("acme", "other")]
    for number in range(3):
        for pipeline in pipelines:
            pipeline.load({}, {}, {"n": number})
    schema = "helpdesk_storage" if warehouse.engine == "clickhouse" else "helpdesk"
    counts = warehouse.query(
        f"SELECT pipeline_name AS name, count(*) AS n FROM {schema}._dlt_pipeline_state GROUP BY 1"
    )
    assert sorted((found["name"], found["n"]) for found in counts.to_pylist()) == [
        ("zendesk__acme", 1),
        ("zendesk__other", 1),
    ]
    for pipeline in pipelines:
        assert pipeline.state() == {"n": 2}
        pipeline.close()


def test_new_columns_appear_and_rows_without_them_keep_theirs(warehouse: Warehouse) -> None:
    wider = table(extra=[TableColumn("priority", Kind.TEXT), TableColumn("new", Kind.JSON)])
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1"), row("2")], {})
    load(pipeline, [row("2", 2, priority="high", new="[1]")], {}, wider)
    load(pipeline, [row("3")], {})
    found = all_rows(warehouse)
    assert [found[key]["priority"] for key in ("1", "2", "3")] == [None, "high", None]
    load(pipeline, [row("2", 3)], {})
    assert all_rows(warehouse)["2"]["priority"] == "high"
    pipeline.close()


def test_a_column_that_exists_keeps_its_type(warehouse: Warehouse) -> None:
    text, number = (table(extra=[TableColumn("c", kind)]) for kind in (Kind.TEXT, Kind.INTEGER))
    warehouse.ensure(text)
    warehouse.ensure(number)
    assert warehouse.columns("zendesk_tickets")["c"] is Kind.TEXT
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1", c="10")], {}, text)
    assert all_rows(warehouse, text)["1"]["c"] == "10"
    pipeline.close()


def test_names_of_63_bytes_and_odd_names_work(warehouse: Warehouse) -> None:
    names = ["x" * 63, "ж" * 31, "select", "größe", "_2fa", "price", "a_b", "order_id_1a2b3c4d"]
    spec = table("zendesk_" + "t" * 55, [TableColumn(name, Kind.TEXT) for name in names])
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [{**row("1"), **dict.fromkeys(names, "v")}], {}, spec)
    load(pipeline, [{**row(f"{number}", 2), **dict.fromkeys(names, "w")} for number in range(150)], {}, spec)
    found = all_rows(warehouse, spec)["1"]
    assert {name: found[name] for name in names} == dict.fromkeys(names, "w")
    pipeline.close()


BAD_JSON = '{"never": "closed'


@pytest.mark.parametrize("count", [1, 300], ids=["few rows", "many rows"])
def test_a_refused_load_changes_nothing_and_does_not_wedge_the_next(warehouse: Warehouse, count: int) -> None:
    users = table("zendesk_users")
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1", subject="before")], {"n": 1})
    bad = [*(row(f"{number}", 2) for number in range(count)), row("bad", fields=BAD_JSON)]
    with pytest.raises(WarehouseRejectedError) as caught:
        load(pipeline, bad, {"n": 2})
    assert "never" not in str(caught.value)
    assert pipeline.state() == {"n": 1}
    assert {key: found["subject"] for key, found in all_rows(warehouse).items()} == {"1": "before"}
    pipeline.load(
        {"zendesk_tickets": arrow(bad[:-1]), "zendesk_users": arrow([row("7")], users)},
        {"zendesk_tickets": TICKETS, "zendesk_users": users},
        {"n": 2},
    )
    assert pipeline.state() == {"n": 2}
    assert len(all_rows(warehouse, users)) == 1
    pipeline.close()


def test_rows_that_come_back_to_what_they_were_are_stored_so(warehouse: Warehouse) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    for number, subject in enumerate(("before", "between", "before")):
        load(pipeline, [row("1", subject=subject)], {"n": number})
        assert all_rows(warehouse)["1"]["subject"] == subject
    pipeline.close()


@pytest.mark.parametrize("reverse", [False, True])
def test_tables_are_written_in_the_order_given_whatever_the_file_system_lists_first(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, reverse: bool
) -> None:
    listed = PackageStorage.list_new_jobs
    monkeypatch.setattr(
        PackageStorage, "list_new_jobs", lambda self, load_id: sorted(listed(self, load_id), reverse=reverse)
    )
    users = table("zendesk_users")
    specs = {"zendesk_tickets": TICKETS, "zendesk_users": users}
    good, bad = row("1"), row("1", fields=BAD_JSON)
    pipeline = warehouse.pipeline("zendesk", "acme")
    with pytest.raises(WarehouseRejectedError):
        pipeline.load({"zendesk_tickets": arrow([bad]), "zendesk_users": arrow([good], users)}, specs, {"n": 1})
    assert all_rows(warehouse, users) == {}
    with pytest.raises(WarehouseRejectedError):
        pipeline.load({"zendesk_users": arrow([good], users), "zendesk_tickets": arrow([bad])}, specs, {"n": 1})
    assert set(all_rows(warehouse, users)) == {"1"}
    with pytest.raises(WarehouseRejectedError):
        pipeline.load({"zendesk_users": arrow([bad], users), "zendesk_tickets": arrow([good])}, specs, {"n": 1})
    assert all_rows(warehouse) == {}
    pipeline.close()


def test_a_table_that_a_user_drops_comes_back(warehouse: Warehouse, drop_table: Callable[[str], None]) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1")], {"n": 1})
    drop_table("zendesk_tickets")
    with pytest.raises(WarehouseUnavailableError):
        load(pipeline, [row("2")], {"n": 2})
    load(pipeline, [row("2")], {"n": 2})
    load(pipeline, [row("2", 2)], {"n": 3})
    assert set(all_rows(warehouse)) == {"2"}
    pipeline.close()


@pytest.fixture
def drop_table(warehouse_url: str, warehouse: Warehouse) -> Callable[[str], None]:
    def drop(name: str) -> None:
        sql = f"DROP TABLE helpdesk.{name}"
        if isinstance(warehouse, ClickHouseWarehouse):
            with warehouse.connections.taken(wait=30) as client:
                client.command(f"DROP TABLE helpdesk_storage.{name} SYNC")
            return
        if warehouse_url.startswith("duckdb"):
            import duckdb

            with duckdb.connect(warehouse_url.removeprefix("duckdb:///")) as connection:
                connection.execute(sql)
        else:
            import psycopg2

            connection = psycopg2.connect(warehouse_url)
            connection.autocommit = True
            connection.cursor().execute(sql)
            connection.close()

    return drop


def test_closing_leaves_no_folder_behind(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = tmp_path / "folders"
    monkeypatch.setattr(workdir, "root", lambda: folders)
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1")], {})
    assert len(list(folders.iterdir())) == 2, "the folder and its lock"
    pipeline.close()
    pipeline.close()
    assert list(folders.iterdir()) == []


def test_memory_does_not_grow_with_packages(warehouse: Warehouse) -> None:
    pipeline = warehouse.pipeline("zendesk", "acme")
    sizes = []
    for package in range(6):
        load(
            pipeline,
            [row(f"{package}-{number}", fields=json.dumps(["x" * 2000])) for number in range(3000)],
            {"n": package},
        )
        sizes.append(resident())
    # an engine may hold a buffer for a moment; what leaks stays
    assert min(sizes[-2:]) < sizes[1] + 60_000_000
    pipeline.close()


def resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_instants_are_instants(warehouse: Warehouse) -> None:
    early, late = datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    pipeline = warehouse.pipeline("zendesk", "acme")
    load(pipeline, [row("1", synced_at=early), row("2", synced_at=late)], {})
    found = all_rows(warehouse)
    assert (found["1"]["synced_at"], found["2"]["synced_at"]) == (early, late)
    pipeline.close()

"""What can be asked of a warehouse, on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError
from ticket_pipelines.unified.model import TABLES as UNIFIED
from ticket_pipelines.warehouse.base import Stored, Warehouse
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines.warehouse.table import COMMON, TableColumn, TableSpec
from ticket_pipelines_tests.warehouse.rows import SYNCED, TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]
GONE = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


@pytest.fixture
def warehouse(warehouse_url: str, open_test_warehouse: Opener) -> Warehouse:
    return open_test_warehouse(warehouse_url)


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    rows = [row(f"{number:04}", subject=f"kind {number % 3}") for number in range(250)]
    rows[7]["deleted_at"] = GONE
    other = [row("0001", desk="other")]
    for desk, given in (("acme", rows), ("other", other)):
        pipeline = warehouse.pipeline("zendesk", desk)
        pipeline.load({"zendesk_tickets": arrow(given)}, {"zendesk_tickets": TICKETS}, {"desk": desk})
        pipeline.close()
    return warehouse


def test_an_empty_warehouse_answers_everything(warehouse: Warehouse) -> None:
    assert warehouse.columns("zendesk_tickets") == {}
    assert warehouse.stored("zendesk_tickets", "acme", ["1"]) == {}
    assert list(warehouse.rows("zendesk_tickets", "acme")) == []
    assert warehouse.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    warehouse.purge("zendesk", "acme")


def test_the_identity_stays_and_is_another_one_elsewhere(warehouse_url: str, open_test_warehouse: Opener) -> None:
    first = open_test_warehouse(warehouse_url)
    identity = first.identity()
    first.prepare([TICKETS], {})
    assert uuid.UUID(identity)
    assert open_test_warehouse(warehouse_url).identity() == identity


def test_prepare_makes_tables_with_kinds_and_comments(warehouse: Warehouse) -> None:
    warehouse.prepare([TICKETS], {})
    assert warehouse.columns("zendesk_tickets") == TICKETS.kinds()
    assert warehouse.columns("sync_runs") == SYNC_RUNS.kinds()
    comments = {
        "duckdb": "SELECT comment FROM duckdb_columns() WHERE column_name = 'subject'",
        "postgres": "SELECT col_description('helpdesk.zendesk_tickets'::regclass, 8) AS comment",
        "clickhouse": "SELECT comment FROM system.columns WHERE database = 'helpdesk' AND name = 'subject'",
    }
    assert warehouse.query(comments[warehouse.engine]).to_pylist() == [{"comment": "What it's about."}]


def test_prepare_replaces_views_that_changed_and_leaves_others_alone(
    warehouse_url: str, open_test_warehouse: Opener
) -> None:
    narrow = {"kinds": "SELECT desk, id FROM helpdesk.zendesk_tickets", "over": "SELECT desk FROM helpdesk.kinds"}
    wide = {**narrow, "kinds": "SELECT id, desk, 'ü' || subject AS title FROM helpdesk.zendesk_tickets"}
    for views in (narrow, narrow, {"kinds": narrow["kinds"] + " WHERE id > '1'", "over": narrow["over"]}):
        open_test_warehouse(warehouse_url).prepare([TICKETS], views)
    assert set(open_test_warehouse(warehouse_url).columns("kinds")) == {"desk", "id"}
    open_test_warehouse(warehouse_url).prepare([TICKETS], wide)
    warehouse = open_test_warehouse(warehouse_url)
    assert set(warehouse.columns("kinds")) == {"desk", "id", "title"}
    assert warehouse.query("SELECT desk FROM helpdesk.over").num_rows == 0


def test_ensure_adds_columns_to_a_table_that_views_use(warehouse: Warehouse) -> None:
    warehouse.prepare([TICKETS], {"subjects": "SELECT id, subject FROM helpdesk.zendesk_tickets"})
    warehouse.ensure(table(extra=[TableColumn("extra", Kind.JSON)]))
    assert warehouse.columns("zendesk_tickets")["extra"] is Kind.JSON


def test_stored_gives_what_is_there_of_the_ids(filled: Warehouse) -> None:
    assert filled.stored("zendesk_tickets", "acme", ["0001", "0007", "none"]) == {
        "0001": Stored(1, -7, None),
        "0007": Stored(1, -7, GONE),
    }
    assert len(filled.stored("zendesk_tickets", "acme", [f"{number:04}" for number in range(20_000)])) == 250
    assert filled.stored("zendesk_tickets", "acme", []) == {}


def test_many_ids_among_which_one_is_stored(filled: Warehouse) -> None:
    """ClickHouse asks first whether their range is empty."""
    others = [f"0007-{number:04}" for number in range(2_000)]
    assert set(filled.stored("zendesk_tickets", "acme", ["0007", *others])) == {"0007"}
    assert set(filled.stored("zendesk_tickets", "acme", [*others, "0008"])) == {"0008"}
    assert filled.stored("zendesk_tickets", "acme", others) == {}
    assert filled.stored("zendesk_tickets", "nobody", ["0007", *others]) == {}


def test_stored_of_a_table_without_hashes(warehouse: Warehouse) -> None:
    spec = TableSpec("tickets", "", COMMON)
    pipeline = warehouse.pipeline("zendesk", "acme")
    rows = pa.Table.from_pylist([{"desk": "acme", "id": "1", "version": 3}], schema=spec.arrow_schema())
    pipeline.load({"tickets": rows}, {"tickets": spec}, {})
    assert warehouse.stored("tickets", "acme", ["1"]) == {"1": Stored(3, None, None)}
    pipeline.close()


def test_rows_come_in_batches_in_the_types_of_the_table(filled: Warehouse) -> None:
    batches = list(filled.rows("zendesk_tickets", "acme", batch=100))
    assert [batch.num_rows for batch in batches] == [100, 100, 50]
    assert all(batch.schema.types == TICKETS.arrow_schema().types for batch in batches)
    ids = [found for batch in batches for found in batch["id"].to_pylist()]
    assert ids == sorted(ids)
    assert len(set(ids)) == 250


def test_rows_can_be_chosen(filled: Warehouse) -> None:
    def ids(**choice: Any) -> list[str]:
        return [found for batch in filled.rows("zendesk_tickets", **choice) for found in batch["id"].to_pylist()]

    assert ids(desk="other") == ["0001"]
    assert len(ids(desk="acme", alive=True)) == 249
    assert len(ids(desk="acme", column="subject", values=["kind 0", "kind 2", "'; --"])) == 167
    assert ids(desk="acme", column="id", values=["0003", "none"]) == ["0003"]
    assert ids(desk="acme", column="id", values=[]) == []
    assert next(filled.rows("zendesk_tickets", "acme", columns=["synced_at"])).schema.names == ["synced_at"]


def test_a_load_can_run_between_two_batches(filled: Warehouse) -> None:
    pipeline = filled.pipeline("zendesk", "acme")
    seen = 0
    for batch in filled.rows("zendesk_tickets", "acme", batch=100):
        pipeline.load(
            {"tickets": batch},
            {"tickets": table("tickets")},
            pipeline.state(),
        )
        seen += batch.num_rows
    assert seen == filled.query("SELECT count(*) AS n FROM helpdesk.tickets").to_pylist()[0]["n"] == 250
    pipeline.close()


def test_query_gives_numbers_as_numbers_and_json_as_text(filled: Warehouse) -> None:
    number = "Nullable(numeric(9, 2))" if filled.engine == "clickhouse" else "numeric"
    found = filled.query(
        "SELECT sum(version) AS sum, avg(score) AS average, max(synced_at) AS at, max(fields::text)::json AS fields, "
        f"sum(CAST(score AS numeric(9, 2))) AS half, CAST(NULL AS {number}) AS nothing FROM helpdesk.zendesk_tickets"
    ).to_pylist()
    assert found[0].pop("fields") in ('{"a": 1}', '{"a":1}')
    assert found == [{"sum": 251, "average": 0.5, "at": SYNCED, "half": 125.5, "nothing": None}]


def test_query_takes_a_select_as_people_write_it(warehouse: Warehouse) -> None:
    for sql in ("SELECT 1 AS one;", "SELECT 1 AS one -- why", "-- why\nSELECT 1 AS one", "VALUES (1)"):
        if warehouse.engine == "clickhouse" and sql.startswith("VALUES"):
            continue  # ClickHouse has no VALUES without INSERT
        assert warehouse.query(sql).num_rows == 1


NOT_ONE_READ = [
    "DELETE FROM helpdesk.zendesk_tickets",
    "INSERT INTO helpdesk.zendesk_tickets (desk, id) VALUES ('a', 'b')",
    "WITH gone AS (DELETE FROM helpdesk.zendesk_tickets RETURNING 1) SELECT * FROM gone",
    "DROP TABLE helpdesk.zendesk_tickets",
    "CREATE TEMP TABLE x (y int)",
    "SELECT * INTO helpdesk.copied FROM helpdesk.zendesk_tickets",
    "SELECT 1; DROP TABLE helpdesk.zendesk_tickets",
    "SELECT 1; COMMIT; DROP TABLE helpdesk.zendesk_tickets",
    "COMMIT; DROP TABLE helpdesk.zendesk_tickets",
    "COMMIT",
    "ROLLBACK AND CHAIN",
    "SET default_transaction_read_only = off",
    "SET TRANSACTION READ WRITE",
    "RESET lock_configuration",
    "SET enable_external_access = true",
    "ATTACH '/tmp/other.duckdb' AS other",
    "COPY (SELECT 1) TO '/tmp/ticket-pipelines-copied.csv'",
    "COPY helpdesk.zendesk_tickets FROM '/etc/passwd'",
    "SELECT 1) TO '/tmp/ticket-pipelines-copied.csv' --",
    "CALL pg_stat_reset()",
    "DO $$ BEGIN DELETE FROM helpdesk.zendesk_tickets; END $$",
    "INSTALL httpfs",
    "PRAGMA database_list",
    "SELECT * FROM nothing_here",
    "SELEC 1",
    "",
]


def test_query_refuses_what_is_not_one_read(filled: Warehouse) -> None:
    assert [sql for sql in NOT_ONE_READ if not is_refused(filled, sql)] == []
    assert filled.query("SELECT count(*) AS n FROM helpdesk.zendesk_tickets").to_pylist() == [{"n": 251}]
    assert not Path("/tmp/ticket-pipelines-copied.csv").exists()


def is_refused(warehouse: Warehouse, sql: str) -> bool:
    try:
        warehouse.query(sql)
    except UsageError:
        return True
    return False


@pytest.mark.parametrize("warehouse_url", ["duckdb"], indirect=True)
@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/*')"],
)
def test_a_query_reads_no_files_through_duckdb(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(UsageError):
        warehouse.query(sql)


@pytest.mark.parametrize("warehouse_url", ["duckdb"], indirect=True)
def test_a_query_sees_no_variables_of_the_program(warehouse: Warehouse) -> None:
    secrets = pa.table({"password": ["s3cret"]})
    with pytest.raises(UsageError, match="secrets"):
        warehouse.query("SELECT * FROM secrets")
    assert secrets.num_rows == 1


@pytest.mark.parametrize("warehouse_url", ["postgres"], indirect=True)
def test_a_function_that_a_query_calls_cannot_write(
    warehouse: Warehouse, postgres_execute: Callable[[str], None]
) -> None:
    warehouse.prepare([TICKETS], {})
    postgres_execute(
        "CREATE FUNCTION sneak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM set_config('transaction_read_only', 'off', true); "
        "INSERT INTO helpdesk.zendesk_tickets (desk, id) VALUES ('a', 'b'); RETURN 1; END $$"
    )
    with pytest.raises(UsageError, match=r"read-write|read-only"):
        warehouse.query("SELECT public.sneak()")


@pytest.fixture
def postgres_execute(warehouse_url: str) -> Callable[[str], None]:
    import psycopg2

    def execute(sql: str) -> None:
        connection = psycopg2.connect(warehouse_url)
        connection.autocommit = True
        connection.cursor().execute(sql)
        connection.close()

    return execute


def run(run_id: str, **values: Any) -> dict[str, Any]:
    return {"id": run_id, "desk": "acme", "vendor": "zendesk", "status": "running", "started_at": SYNCED, **values}


def test_runs_are_upserted_by_id(warehouse: Warehouse) -> None:
    schema = SYNC_RUNS.arrow_schema()
    warehouse.write_runs(pa.Table.from_pylist([run("1"), run("2")], schema=schema))
    done = run("2", status="success", rows_read=3, success_rate=1.0, details='{"streams": {"tickets": {}}}')
    warehouse.write_runs(pa.Table.from_pylist([done], schema=schema))
    found = warehouse.query("SELECT id, status, rows_read FROM helpdesk.sync_runs ORDER BY id").to_pylist()
    assert found == [
        {"id": "1", "status": "running", "rows_read": None},
        {"id": "2", "status": "success", "rows_read": 3},
    ]


def test_purge_takes_one_desk_with_its_position_and_runs(filled: Warehouse) -> None:
    runs = [run("1"), run("2", desk="other")]
    filled.write_runs(pa.Table.from_pylist(runs, schema=SYNC_RUNS.arrow_schema()))
    filled.purge("zendesk", "acme")
    assert filled.query("SELECT DISTINCT desk FROM helpdesk.zendesk_tickets").to_pylist() == [{"desk": "other"}]
    assert filled.query("SELECT desk FROM helpdesk.sync_runs").to_pylist() == [{"desk": "other"}]
    for desk, state in (("acme", {}), ("other", {"desk": "other"})):
        pipeline = filled.pipeline("zendesk", desk)
        assert pipeline.state() == state
        pipeline.close()


def test_postgres_looks_up_the_rows_of_a_ticket_by_an_index(postgres_url: str, open_test_warehouse: Opener) -> None:
    open_test_warehouse(postgres_url).prepare(list(UNIFIED.values()), {})
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        for name in ("ticket_comments", "ticket_events", "attachments", "record_links"):
            cursor.execute(f"EXPLAIN SELECT * FROM helpdesk.{name} WHERE desk = 'acme' AND ticket_id = '7'")
            assert f"{name}_by_ticket_id" in "\n".join(line for (line,) in cursor.fetchall())

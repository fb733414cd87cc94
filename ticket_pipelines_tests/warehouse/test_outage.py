"""A server that is away, ends, fills up or gives few rights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from dlt_sources.base import Kind
from ticket_pipelines.errors import UsageError, WarehouseUnavailableError
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.table import TableColumn
from ticket_pipelines_tests.fixtures.postgres import PostgresServer, free_port
from ticket_pipelines_tests.warehouse.rows import TICKETS, arrow, row, table

Opener = Callable[[str], Warehouse]
Use = Callable[[Warehouse], object]

USES: dict[str, Use] = {
    "prepare": lambda warehouse: warehouse.prepare([TICKETS], {}),
    "columns": lambda warehouse: warehouse.columns("zendesk_tickets"),
    "query": lambda warehouse: warehouse.query("SELECT 1"),
    "pipeline": lambda warehouse: warehouse.pipeline("zendesk", "acme"),
    "purge": lambda warehouse: warehouse.purge("zendesk", "acme"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_server_that_refuses_is_unavailable_and_no_password_is_told(use: Use, tmp_path: Path) -> None:
    warehouse = open_warehouse(f"postgresql://ann:s3cret@127.0.0.1:{free_port()}/desk", tmp_path)
    with pytest.raises(WarehouseUnavailableError, match=r"postgresql://ann@127\.0\.0\.1") as caught:
        use(warehouse)
    assert "s3cret" not in str(caught.value)
    assert warehouse.label.startswith("postgresql://ann@127")


@pytest.mark.parametrize("end", [PostgresServer.stop, PostgresServer.crash], ids=["stop", "crash"])
def test_a_load_goes_on_after_the_server_came_back(
    own_postgres_server: PostgresServer, end: Callable[[PostgresServer], None], tmp_path: Path
) -> None:
    warehouse = open_warehouse(own_postgres_server.url("postgres"), tmp_path)
    pipeline = warehouse.pipeline("zendesk", "acme")
    rows = arrow([row(str(number)) for number in range(300)])

    def load(state: dict[str, int]) -> None:
        pipeline.load({"zendesk_tickets": rows}, {"zendesk_tickets": TICKETS}, state)

    load({"n": 1})
    end(own_postgres_server)
    with pytest.raises(WarehouseUnavailableError):
        load({"n": 2})
    with pytest.raises(WarehouseUnavailableError):
        warehouse.stored("zendesk_tickets", "acme", ["1"])
    own_postgres_server.start()
    assert pipeline.state() == {"n": 1}
    load({"n": 2})
    assert pipeline.state() == {"n": 2}
    assert len(warehouse.stored("zendesk_tickets", "acme", [str(number) for number in range(300)])) == 300
    pipeline.close()
    warehouse.close()


def test_a_server_that_ends_between_two_packages_is_found_again(
    own_postgres_server: PostgresServer, tmp_path: Path
) -> None:
    warehouse = open_warehouse(own_postgres_server.url("postgres"), tmp_path)
    pipeline = warehouse.pipeline("zendesk", "acme")
    for number in (1, 2):
        pipeline.load({"zendesk_tickets": arrow([row("1", number)])}, {"zendesk_tickets": TICKETS}, {"n": number})
        own_postgres_server.stop()
        own_postgres_server.start()
    assert warehouse.stored("zendesk_tickets", "acme", ["1"])["1"].version == 2
    pipeline.close()
    warehouse.close()


def test_a_lock_that_another_holds_is_waited_for_and_then_reported(
    postgres_url: str, open_test_warehouse: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = open_test_warehouse(postgres_url)
    warehouse.prepare([TICKETS], {})
    monkeypatch.setattr("ticket_pipelines.warehouse.postgres.DDL_WAIT", "50ms")
    other = psycopg2.connect(postgres_url)
    other.cursor().execute("LOCK TABLE helpdesk.zendesk_tickets IN ACCESS SHARE MODE")
    wider = table(extra=[TableColumn("more", Kind.TEXT)])
    with pytest.raises(WarehouseUnavailableError, match="lock timeout"):
        warehouse.ensure(wider)
    other.rollback()
    other.close()
    warehouse.ensure(wider)
    assert "more" in warehouse.columns("zendesk_tickets")


def test_too_many_connections_are_transient(own_postgres_server: PostgresServer, tmp_path: Path) -> None:
    own_postgres_server.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    with pytest.raises(WarehouseUnavailableError, match="too many connections"):
        open_warehouse(own_postgres_server.url("postgres", "crowded"), tmp_path).prepare([TICKETS], {})


def test_a_role_without_rights_to_create_anything_but_tables_suffices(
    postgres_server: PostgresServer, postgres_url: str, open_test_warehouse: Opener
) -> None:
    database = postgres_url.rpartition("/")[2]
    role = f"loader_{database}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
    postgres_server.execute(f"REVOKE CREATE ON DATABASE {database} FROM PUBLIC; CREATE SCHEMA helpdesk", database)
    postgres_server.execute(f"GRANT USAGE, CREATE ON SCHEMA helpdesk TO {role}", database)
    postgres_server.execute(f"ALTER ROLE {role} SET search_path = nowhere", database)
    try:
        warehouse = open_test_warehouse(postgres_server.url(database, role))
        warehouse.prepare([TICKETS], {"ids": "SELECT id FROM helpdesk.zendesk_tickets"})
        pipeline = warehouse.pipeline("zendesk", "acme")
        for count in (1, 300):
            rows = arrow([row(str(number)) for number in range(count)])
            pipeline.load({"zendesk_tickets": rows}, {"zendesk_tickets": TICKETS}, {"count": count})
        assert pipeline.state() == {"count": 300}
        assert warehouse.query("SELECT count(*) AS n FROM helpdesk.ids").to_pylist() == [{"n": 300}]
        with pytest.raises(UsageError, match="permission denied"):
            warehouse.query("SELECT * FROM pg_config()")
        pipeline.close()
        warehouse.close()
    finally:
        postgres_server.execute(f"DROP OWNED BY {role}", database)
        postgres_server.execute(f"DROP ROLE {role}")


def test_a_missing_right_is_said_and_can_be_mended(
    postgres_server: PostgresServer, postgres_url: str, open_test_warehouse: Opener
) -> None:
    role = f"reader_{postgres_url.rpartition('/')[2]}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        warehouse = open_test_warehouse(postgres_server.url(postgres_url.rpartition("/")[2], role))
        with pytest.raises(WarehouseUnavailableError, match="permission denied for database"):
            warehouse.prepare([TICKETS], {})
        warehouse.close()
    finally:
        postgres_server.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("option", ["sslmode=disable", "application_name=mine&connect_timeout=3"])
def test_options_of_the_url_work(postgres_url: str, open_test_warehouse: Opener, option: str) -> None:
    warehouse = open_test_warehouse(f"{postgres_url}?{option}".replace("postgres@", "postgres:any%20password@"))
    pipeline = warehouse.pipeline("zendesk", "acme")
    pipeline.load({"zendesk_tickets": arrow([row("1")])}, {"zendesk_tickets": TICKETS}, {})
    assert "password" not in warehouse.label
    pipeline.close()


def test_a_duckdb_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    warehouse = open_warehouse(f"duckdb:///{tmp_path}/file/warehouse.duckdb", tmp_path)
    with pytest.raises(WarehouseUnavailableError):
        warehouse.prepare([TICKETS], {})


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("not a database" * 1000)
    with pytest.raises(WarehouseUnavailableError, match=r"x\.duckdb"):
        open_warehouse(f"duckdb:///{tmp_path}/x.duckdb", tmp_path).prepare([TICKETS], {})

"""What a query of people's may touch in PostgreSQL, where our role is a superuser, and in DuckDB: tables alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.postgres_admission import refusal
from ticket_pipelines_tests.warehouse.rows import TICKETS

Opener = Callable[[str], Warehouse]

POSTGRES = [
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_catalog.pg_read_binary_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT U&\"pg_read\\005ffile\"('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/ticket-pipelines-exported')",
    "SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS x (a int)",
    "SELECT rolpassword FROM pg_authid",
    "TABLE pg_shadow",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT set_config('role', 'postgres', true)",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT query_to_xml/* a comment */('SELECT 1', true, true, '')",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(pg_' || 'read_file(''PG_VERSION''))')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity",
    "SELECT pg_reload_conf()",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_stat_reset()",
    "SELECT pg_switch_wal()",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
]
AS_READER = ["SELECT current_setting('data_directory')", "SELECT * FROM pg_config()"]
"""Not named by us: the role refuses them."""
DUCKDB = [
    "SELECT getenv('HOME')",
    "SELECT content FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
    "SELECT * FROM read_parquet('s3://x/y')",
    "FROM '/etc/passwd'",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM query('DROP TABLE x')",
    "SELECT * FROM enable_profiling()",
    "SELECT * FROM glob('/*')",
    "LOAD httpfs",
    "EXPORT DATABASE '/tmp/ticket-pipelines-exported'",
    "USE main",
]


def refused(warehouse: Warehouse, sql: str, says: str = ".") -> None:
    with pytest.raises(UsageError, match=says) as raised:
        warehouse.query(sql)
    assert len(str(raised.value).splitlines()) <= 2


def test_a_superusers_query_reaches_no_file_no_right_and_no_session(
    postgres_url: str, open_test_warehouse: Opener
) -> None:
    warehouse = open_test_warehouse(postgres_url)
    warehouse.prepare([TICKETS], {"ids": "SELECT id FROM helpdesk.zendesk_tickets"})
    for sql in POSTGRES:
        refused(warehouse, sql, "not allowed")
    for sql in AS_READER:
        refused(warehouse, sql, "permission denied")
    assert warehouse.query("SELECT count(*) AS n FROM helpdesk.ids").to_pylist() == [{"n": 0}]
    columns = "id AS lo_number, id AS csv_to_xml"
    for sql in (f"SELECT {columns} FROM helpdesk.ids", "SELECT id FROM helpdesk.ids WHERE id ILIKE '%dblink, lo_res%'"):
        assert warehouse.query(sql).num_rows == 0
    assert warehouse.query("SELECT current_user AS role").to_pylist() == [{"role": "pg_read_all_data"}]


@pytest.mark.parametrize("sql", ["SELECT my_pg_read FROM t", "SELECT lower(x), log_date, blob FROM t", "SELECT 1"])
def test_names_that_only_resemble_are_let_through(sql: str) -> None:
    assert refusal(sql) is None


def test_a_query_of_duckdb_reaches_no_file_and_no_setting(tmp_path: Path, open_test_warehouse: Opener) -> None:
    warehouse = open_test_warehouse(f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    warehouse.prepare([TICKETS], {})
    for sql in DUCKDB:
        refused(warehouse, sql)
    assert not Path("/tmp/ticket-pipelines-exported").exists()

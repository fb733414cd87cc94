"""The record as the FibreFlow job kept it: the queries of its README run as they stand there, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import SyncRequest, Trigger
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.writeback.conftest import Writable

QUERIES = {
    "recent": """
-- Get recent job runs
SELECT
  id,
  started_at,
  status,
  total_processed,
  total_success,
  total_failed,
  success_rate,
  duration_seconds
FROM sync_job_history
ORDER BY started_at DESC
LIMIT 10;
""",
    "failed": """
-- Get failed jobs
SELECT * FROM sync_job_history
WHERE status = 'failed'
ORDER BY started_at DESC;
""",
    "statistics": """
-- Get job statistics
SELECT
  status,
  COUNT(*) as count,
  AVG(duration_seconds) as avg_duration,
  AVG(success_rate) as avg_success_rate
FROM sync_job_history
WHERE started_at >= NOW() - INTERVAL '7 days'
GROUP BY status;
""",
    "last": """
SELECT * FROM sync_job_history
ORDER BY started_at DESC
LIMIT 1;
""",
    "success_rate": """
SELECT
  COUNT(*) as total_jobs,
  COUNT(*) FILTER (WHERE status = 'success') as successful,
  COUNT(*) FILTER (WHERE status = 'failed') as failed,
  COUNT(*) FILTER (WHERE status = 'partial') as partial,
  AVG(success_rate) as avg_success_rate
FROM sync_job_history
WHERE started_at >= NOW() - INTERVAL '24 hours';
""",
    "recent_errors": """
SELECT
  started_at,
  error_code,
  error_message,
  duration_seconds
FROM sync_job_history
WHERE status = 'failed'
ORDER BY started_at DESC
LIMIT 5;
""",
    "last_error": """
SELECT error_message, error_code
FROM sync_job_history
WHERE status = 'failed'
ORDER BY started_at DESC
LIMIT 1;
""",
    "failed_tickets": """
SELECT
  sync_result->'errors' as errors
FROM sync_job_history
WHERE status = 'partial'
ORDER BY started_at DESC
LIMIT 1;
""",
}
HISTORY = (
    "id started_at completed_at duration_seconds status total_processed total_success total_failed success_rate"
    " inbound_processed inbound_success inbound_failed outbound_processed outbound_success outbound_failed"
    " error_message error_code sync_options sync_result created_at"
)
LOG = (
    "id ticket_id qcontact_ticket_id sync_direction sync_type request_payload response_payload status error_message"
    " synced_at"
)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tenant: Listening
) -> Iterator[Writable]:
    """A desk that was synced, pushed with one change that is parked, and failed at last; a paused one, too."""
    url = ""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    tenant.control.seed(settings={})
    with open_project({"TICKETS_HOME": str(tmp_path_factory.mktemp("home")), "TICKETS_WAREHOUSE": url}) as project:
        project.desks.add("fibre", "qcontact", {**tenant.config, "write_enabled": True}, tenant.logins["token"])
        desk = Writable(project, "fibre", tenant)
        sync_desk(project, "fibre")
        ticket = desk.cases()[0]
        desk.change(ticket, status="New")
        desk.add(ticket, {"status": "in_progress"})
        desk.add(ticket, {"assigned_to": 1})
        desk.add_note(ticket, "hello")
        desk.add(ticket, {"description": "new"})
        desk.push()
        project.desks.pause("fibre")
        sync_desk(project, "fibre", SyncRequest(trigger=Trigger.SCHEDULE))
        tenant.control.fail("refuse_credentials")
        sync_desk(project, "fibre")
        yield desk
        tenant.control.fail("restore_access")


def ask(project: Project, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.warehouse.query(sql).to_pylist()
    return found


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_the_old_readme_runs_as_it_stands_there(worked: Writable, name: str) -> None:
    rows = ask(worked.project, QUERIES[name])
    assert rows
    assert all(rows[0].values()) or name not in ("last_error", "failed_tickets")


def test_the_numbers_are_those_of_the_runs(worked: Writable) -> None:
    recent = ask(worked.project, QUERIES["recent"])
    assert [row["status"] for row in recent] == ["failed", "partial", "success"]
    failed, pushed, synced = recent
    assert (pushed["total_processed"], pushed["total_success"], pushed["total_failed"]) == (4, 3, 1)
    assert float(pushed["success_rate"]) == 0.75
    assert (synced["total_failed"], float(synced["success_rate"])) == (0, 1.0)
    assert (failed["total_processed"], failed["success_rate"]) == (0, None)
    (rates,) = ask(worked.project, QUERIES["success_rate"])
    assert (rates["total_jobs"], rates["successful"], rates["failed"], rates["partial"]) == (3, 1, 1, 1)
    (errors,) = ask(worked.project, QUERIES["failed_tickets"])
    (error,) = json.loads(errors["errors"])
    assert (error["operation"], error["cause"]) == ("assignment", "refused")
    (told,) = ask(worked.project, QUERIES["last_error"])
    assert told["error_code"] == "credentials"
    both = ask(worked.project, "SELECT sum(inbound_processed) AS i, sum(outbound_processed) AS o FROM sync_job_history")
    assert (int(both[0]["i"]), int(both[0]["o"])) == (synced["total_processed"], 4)


@pytest.mark.parametrize(("view", "columns"), [("sync_job_history", HISTORY), ("qcontact_sync_log", LOG)])
def test_both_views_have_the_old_columns_in_both_schemas(worked: Writable, view: str, columns: str) -> None:
    here = worked.project.warehouse.query(f"SELECT * FROM {view}")
    there = worked.project.warehouse.query(f"SELECT * FROM {SCHEMA}.{view}")
    assert here.schema.names == there.schema.names == columns.split()
    assert here.num_rows == there.num_rows > 0


def test_the_log_has_a_row_per_change_and_one_per_run(worked: Writable) -> None:
    sql = "SELECT * FROM qcontact_sync_log WHERE sync_type <> 'full_sync' ORDER BY sync_type"
    rows = ask(worked.project, sql)
    assert [(row["sync_type"], row["sync_direction"], row["status"]) for row in rows] == [
        ("assignment", "outbound", "failed"),
        ("field_update", "outbound", "success"),
        ("note_add", "outbound", "success"),
        ("status_update", "outbound", "success"),
    ]
    assert {row["qcontact_ticket_id"] for row in rows} == {worked.cases()[0]}
    assert len({row["id"] for row in rows}) == 4
    assert "assigned_to must exist" in rows[0]["error_message"]
    assert json.loads(rows[3]["request_payload"]) == {"fields": {"status": "InProgress"}}
    assert json.loads(rows[3]["response_payload"])["outcome"] == "written"
    runs = ask(worked.project, "SELECT status FROM qcontact_sync_log WHERE sync_type = 'full_sync' ORDER BY synced_at")
    assert [row["status"] for row in runs] == ["success", "partial", "failed"]


def test_a_table_of_the_old_job_itself_is_left_alone(postgres_server: PostgresServer, tmp_path: Any) -> None:
    name = postgres_server.create_database()
    postgres_server.execute("CREATE TABLE sync_job_history (id int)", name)
    environ = {"TICKETS_HOME": str(tmp_path / "home"), "TICKETS_WAREHOUSE": postgres_server.url(name)}
    with open_project(environ) as project:
        assert project.warehouse.query("SELECT * FROM sync_job_history").schema.names == ["id"]
        assert project.warehouse.query("SELECT * FROM helpdesk.sync_job_history").num_columns == 20
        assert project.warehouse.query("SELECT * FROM qcontact_sync_log").num_columns == 10
    postgres_server.drop_database(name)


def test_views_with_other_columns_are_made_anew_in_both_schemas(postgres_server: PostgresServer, tmp_path: Any) -> None:
    name = postgres_server.create_database()
    environ = {"TICKETS_HOME": str(tmp_path / "home"), "TICKETS_WAREHOUSE": postgres_server.url(name)}
    with open_project(environ) as project:
        project.warehouse.prepare([], {"sync_job_history": "SELECT 1 AS one"})
        assert project.warehouse.query("SELECT * FROM sync_job_history").schema.names == ["one"]
    with open_project(environ) as project:
        assert project.warehouse.query("SELECT * FROM sync_job_history").num_columns == 20
    postgres_server.drop_database(name)

"""What goes wrong in one place costs nothing anywhere else, and a repair is never hidden by what it repairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from ticket_pipelines.control.database import desks
from ticket_pipelines.errors import WarehouseRejectedError, WarehouseUnavailableError
from ticket_pipelines.project import Project
from ticket_pipelines.sync import load
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.result import Mode, Status, SyncRequest, SyncResult
from ticket_pipelines.warehouse.duckdb import DuckDBWriter
from ticket_pipelines.warehouse.loading import DltDeskPipeline
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, serving
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.sync.conftest import MakeDesk
from ticket_pipelines_tests.sync.paper import ticket

EVENTS = "/api/v2/incremental/ticket_events"
COMMENTS = "/api/v2/tickets/35/comments"
FILE = {"id": 70, "file_name": "statement.pdf", "content_url": "https://files.example/70", "size": 3}


@dataclass(frozen=True)
class ScriptedDesk:
    """A Zendesk desk whose account answers what the test says."""

    project: Project
    account: Scripted

    def sync(self, **request: Any) -> SyncResult:
        return sync_desk(self.project, "acme", SyncRequest(**request))

    def ask(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project.warehouse.query(sql).to_pylist()
        return found


@pytest.fixture
def scripted(make_project: MakeProject) -> Iterator[ScriptedDesk]:
    with serving() as account:
        project = make_project()
        project.desks.add("acme", "zendesk", {"base_url": account.url}, {"access_token": "an-access-token"})
        yield ScriptedDesk(project, account)


def comment(body: str, *files: dict[str, Any], created_at: str = "2026-01-01T10:00:00Z") -> dict[str, Any]:
    about = {"id": 900, "type": "Comment", "event_type": "Comment", "author_id": 1, "public": True}
    return {**about, "body": body, "html_body": body, "attachments": list(files), "created_at": created_at}


def events(body: str, **more: Any) -> Reply:
    at = 1_767_261_600
    event = {"id": 50, "ticket_id": 35, "timestamp": at, "updater_id": 1, "via": "Web", **more}
    event["child_events"] = [comment(body, FILE)]
    return Reply({"ticket_events": [event], "end_time": at, "end_of_stream": True, "count": 1})


def listed(stream: str, *records: dict[str, Any]) -> Reply:
    return Reply({stream: list(records), "meta": {"has_more": False}})


@pytest.mark.parametrize("case", ["same second", "event read twice", "second earlier"])
def test_a_redacted_comment_replaces_what_the_event_brought(scripted: ScriptedDesk, case: str) -> None:
    scripted.account.on(EVENTS, events("my card is 4111"))
    scripted.sync(streams=("ticket_events",))
    if case == "event read twice":
        scripted.account.on(EVENTS, events("my card is 4111", metadata={"read": "again"}))
        scripted.sync(streams=("ticket_events",))
    created_at = "2026-01-01T09:59:59Z" if case == "second earlier" else "2026-01-01T10:00:00Z"
    scripted.account.on(COMMENTS, listed("comments", comment("REDACTED", created_at=created_at)))

    repaired = scripted.sync(ids=("35",), streams=("ticket_comments",))

    assert repaired.status is Status.SUCCESS
    assert scripted.ask("SELECT body_text FROM helpdesk.ticket_comments") == [{"body_text": "REDACTED"}]
    assert scripted.ask("SELECT id FROM helpdesk.attachments WHERE deleted_at IS NULL") == []
    again = scripted.sync(ids=("35",), streams=("ticket_comments",))
    assert (again.rows_created, again.rows_updated, again.rows_unchanged) == (0, 0, 1)


def test_a_repair_brings_a_restored_person_back(scripted: ScriptedDesk) -> None:
    person = {"id": 1, "name": "Ada", "role": "end-user", "updated_at": "2026-01-01T00:00:00Z"}
    gone = {**person, "active": False, "permanently_deleted": False}
    export = Reply({"users": [gone], "after_cursor": "c", "end_of_stream": True})
    scripted.account.on("/api/v2/incremental/users/cursor", export)
    scripted.sync(streams=("users",))
    back = {**person, "active": True, "updated_at": "2026-02-01T00:00:00Z"}
    scripted.account.on("/api/v2/users/show_many", Reply({"users": [back]}))

    scripted.sync(ids=("1",), streams=("users",))

    assert scripted.ask("SELECT is_active, deleted_at, deletion_kind FROM helpdesk.contacts") == [
        {"is_active": True, "deleted_at": None, "deletion_kind": None}
    ]


def test_an_endpoint_that_is_not_there_costs_its_own_stream_alone(scripted: ScriptedDesk) -> None:
    record = {"id": 1, "generated_timestamp": 5, "status": "new"}
    export = Reply({"tickets": [record], "after_cursor": "c", "end_of_stream": True})
    scripted.account.on("/api/v2/incremental/tickets/cursor", export)
    scripted.account.on("/api/v2/macros", Reply(b"", 404))

    result = scripted.sync(streams=("tickets", "macros"))

    assert result.status is Status.SUCCESS
    assert result.details["streams"]["macros"]["outcome"] == "unavailable"
    assert scripted.ask("SELECT id FROM helpdesk.tickets") == [{"id": "1"}]


def test_what_came_before_the_credentials_were_refused_is_loaded(scripted: ScriptedDesk) -> None:
    record = {"id": 1, "generated_timestamp": 5, "status": "new"}
    export = Reply({"tickets": [record], "after_cursor": "c", "end_of_stream": True})
    scripted.account.on("/api/v2/incremental/tickets/cursor", export)
    scripted.account.on("/api/v2/macros", Reply({"error": "Couldn't authenticate you"}, 401))

    result = scripted.sync(streams=("tickets", "macros"))

    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert scripted.ask("SELECT id FROM helpdesk.tickets") == [{"id": "1"}]


def test_a_stream_that_was_readable_once_makes_the_sync_partial_when_it_is_refused(scripted: ScriptedDesk) -> None:
    policies = Reply({"sla_policies": [{"id": 1, "title": "Gold"}], "count": 1, "next_page": None})
    refused = Reply({"error": {"title": "Forbidden", "message": "You do not have access to this page."}}, 403)
    scripted.account.on("/api/v2/slas/policies", refused)
    never = scripted.sync(streams=("sla_policies",))
    scripted.account.on("/api/v2/slas/policies", policies)
    scripted.sync(streams=("sla_policies", "groups"))
    scripted.account.on("/api/v2/slas/policies", refused)
    scripted.account.on("/api/v2/groups", listed("groups", {"id": 1, "name": "Support"}))

    lost = scripted.sync(streams=("sla_policies", "groups"))

    assert (never.status, never.details["streams"]["sla_policies"]["outcome"]) == (Status.SUCCESS, "unavailable")
    assert (lost.status, lost.error_code) == (Status.PARTIAL, "unavailable")
    assert "could be read before" in (lost.error_message or "")
    assert scripted.ask("SELECT deleted_at FROM helpdesk.zendesk_sla_policies") == [{"deleted_at": None}]


def test_a_list_that_comes_empty_sweeps_nothing_until_a_full_sync_says_so(scripted: ScriptedDesk) -> None:
    full = listed("groups", {"id": 1, "name": "Support"}, {"id": 2, "name": "Billing"})
    scripted.account.on("/api/v2/groups", full)
    scripted.sync(streams=("groups",))
    scripted.account.on("/api/v2/groups", listed("groups"))

    doubtful = scripted.sync(streams=("groups",))
    assert (doubtful.rows_deleted, doubtful.error_code) == (0, "malformed")
    assert "--mode full --stream groups" in (doubtful.error_message or "")

    certain = scripted.sync(streams=("groups",), mode=Mode.FULL)
    assert (certain.status, certain.rows_deleted) == (Status.SUCCESS, 2)


def test_a_failed_sync_between_two_slices_of_a_walk_loses_no_row(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tickets=[ticket(number) for number in range(300)])
    desk.sync()
    desk.account.records["tickets"] += [ticket(number, clock=1_500_000_000) for number in range(300, 310)]
    with desk.project.control.begin() as connection:
        connection.execute(sa.update(desks).values(next_due_at=datetime(2020, 1, 1, tzinfo=UTC)))
    monkeypatch.setattr(load, "DELAYS", ())
    monkeypatch.setattr("ticket_pipelines.sync.heads.SHAPE_VERSION", 2)
    loads, real = [], DltDeskPipeline.load

    def away_once(self: DltDeskPipeline, *package: Any) -> None:
        loads.append(package)
        if len(loads) == 3:
            raise WarehouseUnavailableError("away")
        real(self, *package)

    monkeypatch.setattr(DltDeskPipeline, "load", away_once)
    # the window leaves out what is new, so that only the sync between two slices can bring it
    desk.sync(
        mode=Mode.BACKFILL,
        since=datetime(2021, 1, 1, tzinfo=UTC),
        until=datetime(2024, 1, 1, tzinfo=UTC),
        bounds=Bounds(rows=100),
    )
    monkeypatch.setattr(DltDeskPipeline, "load", real)
    desk.sync()

    assert len(loads) > 3
    assert len(desk.table("paper_tickets", "id")) == 310


def test_a_fault_that_is_not_in_the_rows_sets_none_aside(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tickets=[ticket(number) for number in range(20)])

    def broken(*_: Any) -> None:
        raise TypeError("a fault of the program")

    with monkeypatch.context() as patched:
        patched.setattr("ticket_pipelines.warehouse.duckdb.DuckDBWriter.upsert", broken)
        failed = desk.sync()

    assert (failed.status, failed.rows_failed) == (Status.FAILED, 0)
    assert "TypeError" in (failed.error_message or "")
    assert desk.sync().rows_created == 20


def test_a_refusal_of_a_load_without_rows_is_said(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tickets=[])

    def refuse(*_: Any) -> None:
        raise WarehouseRejectedError("refused")

    monkeypatch.setattr(DltDeskPipeline, "load", refuse)
    assert (desk.sync().status, desk.sync().error_message) == (Status.FAILED, "refused")


@pytest.mark.parametrize("how", ["failed", "failed in a full sync", "stopped"])
def test_what_a_broken_load_left_of_a_new_record_goes_with_what_the_record_loses(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    desk = make_desk(tickets=[ticket(1, tags=["a", "b"])])
    upsert, refused = DuckDBWriter.upsert, []

    def refuse(self: DuckDBWriter, table: str, parquet: Path, columns: Sequence[str]) -> None:
        if table == "paper_tickets":
            refused.append(table)
            raise duckdb.IOException("the disk is full")
        upsert(self, table, parquet, columns)

    with monkeypatch.context() as full:
        full.setattr(load, "DELAYS", (1.0,) if how == "stopped" else ())
        full.setattr(DuckDBWriter, "upsert", refuse)
        request = SyncRequest(mode=Mode.FULL if how == "failed in a full sync" else Mode.INCREMENTAL)
        stopping = (lambda: bool(refused)) if how == "stopped" else (lambda: False)
        broken = sync_desk(desk.project, desk.key, request, stopping=stopping)
        assert broken.status is (Status.PARTIAL if how == "stopped" else Status.FAILED)
    assert [row["id"] for row in desk.table("ticket_comments")] == ["1:a", "1:b"]
    desk.account.records["tickets"] = [ticket(1, 1_700_000_001, tags=["a"])]
    assert desk.sync().status is Status.SUCCESS
    sql = "SELECT id FROM helpdesk.ticket_comments WHERE deleted_at IS NULL"
    assert desk.project.warehouse.query(sql).to_pylist() == [{"id": "1:a"}]

"""A Zoho Desk desk as the engine syncs it: deletions, credits, tokens, refusals, rebuild."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources.zoho_desk import children
from ticket_pipelines.control.database import access_tokens
from ticket_pipelines.control.status import status
from ticket_pipelines.desks.checking import check_desk
from ticket_pipelines.sync import recheck
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.result import Mode, Status, SyncResult
from ticket_pipelines_tests.end_to_end.zoho_desk.conftest import DeskDesk, MakeDeskDesk

TABLES = ("tickets", "ticket_comments", "ticket_events", "contacts", "agents", "accounts", "groups", "attachments")
OWN = "Waiting for spare part"
"""A status that the organization made, of the type Open."""


def outcome(result: SyncResult, stream: str) -> tuple[str, str]:
    found = result.details["streams"][stream]
    return found["outcome"], found["reason"] or ""


def test_everything_that_the_organization_holds_arrives(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced()
    living = desk.living()
    archived = {row["id"] for row in desk.held("tickets") if row["isArchived"]}
    assert desk.ids("tickets") == set(living) | archived
    said = [*desk.held("threads"), *desk.held("comments")]
    assert desk.ids("ticket_comments") == {row["id"] for row in said if row["ticketId"] in living}
    assert {row["id"] for row in desk.held("agents")} <= desk.ids("agents") & desk.ids("contacts")
    assert {row["id"] for row in desk.held("contacts")} <= desk.ids("contacts")
    assert desk.ids("accounts") == {row["id"] for row in desk.held("accounts")}
    assert desk.ids("groups") == {row["id"] for name in ("departments", "teams") for row in desk.held(name)}
    assert desk.ids("ticket_fields") == {f"ticket:{row['id']}" for row in desk.held("fields")}
    assert desk.ask("SELECT * FROM helpdesk.zoho_desk_tickets WHERE unparsed IS NOT NULL") == []


def test_a_second_sync_writes_nothing(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced()
    desk.vendor.control.clear_log()
    result = desk.synced()
    assert (result.rows_created, result.rows_updated, result.rows_deleted) == (0, 0, 0)
    assert desk.requests("/threads") == desk.requests("/comments") == []


def test_open_tickets_are_asked_for_once_a_day_and_the_deleted_ones_marked(
    make_desk_desk: MakeDeskDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk_desk(settings={"trashed_detail": True}, config={"details": False})
    open_ones = [key for key, row in desk.living().items() if row["statusType"] != "Closed"]
    desk.synced(streams=("tickets",))
    desk.change("trash_ticket", id=open_ones[0])
    desk.change("erase_ticket", id=open_ones[1])
    desk.vendor.control.clear_log()
    desk.synced(streams=("tickets",))
    assert [entry for entry in desk.requests("/tickets/3") if entry.path.count("/") == 4] == []

    monkeypatch.setattr(recheck, "stream_due", lambda *_: True)
    result = desk.synced(streams=("tickets",))

    assert result.rows_deleted == 2
    assert desk.row("tickets", open_ones[0], "deletion_kind") == {"deletion_kind": "soft"}
    assert desk.row("tickets", open_ones[1], "deletion_kind") == {"deletion_kind": "permanent"}
    asked = [entry.path for entry in desk.requests("/tickets/3") if entry.path.count("/") == 4]
    assert len(asked) == len(set(asked)) == len(open_ones)
    assert set(open_ones[2:]) <= desk.ids("tickets")

    desk.change("restore_ticket", id=open_ones[0])
    assert desk.synced(streams=("tickets",)).rows_updated >= 1
    assert open_ones[0] in desk.ids("tickets")


def test_a_ticket_that_turned_out_to_be_missing_is_asked_for_until_zoho_answers(
    make_desk_desk: MakeDeskDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk_desk(tickets=12)
    closed = next(iter(desk.living()))
    desk.change("close_ticket", id=closed)
    desk.synced()
    for key in desk.living():
        desk.change("update_ticket", id=key, subject="changed")
    desk.vendor.control.fail(match=f"/tickets/{closed}/", status=404, body={"errorCode": "URL_NOT_FOUND"}, times=3)
    # the sync comes to its bound before it asks what became of it
    monkeypatch.setattr(children, "SHARE", len(desk.living()) - 1)
    desk.sync()
    monkeypatch.setattr(children, "SHARE", 1_000)
    desk.change("erase_ticket", id=closed)
    desk.sync()

    assert closed not in desk.ids("tickets")


def test_threads_of_a_ticket_that_comes_out_of_the_trash_have_their_content(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    key = max(desk.living(), key=lambda key: int(desk.living()[key]["threadCount"]))
    desk.change("trash_ticket", id=key)
    # the second reading starts where the first one has read all that it was shown
    desk.synced(streams=("tickets", "threads"))
    desk.synced(streams=("tickets", "threads"))
    desk.change("restore_ticket", id=key)
    desk.vendor.control.clear_log()
    desk.synced(streams=("tickets", "threads"))
    sql = f"SELECT count(*) AS n, count(content) AS whole FROM helpdesk.zoho_desk_threads WHERE ticket_id = '{key}'"
    (found,) = desk.project.warehouse.query(sql).to_pylist()
    assert found["n"] == found["whole"] > 1
    desk.vendor.control.clear_log()
    desk.change("update_ticket", id=key, subject="changed")
    desk.synced(streams=("tickets", "threads"))
    # the newest lies in the overlap of what was read; the others are stored and not fetched again
    assert len(desk.requests(f"/tickets/{key}/threads/")) <= 1


def test_a_ticket_that_vanishes_while_its_threads_are_read_is_marked(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(tickets=12)
    desk.synced(streams=("tickets",))
    key = next(iter(desk.living()))
    desk.vendor.control.fail(match=f"/tickets/{key}", status=404, body={"errorCode": "URL_NOT_FOUND"}, times=None)
    result = desk.synced()
    assert result.rows_deleted == 1
    assert key not in desk.ids("tickets")


def test_the_reserve_of_credits_makes_the_sync_partial_and_the_next_goes_on(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(settings={"credits": 400}, config={"credit_reserve": 250})
    first = desk.sync()
    assert first.status is Status.PARTIAL
    assert outcome(first, "threads")[0] == "stopped"
    assert "credit_reserve" in outcome(first, "threads")[1]
    assert outcome(first, "contacts")[0] == "success"
    assert set(desk.living()) <= desk.ids("tickets")
    assert {entry.status for entry in desk.vendor.control.log()} == {200, 204}
    (told,) = status(desk.project.control, desk.project.desks.list(), datetime.now(UTC))[0].budget
    assert (told.limit, told.total) == ("credits", None)
    assert told.left is not None
    assert 200 <= told.left < 400

    desk.vendor.control.configure(credits=100_000)
    desk.synced()
    said = [*desk.held("threads"), *desk.held("comments")]
    assert desk.ids("ticket_comments") == {row["id"] for row in said if row["ticketId"] in desk.living()}


def test_used_up_credits_end_the_sync_partial_with_the_time_to_go_on(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(settings={"credits": 60}, config={"credit_reserve": 0, "details": False})
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.PARTIAL, "limit")
    assert "It can go on from" in outcome(result, "threads")[1]
    assert [entry.status for entry in desk.vendor.control.log()].count(429) == 1
    desk.vendor.control.clear_log()
    assert desk.sync().status is Status.PARTIAL
    assert desk.requests() == []


def test_a_stream_that_is_refused_is_said_and_the_others_come(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(login="tickets_only", tickets=12)
    result = desk.sync()
    assert result.status is Status.PARTIAL
    assert set(desk.living()) <= desk.ids("tickets")
    for stream in ("contacts", "agents", "departments"):
        said, reason = outcome(result, stream)
        assert said == "failed"
        assert "scope" in reason


def test_all_desks_of_a_refresh_token_share_one_token_that_is_kept_encrypted(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(tickets=12)
    desk.project.desks.add("other", "zoho_desk", desk.vendor.config, desk.vendor.credentials)
    other = DeskDesk(desk.project, "other", desk.vendor)
    for one in (desk, other, desk):
        one.synced(streams=("departments",))
    assert len(desk.requests("/oauth/v2/token")) == 1
    with desk.project.control.connect() as connection:
        rows = connection.execute(sa.select(access_tokens)).mappings().all()
    assert len(rows) == 1
    assert "1000." not in str(dict(rows[0]))


def test_a_rotated_secret_fails_the_sync_and_says_what_to_do(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(tickets=12)
    desk.synced(streams=("departments",))
    desk.vendor.control.fail("rotate_secret")
    desk.vendor.control.fail("expire_tokens")
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert "secret was changed" in (result.error_message or "")


def test_a_refresh_token_that_gets_no_more_tokens_ends_the_sync_partial_and_is_left_alone(
    make_desk_desk: MakeDeskDesk,
) -> None:
    desk = make_desk_desk(tickets=12)
    desk.vendor.control.fail(match="/oauth/v2/token", status=200, body={"error": "access_denied"}, times=None)
    for _ in range(2):
        result = desk.sync()
        assert (result.status, result.error_code) == (Status.PARTIAL, "limit")
        said, reason = outcome(result, "tickets")
        assert said == "stopped"
        assert "It can go on from" in reason
    assert len(desk.requests("/oauth/v2/token")) == 1
    assert desk.requests() == []


def test_a_check_says_what_may_be_read(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(login="without_search", tickets=12)
    found = {access.stream: access for access in check_desk(desk.project, desk.key)}
    assert all(access.readable for access in found.values())
    assert "Desk.search.READ" in found["tickets"].reason


def test_a_backfill_leaves_the_live_position_alone(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(config={"details": False})
    desk.synced(streams=("tickets",))
    since = datetime.now(UTC) - timedelta(days=200)
    result = desk.synced(mode=Mode.BACKFILL, since=since, streams=("tickets",))
    assert (result.rows_created, result.rows_updated) == (0, 0)
    assert result.rows_read == sum(row["createdTime"] >= since.isoformat()[:19] for row in desk.living().values())
    assert desk.synced(streams=("tickets",)).rows_read <= 2


def test_a_full_sync_that_comes_first_is_gone_on_from(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(config={"details": False})
    desk.synced(mode=Mode.FULL, streams=("tickets", "threads"))
    key = next(iter(desk.living()))
    desk.change("reply", id=key)
    desk.vendor.control.clear_log()
    result = desk.synced(streams=("tickets", "threads"))
    assert result.rows_created >= 1
    assert len([e for e in desk.requests("/threads") if e.path.endswith("/threads")]) == 1


def test_unified_rows_are_the_same_when_derived_again(make_desk_desk: MakeDeskDesk) -> None:
    """On each engine: `sync/test_rebuild.py`; that they hold the same rows: `equivalence`."""
    desk = make_desk_desk(tickets=12)
    desk.synced()
    desk.synced(streams=("ticket_history",))

    def rows(table: str) -> list[dict[str, Any]]:
        found = desk.ask(f"SELECT * FROM helpdesk.{table} ORDER BY id")
        return [{name: value for name, value in row.items() if name != "synced_at"} for row in found]

    before = {table: rows(table) for table in TABLES}
    rebuild_desk(desk.project, desk.key)
    assert {table: rows(table) for table in TABLES} == before


def test_a_desk_says_what_its_statuses_mean_and_a_rebuild_brings_it_to_the_rows_that_are_in(
    make_desk_desk: MakeDeskDesk,
) -> None:
    desk = make_desk_desk(tickets=12, config={"details": False, "status_map": {OWN: "in_progress"}})
    key = next(iter(desk.living()))
    desk.change("update_ticket", id=key, status=OWN)
    desk.synced(streams=("tickets",))
    assert desk.row("tickets", key, "status, status_raw") == {"status": "in_progress", "status_raw": OWN}

    desk.project.desks.update(desk.key, {"status_map": {OWN: "assigned"}})
    rebuild_desk(desk.project, desk.key)
    assert desk.row("tickets", key, "status, status_category") == {"status": "assigned", "status_category": "open"}

"""What the Zoho Sync Service lost arrives: each of its losses, from the emulated organization to SQL."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.zoho_desk.conftest import DeskDesk, MakeDeskDesk

MAIN = ("tickets",)


@pytest.fixture
def desk(make_desk_desk: MakeDeskDesk) -> DeskDesk:
    made = make_desk_desk()
    made.synced(streams=MAIN)
    return made


def some(desk: DeskDesk) -> str:
    return next(key for key, row in desk.living().items() if row["assigneeId"] and row["statusType"] == "Open")


def test_an_incremental_sync_reads_what_changed_and_nothing_else(desk: DeskDesk) -> None:
    key = some(desk)
    desk.change("update_ticket", id=key, subject="A new subject")
    desk.vendor.control.clear_log()

    result = desk.synced(streams=MAIN)

    assert (result.rows_created, result.rows_updated) == (0, 1)
    assert desk.row("tickets", key, "subject") == {"subject": "A new subject"}
    assert len(desk.requests()) <= 4


def test_changes_that_carry_a_time_before_our_last_sync_arrive(desk: DeskDesk) -> None:
    """The old watermark was its own clock: what the vendor dated earlier was lost."""
    key = some(desk)
    newest = max(row["modifiedTime"] for row in desk.living().values())
    desk.change("update_ticket", id=key, subject="Late", at=newest)
    desk.synced(streams=MAIN)
    assert desk.row("tickets", key, "subject") == {"subject": "Late"}


def test_fields_that_the_list_lacks_are_filled(desk: DeskDesk) -> None:
    fields = {
        "group_id": "departmentId",
        "assignee_id": "assigneeId",
        "requester_id": "contactId",
        "description_html": "description",
        "category": "category",
        "layout_id": "layoutDetails",
    }
    held = desk.living()
    rows = desk.ask(f"SELECT id, {', '.join(fields)} FROM helpdesk.tickets WHERE NOT is_archived")
    assert {row["id"] for row in rows} == set(held)
    for column, field in fields.items():
        assert any(row[column] for row in rows), column
        for row in rows:
            expected: Any = held[row["id"]][field]
            assert row[column] == (expected["id"] if isinstance(expected, dict) else expected), column


def test_the_time_of_change_is_filled_and_is_the_version(desk: DeskDesk) -> None:
    rows = desk.ask("SELECT id, version, epoch_ms(updated_at) AS at FROM helpdesk.tickets WHERE NOT is_archived")
    assert rows
    assert all(row["version"] == row["at"] for row in rows)


def test_a_change_that_moves_no_time_comes_with_a_full_sync(desk: DeskDesk) -> None:
    key = some(desk)
    desk.change("update_ticket", id=key, subject="By an automation", bump=False)

    desk.synced(streams=MAIN, mode="full")

    assert desk.row("tickets", key, "subject") == {"subject": "By an automation"}


def test_what_is_not_as_documented_is_data_or_set_aside_alone(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    streams = ("tickets", "threads", "ticket_history")
    desk.synced(streams=streams)
    key, gone = some(desk), "77"
    now = {"modifiedTime": desk.living()[key]["modifiedTime"]}
    found = [now, {**now, "id": gone, "threadCount": 1.5, "customerResponseTime": {}}, {**now, "id": key}]
    threads = [{"id": "1", "status": 5, "createdTime": []}, {"status": "SUCCESS"}]
    events = [{"eventName": "TicketUpdated", "eventTime": 5, "actor": "SYSTEM"}]
    for match, body in (
        ("modifiedTimeRange", {"data": found, "count": 3}),
        (rf"/{key}/threads\?", {"data": threads}),
        (rf"/{key}/threads/1\?", {"id": "1", "status": 5}),
        (rf"/{key}/[Hh]istory", {"data": events}),
    ):
        desk.vendor.control.fail(status=200, match=match, body=body)

    result = desk.sync(streams=streams)

    assert (result.status, result.error_code, result.rows_failed) == (Status.PARTIAL, "rows_failed", 2)
    assert desk.row("zoho_desk_threads", "1", "status") == {"status": "5"}
    made = desk.ask("SELECT actor FROM helpdesk.zoho_desk_ticket_history WHERE id LIKE '%:TicketUpdated:SYSTEM:0'")
    assert len(made) == 1


def test_names_of_department_assignee_and_contact_are_joined(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced(streams=("tickets", "agents", "departments", "contacts", "accounts"))
    of_account = {row["id"] for row in desk.held("contacts") if row["accountId"]}
    key = next(key for key, row in desk.living().items() if row["assigneeId"] and row["contactId"] in of_account)
    row = desk.row("ticket_details", key, "group_name, assignee_name, assignee_email, requester_name, account_name")
    assert all(row.values()), row


def test_a_contact_that_no_list_shows_comes_with_its_ticket(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced(streams=("tickets", "contacts"))
    listed = {row["id"] for row in desk.held("contacts")}
    strangers = {row["contactId"] for row in desk.living().values() if row["contactId"]} - listed
    assert strangers
    assert strangers <= desk.ids("contacts")
    versions = desk.ask("SELECT id, version FROM helpdesk.contacts")
    assert {row["id"] for row in versions if row["version"] > 0} == listed


def test_custom_fields_and_tags_are_filled(desk: DeskDesk) -> None:
    held = desk.living()
    with_tags = [key for key, row in held.items() if row["tagCount"] != "0"]
    assert with_tags
    for key in with_tags:
        row = desk.row("tickets", key, "tags, custom_fields")
        assert row["tags"].count('"') == 2 * int(held[key]["tagCount"])
        assert "cf_order_number" in row["custom_fields"]


def test_response_and_resolution_times_are_filled_where_the_stream_is_on(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(config={"streams": ["tickets", "ticket_metrics"]})
    desk.synced()
    rows = desk.ask(
        "SELECT first_response_time, first_response_minutes, resolution_time FROM helpdesk.zoho_desk_ticket_metrics"
    )
    assert len(rows) == len(desk.living())
    assert any(row["first_response_time"] and row["first_response_minutes"] is not None for row in rows)
    assert any(row["resolution_time"] for row in rows)


def test_streams_that_cost_a_request_a_ticket_are_off_unless_named(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk(tickets=12)
    result = desk.synced()
    assert not {"ticket_history", "ticket_metrics"} & set(result.details["streams"])
    assert desk.requests("/History") == desk.requests("/metrics") == []
    desk.synced(streams=("ticket_history",))
    assert desk.ids("ticket_events")


def test_every_data_center_is_reached_by_its_own_address(make_desk_desk: MakeDeskDesk) -> None:
    """The old service wrote the American host into its code."""
    desk = make_desk_desk(config={"data_center": "eu"})
    assert desk.synced(streams=MAIN).rows_created == len(desk.ids("tickets"))


def test_created_and_updated_are_counted_right(desk: DeskDesk) -> None:
    desk.change("create_ticket", count=3)
    desk.change("update_ticket", id=some(desk), subject="changed")
    result = desk.synced(streams=MAIN)
    # the three new ones are completed by their details in the same sync
    assert result.rows_created == 3
    assert result.rows_updated == 1 + 3
    assert desk.synced(streams=MAIN).rows_updated == 0


def test_a_deleted_ticket_is_noticed(desk: DeskDesk) -> None:
    key = some(desk)
    desk.change("trash_ticket", id=key)
    desk.synced(streams=MAIN, ids=(key,))
    row = desk.row("tickets", key, "status, status_raw, deleted_at, deletion_kind, subject")
    assert row["deleted_at"] is not None
    assert (row["status"], row["deletion_kind"]) == (None, "permanent")
    assert row["subject"] is not None


def test_a_row_that_fails_makes_the_sync_partial(desk: DeskDesk) -> None:
    key = some(desk)
    body = {"data": [{"id": "", "modifiedTime": "2026-01-01T00:00:00.000Z", "subject": "no id"}], "count": 1}
    desk.vendor.control.fail(match="modifiedTimeRange", status=200, body=body)
    result = desk.sync(streams=MAIN)
    assert (result.status, result.rows_failed) == (Status.PARTIAL, 1)
    assert key in desk.ids("tickets")


def test_a_limit_backs_off_and_the_sync_still_succeeds(desk: DeskDesk) -> None:
    desk.vendor.control.fail(preset="too_many_requests", match="/tickets/search", times=1)
    result = desk.synced(streams=MAIN)
    assert result.api_wait_seconds >= 1

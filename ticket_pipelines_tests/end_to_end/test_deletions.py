"""Deletions arrive, with their kind; what is only out of sight at the vendor stays."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sync.result import Mode
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk

DAY = 86_400


def fate(desk: ZendeskDesk, table: str, key: Any) -> tuple[bool, str | None]:
    """Whether a row is marked as deleted, and how."""
    row = desk.row(table, key, "deleted_at, deletion_kind")
    return row["deleted_at"] is not None, row["deletion_kind"]


def test_the_life_of_a_deleted_ticket(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, **PAST)
    desk.synced(streams=("tickets",))
    key = next(ticket["id"] for ticket in desk.held("tickets") if ticket["status"] == "open")
    seen = [fate(desk, "tickets", key)]
    for op in ("delete_ticket", "restore_ticket", "delete_ticket", "scrub_ticket"):
        desk.change(op, id=key)
        desk.synced(streams=("tickets",))
        seen.append(fate(desk, "tickets", key))

    assert seen == [(False, None), (True, "soft"), (False, None), (True, "soft"), (True, "erased")]
    assert desk.row("tickets", key, "subject, status, status_raw") == {
        "subject": "SCRUBBED",
        "status": None,
        "status_raw": "deleted",
    }
    gone = {str(ticket["id"]) for ticket in desk.held("tickets") if ticket["status"] == "deleted"}
    rows = desk.ask("SELECT id FROM helpdesk.tickets WHERE deleted_at IS NOT NULL")
    assert {row["id"] for row in rows} == gone
    assert desk.count("tickets") == len(desk.held("tickets"))


def test_people_companies_and_groups_that_are_deleted(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, **PAST)
    streams = ("users", "organizations", "groups", "macros")
    desk.synced(streams=streams)
    soft, permanent = (
        user["id"]
        for user in [user for user in desk.held("users") if user["active"] and user["role"] == "end-user"][:2]
    )
    organization = desk.held("organizations")[0]["id"]
    kept, marked, dropped = (group["id"] for group in desk.held("groups") if not group["deleted"])
    vendor = desk.sandbox.zendesk.control
    vendor.mutate("delete_user", id=soft)
    vendor.mutate("delete_user", id=permanent, permanently=True)
    vendor.mutate("delete_organization", id=organization)
    vendor.mutate("delete_group", id=marked)
    desk.change("erase", stream="groups", id=dropped)

    result = desk.synced(streams=streams)

    assert result.rows_deleted == 5
    assert fate(desk, "contacts", soft) == (True, "soft")
    assert fate(desk, "contacts", permanent) == (True, "permanent")
    assert desk.row("contacts", permanent, "email") == {"email": None}
    assert fate(desk, "accounts", organization) == (True, "soft")
    assert [fate(desk, "groups", key) for key in (kept, marked, dropped)] == [
        (False, None),
        (True, "soft"),
        (True, "swept"),
    ]
    assert desk.row("groups", dropped, "name")["name"]
    assert desk.count("zendesk_groups") == len(desk.held("groups")) + 1


def test_archived_tickets_and_their_comments_survive_a_full_sync(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    vendor = desk.sandbox.zendesk.control
    streams = ("tickets", "ticket_events", "ticket_metric_events")
    desk.synced(streams=streams)
    tables = ("tickets", "ticket_comments", "ticket_events", "zendesk_ticket_metric_events")
    before = {table: desk.ask(f"SELECT * FROM helpdesk.{table} ORDER BY id") for table in tables}
    archived = vendor.state()["counts"]["archived_tickets"]
    vendor.clock(advance=400 * DAY)
    assert vendor.state()["counts"]["archived_tickets"] > archived > 0

    result = desk.synced(mode=Mode.FULL, streams=streams)

    assert (result.rows_created, result.rows_updated, result.rows_deleted) == (0, 0, 0)
    assert result.rows_read >= sum(len(desk.held(stream)) for stream in streams)
    assert {table: desk.ask(f"SELECT * FROM helpdesk.{table} ORDER BY id") for table in tables} == before

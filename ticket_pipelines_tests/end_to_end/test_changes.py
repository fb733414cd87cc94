"""Nothing that changes at the vendor is missed, read twice as two, or read in vain: from the account to SQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt_sources import VENDORS
from ticket_pipelines.control.status import runs
from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Mode, Status, SyncResult
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk

EXPORTS = [stream for stream in VENDORS["zendesk"].streams if stream.limit == "incremental"]
TICKETS = ("tickets", "ticket_events")


def changed(result: SyncResult) -> tuple[int, int, int, int]:
    """Created, updated, deleted, failed."""
    return result.rows_created, result.rows_updated, result.rows_deleted, result.rows_failed


def some_ticket(desk: ZendeskDesk, status: str = "open") -> dict[str, Any]:
    return next(ticket for ticket in desk.held("tickets") if ticket["status"] == status)


def test_a_ticket_that_an_automation_solves_is_solved_after_the_next_sync(
    warehouse_url: str, make_desk: MakeDesk
) -> None:
    desk = make_desk(warehouse_url, **PAST)
    desk.synced(streams=TICKETS)
    before = dict(some_ticket(desk))
    desk.change("automate_ticket", id=before["id"], status="solved")
    assert some_ticket(desk, "solved")["updated_at"] is not None

    assert changed(desk.synced(streams=TICKETS)) == (0, 1, 0, 0)

    ticket = desk.row("tickets", before["id"], "status, updated_at, system_updated_at")
    assert ticket["status"] == "solved"
    assert ticket["updated_at"].timestamp() == epoch(before["updated_at"])
    assert ticket["system_updated_at"] > ticket["updated_at"]
    assert desk.count("zendesk_tickets", "version <> generated_timestamp * 1000") == 0
    stamped = {ticket["id"]: ticket["generated_timestamp"] for ticket in desk.held("tickets")}
    for row in desk.ask("SELECT id, version FROM helpdesk.zendesk_tickets"):
        assert row["version"] == stamped[int(row["id"])] * 1000


def test_what_is_stamped_with_the_second_of_the_position_arrives_and_nothing_else_changes(
    warehouse_url: str, make_desk: MakeDesk
) -> None:
    desk = make_desk(warehouse_url, **PAST)
    streams = desk.synced(streams=(*TICKETS, "organizations")).details["streams"]
    clocks = {name: stream["cursor_after"]["clock"] for name, stream in streams.items()}
    # the second of the vendor's last row: what shares it came too late for the page that ended with it
    assert clocks["tickets"] == max(ticket["generated_timestamp"] for ticket in desk.held("tickets"))
    ticket = desk.change("create_ticket", at=clocks["tickets"])["id"]
    later = desk.change("update_ticket", id=ticket, at=clocks["ticket_events"], priority="high")["id"]
    organization = desk.change("create_organization", at=clocks["organizations"])["id"]
    desk.change("touch_ticket", id=ticket, at=clocks["tickets"])

    result = desk.synced(streams=(*TICKETS, "organizations"))

    created = {name: stream["rows"]["created"] for name, stream in result.details["streams"].items()}
    assert (created["tickets"], created["organizations"]) == (1, 1)
    assert created["ticket_events"] >= 1
    assert (result.rows_updated, result.rows_deleted) == (0, 0)
    assert ticket == later
    assert desk.count("tickets", f"id = '{ticket}'") == desk.count("accounts", f"id = '{organization}'") == 1
    assert desk.count("ticket_events", f"ticket_id = '{ticket}' AND field = 'priority'") >= 1


def test_a_page_that_is_followed_by_itself_ends_the_stream_and_the_next_sync_goes_on(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    control = desk.sandbox.zendesk.control
    for stream in ("tickets", "ticket_events"):
        control.fail("repeat", stream=stream, times=None)

    stuck = desk.sync(streams=TICKETS)

    assert stuck.status is Status.PARTIAL
    assert stuck.details["streams"]["tickets"]["outcome"] == "failed"
    assert "the same page again" in stuck.details["streams"]["tickets"]["reason"]
    assert len(desk.requests("/tickets/cursor")) <= 2
    assert len(desk.requests("/ticket_events")) <= 2

    control.heal()
    desk.synced(streams=TICKETS)
    assert desk.count("tickets") == len(desk.held("tickets"))
    assert desk.count("zendesk_ticket_events") == len(desk.held("ticket_events"))


def test_fifteen_hundred_tickets_of_one_second_all_arrive(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(streams=TICKETS)
    desk.sandbox.zendesk.control.clear_log()
    desk.change("create_ticket", count=1_500)

    assert changed(desk.synced(streams=TICKETS)) == (3_000, 0, 0, 0)

    # the position does not grow with the rows of its second
    after = runs(desk.project.control, desk.key)[0].details["streams"]
    assert all(len(json.dumps(after[stream]["cursor_after"])) < 200 for stream in TICKETS)
    assert desk.count("tickets") == len(desk.held("tickets")) == 1_540
    assert desk.count("zendesk_ticket_events") == len(desk.held("ticket_events"))
    assert len(desk.requests("/tickets/cursor")) == 2
    assert changed(desk.synced(streams=TICKETS)) == (0, 0, 0, 0)


class Busy(Quiet):
    """Opens a ticket and says something in an old one whenever a page came, as customers do during a long sync."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.control = sandbox.zendesk.control

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self.control.mutate("create_ticket")
        self.control.mutate("comment", id=1, body=f"during {stream}")
        self.control.clock(advance=40)


def test_what_happens_during_a_slow_sync_is_there_afterwards_without_a_gap_in_the_ids(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    desk.synced(progress=Busy(desk.sandbox), streams=("tickets", "users", "ticket_events", "organizations"))
    desk.sandbox.zendesk.control.clock(advance=120)
    desk.synced(streams=TICKETS)

    ids = {int(row["id"]) for row in desk.ask("SELECT id FROM helpdesk.tickets")}
    assert set(range(1, max(ids) + 1)) - ids == set()
    assert max(ids) == len(desk.held("tickets")) == desk.sandbox.zendesk.control.options.tickets + 4
    assert desk.count("ticket_comments") == len(desk.held("ticket_comments"))


def test_two_syncs_within_seconds_raise_no_error(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    desk.sandbox.zendesk.control.mutate("create_ticket", count=3)

    for _ in range(2):
        desk.synced(due_only=True)
    # a start within the minute that the vendor withholds would be refused
    desk.synced(mode=Mode.BACKFILL, since=datetime.now(UTC) - timedelta(seconds=10), streams=TICKETS)

    assert {entry.status for entry in desk.requests()} == {200}


def test_a_sync_with_nothing_new_makes_one_request_an_export_and_writes_no_row(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    began = datetime.now(UTC)
    desk.synced()
    rows = {row["id"]: row for row in desk.ask("SELECT * FROM helpdesk.zendesk_tickets")}
    desk.sandbox.zendesk.control.clear_log()

    due = desk.synced(due_only=True)

    always = {stream.path for stream in VENDORS["zendesk"].streams if not stream.scheduled_every}
    assert [entry.path for entry in desk.requests("/incremental/")] == [stream.path for stream in EXPORTS]
    assert {entry.path for entry in desk.requests()} <= always
    assert due.api_requests == len(desk.requests())
    assert changed(due) == (0, 0, 0, 0)

    desk.sandbox.zendesk.control.clear_log()
    whole = desk.synced()
    assert len(desk.requests("/incremental/")) == len(EXPORTS)
    assert changed(whole) == (0, 0, 0, 0)
    assert whole.rows_read == whole.rows_unchanged
    found = {row["id"]: row for row in desk.ask("SELECT * FROM helpdesk.zendesk_tickets")}
    assert found == rows
    assert all(row["synced_at"] >= began for row in rows.values())

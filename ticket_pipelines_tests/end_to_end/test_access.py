"""What the account does not let us read: said, recorded, and read once it may be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from dlt_sources import VENDORS
from dlt_sources.limits import MemoryBudgets
from dlt_sources.zendesk import reader
from ticket_pipelines.control.status import runs
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk
from ticket_pipelines_tests.fixtures.sandbox import AMPLE

THREADS = 50


def test_of_many_threads_that_find_their_token_expired_one_renews_it(sandbox: SandboxServer) -> None:
    account, vendor = sandbox.zendesk, VENDORS["zendesk"]
    clients = [vendor.open(account.config, account.credentials, MemoryBudgets()) for _ in range(THREADS)]
    start = Barrier(THREADS)

    def read(client: Any) -> int:
        start.wait(60)
        return sum(len(page.records) for page in client.pages(vendor.stream("groups"), {}))

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(read, clients)) == {len(account.control.records("groups"))}
        account.control.clear_log()
        account.control.fail("expire_tokens")
        assert set(threads.map(read, clients)) == {len(account.control.records("groups"))}
    for client in clients:
        client.close()

    asked = [entry.path for entry in account.control.log()]
    assert asked.count("/oauth/tokens") == 1
    assert {entry.status for entry in account.control.log() if entry.path == "/oauth/tokens"} <= {200, 201}


def outcome(desk: ZendeskDesk, stream: str) -> tuple[str, str | None]:
    """Outcome and reason of a stream, as the warehouse has them of the newest sync."""
    run = runs(desk.project.control, desk.key)[0]
    (row,) = desk.ask(f"SELECT status, details FROM helpdesk.sync_runs WHERE id = '{run.id}'")
    assert row["status"] == run.status
    found = run.details["streams"][stream]
    return found["outcome"], found["reason"]


def test_a_stream_that_the_plan_lacks_is_said_and_costs_nothing_else(make_desk: MakeDesk) -> None:
    ample = {"account_total": AMPLE, "incremental_total": AMPLE}
    desk = make_desk("", tickets=12, settings={**ample, "unavailable": {"sla_policies": 403}}, **PAST)

    result = desk.sync(streams=("groups", "sla_policies", "brands"))

    said, reason = outcome(desk, "sla_policies")
    assert (result.status, said) == (Status.SUCCESS, "unavailable")
    assert reason is not None
    assert "sla_policies" in reason
    assert desk.count("zendesk_groups") == len(desk.held("groups"))
    assert desk.count("zendesk_brands") == len(desk.held("brands"))


def test_a_ticket_that_is_gone_makes_a_repair_of_comments_partial_and_costs_nothing_else(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    gone = next(ticket["id"] for ticket in desk.held("tickets") if ticket["status"] == "deleted")
    said = [comment["ticket_id"] for comment in desk.held("ticket_comments")]
    longest = max(set(said) - {gone}, key=said.count)

    result = desk.sync(streams=("ticket_comments",), ids=(str(gone), str(longest)))

    assert (result.status, result.rows_failed) == (Status.PARTIAL, 0)
    assert outcome(desk, "ticket_comments") == ("partial", f"gone, or never there: id {gone}")
    assert result.error_message == f"gone, or never there: id {gone}"
    assert [entry.status for entry in desk.requests(f"/tickets/{gone}/")] == [404]
    assert desk.count("zendesk_ticket_comments") == desk.count("ticket_comments") == said.count(longest)


def test_a_chosen_ticket_that_never_was_is_named(make_desk: MakeDesk) -> None:
    desk = make_desk("", **PAST)
    there = desk.held("tickets")[0]["id"]

    result = desk.sync(ids=("999999", str(there), "999998"))

    assert (result.status, result.error_code) == (Status.PARTIAL, "not_found")
    assert result.error_message == "gone, or never there: id 999999, 999998"
    assert desk.count("tickets") == 1
    assert desk.sync(ids=(str(there),)).status is Status.SUCCESS


def test_a_stream_over_its_limit_is_stopped_and_said(make_desk: MakeDesk) -> None:
    desk = make_desk("", tickets=12, **PAST)
    desk.sandbox.zendesk.control.fail(
        stream="satisfaction_ratings",
        status=429,
        retry_after=40_000,
        times=None,
        body={"error": "APIRateLimitExceeded"},
    )

    result = desk.sync(streams=("tickets", "satisfaction_ratings"))

    said, reason = outcome(desk, "satisfaction_ratings")
    assert (result.status, said) == (Status.PARTIAL, "stopped")
    assert "satisfaction_ratings" in (reason or "")
    assert "It can go on from" in (reason or "")
    assert desk.count("tickets") == 12
    assert len(desk.requests("/satisfaction_ratings")) == 1


class Revoking(Quiet):
    """Takes the admin's role away after some pages."""

    def __init__(self, sandbox: SandboxServer, pages: int) -> None:
        self.control, self.left = sandbox.zendesk.control, pages

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self.left -= 1
        if self.left == 0:
            self.control.fail("revoke_role")


def test_a_right_that_is_revoked_in_the_middle_is_said_and_nothing_is_lost(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "EXPORT_PAGE", 25)
    desk = make_desk("", tickets=60, **PAST)
    streams = ("tickets", "users", "groups")

    result = desk.sync(progress=Revoking(desk.sandbox, 2), bounds=Bounds(rows=25), streams=streams)

    assert result.status is Status.PARTIAL
    for stream in ("tickets", "users"):
        said, reason = outcome(desk, stream)
        assert said == "failed"
        assert "admin" in (reason or "")
    assert outcome(desk, "groups") == ("success", None)
    assert desk.count("tickets") == 50

    desk.sandbox.zendesk.control.fail("restore_access")
    desk.sandbox.zendesk.control.clear_log()
    desk.synced(streams=streams)
    assert desk.count("tickets") == 60
    assert desk.count("contacts") == len(desk.held("users"))
    assert [entry.query.get("start_time") for entry in desk.requests("/tickets/cursor")] == [None]

"""Contract, sections 0, 2 (families A and B), 5.1, 5.2, 5.4, 5.8 to 5.10: incremental exports."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.asking import Asker

ALL = {"start_time": 0, "support_type_scope": "all"}


def ids(pages: Any, key: str) -> list[int]:
    return [record["id"] for page in pages for record in page[key]]


@pytest.mark.parametrize("per_page", [1, 7, 1000])
@pytest.mark.parametrize("suffix", ["", ".json"])
def test_cursor_pages_hold_each_ticket_once(sandbox: SandboxServer, per_page: int, suffix: str) -> None:
    """Section 2A: no repeated ids; `after_url` keeps the size; a cursor is there at the end, too."""
    asker = Asker(sandbox.zendesk)
    pages = list(asker.export(f"tickets/cursor{suffix}", **ALL, per_page=per_page))
    assert sorted(ids(pages, "tickets")) == [record["id"] for record in sandbox.zendesk.control.records("tickets")]
    assert len(pages) == -(-40 // per_page)
    assert all(page["after_cursor"] and page["before_cursor"] is None for page in pages)
    stamps = [record["generated_timestamp"] for page in pages for record in page["tickets"]]
    assert stamps == sorted(stamps)


def test_cursor_is_opaque_base64_of_time_and_id(sandbox: SandboxServer) -> None:
    page = Asker(sandbox.zendesk).get("incremental/tickets/cursor", **ALL, per_page=3).json
    last = page["tickets"][-1]
    assert base64.b64decode(page["after_cursor"]).decode() == f"{last['generated_timestamp']}.0||{last['id']}|"


def test_cursor_of_the_last_page_goes_on_where_it_ended(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    cursor = list(asker.export("tickets/cursor", **ALL))[-1]["after_cursor"]
    again = asker.get("incremental/tickets/cursor", cursor=cursor, support_type_scope="all").json
    assert (again["tickets"], again["end_of_stream"], again["after_cursor"]) == ([], True, cursor)
    asker.control.mutate("update_ticket", id=1, priority="urgent")
    asker.control.clock(advance=120)
    fresh = asker.get("incremental/tickets/cursor", cursor=cursor, support_type_scope="all").json
    assert [ticket["id"] for ticket in fresh["tickets"]] == [1]


def test_newest_minute_is_withheld(sandbox: SandboxServer) -> None:
    """Section 5.1: the newest minute is withheld from exports, not from lists."""
    asker = Asker(sandbox.zendesk)
    new = asker.control.mutate("create_ticket")["id"]
    assert new not in ids(asker.export("tickets/cursor", **ALL), "tickets")
    assert new not in [e["ticket_id"] for p in asker.export("ticket_events", **ALL) for e in p["ticket_events"]]
    assert asker.get(f"tickets/{new}").status == 200
    asker.control.clock(advance=61)
    assert new in ids(asker.export("tickets/cursor", **ALL), "tickets")


@pytest.mark.parametrize(("form", "code"), [(400, "StartTimeTooRecent"), (422, "InvalidValue")])
def test_too_recent_start_time(make_sandbox: Callable[..., SandboxServer], form: int, code: str) -> None:
    asker = Asker(make_sandbox(settings={"too_recent_status": form}).zendesk)
    now = int(asker.control.clock()["now"])
    refused = asker.get("incremental/users", start_time=now - 50)
    assert refused.status == form
    assert code in refused.body.decode()
    assert asker.get("incremental/users", start_time=now - 61).status == 200


@pytest.mark.parametrize("cursor", ["nonsense", base64.b64encode(b"x||y|").decode()])
def test_invalid_cursor(sandbox: SandboxServer, cursor: str) -> None:
    refused = Asker(sandbox.zendesk).get("incremental/tickets/cursor", cursor=cursor)
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "InvalidCursor")


@pytest.mark.parametrize("params", [{}, {"start_time": "yesterday"}])
def test_start_time_is_required(sandbox: SandboxServer, params: dict[str, str]) -> None:
    assert Asker(sandbox.zendesk).get("incremental/organizations", **params).status == 400


def test_small_time_pages_are_extended_to_the_whole_second(sandbox: SandboxServer) -> None:
    """Section 2B: with a small page, all rows of the last second come and `end_time` is the second after it."""
    pages = list(Asker(sandbox.zendesk).export("tickets", **ALL, per_page=1))
    burst = next(page for page in pages if page["count"] > 1)
    seconds = {ticket["generated_timestamp"] for ticket in burst["tickets"]}
    assert len(seconds) == 1
    assert burst["end_time"] == seconds.pop() + 1
    assert len(ids(pages, "tickets")) == len(set(ids(pages, "tickets"))) == 40


def test_full_page_of_a_thousand_ends_with_its_last_row(make_sandbox: Callable[..., SandboxServer]) -> None:
    """Section 2B: `end_time` of a full page is its last row's time, so boundary rows come again; more than 1,000 rows
    of one second come in one page."""
    asker = Asker(make_sandbox(tickets=1500, same_second=1100).zendesk)
    pages = list(asker.export("tickets", **ALL))
    last = pages[0]["tickets"][-1]["generated_timestamp"]
    assert (pages[0]["count"], pages[0]["end_time"]) == (1000, last)
    assert pages[1]["tickets"][0]["generated_timestamp"] == last
    assert max(page["count"] for page in pages) >= 1100
    assert len(set(ids(pages, "tickets"))) == 1500
    assert len(ids(pages, "tickets")) > 1500


def test_a_full_second_can_stall_the_time_export(make_sandbox: Callable[..., SandboxServer]) -> None:
    """Section 2B: `end_time == start_time` with 1,000 rows cannot advance."""
    settings = {"incremental_total": 1000, "whole_seconds": False}
    asker = Asker(make_sandbox(tickets=1500, same_second=1100, settings=settings).zendesk)
    second = asker.get("incremental/tickets", **ALL).json["end_time"]
    stalled = asker.get("incremental/tickets", start_time=second, support_type_scope="all").json
    assert (stalled["count"], stalled["end_time"], stalled["end_of_stream"]) == (1000, second, False)


def test_last_time_page_says_so_and_still_names_a_next_page(sandbox: SandboxServer) -> None:
    """Section 2B: `next_page` is filled on the last page, too."""
    for path in ("organizations", "ticket_events"):
        *_, last = Asker(sandbox.zendesk).export(path, start_time=0)
        assert last["end_of_stream"]
        assert last["next_page"]
        again = Asker(sandbox.zendesk).get(f"incremental/{path}", start_time=last["end_time"] + 1).json
        assert (again["count"], again["end_of_stream"], again["end_time"]) == (0, True, last["end_time"] + 1)


@pytest.mark.parametrize("path", ["tickets/cursor", "users/cursor"])
def test_position_can_be_null_on_an_empty_page(make_sandbox: Callable[..., SandboxServer], path: str) -> None:
    sandbox = make_sandbox(tickets=0, settings={"null_when_empty": True})
    since = int(sandbox.zendesk.control.clock()["now"]) - 100
    assert Asker(sandbox.zendesk).get(f"incremental/{path}", start_time=since).json["after_cursor"] is None


def test_large_pages_can_time_out(make_sandbox: Callable[..., SandboxServer]) -> None:
    """Section 4: 504 with text on big exports; a smaller page comes through."""
    asker = Asker(make_sandbox(settings={"slow_above": 250}).zendesk)
    refused = asker.get("incremental/tickets/cursor", start_time=0)
    assert (refused.status, refused.body) == (504, b"upstream request timeout")
    assert asker.get("incremental/tickets/cursor", start_time=0, per_page=250).status == 200


def test_scope_hides_ai_agent_tickets_by_default(sandbox: SandboxServer) -> None:
    """Section 0, fact 3."""
    asker = Asker(sandbox.zendesk)
    ai = {ticket["id"] for ticket in asker.control.records("tickets") if ticket["support_type"] == "ai_agent"}
    assert ai
    assert not ai & set(ids(asker.export("tickets/cursor", start_time=0), "tickets"))
    assert ai <= set(ids(asker.export("tickets/cursor", **ALL), "tickets"))
    only = set(ids(asker.export("tickets/cursor", start_time=0, support_type_scope="ai_agent"), "tickets"))
    assert only == ai
    events = asker.get("incremental/ticket_events", start_time=0).json["ticket_events"]
    assert not ai & {event["ticket_id"] for event in events}


def test_metric_sets_lie_inside_tickets(sandbox: SandboxServer) -> None:
    """Section 0, fact 5: `metric_set` in each ticket, null for deleted ones; other sideloads are lists beside them."""
    page = Asker(sandbox.zendesk).get("incremental/tickets/cursor", **ALL, include="metric_sets,users").json
    for ticket in page["tickets"]:
        assert (ticket["metric_set"] is None) == (ticket["status"] == "deleted")
        assert ticket["metric_set"] is None or ticket["metric_set"]["ticket_id"] == ticket["id"]
    assert {ticket["requester_id"] for ticket in page["tickets"]} == {user["id"] for user in page["users"]}
    assert "metric_set" not in Asker(sandbox.zendesk).get("incremental/tickets/cursor", **ALL).json["tickets"][0]


def test_tombstones_and_scrubbed_tickets_are_exported(sandbox: SandboxServer) -> None:
    """Section 0, facts 2 and 4; section 5.1."""
    asker = Asker(sandbox.zendesk)
    tickets = [ticket for page in asker.export("tickets/cursor", **ALL) for ticket in page["tickets"]]
    deleted = [ticket for ticket in tickets if ticket["status"] == "deleted"]
    scrubbed = [ticket for ticket in deleted if ticket["subject"] == "SCRUBBED"]
    assert scrubbed
    assert len(deleted) > len(scrubbed)
    assert {ticket["description"] for ticket in scrubbed} == {"X"}
    shapes = {tuple(sorted(ticket)) for ticket in tickets}
    assert len(shapes) == 1
    kept = ids(asker.export("tickets/cursor", **ALL, exclude_deleted="true"), "tickets")
    assert set(kept) == {ticket["id"] for ticket in tickets} - {ticket["id"] for ticket in deleted}


def test_archived_tickets_are_in_exports_only(sandbox: SandboxServer) -> None:
    """Section 5.1: archived tickets are exported, but not listed."""
    asker = Asker(sandbox.zendesk)
    asker.control.mutate("close_ticket", id=1)
    assert 1 in [ticket["id"] for ticket in asker.get("tickets", page__size=100).json["tickets"]]
    asker.control.clock(advance=121 * 86_400)
    listed = [ticket["id"] for ticket in asker.get("tickets", page__size=100).json["tickets"]]
    assert 1 not in listed
    assert 1 in ids(asker.export("tickets/cursor", **ALL), "tickets")
    assert asker.get("tickets/1").status == 200


def test_events_carry_comments_only_when_asked(sandbox: SandboxServer) -> None:
    """Section 5.4."""
    asker = Asker(sandbox.zendesk)
    plain = asker.get("incremental/ticket_events", **ALL).json["ticket_events"]
    full = asker.get("incremental/ticket_events", **ALL, include="comment_events").json["ticket_events"]
    said = [child for event in plain for child in event["child_events"] if child.get("comment_present")]
    comments = [child for event in full for child in event["child_events"] if "body" in child]
    assert len(said) == len(comments) == len(asker.control.records("ticket_comments"))
    assert not any("body" in child for event in plain for child in event["child_events"])
    assert {comment["type"] for comment in comments} == {"Comment", "VoiceComment"}
    assert {comment["public"] for comment in comments} == {True, False}
    assert any(comment["attachments"] for comment in comments)


def test_events_name_known_tickets_and_people(sandbox: SandboxServer) -> None:
    control = sandbox.zendesk.control
    tickets = {ticket["id"] for ticket in control.records("tickets")}
    users = {user["id"] for user in control.records("users")} | {-1}
    events = control.records("ticket_events")
    assert {event["ticket_id"] for event in events} == tickets
    assert {event["updater_id"] for event in events} <= users
    children = [child["id"] for event in events for child in event["child_events"]]
    assert len(children) == len(set(children))


def test_an_old_event_can_appear_again(sandbox: SandboxServer) -> None:
    """Section 5.4: old events can reappear."""
    asker = Asker(sandbox.zendesk)
    *_, last = asker.export("ticket_events", **ALL)
    old = asker.control.records("ticket_events")[0]
    asker.control.mutate("emit_event_again", id=old["id"])
    asker.control.clock(advance=120)
    page = asker.get("incremental/ticket_events", start_time=last["end_time"] + 1, support_type_scope="all").json
    assert [(event["id"], event["timestamp"]) for event in page["ticket_events"]] == [(old["id"], old["timestamp"])]


@pytest.mark.parametrize("says", [True, False])
def test_metric_events_by_time_may_not_say_the_end(make_sandbox: Callable[..., SandboxServer], says: bool) -> None:
    """Sections 5.8 and 6b."""
    asker = Asker(make_sandbox(settings={"metric_events_end_of_stream": says}).zendesk)
    page = asker.get("incremental/ticket_metric_events", start_time=0).json
    assert ("end_of_stream" in page) is says
    assert page["count"] == len(page["ticket_metric_events"])


def test_metric_events_by_cursor_are_chronological(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    answer = asker.get("incremental/ticket_metric_events", start_time=0, page__size=50)
    found = list(answer.json["ticket_metric_events"])
    while answer.json["meta"]["has_more"]:
        answer = asker.follow(answer.json["links"]["next"])
        found += answer.json["ticket_metric_events"]
    assert len(found) == len(asker.control.records("ticket_metric_events"))
    assert [event["time"] for event in found] == sorted(event["time"] for event in found)


def test_deleted_people_are_exported(sandbox: SandboxServer) -> None:
    """Sections 5.9 and 5.10."""
    asker = Asker(sandbox.zendesk)
    users = [user for page in asker.export("users/cursor", start_time=0) for user in page["users"]]
    gone = [user for user in users if "permanently_deleted" in user]
    assert gone
    assert all(not user["active"] and user["email"] is None for user in gone)
    organizations = asker.get("incremental/organizations", start_time=0).json["organizations"]
    assert any(organization["deleted_at"] for organization in organizations)
    assert len(users) == len(set(ids(asker.export("users", start_time=0), "users")))


def test_sample_holds_fifty_rows_at_most(make_sandbox: Callable[..., SandboxServer]) -> None:
    asker = Asker(make_sandbox(tickets=60).zendesk)
    assert len(asker.get("incremental/tickets/sample", start_time=0).json["tickets"]) == 50

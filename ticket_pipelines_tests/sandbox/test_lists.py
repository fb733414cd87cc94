"""Contract, sections 2 (families C, D, E), 5.3 and 5.5 to 5.7, 5.11, 5.12: lists and single records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.asking import Asker

LISTS = {
    "users": "users",
    "organizations": "organizations",
    "groups": "groups",
    "group_memberships": "group_memberships",
    "brands": "brands",
    "ticket_fields": "ticket_fields",
    "user_fields": "user_fields",
    "organization_fields": "organization_fields",
    "ticket_forms": "ticket_forms",
    "tags": "tags",
    "macros": "macros",
    "satisfaction_ratings": "satisfaction_ratings",
    "tickets": "tickets",
}


MOST_ROWS = 1000
"""No list of a test has more rows."""


def by_cursor(asker: Asker, path: str, key: str, **params: Any) -> list[Any]:
    answer = asker.get(path, **params)
    found = list(answer.json[key])
    while answer.json["meta"]["has_more"]:
        assert len(found) < MOST_ROWS, f"{path} has no end"
        answer = asker.follow(answer.json["links"]["next"])
        found += answer.json[key]
    return found


@pytest.mark.parametrize("path", LISTS)
def test_cursor_and_offset_list_the_same(sandbox: SandboxServer, path: str) -> None:
    asker = Asker(sandbox.zendesk)
    found = by_cursor(asker, path, LISTS[path], page__size=2)
    assert found == asker.get(path).json[LISTS[path]]
    assert len(found) > 1


def test_links_next_is_there_on_the_last_page(sandbox: SandboxServer) -> None:
    """Section 2C: loop on `has_more` only; the next page is empty and has no cursors."""
    asker = Asker(sandbox.zendesk)
    last = asker.get("groups", page__size=100).json
    assert last["meta"]["has_more"] is False
    assert last["links"]["next"]
    beyond = asker.follow(last["links"]["next"]).json
    assert beyond["groups"] == []
    assert "after_cursor" not in beyond["meta"]


@pytest.mark.parametrize("size", [0, 101])
def test_page_size_is_bound(sandbox: SandboxServer, size: int) -> None:
    assert Asker(sandbox.zendesk).get("users", page__size=size).status == 400


def test_offset_ends_after_a_hundred_pages(sandbox: SandboxServer) -> None:
    """Section 2D."""
    asker = Asker(sandbox.zendesk)
    assert asker.get("users", page=100).status == 200
    refused = asker.get("users", page=101)
    assert (refused.status, refused.json["errors"][0]["code"]) == (400, "InvalidPaginationDepth")


def test_offset_names_its_neighbours(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    first = asker.get("users", per_page=5).json
    second = asker.follow(first["next_page"]).json
    assert first["previous_page"] is None
    assert asker.follow(second["previous_page"]).json["users"] == first["users"]
    assert first["count"] == len(asker.get("users").json["users"])


def test_sla_policies_know_offset_only(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    assert asker.get("slas/policies", page__size=10).status == 400
    assert asker.get("slas/policies").json["count"] == 2


@pytest.mark.parametrize(
    ("path", "key", "asked", "flag"),
    [
        ("groups", "groups", {"exclude_deleted": "false"}, "deleted"),
        ("brands", "brands", {"include_deleted": "true"}, "is_deleted"),
    ],
)
def test_deleted_ones_are_listed_on_demand(
    sandbox: SandboxServer, path: str, key: str, asked: dict[str, str], flag: str
) -> None:
    asker = Asker(sandbox.zendesk)
    assert not any(record[flag] for record in asker.get(path).json[key])
    assert any(record[flag] for record in asker.get(path, **asked).json[key])


def test_titles_collide(sandbox: SandboxServer) -> None:
    fields = Asker(sandbox.zendesk).get("ticket_fields").json["ticket_fields"]
    titles = [field["title"] for field in fields]
    assert {"Order ID", "order-id", "order_id"} <= set(titles)
    assert titles.count("Priority") == 2
    assert any(len(title.encode()) > 63 for title in titles)
    product = next(field for field in fields if field["title"] == "Product")
    options = Asker(sandbox.zendesk).get(f"ticket_fields/{product['id']}/options").json["custom_field_options"]
    assert options == product["custom_field_options"]
    statuses = next(field for field in fields if field["type"] == "custom_status")["custom_statuses"]
    assert statuses == Asker(sandbox.zendesk).get("custom_statuses").json["custom_statuses"]


def test_tags_have_no_id(sandbox: SandboxServer) -> None:
    assert all(set(tag) == {"name", "count"} for tag in Asker(sandbox.zendesk).get("tags").json["tags"])


def test_schedules_have_holidays(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    schedules = asker.get("business_hours/schedules").json["schedules"]
    assert {schedule["time_zone"] for schedule in schedules} == {"Amsterdam", "Pacific Time (US & Canada)"}
    for schedule in schedules:
        holidays = asker.get(f"business_hours/schedules/{schedule['id']}/holidays").json["holidays"]
        assert [set(holiday) for holiday in holidays] == [{"id", "name", "start_date", "end_date"}] * 2


def test_ratings_are_bound_by_time(sandbox: SandboxServer) -> None:
    """Section 5.12: bounds must be more than 60 s old."""
    asker = Asker(sandbox.zendesk)
    ratings = asker.control.records("satisfaction_ratings")
    now = int(asker.control.clock()["now"])
    assert asker.get("satisfaction_ratings", start_time=0, end_time=now).status == 400
    within = asker.get("satisfaction_ratings", start_time=0, end_time=now - 61).json
    assert within["count"] == len(ratings)
    assert asker.get("satisfaction_ratings", start_time=now - 61).json["count"] == 0


def test_all_comments_of_a_long_ticket(sandbox: SandboxServer) -> None:
    """Section 5.5: 120 comments, with voice and private ones among them, oldest first."""
    asker = Asker(sandbox.zendesk)
    long = next(t["id"] for t in asker.control.records("tickets") if t["subject"] == "A long conversation")
    found = by_cursor(asker, f"tickets/{long}/comments", "comments", page__size=50)
    assert len(found) == asker.get(f"tickets/{long}/comments/count").json["count"]["value"] == 120
    assert sum(comment["type"] == "VoiceComment" for comment in found) > 10
    assert any(not comment["public"] for comment in found)
    assert not {"ticket_id", "updated_at", "event_type"} & set(found[0])
    newest = asker.get(f"tickets/{long}/comments", page__size=1, sort="-created_at").json["comments"]
    assert newest == found[-1:]


def test_redaction_and_privacy_change_comments_but_not_their_old_events(sandbox: SandboxServer) -> None:
    """Section 5.4: redactions and privacy changes are events of their own."""
    asker = Asker(sandbox.zendesk)
    said = asker.control.mutate("comment", id=1, body="my card is 4111")
    asker.control.mutate("redact_comment", comment=said["comment"])
    asker.control.mutate("make_private", comment=said["comment"])
    shown = asker.get("tickets/1/comments").json["comments"][-1]
    assert (shown["body"], shown["public"]) == ("▇▇▇▇▇", False)
    children = [child for event in asker.control.records("ticket_events")[-3:] for child in event["child_events"]]
    assert [child["event_type"] for child in children] == ["Comment", "CommentRedactionEvent", "CommentPrivacyChange"]
    assert (children[0]["body"], children[0]["public"]) == ("my card is 4111", True)


@pytest.mark.parametrize("child", ["", "/comments", "/audits", "/metrics"])
def test_deleted_tickets_have_no_children(sandbox: SandboxServer, child: str) -> None:
    """Section 5.1: 404 RecordNotFound."""
    asker = Asker(sandbox.zendesk)
    asker.control.mutate("delete_ticket", id=1)
    refused = asker.get(f"tickets/1{child}")
    assert (refused.status, refused.json) == (404, {"error": "RecordNotFound", "description": "Not found"})
    asker.control.mutate("restore_ticket", id=1)
    assert asker.get(f"tickets/1{child}").status == 200


def test_deleted_tickets_list_leaves_out_scrubbed_ones(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.mutate("delete_ticket", id=1)
    asker.control.mutate("scrub_ticket", id=2)
    listed = {row["id"]: row for row in asker.get("deleted_tickets").json["deleted_tickets"]}
    assert 1 in listed
    assert 2 not in listed
    assert listed[1]["actor"]["name"]


def test_audits_tell_what_events_tell(sandbox: SandboxServer) -> None:
    """Section 5.6; those of archived tickets come in one page with `meta` (6b)."""
    asker = Asker(sandbox.zendesk)
    audits = by_cursor(asker, "tickets/1/audits", "audits", page__size=1)
    own = [event for event in asker.control.records("ticket_events") if event["ticket_id"] == 1]
    assert [audit["id"] for audit in audits] == [event["id"] for event in own]
    assert {event["type"] for audit in audits for event in audit["events"]} >= {"Create", "Comment"}
    asker.control.mutate("close_ticket", id=1)
    asker.control.clock(advance=121 * 86_400)
    page = asker.get("tickets/1/audits", page__size=1).json
    assert page["meta"] == {"has_more": False}
    assert len(page["audits"]) == len(own) + 1


def test_show_many_takes_a_hundred_ids(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    shown = asker.get("tickets/show_many", ids="1,999999").json["tickets"]
    assert [ticket["id"] for ticket in shown] == [1]
    assert "generated_timestamp" not in shown[0]
    refused = asker.get("tickets/show_many", ids=",".join(map(str, range(101))))
    assert (refused.status, refused.json["error"], refused.json["max_count"]) == (400, "TooManyValues", 100)
    users = asker.control.records("users")[:2]
    assert asker.get("users/show_many", ids=",".join(str(user["id"]) for user in users)).json["users"] == users


def test_counts(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    count = asker.get("tickets/count").json["count"]
    assert count["value"] == len(asker.get("tickets").json["tickets"])
    assert count["refreshed_at"].endswith("+00:00")
    assert asker.get("users/count").json["count"]["value"] == len(asker.get("users").json["users"])


def test_search_is_capped(make_sandbox: Callable[..., SandboxServer]) -> None:
    """Section 5.3: 1,000 results, 422 beyond; the count is the true total; no cursor."""
    asker = Asker(make_sandbox().zendesk)
    assert asker.get("search", query="type:ticket", page__size=10).status == 400
    assert asker.get("search", query="type:ticket").json["count"] == len(asker.get("tickets").json["tickets"])
    assert asker.get("search", query="type:ticket", page=11).status == 422


def test_metrics_of_one_and_of_all(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    one = asker.get("tickets/1/metrics").json["ticket_metric"]
    assert one["ticket_id"] == 1
    assert one in by_cursor(asker, "ticket_metrics", "ticket_metrics", page__size=100)


def test_links_between_tickets(sandbox: SandboxServer) -> None:
    tickets = {ticket["id"]: ticket for ticket in sandbox.zendesk.control.records("tickets")}
    incidents = [ticket for ticket in tickets.values() if ticket["problem_id"]]
    assert all(tickets[incident["problem_id"]]["has_incidents"] for incident in incidents)
    assert incidents
    first = next(ticket for ticket in tickets.values() if ticket["followup_ids"])
    follow_up = tickets[first["followup_ids"][0]]
    assert follow_up["via"]["source"]["rel"] == "follow_up"
    assert follow_up["via"]["source"]["from"]["ticket_id"] == first["id"]
    loser = next(ticket for ticket in tickets.values() if "closed_by_merge" in ticket["tags"])
    assert loser["status"] == "closed"
    merges = [c for c in sandbox.zendesk.control.records("ticket_comments") if c["via"]["source"]["rel"] == "merge"]
    assert loser["id"] in {comment["ticket_id"] for comment in merges}


@pytest.mark.parametrize("path", ["nonsense", "tickets/1/nonsense"])
def test_unknown_endpoint(sandbox: SandboxServer, path: str) -> None:
    refused = Asker(sandbox.zendesk).get(path)
    assert (refused.status, refused.json["errors"][0]["code"]) == (404, "InvalidEndpoint")

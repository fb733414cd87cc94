"""A QContact desk from its first sync on: what stands in the vendor tables and in the unified ones."""

from __future__ import annotations

import json
from typing import Any

from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines_tests.end_to_end.qcontact.conftest import MakeQContactDesk, QContactDesk


def fields_of(desk: QContactDesk, key: str) -> dict[str, Any]:
    return next(case["fields"] for case in desk.held() if str(case["id"]) == key)


def test_all_of_it_arrives(desk: QContactDesk) -> None:
    assert desk.ids("qcontact_cases") == {str(case["id"]) for case in desk.held()} == desk.ids("tickets")
    assert desk.ids("qcontact_case_events") == {str(event["id"]) for event in desk.held("case_events")}
    said = {str(one["id"]) for one in desk.held("case_events") if one["event_type"] in ("note", "message")}
    assert desk.ids("ticket_comments") == said
    assert desk.ids("ticket_fields") >= {"ticket:status", "ticket:c__job_type"}


def test_a_case_is_a_ticket(desk: QContactDesk) -> None:
    for case in desk.held():
        fields, ticket = case["fields"], desk.row("tickets", case["id"])
        category, *rest = (fields["category"] or "").replace("|", "::").split("::")
        assert ticket["record_type"] == "case"
        assert (ticket["number"], ticket["status_raw"]) == (fields["reference"], fields["status"])
        assert (ticket["subject"] or "") == case["label"].removesuffix(fields["reference"]).strip()
        assert (ticket["category"] or "", ticket["subcategory"]) == (category, rest[0] if rest else None)
        assert ticket["assignee_id"] == (str(fields["assigned_to"]) if fields["assigned_to"] else None)
        assert ticket["requester_id"] == (str(fields["contact"]) if fields["contact"] else None)
        assert (ticket["description_text"], ticket["priority"]) == (fields["description"], None)
        assert ticket["location_ref"] == fields["c__dr_location"]
        assert json.loads(ticket["custom_fields"])["c__job_type"] == fields["c__job_type"]


def test_linked_names_come_from_relationships(desk: QContactDesk) -> None:
    key = next(str(case["id"]) for case in desk.held() if case["fields"]["assigned_to"] and case["fields"]["contact"])
    case = next(case for case in desk.held() if str(case["id"]) == key)
    details = desk.row("ticket_details", key)
    assert details["assignee_name"] == case["relationships"]["assigned_to"]["label"]
    assert details["requester_name"] == case["relationships"]["contact"]["label"]
    assert desk.row("agents", details["assignee_id"], "name")["name"] == details["assignee_name"]
    team = next(case["relationships"]["team"] for case in desk.held() if "team" in case["relationships"])
    assert desk.row("groups", team["id"], "name, kind") == {"name": team["label"], "kind": "team"}


def test_a_rename_arrives_with_the_next_sync(desk: QContactDesk) -> None:
    key = desk.some("Assigned")
    user = fields_of(desk, key)["assigned_to"]
    desk.change("rename", id=user, title="Other Name")
    desk.synced()
    assert desk.row("ticket_details", key)["assignee_name"] == "Other Name"


def test_statuses_by_the_map_of_the_model(desk: QContactDesk) -> None:
    found = {row["status_raw"]: row["status"] for row in desk.rows("tickets", "true", "id, status_raw, status")}
    assert found == {
        "New": "new",
        "Open": "open",
        "Assigned": "assigned",
        "In Progress": "in_progress",
        "In Review": "in_progress",
        "Escalated": "escalated",
        "Pending Customer Response": "pending",
        "Pending Company Response": "on_hold",
        "Reviewed": "solved",
        "Solved": "solved",
        "Unsolved - No Response": "cancelled",
        "Closed": "closed",
    }


def test_an_unknown_status_is_no_status_and_a_warning(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=1)
    key = desk.change("create", status="On Site", priority="Urgent")["id"]
    result = desk.synced()
    ticket = desk.row("tickets", key, "status_raw, status, status_category, priority, priority_rank")
    assert (ticket["status_raw"], ticket["status"], ticket["status_category"]) == ("On Site", None, None)
    assert (ticket["priority"], ticket["priority_rank"]) == ("urgent", 4)
    assert "status 'On Site' is not mapped" in str(result.details)


def test_a_status_map_says_what_a_label_means(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=1, config={"status_map": {"On Site": "in_progress", "Done": "closed"}})
    busy, done = (desk.change("create", status=status)["id"] for status in ("On Site", "done"))
    result = desk.synced()
    assert desk.row("tickets", busy, "status")["status"] == "in_progress"
    assert desk.row("tickets", done, "status")["status"] == "closed"
    assert "not mapped" not in str(result.details)
    desk.forget()
    desk.synced()
    # one is followed until it is closed, the other one is
    assert (len(desk.requests(f"/Case/{busy}")), len(desk.requests(f"/Case/{done}"))) == (1, 0)


def test_a_new_status_map_is_applied_to_what_is_stored_by_a_rebuild(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=3)
    key = desk.change("create", status="On Site")["id"]
    desk.synced()
    desk.project.desks.update(desk.key, {"status_map": {"On Site": "in_progress"}}, None)
    rebuild_desk(desk.project, desk.key)
    assert desk.row("tickets", key, "status")["status"] == "in_progress"
    assert desk.row("ticket_details", desk.some("Assigned"), "assignee_name")["assignee_name"]


def test_a_sync_without_changes_reads_open_cases_alone_and_writes_nothing(desk: QContactDesk) -> None:
    desk.forget()
    again = desk.synced()
    assert (again.rows_created, again.rows_updated, again.rows_deleted) == (0, 0, 0)
    closed = {
        str(c["id"]) for c in desk.held() if c["fields"]["status"] in ("Solved", "Closed", "Unsolved - No Response")
    }
    asked = {entry.path.split("/")[5] for entry in desk.requests("") if entry.path.count("/") > 4}
    assert asked == {str(case["id"]) for case in desk.held()} - closed


def test_a_sync_that_is_cut_off_goes_on(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=60)
    desk.vendor.control.fail(preset="forbidden", match="/events", skip=40, times=None)
    assert desk.sync(bounds=Bounds(rows=30)).status == "partial"
    assert len(desk.ids("tickets")) == 60
    desk.vendor.control.heal()
    desk.synced()
    assert desk.ids("qcontact_case_events") == {str(event["id"]) for event in desk.held("case_events")}


def test_other_entities_are_tables_of_their_own(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(config={"entities": ["Case", "Contact", "User", "Team"]})
    desk.synced()
    assert len(desk.ids("qcontact_teams")) == 1
    contact, user = desk.held("contacts")[0], desk.held("users")[0]
    assert desk.row("contacts", contact["id"], "name")["name"] == contact["label"]
    assert desk.row("agents", user["id"], "email")["email"] == user["fields"]["email"]
    desk.change("rename", id=contact["id"], title="Another")
    desk.synced()
    assert desk.row("contacts", contact["id"], "name")["name"] == "Another"

"""What the system that we replace loses of QContact arrives, each loss a test."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ticket_pipelines.sync.result import Mode, Status
from ticket_pipelines_tests.end_to_end.qcontact.conftest import MakeQContactDesk, QContactDesk


def events_of(desk: QContactDesk, key: str) -> list[dict[str, Any]]:
    columns = "id, event_type, field, old_value, new_value, actor_id, is_system"
    return desk.rows("ticket_events", f"ticket_id = '{key}'", columns)


def test_500_cases_arrive_and_not_50(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=500)
    result = desk.synced()
    assert desk.ids("tickets") == {str(case["id"]) for case in desk.held()}
    assert len(desk.ids("tickets")) == 500
    assert len(desk.requests("/entities/Case")) == 11  # ten pages, and the columns
    assert (result.rows_failed, result.success_rate) == (0, 1.0)


def test_a_change_arrives(desk: QContactDesk) -> None:
    key = desk.some("In Progress")
    desk.change("update", id=key, description="Neither shown in the list", c__dr_location="DR7")
    desk.synced()
    ticket = desk.row("tickets", key, "description_text, location_ref, custom_fields")
    assert (ticket["description_text"], ticket["location_ref"]) == ("Neither shown in the list", "DR7")
    assert json.loads(ticket["custom_fields"])["c__dr_location"] == "DR7"
    changed = {event["field"]: event["new_value"] for event in events_of(desk, key)}
    assert (changed["description"], changed["c__dr_location"]) == ("Neither shown in the list", "DR7")


def test_a_closure_arrives(desk: QContactDesk) -> None:
    key = desk.some("In Progress")
    before = desk.row("tickets", key, "version")["version"]
    desk.change("close", id=key)
    desk.synced()
    ticket = desk.row("tickets", key, "status_raw, status, status_category, version")
    assert (ticket["status_raw"], ticket["status"], ticket["status_category"]) == ("Closed", "closed", "closed")
    assert ticket["version"] > before
    last = events_of(desk, key)[-1]
    assert (last["event_type"], last["field"]) == ("change", "status")
    assert (last["old_value"], last["new_value"]) == ("In Progress", "Closed")


def test_what_happens_to_a_case_arrives_on_every_engine(warehouse_url: str, make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(warehouse_url=warehouse_url, tickets=6)
    desk.synced()
    closed, assigned = desk.some("Open"), desk.some("New")
    user = desk.held("users")[1]
    desk.change("close", id=closed)
    desk.change("update", id=assigned, status="Assigned", assigned_to=user["id"])
    note = desk.change("note", id=assigned, text="Waiting ☕")["event_id"]
    desk.synced()
    assert desk.row("tickets", closed, "status")["status"] == "closed"
    found = desk.row("ticket_details", assigned, "status, assignee_name, number, location_ref IS NULL AS nowhere")
    assert (found["status"], found["assignee_name"]) == ("assigned", user["label"])
    assert desk.row("ticket_comments", note, "body_text")["body_text"] == "Waiting ☕"
    said = [(event["field"], event["new_value"]) for event in events_of(desk, assigned)][-3:]
    assert sorted(said) == [("assigned_to", user["label"]), ("comment", note), ("status", "Assigned")]


def test_a_reopened_case_arrives(desk: QContactDesk) -> None:
    key = desk.some("Closed")
    desk.change("update", id=key, status="Open")
    desk.synced()
    assert desk.row("tickets", key, "status")["status"] == "open"
    assert desk.row("ticket_details", key, "reopened_at")["reopened_at"] is not None


def test_a_reassignment_arrives(desk: QContactDesk) -> None:
    key = desk.some("Escalated")
    case = next(case for case in desk.held() if str(case["id"]) == key)
    other = next(user for user in desk.held("users") if user["id"] != case["fields"]["assigned_to"])
    desk.change("update", id=key, assigned_to=other["id"], by=other["id"])
    desk.synced()
    details = desk.row("ticket_details", key, "assignee_id, assignee_name")
    assert details == {"assignee_id": str(other["id"]), "assignee_name": other["label"]}
    last = events_of(desk, key)[-1]
    assert (last["event_type"], last["field"], last["new_value"]) == ("assign", "assigned_to", other["label"])
    assert (last["actor_id"], last["is_system"]) == (other["fields"]["email"], False)
    assert desk.row("contacts", last["actor_id"], "name")["name"] == other["label"]


def test_notes_and_messages_arrive(desk: QContactDesk) -> None:
    key = desk.some("Open")
    internal = desk.change("note", id=key, text="Waiting ☕")["event_id"]
    public = desk.change("note", id=key, text="On the way", public=True)["event_id"]
    message = desk.change("message", id=key, html="<p>Still <b>broken</b></p>")["event_id"]
    desk.synced()
    columns = "ticket_id, kind, direction, is_public, body_text, body_html"
    assert desk.row("ticket_comments", internal, columns) == {
        "ticket_id": key,
        "kind": "note",
        "direction": "internal",
        "is_public": False,
        "body_text": "Waiting ☕",
        "body_html": None,
    }
    assert desk.row("ticket_comments", public, "direction, is_public") == {"direction": "out", "is_public": True}
    found = desk.row("ticket_comments", message, columns)
    assert (found["kind"], found["direction"]) == ("reply", None)
    assert (found["body_text"], found["body_html"]) == ("Still broken", "<p>Still <b>broken</b></p>")
    assert desk.row("ticket_events", f"{message}:0", "event_type, new_value") == {
        "event_type": "comment",
        "new_value": message,
    }


def test_a_note_on_a_case_that_was_just_closed_arrives(desk: QContactDesk) -> None:
    key = desk.some("In Review")
    desk.change("update", id=key, status="Solved")
    desk.synced()
    note = desk.change("note", id=key, text="Customer is happy")["event_id"]
    desk.synced()
    assert desk.row("ticket_comments", note, "ticket_id")["ticket_id"] == key


def test_chosen_cases_are_read_with_their_events_and_nothing_else(desk: QContactDesk) -> None:
    closed, open_ = desk.some("Closed"), desk.some("Open")
    desk.change("note", id=closed, text="Afterwards")
    desk.change("update", id=open_, status="Assigned")
    desk.forget()
    result = desk.synced(ids=(closed,))
    assert result.mode == "repair"
    assert "Afterwards" in {row["body_text"] for row in desk.rows("ticket_comments", f"ticket_id = '{closed}'")}
    assert desk.row("tickets", open_, "status")["status"] == "open"
    assert not desk.requests("/entities/Case")


def test_an_id_that_is_gone_is_named_and_marked(desk: QContactDesk) -> None:
    key = desk.some("Closed")
    desk.change("delete", id=key)
    result = desk.sync(ids=(key, "1"))
    assert result.status is Status.PARTIAL
    assert "1" in str(result.error_message)
    assert desk.row("tickets", key, "deletion_kind")["deletion_kind"] == "permanent"


def test_a_forced_sync_reads_closed_cases_again(desk: QContactDesk) -> None:
    key = desk.some("Unsolved - No Response")
    desk.change("note", id=key, text="Afterwards")
    desk.change("update", id=key, description="Changed where no list shows it", quiet=True)
    desk.synced()
    assert desk.row("tickets", key, "description_text")["description_text"] != "Changed where no list shows it"
    desk.synced(mode=Mode.FULL)
    assert desk.row("tickets", key, "description_text")["description_text"] == "Changed where no list shows it"
    assert "Afterwards" in {row["body_text"] for row in desk.rows("ticket_comments", f"ticket_id = '{key}'")}


def test_since_and_until_choose_cases_by_creation_and_events_by_their_time(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=0)
    old = desk.change("create", at="2026-01-10T00:00:00Z")["id"]
    inside = desk.change("create", at="2026-02-10T00:00:00Z")["id"]
    late = desk.change("create", at="2026-03-01T00:00:00Z")["id"]
    note = desk.change("note", id=old, at="2026-02-11T00:00:00Z")["event_id"]
    desk.change("note", id=inside, at="2026-03-02T00:00:00Z")
    since, until = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)

    desk.synced(mode=Mode.BACKFILL, since=since, until=until)

    assert desk.ids("tickets") == {inside}
    events = desk.rows("ticket_events", "true", "id, ticket_id, event_type")
    assert {event["ticket_id"] for event in events} == {old, inside}
    assert len(events) == 2
    assert desk.ids("ticket_comments") == {note}
    assert f"/api/v2/entities/Case/{late}" not in {entry.path for entry in desk.requests("")}
    # what was left out comes with the next sync all the same
    desk.synced()
    assert desk.ids("tickets") == {old, inside, late}


def test_an_unknown_priority_is_none_and_no_medium(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=0)
    key = desk.change("create", priority="Whenever")["id"]
    desk.synced()
    ticket = desk.row("tickets", key, "priority_raw, priority, priority_rank")
    assert ticket == {"priority_raw": "Whenever", "priority": None, "priority_rank": None}


def test_every_run_is_recorded_with_its_counts(desk: QContactDesk) -> None:
    desk.change("create")
    desk.change("close", id=desk.some("Open"))
    desk.synced()
    columns = "id, direction, mode, status, rows_created, rows_updated, rows_failed, duration_seconds"
    run = desk.ask(f"SELECT {columns} FROM helpdesk.sync_runs WHERE desk = '{desk.key}' ORDER BY started_at")[-1]
    assert (run["direction"], run["mode"], run["status"]) == ("inbound", "incremental", "success")
    # a case and its first event; the closed case, whose event is new
    assert (run["rows_created"], run["rows_updated"], run["rows_failed"]) == (3, 1, 0)
    assert run["duration_seconds"] > 0


def test_nothing_that_qcontact_answers_wrongly_is_ever_asked(desk: QContactDesk) -> None:
    desk.synced()
    asked = desk.requests("")
    assert asked
    assert not [entry for entry in asked if "view" in entry.query or "not_equals" in str(entry.query)]
    assert not [entry for entry in asked if {"uid", "client", "access-token"} & set(entry.query)]

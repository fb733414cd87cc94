"""Cases and deals are tickets, contacts and leads contacts, notes comments, users agents."""

from __future__ import annotations

import json

from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines_tests.end_to_end.zoho_crm.conftest import READABLE, MakeCrmDesk

PAST = {"now": "2026-06-01T12:00:00Z", "frozen": True}
UNIFIED = ("tickets", "contacts", "accounts", "agents", "ticket_comments", "ticket_fields")


def test_records_of_all_modules_are_unified_rows(warehouse_url: str, make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=READABLE, warehouse_url=warehouse_url, **PAST)
    case, deal, contact = (desk.held(module)[1]["id"] for module in ("Cases", "Deals", "Contacts"))
    desk.change("update", module="Cases", id=case, Status="Escalated", Priority="Medium", Case_Origin="Phone")
    desk.change("update", module="Cases", id=case, Related_To={"id": contact, "name": "x"}, Tag=[{"name": "vip"}])
    desk.change("update", module="Deals", id=deal, Stage="Closed Lost", Amount=99.5, Probability=40)
    desk.synced()

    ids = {module: {record["id"] for record in desk.held(module)} for module in READABLE}
    users = {user["id"] for user in desk.held("users")}
    assert desk.ids("tickets") == ids["Cases"] | ids["Deals"]
    assert desk.ids("contacts") == ids["Contacts"] | ids["Leads"] | users
    assert desk.ids("agents") == users
    assert desk.ids("accounts") == ids["Accounts"]
    tickets = ids["Cases"] | ids["Deals"]
    notes = {note["id"] for note in desk.held("Notes") if note["Parent_Id"] and note["Parent_Id"]["id"] in tickets}
    assert notes
    assert desk.ids("ticket_comments") == notes
    row = desk.row("tickets", case)
    assert {name: row[name] for name in ("record_type", "status_raw", "status", "status_category", "is_escalated")} == {
        "record_type": "case",
        "status_raw": "Escalated",
        "status": "escalated",
        "status_category": "in_progress",
        "is_escalated": True,
    }
    assert (row["priority"], row["priority_rank"], row["channel"], row["requester_id"]) == (
        "normal",
        2,
        "phone",
        contact,
    )
    assert json.loads(row["tags"]) == ["vip"]
    row = desk.row("tickets", deal)
    assert (row["record_type"], row["status"], row["amount"], row["probability"]) == ("deal", "cancelled", 99.5, 40.0)
    details = desk.row("ticket_details", case, "assignee_name, requester_name")
    assert all(details.values())


def test_ids_of_cases_and_deals_and_of_contacts_and_leads_never_meet(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=READABLE)
    ids = [record["id"] for module in READABLE for record in desk.held(module)]
    assert len(ids) == len(set(ids))


def test_custom_fields_are_keyed_by_their_api_names_and_defined(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases"], **PAST)
    key = desk.held("Cases")[1]["id"]
    desk.change("update", module="Cases", id=key, External_Ref="900000000000000123")
    desk.synced()

    assert json.loads(desk.row("tickets", key, "custom_fields")["custom_fields"])["External_Ref"] == 900000000000000123
    (value,) = desk.ask(
        "SELECT title, data_type, value_text FROM helpdesk.ticket_field_values"
        f" WHERE record_id = '{key}' AND field_id = 'External_Ref'"
    )
    assert value == {"title": "External Ref", "data_type": "integer", "value_text": "900000000000000123"}


def test_a_rebuild_gives_the_same_unified_rows(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=READABLE[:6], **PAST)
    desk.synced()
    desk.change("delete", module="Cases", id=desk.held("Cases")[3]["id"])
    desk.synced()
    before = {table: desk.ask(f"SELECT * FROM helpdesk.{table} ORDER BY id") for table in UNIFIED}

    done = rebuild_desk(desk.project, desk.key)

    assert not done.failed
    assert not done.retracted
    assert {table: desk.ask(f"SELECT * FROM helpdesk.{table} ORDER BY id") for table in UNIFIED} == before

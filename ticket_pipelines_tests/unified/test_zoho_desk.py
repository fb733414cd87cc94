"""Zoho Desk's records as unified rows. The records have the shape of Zoho's own examples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from dlt_sources.zoho_desk import ZOHO_DESK
from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.markup import text_of
from ticket_pipelines_tests.unified.vendor_rows import Record, rows_of, vendor_table
from ticket_pipelines_tests.unified.vendor_rows import mapped as mapped_of

mapped = partial(mapped_of, vendor="zoho_desk")

TICKET: Record = {
    "id": "1892000000042034",
    "ticketNumber": "101",
    "subject": "There is a delay",
    "description": "<div>Hi.<br/>There is a <b>delay</b> &amp; nobody answers.</div>",
    "status": "Open",
    "statusType": "Open",
    "priority": "High",
    "classification": "Problem",
    "category": "general",
    "subCategory": "Sub General",
    "channel": "Email",
    "departmentId": "1892000000006907",
    "contactId": "1892000000042032",
    "assigneeId": "1892000000056007",
    "teamId": "8920000000069071",
    "createdBy": "52338000000043001",
    "createdTime": "2013-11-04T11:21:07.000Z",
    "modifiedTime": "2016-06-21T13:16:14.000Z",
    "customerResponseTime": "2013-11-04T11:21:07.912Z",
    "dueDate": "2016-06-21T16:16:16.000Z",
    "responseDueDate": "2016-06-21T15:16:16.000Z",
    "isSpam": False,
    "isOverDue": True,
    "isEscalated": False,
    "threadCount": 121,
    "commentCount": 1,
    "webUrl": "https://desk.example.com/t/101",
    "tags": ["vip"],
    "cf": {"cf_modelname": "F3 2017", "cf_severitypercentage": "0.0"},
    "layoutDetails": {"id": "5000000013466", "layoutName": "Default"},
    "contact": {
        "id": "1892000000042032",
        "firstName": "Lucas",
        "lastName": "Carol",
        "email": "carol@zylker.com",
        "phone": "1 555 010 0000",
        "mobile": None,
        "account": {"id": "1892000000975382", "accountName": "desk Account"},
    },
    "assignee": {"id": "1892000000056007", "firstName": "George", "lastName": "Vincent", "emailId": "jack@zylker.com"},
}


def ticket(*, deleted: bool = False, **fields: Any) -> Record:
    (row,) = rows_of(mapped("tickets", {**TICKET, **fields}, deleted=deleted), "tickets")
    return row


def test_a_ticket_fills_the_columns_that_the_model_names() -> None:
    row = ticket()
    assert {name: value for name, value in row.items() if value is not None} == {
        "desk": "acme",
        "id": "1892000000042034",
        "version": 1_000,
        "synced_at": row["synced_at"],
        "vendor": "zoho_desk",
        "record_type": "ticket",
        "number": "101",
        "subject": "There is a delay",
        "description_text": "Hi.\nThere is a delay & nobody answers.",
        "description_html": TICKET["description"],
        "status_raw": "Open",
        "status": "open",
        "status_category": "open",
        "priority_raw": "High",
        "priority": "high",
        "priority_rank": 3,
        "type_raw": "Problem",
        "type": "problem",
        "category": "general",
        "subcategory": "Sub General",
        "channel_raw": "Email",
        "channel": "email",
        "group_id": "1892000000006907",
        "team_id": "8920000000069071",
        "layout_id": "5000000013466",
        "assignee_id": "1892000000056007",
        "requester_id": "1892000000042032",
        "submitter_id": "52338000000043001",
        "account_id": "1892000000975382",
        "tags": '["vip"]',
        "is_spam": False,
        "is_escalated": False,
        "created_at": datetime(2013, 11, 4, 11, 21, 7, tzinfo=UTC),
        "updated_at": datetime(2016, 6, 21, 13, 16, 14, tzinfo=UTC),
        "system_updated_at": datetime(2016, 6, 21, 13, 16, 14, tzinfo=UTC),
        "due_at": datetime(2016, 6, 21, 16, 16, 16, tzinfo=UTC),
        "sla_due_at": datetime(2016, 6, 21, 15, 16, 16, tzinfo=UTC),
        "is_overdue": True,
        "comment_count": 1,
        "thread_count": 121,
        "url": "https://desk.example.com/t/101",
        "custom_fields": '{"cf_modelname": "F3 2017", "cf_severitypercentage": "0.0"}',
    }


@pytest.mark.parametrize(
    ("label", "kind", "escalated", "status", "category"),
    [
        ("Open", "Open", False, "open", "open"),
        ("In Progress", "Open", False, "in_progress", "in_progress"),
        ("in  progress", "Open", True, "in_progress", "in_progress"),
        ("Escalated", "Open", True, "escalated", "in_progress"),
        ("Open", "Open", True, "escalated", "in_progress"),
        ("Waiting", "On Hold", False, "pending", "on_hold"),
        ("Pending", "On Hold", None, "pending", "on_hold"),
        ("On Hold", "On Hold", False, "on_hold", "on_hold"),
        ("Wartet auf Kunde: später", "On Hold", False, "on_hold", "on_hold"),
        ("Waiting for spare part", "Open", False, "open", "open"),
        ("Closed", "Closed", False, "closed", "closed"),
        ("Won't fix", "Closed", False, "closed", "closed"),
        ("Cancelled", "Closed", True, "cancelled", "closed"),
        (None, None, None, None, None),
    ],
)
def test_a_status_counts_by_its_label_then_by_its_type(
    label: str | None, kind: str | None, escalated: bool | None, status: str | None, category: str | None
) -> None:
    row = ticket(status=label, statusType=kind, isEscalated=escalated)
    assert (row["status_raw"], row["status"], row["status_category"]) == (label, status, category)


def test_a_status_that_nothing_tells_is_warned_of() -> None:
    found = mapped("tickets", {**TICKET, "status": "Odd", "statusType": None})
    assert rows_of(found, "tickets")[0]["status"] is None
    assert found.warnings == {"status 'Odd' is not mapped": 1}


@pytest.mark.parametrize(
    ("field", "kind"), [({"isTrashed": True}, "soft"), ({"isDeleted": True}, "permanent"), ({}, "swept")]
)
def test_a_deletion_is_a_flag_and_no_status(field: Record, kind: str) -> None:
    row = ticket(deleted=True, **field)
    assert (row["status"], row["status_category"], row["status_raw"]) == (None, None, "Open")
    assert row["deletion_kind"] == kind


@pytest.mark.parametrize(
    ("label", "priority", "rank"),
    [("Critical", "urgent", 4), ("urgent", "urgent", 4), ("Medium", "normal", 2), ("-None-", None, None)],
)
def test_priorities(label: str, priority: str | None, rank: int | None) -> None:
    row = ticket(priority=label)
    assert (row["priority"], row["priority_rank"]) == (priority, rank)


def test_people_whom_a_ticket_names_are_rows_below_their_own() -> None:
    found = mapped("tickets", TICKET, {**TICKET, "id": "2"}, deleted=True)
    people = {row["id"]: row for row in rows_of(found, "contacts")}
    (agent,) = rows_of(found, "agents")
    assert set(people) == {"1892000000042032", "1892000000056007"}
    lucas = people["1892000000042032"]
    assert (lucas["name"], lucas["email"], lucas["account_id"]) == (
        "Lucas Carol",
        "carol@zylker.com",
        "1892000000975382",
    )
    assert (agent["name"], agent["email"]) == ("George Vincent", "jack@zylker.com")
    for row in (*people.values(), agent):
        assert (row["version"], row["deleted_at"], row["deletion_kind"]) == (0, None, None)


def test_a_ticket_that_was_split_off_is_a_child() -> None:
    found = mapped("tickets", {**TICKET, "sourceTicket": {"id": "7"}}, TICKET)
    (link,) = rows_of(found, "record_links")
    assert (link["from_id"], link["link_type"], link["to_id"]) == (TICKET["id"], "child_of", "7")


@pytest.mark.parametrize(
    "stream", [stream.name for stream in ZOHO_DESK.streams if stream.name in mappings("zoho_desk")]
)
def test_no_rows_and_rows_of_nulls_are_mapped(stream: str) -> None:
    mapping = mappings("zoho_desk")[stream]
    for records in ([], [{ZOHO_DESK.stream(stream).key: "1", **({"module": "tickets"} if stream == "fields" else {})}]):
        found = mapping.rows(vendor_table(stream, records, vendor="zoho_desk"))
        assert found.tables
    assert set(mapping.owns) <= set(found.tables)


THREAD: Record = {
    "id": "10",
    "ticketId": "1",
    "channel": "EMAIL",
    "status": "SUCCESS",
    "direction": "in",
    "visibility": "public",
    "createdTime": "2016-06-21T13:16:14.000Z",
    "author": {"id": "5", "name": "Lucas", "email": "carol@zylker.com", "type": "END_USER"},
    "summary": "Hello",
    "content": "<p>Hello</p><p>World</p>",
    "plainText": None,
    "contentType": "text/html",
    "attachmentCount": 1,
    "attachments": [{"id": "77", "name": "a.png", "size": "48213", "href": "https://desk.example.com/77"}],
}


def test_a_thread_is_a_comment_with_its_files() -> None:
    found = mapped("threads", THREAD)
    (row,) = rows_of(found, "ticket_comments")
    assert (row["ticket_id"], row["kind"], row["direction"], row["is_public"]) == ("1", "reply", "in", True)
    assert (row["author_id"], row["author_type"], row["channel"]) == ("5", "contact", "email")
    assert (row["body_text"], row["body_html"]) == ("Hello\nWorld", "<p>Hello</p><p>World</p>")
    (file,) = rows_of(found, "attachments")
    assert (file["id"], file["comment_id"], file["ticket_id"]) == ("77", "10", "1")
    assert (file["file_name"], file["size_bytes"]) == ("a.png", 48_213)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"channel": "PHONE"}, "call", "Hello\nWorld"),
        ({"channel": "WhatsApp"}, "whatsapp", "Hello\nWorld"),
        ({"visibility": "private", "status": "DRAFT"}, "note", "Hello\nWorld"),
        ({"content": None}, "reply", "Hello"),
        ({"plainText": "As text"}, "reply", "As text"),
    ],
)
def test_kinds_and_texts_of_threads(fields: Record, kind: str, text: str) -> None:
    (row,) = rows_of(mapped("threads", {**THREAD, **fields}), "ticket_comments")
    assert (row["kind"], row["body_text"]) == (kind, text)


@pytest.mark.parametrize(("public", "direction"), [(True, "out"), (False, "internal")])
def test_a_comment_is_a_note(public: bool, direction: str) -> None:
    comment = {
        "id": "20",
        "ticketId": "1",
        "content": "plain",
        "contentType": "plainText",
        "isPublic": public,
        "commentedTime": "2016-06-21T13:16:14.000Z",
        "modifiedTime": "2016-06-22T13:16:14.000Z",
        "commenterId": "6",
        "commenter": {"id": "6", "type": "AGENT"},
        "attachments": [],
    }
    (row,) = rows_of(mapped("comments", comment), "ticket_comments")
    assert (row["kind"], row["direction"], row["is_public"]) == ("note", direction, public)
    assert (row["author_id"], row["author_type"], row["body_text"], row["body_html"]) == ("6", "agent", "plain", None)
    assert row["edited_at"] == datetime(2016, 6, 22, 13, 16, 14, tzinfo=UTC)


def event(name: str, *info: Record, actor: Record | None = None) -> list[Record]:
    record = {
        "id": f"1:2016:{name}:7:0",
        "ticketId": "1",
        "eventName": name,
        "eventTime": "2016-06-21T13:16:14.000Z",
        "source": "Web",
        "actor": actor or {"id": "7", "name": "Alex", "type": "Agent"},
        "eventInfo": list(info),
    }
    return rows_of(mapped("ticket_history", record), "ticket_events")


def test_each_property_of_an_event_is_a_row() -> None:
    rows = event(
        "TicketUpdated",
        {"propertyName": "Status", "propertyValue": {"previousValue": "Closed", "updatedValue": "Open"}},
        {"propertyName": "assigneeId", "propertyValue": {"previousValue": None, "updatedValue": "7"}},
        {"propertyName": "Department", "propertyValue": {"id": "3", "name": "Primary", "type": "Department"}},
    )
    assert [(row["field"], row["old_value"], row["new_value"], row["event_type"]) for row in rows] == [
        ("status", "Closed", "Open", "change"),
        ("assigneeId", None, "7", "assign"),
        ("Department", None, "3", "change"),
    ]
    assert [row["id"] for row in rows] == [f"1:2016:TicketUpdated:7:0:{place}" for place in range(3)]
    assert {(row["actor_id"], row["actor_type"], row["is_system"]) for row in rows} == {("7", "agent", False)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TicketCreated", "create"),
        ("TicketDeleted", "delete"),
        ("TicketRestored", "restore"),
        ("TicketMergedChild", "merge"),
        ("TicketEscalated", "sla"),
        ("CommentEdited", "comment"),
        ("ThreadAdded", "comment"),
        ("BlueprintTransition", None),
    ],
)
def test_kinds_of_events(name: str, kind: str | None) -> None:
    (row,) = event(name, actor={"id": None, "type": "Workflow"})
    assert (row["event_type"], row["event_type_raw"]) == (kind, name)
    assert (row["actor_type"], row["is_system"]) == ("system", True)


def test_an_agent_is_a_contact_too() -> None:
    agent: Record = {"id": "7", "firstName": "Ann", "lastName": "Admin", "emailId": "ann@example.com"}
    agent |= {
        "status": "ACTIVE",
        "isLightAgent": True,
        "associatedDepartmentIds": ["3"],
        "timeZone": "Europe/Amsterdam",
    }
    found = mapped("agents", agent)
    (row,), (person,) = rows_of(found, "agents"), rows_of(found, "contacts")
    assert (row["id"], row["name"], row["email"]) == (person["id"], "Ann Admin", "ann@example.com")
    assert (row["is_active"], row["is_light_agent"], json.loads(row["group_ids"])) == (True, True, ["3"])


def test_departments_and_teams_are_groups() -> None:
    (department,) = rows_of(mapped("departments", {"id": "3", "name": "Support", "isDefault": True}), "groups")
    (team,) = rows_of(mapped("teams", {"id": "4", "name": "First line", "departmentId": "3"}), "groups")
    assert (department["kind"], department["is_default"]) == ("department", True)
    assert (team["kind"], team["parent_id"]) == ("team", "3")


def test_an_account_has_its_address_in_one() -> None:
    account = {"id": "9", "accountName": "Zylker", "city": "Pune", "country": "India", "cf": {"cf_a": 1}}
    (row,) = rows_of(mapped("accounts", account), "accounts")
    assert (row["name"], row["address"], row["custom_fields"]) == ("Zylker", "Pune, India", '{"cf_a": 1}')


def test_a_field_is_keyed_by_its_api_name() -> None:
    field = {
        "id": "5",
        "module": "tickets",
        "apiName": "cf_products",
        "displayLabel": "Products",
        "isCustomField": True,
    }
    field |= {"type": "Multiselect", "isMandatory": False, "allowedValues": [{"value": "Kettle"}]}
    (row,) = rows_of(mapped("fields", field), "ticket_fields")
    assert (row["id"], row["entity"], row["key"], row["title"]) == ("ticket:5", "ticket", "cf_products", "Products")
    assert (row["data_type"], row["is_system"], row["alias"]) == ("choices", False, "ticket_cf_products_5")
    assert json.loads(row["options"]) == [{"value": "Kettle", "label": "Kettle"}]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (None, None),
        ("", ""),
        ("no markup, 1 > 0", "no markup, 1 > 0"),
        ("a<br>b", "a\nb"),
        ("<style>p{}</style><p>x</p>", "x"),
        ("&lt;b&gt; &eacute;", "<b> é"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>a</p>\n\n\n<p>b</p>", "a\n\nb"),
    ],
)
def test_text_of_html(markup: str | None, text: str | None) -> None:
    assert text_of(markup) == text

"""How records of QContact become unified rows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dlt_sources.qcontact import QCONTACT
from dlt_sources.qcontact.records import event, flat
from ticket_pipelines.unified import Mapped, mappings
from ticket_pipelines.unified.qcontact.events import body_of, direction_of
from ticket_pipelines.unified.qcontact.tickets import split, titled
from ticket_pipelines_tests.unified.vendor_rows import Record, mapped, rows_of, vendor_table

CASE: Record = {
    "id": 490441,
    "entity_type": "Case",
    "label": "Connection Issue FT490441",
    "icon": "fa-ticket",
    "created_at": "2026-02-11T08:15:30.123Z",
    "updated_at": "2026-02-12T08:15:30.123Z",
    "fields": {
        "status": "In Progress",
        "category": "Connectivity::ONT/Gizzu",
        "reference": "FT490441",
        "description": "Red light",
        "assigned_to": 7,
        "contact": None,
        "telephone": "+27 21 555 0000",
        "email": "ana@customers.example",
        "address": "12 Vine Street",
        "c__dr_location": "DR1700000",
    },
    "relationships": {
        "assigned_to": {"id": 7, "label": "Ben Bakker", "entity_type": "User"},
        "contact": {"id": 9, "label": "Ana de Vries", "entity_type": "Contact"},
        "created_by": {"id": 8, "label": "Ann Admin", "entity_type": "User"},
        "team": {"id": 5, "label": "Activations", "entity_type": "Team"},
    },
}
EVENT: Record = {
    "id": 8_000_001,
    "event_type": "status_change",
    "user": {"label": "Ben Bakker", "email": "Ben@sandbox.example"},
    "raised_at": "2026-02-12T08:15:30.123Z",
    "formatted_changes": {"$t.fields.status": {"field": "status", "old_value": "New", "new_value": "In Progress"}},
}


def case(**fields: Any) -> Record:
    return decoded(flat({**CASE, "fields": {**CASE["fields"], **fields}}))


def happened(**members: Any) -> Mapped:
    return mapped("case_events", decoded(event({**EVENT, **members}, "490441")), vendor="qcontact")


def decoded(raw: msgspec.Raw) -> Record:
    found: Record = msgspec.json.decode(raw)
    return found


def ticket(record: Record, **common: Any) -> Record:
    (row,) = rows_of(mapped("cases", record, vendor="qcontact", **common), "tickets")
    return row


def test_a_case_is_a_ticket() -> None:
    row = ticket(case())
    expected = {
        "id": "490441",
        "record_type": "case",
        "number": "FT490441",
        "subject": "Connection Issue",
        "description_text": "Red light",
        "status_raw": "In Progress",
        "status": "in_progress",
        "status_category": "in_progress",
        "is_escalated": False,
        "priority_raw": None,
        "priority": None,
        "category": "Connectivity",
        "subcategory": "ONT/Gizzu",
        "type_raw": "Connectivity",
        "type": None,
        "assignee_id": "7",
        "requester_id": "9",
        "submitter_id": "8",
        "team_id": "5",
        "location_address": "12 Vine Street",
        "location_ref": "DR1700000",
        "custom_fields": '{"c__dr_location":"DR1700000"}',
    }
    row["custom_fields"] = row["custom_fields"].replace(" ", "")
    assert {name: row[name] for name in expected} == expected
    assert row["created_at"].isoformat() == "2026-02-11T08:15:30.123000+00:00"
    assert row["updated_at"] == row["system_updated_at"]


def test_a_deletion_is_a_flag_and_never_a_status() -> None:
    row = ticket(case(), deleted=True)
    assert (row["status_raw"], row["status"], row["status_category"]) == ("In Progress", None, None)
    assert ticket({**case(), "$gone": True}, deleted=True)["deletion_kind"] == "permanent"
    assert ticket({**case(), "deleted": True}, deleted=True)["deletion_kind"] == "soft"


def test_whom_a_case_names_is_a_row_below_any_of_its_own() -> None:
    found = mapped("cases", case(), vendor="qcontact")
    people = {row["id"]: row for row in rows_of(found, "contacts")}
    assert {key: row["name"] for key, row in people.items()} == {
        "7": "Ben Bakker",
        "8": "Ann Admin",
        "9": "Ana de Vries",
    }
    assert (people["9"]["email"], people["9"]["phone"]) == ("ana@customers.example", "+27 21 555 0000")
    assert people["7"]["email"] is None
    assert {row["id"] for row in rows_of(found, "agents")} == {"7", "8"}
    (team,) = rows_of(found, "groups")
    assert (team["id"], team["name"], team["kind"]) == ("5", "Activations", "team")
    for row in (*people.values(), team, *rows_of(found, "agents")):
        assert (row["version"], row["deleted_at"]) == (0, None)


def test_a_case_that_names_nobody_names_nobody() -> None:
    bare = decoded(flat({**CASE, "relationships": {}, "fields": {"status": "New"}}))
    found = mapped("cases", bare, vendor="qcontact")
    assert [rows_of(found, name) for name in ("contacts", "agents", "groups")] == [[], [], []]


def test_unknown_labels_are_none_and_a_warning() -> None:
    found = mapped("cases", case(status="On Site", priority="Soon"), vendor="qcontact")
    (row,) = rows_of(found, "tickets")
    assert (row["status"], row["priority"], row["priority_raw"]) == (None, None, "Soon")
    assert found.warnings == {"status 'On Site' is not mapped": 1, "priority 'Soon' is not mapped": 1}


def test_a_desk_s_status_map_counts_before_the_defaults() -> None:
    own = mappings("qcontact", {"status_map": {"On Site": "in_progress", "SOLVED": "closed"}})["cases"]
    records = [case(status=status) for status in ("on site", "Solved", "Open")]
    found = own.rows(vendor_table("cases", records, vendor="qcontact"))
    assert [row["status"] for row in rows_of(found, "tickets")] == ["in_progress", "closed", "open"]
    assert not found.warnings
    assert mappings("qcontact", {"tenant_url": "x"}) is mappings("qcontact")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Connectivity::ONT/Gizzu", ("Connectivity", "ONT/Gizzu")),
        ("Connectivity | Fibre break", ("Connectivity", "Fibre break")),
        ("A::B::C", ("A", "B::C")),
        ("Query", ("Query", None)),
        ("Query::", ("Query", None)),
        ("", ("", None)),
        (None, (None, None)),
    ],
)
def test_categories(text: str | None, parts: tuple[str | None, str | None]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("label", "reference", "found"),
    [
        ("Connection Issue FT499061", "FT499061", ("FT499061", "Connection Issue")),
        (" FT490441", None, ("FT490441", None)),
        ("Connection Issue FT499061", None, ("FT499061", "Connection Issue")),
        ("No number", None, (None, "No number")),
        ("Other", "FT1", ("FT1", "Other")),
        (None, "FT1", ("FT1", None)),
    ],
)
def test_titles(label: str | None, reference: str | None, found: tuple[str | None, str | None]) -> None:
    assert titled(label, reference) == found


def test_a_change_of_status_is_an_event() -> None:
    found = happened()
    (row,) = rows_of(found, "ticket_events")
    expected = {
        "id": "8000001:0",
        "event_id": "8000001",
        "ticket_id": "490441",
        "field": "status",
        "old_value": "New",
        "new_value": "In Progress",
        "event_type": "change",
        "event_type_raw": "status_change",
        "actor_id": "ben@sandbox.example",
        "actor_type": "agent",
        "is_system": False,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["occurred_at"].isoformat() == "2026-02-12T08:15:30.123000+00:00"
    assert not rows_of(found, "ticket_comments")
    (agent,) = rows_of(found, "agents")
    assert (agent["id"], agent["name"], agent["version"]) == ("ben@sandbox.example", "Ben Bakker", 0)


@pytest.mark.parametrize(
    ("members", "rows"),
    [
        pytest.param(
            {
                "formatted_changes": {"$t.fields.assigned_to": {"new_value": "Ann"}},
                "changes": {"assigned_to": {"old_value": 7, "new_value": 8}, "c__x": {"old_value": 1}},
            },
            [("assigned_to", None, "Ann", "assign"), ("c__x", "1", None, "change")],
            id="what people see beats what is stored",
        ),
        pytest.param(
            {"formatted_changes": None, "event_type": "note", "subtitle": "Hi"},
            [("comment", None, "8000001", "comment")],
            id="note",
        ),
        pytest.param(
            {"formatted_changes": None, "event_type": "automation"}, [(None, None, None, None)], id="automation"
        ),
        pytest.param({"formatted_changes": {}}, [(None, None, None, "change")], id="no change is told"),
    ],
)
def test_what_an_event_did(members: Record, rows: list[tuple[str | None, ...]]) -> None:
    found = rows_of(happened(**members), "ticket_events")
    assert [(row["field"], row["old_value"], row["new_value"], row["event_type"]) for row in found] == rows
    assert [row["id"] for row in found] == [f"8000001:{position}" for position in range(len(rows))]


def test_the_other_names_of_an_event_s_members() -> None:
    members = {"raised_at": None, "created_at": "2026-02-12T09:00:00Z", "user": {"name": "Ben", "email": None}}
    found = happened(**members, event_type="note", content="Hi", public=True, formatted_changes=None)
    (comment,) = rows_of(found, "ticket_comments")
    assert (comment["created_at"].hour, comment["is_public"], comment["body_text"]) == (9, True, "Hi")
    assert (comment["author_id"], comment["author_type"], comment["direction"]) == (None, "agent", "out")
    assert not rows_of(found, "contacts")


def test_events_of_the_system() -> None:
    (row,) = rows_of(happened(event_type="system", user=None, formatted_changes=None), "ticket_events")
    assert (row["actor_type"], row["actor_id"], row["is_system"]) == ("system", None, True)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("Short", None, None), ("Short", None)),
        (("Short", "<p>Long</p>", None), ("Long", "<p>Long</p>")),
        ((None, None, "<p>Long</p>"), ("Long", "<p>Long</p>")),
        (("Short", None, "Long"), ("Long", None)),
        ((None, None, None), (None, None)),
    ],
)
def test_texts(given: tuple[str | None, ...], found: tuple[str | None, ...]) -> None:
    assert body_of(*given) == found


@pytest.mark.parametrize(
    ("kind", "public", "by_user", "direction"),
    [
        ("note", False, True, "internal"),
        ("note", None, True, "internal"),
        ("note", True, True, "out"),
        ("reply", True, False, None),
        ("reply", None, True, "out"),
    ],
)
def test_directions(kind: str, public: bool | None, by_user: bool, direction: str | None) -> None:
    assert direction_of(kind, public, by_user) == direction


def test_columns_are_fields() -> None:
    columns: list[Record] = [
        {"name": "c__job_type", "label": "Job type", "type": "option"},
        {"name": "status", "label": "Status", "type": "state"},
        {"name": "odd", "label": None, "type": "holo"},
    ]
    found = rows_of(mapped("case_columns", *columns, vendor="qcontact"), "ticket_fields")
    assert [(row["id"], row["key"], row["title"], row["data_type"], row["is_system"]) for row in found] == [
        ("ticket:c__job_type", "c__job_type", "Job type", "choice", False),
        ("ticket:status", "status", "Status", "choice", True),
        ("ticket:odd", "odd", None, None, True),
    ]


@pytest.mark.parametrize("stream", sorted(mappings("qcontact")))
def test_no_rows_and_rows_of_nulls_are_mapped(stream: str) -> None:
    mapping = mappings("qcontact")[stream]
    for records in ([], [{QCONTACT.stream(stream).key: "1"}]):
        found = mapping.rows(vendor_table(stream, records, vendor="qcontact"))
        assert found.tables
    assert set(mapping.owns) <= set(found.tables)

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ticket_pipelines.unified import mappings
from ticket_pipelines_tests.unified.vendor_rows import DELETED_AT, Json, Record, mapped, rows_of, vendor_table

TICKET: Record = {
    "id": 35,
    "url": "https://acme.zendesk.com/api/v2/tickets/35.json",
    "external_id": "ERP-7",
    "via": {"channel": "voice", "source": {"from": {}, "to": {}, "rel": None}},
    "created_at": "2026-01-01T10:00:00Z",
    "updated_at": "2026-01-02T10:00:00Z",
    "generated_timestamp": 1_767_400_000,
    "type": "incident",
    "subject": "Printer on fire",
    "description": "It burns.",
    "priority": "high",
    "status": "hold",
    "custom_status_id": 77,
    "requester_id": 1,
    "submitter_id": 2,
    "assignee_id": 3,
    "organization_id": 4,
    "group_id": 5,
    "brand_id": 6,
    "ticket_form_id": 7,
    "problem_id": 12,
    "followup_ids": [],
    "has_incidents": False,
    "is_public": True,
    "due_at": None,
    "tags": ["fire"],
    "custom_fields": [{"id": 1001, "value": "blue"}],
    "satisfaction_rating": {"score": "good", "comment": "Thanks"},
    "metric_set": {
        "reopens": 1,
        "replies": 2,
        "assigned_at": "2026-01-01T11:00:00Z",
        "solved_at": None,
        "status_updated_at": "2026-01-02T09:00:00Z",
    },
}


def ticket(**changed: Any) -> Record:
    """The one unified row of a ticket."""
    (row,) = rows_of(mapped("tickets", {**TICKET, **changed}), "tickets")
    return row


def test_a_ticket_keeps_every_value_under_its_unified_name() -> None:
    row = ticket()
    assert {name: value for name, value in row.items() if value is not None} == {
        "desk": "acme",
        "id": "35",
        "version": 1_000,
        "synced_at": row["synced_at"],
        "vendor": "zendesk",
        "record_type": "ticket",
        "number": "35",
        "subject": "Printer on fire",
        "description_text": "It burns.",
        "status_raw": "hold",
        "status_id_raw": "77",
        "status": "on_hold",
        "status_category": "on_hold",
        "priority_raw": "high",
        "priority": "high",
        "priority_rank": 3,
        "type_raw": "incident",
        "type": "incident",
        "channel_raw": "voice",
        "channel": "phone",
        "group_id": "5",
        "brand_id": "6",
        "form_id": "7",
        "assignee_id": "3",
        "requester_id": "1",
        "submitter_id": "2",
        "account_id": "4",
        "external_id": "ERP-7",
        "problem_id": "12",
        "tags": '["fire"]',
        "is_public": True,
        "has_incidents": False,
        "created_at": datetime(2026, 1, 1, 10, tzinfo=UTC),
        "updated_at": datetime(2026, 1, 2, 10, tzinfo=UTC),
        "system_updated_at": datetime.fromtimestamp(1_767_400_000, UTC),
        "assigned_at": datetime(2026, 1, 1, 11, tzinfo=UTC),
        "satisfaction_score": "good",
        "satisfaction_comment": "Thanks",
        "reopen_count": 1,
        "reply_count": 2,
        "url": "https://acme.zendesk.com/agent/tickets/35",
        "custom_fields": '{"1001":"blue"}',
    }


def test_an_empty_text_stays_empty_beside_null() -> None:
    row = ticket(subject="", description=None, external_id="")
    assert (row["subject"], row["description_text"], row["external_id"]) == ("", None, "")


def test_custom_fields_keep_the_vendors_values_and_the_last_of_a_field_wins() -> None:
    sent = (
        '[{"id": 3, "value": 1.50}, {"value": ["a", "b"], "id": 2}, {"id": 1, "value": ""}, {"id": 3, "value": null}]'
    )
    assert ticket(custom_fields=Json(sent))["custom_fields"] == '{"3":null,"2":["a", "b"],"1":""}'


@pytest.mark.parametrize(
    "value", ["10", "1.50", '"n/a"', '["a"]', "null", "true", '"\\u00e9 \\" \\\\"', "9007199254740993"]
)
def test_a_custom_value_passes_as_it_is_whatever_its_type(value: str) -> None:
    row = ticket(custom_fields=Json(f'[{{"id":9,"value":{value}}}]'))
    assert row["custom_fields"] == f'{{"9":{value}}}'


def test_a_closed_ticket_was_closed_when_its_status_last_moved() -> None:
    assert ticket(status="closed")["closed_at"] == datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert ticket(status="solved")["closed_at"] is None


def test_a_tombstone_is_a_flag_and_has_no_status() -> None:
    found = mapped("tickets", {**TICKET, "status": "deleted", "metric_set": None}, deleted=True)
    (row,) = rows_of(found, "tickets")
    assert (row["status_raw"], row["status"], row["status_category"]) == ("deleted", None, None)
    assert (row["deleted_at"], row["deletion_kind"]) == (DELETED_AT, "soft")
    assert not found.warnings


def test_a_scrubbed_ticket_is_erased_and_stored_as_it_is_sent() -> None:
    scrubbed = {**TICKET, "status": "deleted", "subject": "SCRUBBED", "description": "X"}
    (row,) = rows_of(mapped("tickets", scrubbed, deleted=True), "tickets")
    assert (row["deletion_kind"], row["subject"], row["description_text"]) == ("erased", "SCRUBBED", "X")


def test_a_living_ticket_may_be_called_scrubbed() -> None:
    assert ticket(subject="SCRUBBED", description="X")["deletion_kind"] is None


def test_a_swept_ticket_says_so() -> None:
    (row,) = rows_of(mapped("tickets", TICKET, deleted=True), "tickets")
    assert (row["deletion_kind"], row["status"]) == ("swept", "on_hold")


def test_an_unmapped_status_is_null_and_a_warning() -> None:
    found = mapped("tickets", {**TICKET, "status": "weird"}, {**TICKET, "id": 36, "priority": "extreme"})
    first, second = rows_of(found, "tickets")
    assert (first["status_raw"], first["status"], first["status_category"]) == ("weird", None, None)
    assert (second["priority_raw"], second["priority"], second["priority_rank"]) == ("extreme", None, None)
    assert found.warnings == {"status 'weird' is not mapped": 1, "priority 'extreme' is not mapped": 1}


def test_a_channel_that_no_map_knows_stays_as_the_vendor_says() -> None:
    row = ticket(via={"channel": 29})
    assert (row["channel_raw"], row["channel"]) == ("29", None)


def test_a_member_of_another_shape_costs_its_own_row_alone() -> None:
    found = mapped("tickets", {**TICKET, "via": ["odd"]}, {**TICKET, "id": 36})
    assert [row["channel"] for row in rows_of(found, "tickets")] == [None, "phone"]
    assert found.warnings == {"via has an unknown shape": 1}


def test_values_that_did_not_fit_stand_under_unified_names() -> None:
    unparsed = json.dumps({"organization_id": "n/a", "due_at": "soon", "recipient": 5})
    (row,) = rows_of(mapped("tickets", {**TICKET, "organization_id": None}, unparsed=unparsed), "tickets")
    assert json.loads(row["unparsed"]) == {"account_id": "n/a", "due_at": "soon"}


def test_columns_that_the_table_does_not_have_yet_are_null() -> None:
    table = vendor_table("tickets", [TICKET]).select(["desk", "id", "version", "deleted_at", "synced_at", "status"])
    found = mappings("zendesk")["tickets"].rows(table)
    (row,) = rows_of(found, "tickets")
    assert (row["id"], row["status"], row["subject"], row["custom_fields"]) == ("35", "on_hold", None, None)


def test_an_incident_is_linked_to_its_problem() -> None:
    (link,) = rows_of(mapped("tickets", TICKET), "record_links")
    assert (link["from_id"], link["link_type"], link["to_id"]) == ("35", "incident_of", "12")
    assert (link["from_desk"], link["to_desk"], link["method"], link["status"]) == ("acme", "acme", "sync", "confirmed")
    assert (link["ticket_id"], link["event_id"], link["version"]) == ("35", None, 1_000)


def test_what_follows_a_closed_ticket_up_is_linked_to_it() -> None:
    links = rows_of(mapped("tickets", {**TICKET, "problem_id": None, "followup_ids": [40, 41]}), "record_links")
    ends = [(link["from_id"], link["link_type"], link["to_id"], link["ticket_id"]) for link in links]
    assert ends == [("40", "follow_up", "35", "35"), ("41", "follow_up", "35", "35")]


def test_a_link_has_the_same_id_in_every_sync_and_another_one_on_another_desk() -> None:
    first, again, other = (
        rows_of(mapped("tickets", TICKET, desk=desk), "record_links")[0]["id"] for desk in ("acme", "acme", "globex")
    )
    assert first == again != other


def test_no_ticket_gives_empty_tables() -> None:
    found = mapped("tickets")
    assert {name: table.num_rows for name, table in found.tables.items()} == {"tickets": 0, "record_links": 0}

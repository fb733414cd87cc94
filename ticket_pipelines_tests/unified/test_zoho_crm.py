"""Zoho CRM's records as unified rows, module by module; whole accounts stand in `end_to_end/zoho_crm`."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from dlt_sources.zoho_crm import ZOHO_CRM
from ticket_pipelines.unified import mappings
from ticket_pipelines_tests.unified.vendor_rows import mapped as mapped_of
from ticket_pipelines_tests.unified.vendor_rows import rows_of, vendor_table

mapped = partial(mapped_of, vendor="zoho_crm")


@pytest.mark.parametrize("stream", [stream.name for stream in ZOHO_CRM.streams if stream.name in mappings("zoho_crm")])
def test_no_rows_and_rows_of_nulls_are_mapped(stream: str) -> None:
    mapping = mappings("zoho_crm")[stream]
    for records in ([], [{"id": "1"}]):
        found = mapping.rows(vendor_table(stream, records, vendor="zoho_crm"))
        assert found.tables
        assert not found.warnings
    assert set(mapping.owns) <= set(found.tables)


@pytest.mark.parametrize(
    ("fields", "requester"),
    [
        ({"Contact_Name": {"id": "7"}}, "7"),
        ({"Related_To": {"id": "8"}}, "8"),
        ({"Contact_Name": {"id": "7"}, "Related_To": {"id": "8"}}, "7"),
        ({"Contact_Name": {"name": "nobody"}}, None),
        ({"Contact_Name": "not a lookup"}, None),
    ],
)
def test_who_asks_is_named_by_one_field_or_the_other(fields: dict[str, Any], requester: str | None) -> None:
    (row,) = rows_of(mapped("cases", {"id": "1", **fields}), "tickets")
    assert row["requester_id"] == requester


@pytest.mark.parametrize(
    ("fields", "comments"),
    [
        ({"Parent_Id": {"id": "5", "module": {"api_name": "Cases"}}}, 1),
        ({"Parent_Id": {"id": "5", "module": "Deals"}}, 1),
        ({"Parent_Id": {"id": "5"}, "$se_module": "Cases"}, 1),
        ({"Parent_Id": {"id": "5", "module": {"api_name": "Contacts"}}}, 0),
        ({"Parent_Id": {"id": "5"}}, 0),
        ({}, 0),
    ],
)
def test_notes_on_cases_and_deals_are_internal_comments_and_others_are_none(
    fields: dict[str, Any], comments: int
) -> None:
    found = mapped("notes", {"id": "1", "Note_Content": "Called back", **fields})
    rows = rows_of(found, "ticket_comments")
    assert len(rows) == comments
    assert all((row["ticket_id"], row["body_text"], row["is_public"]) == ("5", "Called back", False) for row in rows)


def test_a_deleted_case_keeps_its_content_and_its_own_label() -> None:
    case = {"id": "1", "Subject": "Broken", "Status": "Escalated", "$deletion_type": "permanent"}
    (row,) = rows_of(mapped("cases", case, deleted=True), "tickets")
    assert (row["subject"], row["status_raw"], row["deletion_kind"]) == ("Broken", "Escalated", "permanent")
    assert (row["status"], row["status_category"], row["is_escalated"]) == (None, None, None)


def test_a_name_is_made_of_its_parts_and_a_lead_is_told_from_a_contact() -> None:
    (contact,) = rows_of(mapped("contacts", {"id": "1", "First_Name": "Ana", "Last_Name": "Silva"}), "contacts")
    (lead,) = rows_of(mapped("leads", {"id": "2", "Full_Name": "Ben Ono", "Last_Name": "Ono"}), "contacts")
    assert (contact["name"], contact["role"]) == ("Ana Silva", "contact")
    assert (lead["name"], lead["role"]) == ("Ben Ono", "lead")


def test_a_user_is_an_agent_and_a_contact_of_the_same_id() -> None:
    user = {"id": "9", "full_name": "Ida", "status": "disabled", "role": {"id": "3", "name": "CEO"}}
    found = mapped("users", user)
    (agent,), (contact,) = rows_of(found, "agents"), rows_of(found, "contacts")
    assert agent["id"] == contact["id"] == "9"
    assert (agent["role"], agent["role_id"], agent["is_active"]) == ("CEO", "3", False)

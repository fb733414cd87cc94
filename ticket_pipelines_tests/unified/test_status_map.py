"""What a desk's configuration says that its status labels mean, at every vendor."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.unified import mappings
from ticket_pipelines.unified.labels import category_of
from ticket_pipelines_tests.unified.vendor_rows import rows_of, vendor_table

TICKETS = {"zendesk": "tickets", "zoho_desk": "tickets", "zoho_crm": "cases"}
FIELDS = {"zendesk": "status", "zoho_desk": "status", "zoho_crm": "Status"}
VENDORS = sorted(TICKETS)


def read(
    vendor: str, status_map: dict[str, str], fields: dict[str, Any], *, deleted: bool = False
) -> tuple[Any, Any, int]:
    """Status, category and the number of warnings of one ticket."""
    table = vendor_table(TICKETS[vendor], [{"id": 1, **fields}], vendor=vendor, deleted=deleted)
    mapped = mappings(vendor, {"status_map": status_map})[TICKETS[vendor]].rows(table)
    (row,) = rows_of(mapped, "tickets")
    return row["status"], row["status_category"], mapped.warnings.total()


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_label_that_the_company_made_gets_the_status_that_it_says(vendor: str) -> None:
    fields = {FIELDS[vendor]: "Waiting for Parts"}
    assert read(vendor, {}, fields) == (None, None, 1)
    assert read(vendor, {"waiting FOR parts": "on_hold"}, fields) == ("on_hold", "on_hold", 0)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_known_label_can_mean_something_else_and_the_others_keep_their_meaning(vendor: str) -> None:
    status_map = {"Open": "assigned"}
    assert read(vendor, status_map, {FIELDS[vendor]: "open"}) == ("assigned", "open", 0)
    assert read(vendor, status_map, {FIELDS[vendor]: "Closed"}) == ("closed", "closed", 0)
    assert read(vendor, {}, {FIELDS[vendor]: "open"}) == ("open", "open", 0)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_deleted_ticket_has_no_status_whatever_its_label_means(vendor: str) -> None:
    gone: dict[str, Any] = (
        {"status": "deleted", "custom_status_id": 35_000} if vendor == "zendesk" else {FIELDS[vendor]: "Open"}
    )
    assert read(vendor, {"Open": "assigned", "35000": "open"}, gone, deleted=True)[:2] == (None, None)
    assert read(vendor, {}, gone, deleted=True)[:2] == (None, None)


def test_a_custom_status_of_zendesk_is_named_by_its_id() -> None:
    status_map = {"35000": "in_progress"}
    assert read("zendesk", status_map, {"status": "open", "custom_status_id": 35_000})[0] == "in_progress"
    assert read("zendesk", status_map, {"status": "open", "custom_status_id": 35_001})[0] == "open"


def test_the_label_beats_the_type_of_a_status_and_an_escalation_still_shows() -> None:
    ticket = {"status": "On Site", "statusType": "On Hold"}
    assert read("zoho_desk", {}, ticket)[0] == "on_hold"
    assert read("zoho_desk", {"On Site": "in_progress"}, ticket)[0] == "in_progress"
    assert read("zoho_desk", {"On Site": "open"}, {**ticket, "isEscalated": True})[0] == "escalated"


def test_a_stage_of_a_deal_is_a_status() -> None:
    table = vendor_table("deals", [{"id": "1", "Stage": "Verbal Yes"}], vendor="zoho_crm")
    mapped = mappings("zoho_crm", {"status_map": {"Verbal yes": "in_progress"}})["deals"].rows(table)
    (row,) = rows_of(mapped, "tickets")
    assert (row["status"], row["status_category"]) == ("in_progress", category_of("in_progress"))

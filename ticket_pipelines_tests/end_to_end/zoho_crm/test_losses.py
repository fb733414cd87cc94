"""What the system that we replace loses of Zoho CRM arrives, each loss a test."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dlt_sources.base import Kind
from dlt_sources.zoho_crm import client
from ticket_pipelines.control.database import budgets
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.zoho_crm.conftest import CrmDesk, MakeCrmDesk

PAST = {"now": "2026-06-01T12:00:00Z", "frozen": True}


def contacts(make_crm: MakeCrmDesk, rows: int = 1_000) -> CrmDesk:
    return make_crm(modules=["Contacts"], settings={"rows": {"Contacts": rows}}, **PAST)


def all_there(desk: CrmDesk, module: str = "Contacts") -> bool:
    return desk.ids(f"zoho_crm_{module.lower()}") == {record["id"] for record in desk.held(module)}


def test_a_token_that_expires_in_a_module_does_not_end_it(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm)
    desk.vendor.control.fail(preset="invalid_token", stream="Contacts", skip=2)

    desk.synced()

    assert all_there(desk)
    assert len(desk.requests("/oauth/v2/token")) == 2


def test_a_limit_in_a_module_stops_the_sync_and_says_so_and_the_next_one_goes_on(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm)
    desk.vendor.control.fail(preset="credits_used", stream="Contacts", skip=3)

    stopped = desk.sync(bounds=Bounds(rows=400))

    outcome = stopped.details["streams"]["contacts"]
    assert (stopped.status, stopped.error_code, outcome["outcome"]) == (Status.PARTIAL, "limit", "stopped")
    assert "It can go on from" in outcome["reason"]
    assert len(desk.ids("zoho_crm_contacts")) == 600
    assert outcome["cursor_after"]["clock"]

    with desk.project.control.begin() as connection:
        # the day passes
        connection.execute(sa.delete(budgets))
    desk.forget()
    goes_on = desk.synced()
    assert all_there(desk)
    assert goes_on.rows_read < 1_000


def test_a_limit_before_anything_was_read_is_no_failure_of_the_desk(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm, rows=10)
    desk.vendor.control.fail(preset="credits_used")

    result = desk.sync()

    assert (result.status, result.error_code, result.rows_read) == (Status.PARTIAL, "limit", 0)


def test_any_other_refusal_in_a_module_is_its_failure_and_not_its_end(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm)
    desk.vendor.control.fail(preset="invalid_data", stream="Contacts", skip=3)

    result = desk.sync()

    outcome = result.details["streams"]["contacts"]
    assert (result.status, outcome["outcome"]) == (Status.PARTIAL, "failed")
    assert "INVALID_DATA" in outcome["reason"]
    desk.synced()
    assert all_there(desk)


def test_columns_have_the_types_of_their_fields(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases", "Contacts", "Deals"])
    desk.synced()

    kinds = {table: desk.project.warehouse.columns(f"zoho_crm_{table}") for table in ("cases", "contacts", "deals")}

    assert {name: kinds["cases"][name] for name in ("external_ref", "visit", "items", "owner", "subject")} == {
        "external_ref": Kind.INTEGER,
        "visit": Kind.TIMESTAMP,
        "items": Kind.JSON,
        "owner": Kind.JSON,
        "subject": Kind.TEXT,
    }
    assert {name: kinds["contacts"][name] for name in ("date_of_birth", "email_opt_out", "interests")} == {
        "date_of_birth": Kind.DATE,
        "email_opt_out": Kind.BOOLEAN,
        "interests": Kind.JSON,
    }
    assert {name: kinds["deals"][name] for name in ("amount", "expected_revenue", "products")} == {
        "amount": Kind.NUMBER,
        "expected_revenue": Kind.NUMBER,
        "products": Kind.JSON,
    }
    assert not desk.ids("zoho_crm_cases", "unparsed IS NOT NULL")


def test_deletions_arrive_with_their_kind_and_so_does_what_comes_back(
    warehouse_url: str, make_crm: MakeCrmDesk
) -> None:
    desk = make_crm(modules=["Cases"], warehouse_url=warehouse_url, **PAST)
    desk.synced()
    key = desk.held("Cases")[7]["id"]
    seen = []
    for op, how in (("delete", {}), ("restore", {}), ("delete", {}), ("delete", {"permanently": True})):
        desk.change(op, module="Cases", id=key, **how)
        desk.synced()
        row = desk.row("tickets", key, "deleted_at, deletion_kind, subject")
        seen.append((row["deleted_at"] is not None, row["deletion_kind"]))
        assert row["subject"]

    assert seen == [(True, "soft"), (False, None), (True, "soft"), (True, "permanent")]


def test_a_deletion_of_the_second_of_the_last_one_arrives(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases"], **PAST)
    at = "2026-06-01T11:59:00Z"
    first, second = (record["id"] for record in desk.held("Cases")[7:9])
    desk.synced()
    desk.vendor.control.mutate("delete", module="Cases", id=first, at=at)
    desk.synced()
    desk.vendor.control.mutate("delete", module="Cases", id=second, at=at)

    desk.synced()

    assert {first, second} <= desk.ids("tickets", "deleted_at IS NOT NULL")


def test_a_change_that_moves_no_time_comes_with_a_full_sync(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases"], **PAST)
    desk.synced()
    key = desk.held("Cases")[7]["id"]
    desk.change("update", module="Cases", id=key, Subject="By an automation", bump=False)

    desk.synced(mode="full")

    assert desk.row("tickets", key, "subject") == {"subject": "By an automation"}


@pytest.mark.parametrize("most_by_list", [2_000, 5])
def test_a_record_that_comes_back_with_its_old_time_comes_back_with_a_full_sync(
    make_crm: MakeCrmDesk, monkeypatch: pytest.MonkeyPatch, most_by_list: int
) -> None:
    monkeypatch.setattr(client, "BULK_FROM", most_by_list)
    desk = make_crm(modules=["Leads"], settings={"rows": {"Leads": 40}, "bulk_states": ("COMPLETED",)}, **PAST)
    desk.synced()
    key = desk.held("Leads")[7]["id"]
    desk.change("delete", module="Leads", id=key)
    desk.synced()
    desk.change("restore", module="Leads", id=key, bump=False)
    desk.forget()

    desk.synced(mode="full")

    assert bool(desk.requests("/bulk/")) is (most_by_list == 5)
    assert key in desk.ids("zoho_crm_leads")
    assert key in desk.ids("contacts")


def test_an_incremental_sync_reads_what_changed(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm)
    desk.synced()
    key = desk.held("Contacts")[0]["id"]
    desk.vendor.control.clock(advance=3_600)
    desk.change("update", module="Contacts", id=key, Email="new@customers.example")
    added = desk.change("create", module="Contacts", Last_Name="Newman")["id"]
    desk.forget()

    result = desk.synced(streams=("contacts",))

    assert (result.rows_created, result.rows_updated) == (1, 1)
    assert result.rows_read < 300
    assert desk.row("contacts", key, "email") == {"email": "new@customers.example"}
    assert desk.row("contacts", added, "name") == {"name": "Newman"}


def test_rows_that_cannot_be_loaded_are_counted_and_kept(make_crm: MakeCrmDesk) -> None:
    desk = contacts(make_crm, rows=10)
    rows = [{"id": "9007199254740993", "Last_Name": "Whole"}, {"Last_Name": "Nameless"}]
    desk.vendor.control.fail(status=200, body={"data": rows, "info": {"more_records": False}}, stream="Contacts")

    result = desk.sync(streams=("contacts",))

    assert (result.status, result.rows_failed, result.rows_created) == (Status.PARTIAL, 1, 1)
    assert desk.row("zoho_crm_contacts", "9007199254740993", "last_name") == {"last_name": "Whole"}


def test_every_data_centre_can_be_named_and_a_wrong_one_is_said(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Contacts"], login="other_data_center")

    result = desk.sync()

    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert "data_center" in (result.error_message or "")

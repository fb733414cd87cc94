"""Modules of every awkward kind."""

from __future__ import annotations

import json

from ticket_pipelines.desks.checking import check_desk
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.zoho_crm.conftest import MakeCrmDesk

PAST = {"now": "2026-06-01T12:00:00Z", "frozen": True}


def test_a_forbidden_module_costs_itself_alone(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(settings={"unavailable": {"Leads": "INVALID_MODULE"}})

    result = desk.sync()

    streams = result.details["streams"]
    assert (result.status, result.error_code) == (Status.PARTIAL, "access")
    assert {name for name, one in streams.items() if one["outcome"] != "success"} == {"payroll", "leads"}
    assert "Payroll" in streams["payroll"]["reason"]
    assert "NO_PERMISSION" in streams["payroll"]["reason"]
    assert "INVALID_MODULE" in streams["leads"]["reason"]
    assert desk.ids("zoho_crm_cases") == {record["id"] for record in desk.held("Cases")}


def test_credentials_for_one_module_read_that_one(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(login="contacts_only", modules=["Contacts", "Deals"])

    result = desk.sync()

    assert {name: one["outcome"] for name, one in result.details["streams"].items()} == {
        "contacts": "success",
        "deals": "failed",
        "users": "failed",
        "fields": "success",
    }
    # a scope that is missing is missing from each token: none is minted in vain
    assert len(desk.requests("/oauth/v2/token")) == 1


def test_a_module_that_the_account_lacks_is_named(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Contacts", "Kontakte"])

    result = desk.sync()

    assert result.status is Status.PARTIAL
    assert "no such module" in result.details["streams"]["kontakte"]["reason"]
    assert desk.ids("zoho_crm_contacts")


def test_a_module_without_a_time_of_change_is_compared_whole(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Price_Lists"], **PAST)
    desk.synced()
    changed, gone = (record["id"] for record in desk.held("Price_Lists")[:2])
    desk.change("update", module="Price_Lists", id=changed, Price=7.5)
    desk.change("delete", module="Price_Lists", id=gone)

    result = desk.synced()

    assert (result.rows_updated, result.rows_deleted, result.rows_unchanged) == (1, 1, result.rows_read - 1)
    assert desk.row("zoho_crm_price_lists", changed, "price, version") == {"price": 7.5, "version": 2}
    assert gone in desk.ids("zoho_crm_price_lists", "deleted_at IS NOT NULL")


def test_metadata_that_is_not_as_documented_costs_itself_alone_and_no_module(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases", "Contacts"], **PAST)
    fields = [
        {"id": "1", "api_name": "Last_Name", "data_type": None, "custom_field": "no", "pick_list_values": "none"},
        {"id": "2", "api_name": 7, "data_type": "text"},
        {"id": "3", "api_name": "Modified_Time", "data_type": "datetime"},
        "?",
    ]
    desk.vendor.control.fail(status=200, match="module=Contacts", times=None, body={"fields": fields})
    modules = [{"api_name": "Cases", "viewable": "yes"}, {"api_name": "Contacts", "api_supported": 1}]
    desk.vendor.control.fail(status=200, match="settings/modules", times=None, body={"modules": modules})

    result = desk.sync()

    assert (result.status, result.error_code, result.rows_failed) == (Status.PARTIAL, "rows_failed", 1)
    assert desk.ids("zoho_crm_cases") == {record["id"] for record in desk.held("Cases")}
    last_names = {record["Last_Name"] for record in desk.held("Contacts")}
    assert {row["last_name"] for row in desk.ask("SELECT last_name FROM helpdesk.zoho_crm_contacts")} == last_names


def test_a_record_of_more_than_50_fields_arrives_whole(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Wide_Surveys"])
    desk.synced()

    held = desk.held("Wide_Surveys")[1]
    row = desk.row("zoho_crm_wide_surveys", held["id"])

    texts = [
        name for name, value in held.items() if name.startswith("Question_") and isinstance(value, str | int | float)
    ]
    assert len(texts) > 90
    assert [name for name in texts if row[name.lower()] is None] == []


def test_names_that_differ_in_their_case_only_are_columns_of_their_own(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Order"])
    key = desk.held("Order")[0]["id"]
    desk.vendor.control.mutate("update", module="Order", id=key, Order_ID="one", Order_Id="other", select="this")
    desk.synced()

    row = desk.row("zoho_crm_order", key)

    assert {name: value for name, value in row.items() if value in ("one", "other", "this")}.keys() > {"select"}
    assert {value for name, value in row.items() if name.startswith("order_id")} == {"one", "other"}


def test_rows_of_a_subform_follow_their_record(warehouse_url: str, make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Cases"], warehouse_url=warehouse_url, **PAST)
    desk.synced()
    parent = next(record for record in desk.held("Cases") if len(record["Items"] or ()) == 3)
    first, second, third = (item["id"] for item in parent["Items"])
    children = f"parent_id = '{parent['id']}' AND deleted_at IS NULL"
    assert desk.ids("zoho_crm_cases_items", children) == {first, second, third}
    assert desk.row("zoho_crm_cases_items", second, "item, quantity")["quantity"] == 2
    stored = json.loads(desk.row("zoho_crm_cases", parent["id"], "items")["items"])
    assert [item["id"] for item in stored] == [first, second, third]

    kept = [{**item, "Quantity": 9} for item in parent["Items"][:2]]
    desk.change("update", module="Cases", id=parent["id"], Items=kept)
    desk.synced()
    assert desk.ids("zoho_crm_cases_items", children) == {first, second}
    assert desk.row("zoho_crm_cases_items", first, "quantity") == {"quantity": 9}
    assert third in desk.ids("zoho_crm_cases_items", "deleted_at IS NOT NULL")
    content = desk.row("zoho_crm_cases_items", first, "content_hash, item, quantity, created_time")

    desk.change("delete", module="Cases", id=parent["id"])
    desk.synced()
    assert desk.ids("zoho_crm_cases_items", children) == set()
    # made of the stored parent, whose JSON an engine may have written in another order
    assert desk.row("zoho_crm_cases_items", first, "content_hash, item, quantity, created_time") == content


def test_a_new_field_is_a_typed_column_and_one_that_goes_keeps_its_values(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Contacts"], **PAST)
    desk.synced()
    key = desk.held("Contacts")[1]["id"]
    before = desk.row("zoho_crm_contacts", desk.held("Contacts")[2]["id"], "date_of_birth")
    desk.vendor.control.mutate("add_field", module="Contacts", api_name="Score", data_type="integer")
    desk.vendor.control.mutate("remove_field", module="Contacts", api_name="Date_of_Birth")
    desk.change("update", module="Contacts", id=key, Score=41)

    desk.synced()

    assert desk.row("zoho_crm_contacts", key, "score") == {"score": 41}
    assert desk.row("zoho_crm_contacts", desk.held("Contacts")[2]["id"], "date_of_birth") == before
    assert desk.row("contacts", key, "custom_fields")["custom_fields"].count('"Score":41') == 1


def test_a_field_that_two_desks_type_differently_keeps_the_first_type(
    warehouse_url: str, make_crm: MakeCrmDesk
) -> None:
    one = make_crm("one", ["Deals"], warehouse_url=warehouse_url, **PAST)
    other = make_crm("other", ["Deals"], warehouse_url=warehouse_url, **PAST)
    other.vendor.control.mutate("add_field", module="Deals", api_name="Rating", data_type="text")
    one.vendor.control.mutate("add_field", module="Deals", api_name="Rating", data_type="integer")
    keys = {desk.key: desk.held("Deals")[1]["id"] for desk in (one, other)}
    one.change("update", module="Deals", id=keys["one"], Rating=5)
    other.change("update", module="Deals", id=keys["other"], Rating="very good")
    one.synced()

    result = other.synced()

    assert result.status is Status.SUCCESS
    assert one.row("zoho_crm_deals", keys["one"], "rating, unparsed") == {"rating": 5, "unparsed": None}
    row = other.row("zoho_crm_deals", keys["other"], "rating, unparsed")
    assert (row["rating"], json.loads(row["unparsed"])) == (None, {"rating": "very good"})
    told = {access.stream: access.reason for access in check_desk(other.project, "other")}
    assert "zoho_crm_deals.rating is text in this account and integer in the table" in told["deals"]
    assert not any(access.reason for access in check_desk(one.project, "one"))


def test_chosen_records_are_read_by_their_ids(make_crm: MakeCrmDesk) -> None:
    desk = make_crm(modules=["Wide_Surveys", "Cases"])
    keys = [record["id"] for record in desk.held("Wide_Surveys")[:2]]

    result = desk.sync(streams=("wide_surveys",), ids=(*keys, "1"))

    assert (result.status, result.error_message) == (Status.PARTIAL, "gone, or never there: id 1")
    assert result.rows_read == 2
    assert desk.ids("zoho_crm_wide_surveys") == set(keys)

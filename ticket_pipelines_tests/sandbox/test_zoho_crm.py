"""Contract, section 3: metadata, lists, pages, deletions, users, errors and credits of Zoho CRM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.zoho_crm import ZohoCrmEmulator
from ticket_pipelines.sandbox.zoho_crm.changes import OPERATIONS
from ticket_pipelines.sandbox.zoho_crm.modules import MODULES
from ticket_pipelines_tests.sandbox.zoho_asking import NOW, Open, Zoho, in_flight

ASCENDING = {"sort_by": "Modified_Time", "sort_order": "asc"}
READABLE = [name for name, module in MODULES.items() if module.readable and not module.refused]


def names_of(asker: Zoho, module: str) -> list[str]:
    return [field["api_name"] for field in asker.get("settings/fields", module=module).json["fields"]]


def walk(asker: Zoho, module: str, fields: str, **params: Any) -> Iterator[dict[str, Any]]:
    """All rows by page token."""
    token: dict[str, str] = {}
    while True:
        page = asker.get(module, fields=fields, **params, **token).json
        yield from page["data"]
        if not page["info"]["more_records"]:
            return
        token = {"page_token": page["info"]["next_page_token"]}


def some_row(asker: Zoho, module: str = "Cases") -> dict[str, Any]:
    return dict(asker.get(module, fields="Subject,Modified_Time", per_page=1).json["data"][0])


@pytest.mark.parametrize("tickets", [0, 1, 40])
def test_any_number_of_tickets(tickets: int) -> None:
    counts = ZohoCrmEmulator(Options(tickets=tickets)).counts()
    assert counts["Cases"] == (0, 4, 40)[(0, 1, 40).index(tickets)]


def test_same_options_give_the_same_bytes(open_crm: Open) -> None:
    bodies = [open_crm().get("Cases", fields="Subject,Items,Modified_Time").json["data"] for _ in range(2)]
    assert bodies[0] == bodies[1]


def test_modules_of_every_kind(crm_account: Zoho) -> None:
    modules = {module["api_name"]: module for module in crm_account.get("settings/modules").json["modules"]}
    assert {module["generated_type"] for module in modules.values()} == {"default", "custom", "linking", "web"}
    assert [name for name, module in modules.items() if not module["api_supported"]] == ["Web_Tab", "Visits"]
    assert [name for name, module in modules.items() if not module["viewable"]] == ["Ordered_Items"]
    assert len(names_of(crm_account, "Wide_Surveys")) > 100
    assert "Modified_Time" not in names_of(crm_account, "Price_Lists")
    assert not any("length" in f for f in crm_account.get("settings/fields", module="Price_Lists").json["fields"][:3])
    assert names_of(crm_account, "Ordered_Items") == ["Item", "Quantity"]
    assert crm_account.get("settings/modules/Cases").json["modules"] == [modules["Cases"]]


@pytest.mark.parametrize("module", READABLE)
def test_every_module_can_be_read(crm_account: Zoho, module: str) -> None:
    names = names_of(crm_account, module)[:50]
    rows = crm_account.get(module, fields=",".join(names)).json["data"]
    assert set(rows[0]) == {"id", *names}
    whole = crm_account.get(f"{module}/{rows[0]['id']}").json["data"][0]
    assert whole.items() >= rows[0].items()


def test_fields_are_mandatory_and_fifty(crm_account: Zoho) -> None:
    """Section 0, fact 9."""
    refused = crm_account.get("Contacts")
    assert (refused.status, refused.json["code"]) == (400, "REQUIRED_PARAM_MISSING")
    assert refused.json["details"] == {"param_name": "fields"}
    names = names_of(crm_account, "Wide_Surveys")
    assert crm_account.get("Wide_Surveys", fields=",".join(names[:50])).status == 200
    assert crm_account.get("Wide_Surveys", fields=",".join(names[:51])).json["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("Nope?fields=Name", 400, "INVALID_MODULE"),
        ("Web_Tab?fields=Name", 400, "INVALID_MODULE"),
        ("Ordered_Items?fields=Item", 400, "INVALID_MODULE"),
        ("Payroll?fields=Name", 403, "NO_PERMISSION"),
        ("settings/fields", 400, "REQUIRED_PARAM_MISSING"),
        ("settings/fields?module=Nope", 400, "INVALID_MODULE"),
        ("settings/nope", 404, "INVALID_URL_PATTERN"),
        ("Cases?fields=Subject&per_page=201", 400, "INVALID_DATA"),
        ("Cases?fields=Subject&sort_by=Subject", 400, "INVALID_DATA"),
        ("Price_Lists?fields=Name&sort_by=Modified_Time", 400, "INVALID_DATA"),
        ("users?type=Nope", 400, "INVALID_DATA"),
    ],
)
def test_refusals(crm_account: Zoho, path: str, status: int, code: str) -> None:
    refused = crm_account.get(path)
    assert (refused.status, refused.json["code"], refused.json["status"]) == (status, code, "error")


def test_values_are_nested_and_in_the_organizations_zone(crm_account: Zoho) -> None:
    rows = crm_account.get("Cases", fields="Items,Related_To,Owner,Tag,Modified_Time,Subject").json["data"]
    assert all(row["Modified_Time"].endswith("+05:30") for row in rows)
    assert any(len(row["Items"]) == 3 for row in rows)
    assert set(rows[0]["Owner"]) == {"name", "id", "email"}
    assert any("注" in (row["Subject"] or "") for row in rows)
    contacts = crm_account.get("Contacts", fields="Interests").json["data"]
    assert any(len(row["Interests"]) == 3 for row in contacts)
    note = crm_account.get("Notes", fields="Parent_Id").json["data"][0]["Parent_Id"]
    assert note["module"]["api_name"] == "Cases"
    assert crm_account.get(f"Cases/{note['id']}").status == 200


def test_pages_by_number_end_at_two_thousand_rows(open_crm: Open) -> None:
    asker = open_crm(rows={"Meter_Readings": 2_500})
    assert asker.get("Meter_Readings", fields="Name", page=10).json["info"]["more_records"] is True
    refused = asker.get("Meter_Readings", fields="Name", page=11)
    assert (refused.status, refused.json["code"]) == (400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ["id", "Modified_Time", "Created_Time"])
def test_tokens_give_every_row_once(open_crm: Open, sort: str, order: str) -> None:
    asker = open_crm(rows={"Meter_Readings": 2_500}, same_second=700)
    rows = list(walk(asker, "Meter_Readings", "Modified_Time,Created_Time", sort_by=sort, sort_order=order))
    assert len({row["id"] for row in rows}) == len(rows) == 2_500
    values = [row[sort] for row in rows]
    assert values == sorted(values, reverse=order == "desc")
    times = [row["Modified_Time"] for row in rows]
    assert max(map(times.count, set(times))) >= 700


def test_tokens_end_at_a_cap(open_crm: Open) -> None:
    asker = open_crm(rows={"Meter_Readings": 1_000}, token_cap=600)
    token: dict[str, str] = {}
    for passed in (200, 400, 600):
        info = asker.get("Meter_Readings", fields="Name", **token).json["info"]
        assert (info["more_records"], bool(info["next_page_token"])) == (True, passed < 600)
        token = {"page_token": info["next_page_token"]}


def test_a_token_is_bound_and_ends(crm_account: Zoho) -> None:
    token = crm_account.get("Cases", fields="Subject", per_page=5).json["info"]["next_page_token"]

    def code(**params: Any) -> str:
        return str(crm_account.get("Cases", **{"fields": "Subject", "page_token": token, **params}).json.get("code"))

    assert code() == "None"
    assert code(fields="Status") == "TOKEN_BOUND_DATA_MISMATCH"
    assert code(page=2) == "AMBIGUITY_DURING_PROCESSING"
    assert code(page_token="nonsense") == "INVALID_PAGE_TOKEN"
    crm_account.control.configure(token_seconds=200_000)
    crm_account.control.configure(page_token_seconds=10)
    token = crm_account.get("Cases", fields="Subject", per_page=5).json["info"]["next_page_token"]
    crm_account.control.clock(advance=11)
    assert code() == "EXPIRED_PAGE_TOKEN"


def test_rows_that_change_during_a_walk_come_again(crm_account: Zoho) -> None:
    first = crm_account.get("Cases", fields="Subject", per_page=10, **ASCENDING).json
    crm_account.control.mutate("update", module="Cases", id=first["data"][0]["id"], Subject="again")
    token = first["info"]["next_page_token"]
    rest = crm_account.get("Cases", fields="Subject", page_token=token, **ASCENDING).json["data"]
    assert rest[-1]["Subject"] == "again"
    assert len(rest) == 31


@pytest.mark.parametrize("status", [304, 204])
def test_only_what_changed_since(open_crm: Open, status: int) -> None:
    asker = open_crm(not_modified_status=status)
    since = {"If-Modified-Since": "2026-11-22T17:30:00+05:30"}
    empty = asker.get("Cases", since, fields="Subject")
    assert (empty.status, empty.body) == (status, b"")
    key = some_row(asker)["id"]
    asker.control.clock(advance=1)
    asker.control.mutate("update", module="Cases", id=key, Subject="new")
    assert [row["id"] for row in asker.get("Cases", since, fields="Subject").json["data"]] == [key]
    assert len(asker.get("Price_Lists", since, fields="Name").json["data"]) == 4
    assert asker.get("Cases", {"If-Modified-Since": "soon"}, fields="Subject").status == 400


def test_deletions(crm_account: Zoho) -> None:
    since = {"If-Modified-Since": "2026-11-22T12:00:00+00:00"}
    first, second, third = (row["id"] for row in crm_account.get("Cases", fields="Subject", per_page=3).json["data"])
    crm_account.control.clock(advance=60)
    for key in (first, second, third):
        crm_account.control.mutate("delete", module="Cases", id=key, permanently=key == third)
    crm_account.control.mutate("restore", module="Cases", id=second)
    told = crm_account.get("Cases/deleted", since, type="all")
    assert {row["id"]: row["type"] for row in told.json["data"]} == {first: "recycle", third: "permanent"}
    assert (crm_account.get(f"Cases/{first}").status, crm_account.get(f"Cases/{second}").status) == (204, 200)
    assert [row["id"] for row in crm_account.get("Cases/deleted", since, type="recycle").json["data"]] == [first]
    assert first in {row["id"] for row in crm_account.get("settings/recycle_bin").json["recycle_bin"]}
    assert crm_account.get("Cases/actions/count").json == {"count": "38"}


def test_new_rows_and_fields(crm_account: Zoho) -> None:
    crm_account.control.mutate("add_field", module="Cases", api_name="Colour")
    made = crm_account.control.mutate("create", module="Cases", count=300, Subject="Bulk", Colour="red")
    assert len(made["ids"]) == 300
    row = crm_account.get(f"Cases/{made['id']}").json["data"][0]
    assert (row["Subject"], row["Colour"], row["Status"]) == ("Bulk", "red", None)
    crm_account.control.mutate("retype_field", module="Cases", api_name="Colour", data_type="integer")
    kinds = {f["api_name"]: f["data_type"] for f in crm_account.get("settings/fields", module="Cases").json["fields"]}
    assert kinds["Colour"] == "integer"
    crm_account.control.mutate("remove_field", module="Cases", api_name="Colour")
    assert "Colour" not in names_of(crm_account, "Cases")


def test_search(crm_account: Zoho) -> None:
    closed = crm_account.get("Cases/search", criteria="(Status:equals:Closed)").json["data"]
    assert {row["Status"] for row in closed} == {"Closed"}
    both = crm_account.get("Cases/search", criteria="((Status:equals:Closed)and(Priority:equals:Low))").json["data"]
    assert 0 < len(both) < len(closed)
    assert crm_account.get("Contacts/search", email="person3@customers.example").json["info"]["count"] == 1
    assert crm_account.get("Cases/search", word="no such word").status == 204
    assert crm_account.get("Cases/search", page=11).json["code"] == "REQUIRED_PARAM_MISSING"
    assert crm_account.get("Cases/search", word="lamp", page=11).json["code"] == "LIMIT_REACHED"


def test_users_and_organization(crm_account: Zoho) -> None:
    assert len(crm_account.get("users", type="AllUsers").json["users"]) == 4
    assert {user["status"] for user in crm_account.get("users", type="ActiveUsers").json["users"]} == {"active"}
    key = crm_account.get("users", type="DeactiveUsers").json["users"][0]["id"]
    since = {"If-Modified-Since": "2026-11-22T12:00:00Z"}
    assert crm_account.get("users", since).status == 304
    crm_account.control.clock(advance=1)
    crm_account.control.mutate("update_user", id=key, status="active")
    assert [user["id"] for user in crm_account.get("users", since).json["users"]] == [key]
    assert crm_account.get(f"users/{key}").json["users"][0]["status"] == "active"
    assert crm_account.get("org").json["org"][0]["max_per_page"] == 200


def test_a_module_can_be_refused(crm_account: Zoho) -> None:
    crm_account.control.configure(unavailable={"Leads": "NO_PERMISSION", "Order": "INVALID_MODULE"})
    assert crm_account.get("Leads", fields="Company").status == 403
    assert crm_account.get("Order/deleted").status == 400


def test_scopes_of_modules(open_crm: Open) -> None:
    asker = open_crm(login="contacts_only")
    assert asker.get("Contacts", fields="Email").status == 200
    refused = asker.get("Leads", fields="Email")
    assert (refused.status, refused.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")
    asker.headers["Authorization"] = "Zoho-oauthtoken wrong"
    assert asker.get("Contacts", fields="Email").json["code"] == "INVALID_TOKEN"


def test_credits_are_told_from_half_on(open_crm: Open) -> None:
    asker = open_crm(credits=4)
    told = [asker.get("org").headers.get("x-api-credits-remaining") for _ in range(3)]
    assert told == [None, "2", "1"]
    refused = asker.get("Cases/deleted")
    assert (refused.status, refused.json["code"], "retry-after" in refused.headers) == (429, "TOO_MANY_REQUESTS", False)
    assert "credits" in refused.json["message"]
    assert asker.get("org").status == 200


def test_concurrent_calls_are_bound(open_crm: Open) -> None:
    asker = open_crm(concurrency=2, sub_concurrency=1)
    with in_flight(asker):
        assert asker.get("Cases", fields="Subject").status == 200
        sorting = asker.get("Cases", fields="Subject", **ASCENDING)
        with in_flight(asker):
            refused = asker.get("Cases", fields="Subject")
    assert (sorting.status, refused.status) == (429, 429)
    assert sorting.json["message"] != refused.json["message"]


def test_older_shape_of_a_429(crm_account: Zoho) -> None:
    crm_account.control.fail(preset="too_many_requests_older", stream="Cases")
    assert crm_account.get("Contacts", fields="Email").status == 200
    assert crm_account.get("Cases", fields="Subject").json["code"] == 429


def test_a_fault_names_a_module_that_exists(crm_account: Zoho) -> None:
    with pytest.raises(ValueError, match="cannot fail so"):
        crm_account.control.fail(status=500, stream="Case")


def test_state_tells_versions(crm_account: Zoho) -> None:
    told = crm_account.control.state("Cases")["records"]
    assert sum(not row["deleted"] for row in told) == len(crm_account.control.records("Cases")) == 40
    assert {row["version"] for row in crm_account.control.state("Price_Lists")["records"] if not row["deleted"]} == {
        None
    }
    with pytest.raises(ValueError, match="no stream"):
        crm_account.control.state("Visits")


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("nonsense", {}),
        ("update", {"module": "Nope", "id": "1"}),
        ("update", {"module": "Cases", "id": "1"}),
        ("restore", {"module": "Cases", "id": "1"}),
        ("delete", {"module": "Cases"}),
    ],
)
def test_unknown_change_is_refused(crm_account: Zoho, op: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no operation|there is no|argument"):
        crm_account.control.mutate(op, **arguments)


def test_random_changes_are_repeatable() -> None:
    first, second = (ZohoCrmEmulator(Options(tickets=60, now=NOW, frozen=True)) for _ in range(2))
    assert first.mutate("random", {"count": 40}) == second.mutate("random", {"count": 40})
    assert first.records("Cases") == second.records("Cases")


def test_every_operation_has_a_description() -> None:
    assert [name for name, operation in OPERATIONS.items() if not operation.__doc__] == []

"""Contract, section 3.1: bulk reads of Zoho CRM."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from ticket_pipelines_tests.sandbox.asking import Answer
from ticket_pipelines_tests.sandbox.zoho_asking import Open, Zoho, request

PATH = "/crm/bulk/v8/read"


def create(asker: Zoho, module: str, **query: Any) -> Answer:
    return asker.post(PATH, {"query": {"module": {"api_name": module}, **query}})


def job(asker: Zoho, module: str, **query: Any) -> str:
    answer = create(asker, module, **query)
    assert answer.status == 201, answer.body
    return str(answer.json["data"][0]["details"]["id"])


def get(asker: Zoho, path: str) -> Answer:
    return request(asker.url, "GET", f"{PATH}/{path}", asker.headers, {})


def done(asker: Zoho, key: str) -> dict[str, Any]:
    while (told := get(asker, key).json["data"][0])["state"] != "COMPLETED":
        assert told["state"] in ("ADDED", "QUEUED", "IN PROGRESS")
    return dict(told["result"])


def rows(asker: Zoho, key: str) -> list[dict[str, str]]:
    answer = get(asker, f"{key}/result")
    assert answer.headers["content-type"] == "application/x-download"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        (name,) = archive.namelist()
        return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))


def test_a_job_is_polled_and_read(crm_account: Zoho) -> None:
    key = job(crm_account, "Contacts", fields=["Last_Name", "Account_Name", "Interests", "Passport", "Modified_Time"])
    assert get(crm_account, f"{key}/result").status == 400
    states = [get(crm_account, key).json["data"][0]["state"] for _ in range(4)]
    assert states == ["ADDED", "IN PROGRESS", "COMPLETED", "COMPLETED"]
    found = rows(crm_account, key)
    held = {row["id"]: row for row in crm_account.control.records("Contacts")}
    assert [row["id"] for row in found] == sorted(held)
    assert {row["Passport"] for row in found} == {""}
    for row in found:
        account = held[row["id"]]["Account_Name"]
        assert row["Account_Name"] == (account["id"] if account else "")
        assert row["Interests"] == ";".join(held[row["id"]]["Interests"])
        assert row["Modified_Time"] == held[row["id"]]["Modified_Time"]


def test_no_fields_are_all_that_can_be_read(crm_account: Zoho) -> None:
    key = job(crm_account, "Cases")
    done(crm_account, key)
    first = rows(crm_account, key)[0]
    assert {"id", "Subject", "Owner"} <= set(first)
    assert "Items" not in first


def test_texts_survive_the_csv(crm_account: Zoho) -> None:
    key = job(crm_account, "Cases", fields=["Subject"])
    done(crm_account, key)
    held = {row["id"]: row["Subject"] or "" for row in crm_account.control.records("Cases")}
    assert {row["id"]: row["Subject"] for row in rows(crm_account, key)} == held


def test_pages_of_a_job(open_crm: Open) -> None:
    asker = open_crm(rows={"Meter_Readings": 25_000}, bulk_rows=10_000)
    found: list[str] = []
    query: dict[str, Any] = {"fields": ["Name"], "page": 1}
    for expected in (10_000, 10_000, 5_000):
        key = job(asker, "Meter_Readings", **query)
        result = done(asker, key)
        assert (result["count"], result["more_records"]) == (expected, expected == 10_000)
        found += [row["id"] for row in rows(asker, key)]
        query = {"fields": ["Name"], "page_token": result["next_page_token"]}
    assert len(set(found)) == 25_000


def test_criteria(crm_account: Zoho) -> None:
    moment = sorted(row["Modified_Time"] for row in crm_account.control.records("Cases"))[20]
    leaf = {"field": {"api_name": "Modified_Time"}, "comparator": "greater_equal", "value": moment}
    wanted = [row["id"] for row in crm_account.control.records("Cases") if row["Modified_Time"] >= moment]
    for criteria in (leaf, {"group_operator": "and", "group": [leaf, leaf]}):
        key = job(crm_account, "Cases", fields=["Subject"], criteria=criteria)
        assert done(crm_account, key)["count"] == len(wanted)
        assert [row["id"] for row in rows(crm_account, key)] == wanted


@pytest.mark.parametrize(
    ("module", "query", "code"),
    [
        ("Nope", {}, "MODULE_NOT_AVAILABLE"),
        ("Price_Lists", {}, "MODULE_NOT_SUPPORTED"),
        ("Payroll", {}, "NO_PERMISSION"),
        ("Cases", {"fields": ["Nope"]}, "FIELD_NOT_AVAILABLE"),
        ("Cases", {"fields": ["Items"]}, "FIELD_NOT_SUPPORTED"),
        ("Cases", {"page": 51}, "PAGE_RANGE_EXCEEDED"),
        ("Cases", {"page_token": "nonsense"}, "PAGE_RANGE_EXCEEDED"),
        ("Cases", {"cvid": "1"}, "CVID_NOT_SUPPORTED"),
        (
            "Cases",
            {"criteria": {"field": {"api_name": "No"}, "comparator": "equal"}},
            "FIELD_IN_CRITERIA_NOT_AVAILABLE",
        ),
    ],
)
def test_refusals(crm_account: Zoho, module: str, query: dict[str, Any], code: str) -> None:
    refused = create(crm_account, module, **query)
    assert (refused.status, refused.json["code"]) == (403 if code == "NO_PERMISSION" else 400, code)


def test_bodies_that_cannot_be_read(crm_account: Zoho) -> None:
    empty = request(crm_account.url, "POST", PATH, crm_account.headers, {})
    assert (empty.status, empty.json["code"]) == (400, "REQUEST_BODY_IS_EMPTY")
    assert crm_account.post(PATH, {"nonsense": 1}).json["code"] == "REQUEST_BODY_NOT_READABLE"


def test_unknown_jobs(crm_account: Zoho) -> None:
    assert (get(crm_account, "1").status, get(crm_account, "1/result").status) == (404, 400)


def test_a_job_can_fail(open_crm: Open) -> None:
    asker = open_crm(bulk_states=("QUEUED", "FAILURE"))
    key = job(asker, "Cases")
    assert [get(asker, key).json["data"][0]["state"] for _ in range(2)] == ["QUEUED", "FAILURE"]
    assert get(asker, f"{key}/result").status == 400


def test_downloads_are_limited(open_crm: Open) -> None:
    asker = open_crm(bulk_downloads=2)
    key = job(asker, "Cases")
    done(asker, key)
    assert [get(asker, f"{key}/result").status for _ in range(3)] == [200, 200, 429]
    asker.control.clock(advance=60)
    assert get(asker, f"{key}/result").status == 200


def test_a_job_costs_fifty_credits_and_a_scope(open_crm: Open) -> None:
    asker = open_crm(credits=100)
    job(asker, "Cases")
    assert get(asker, "1").headers["x-api-credits-remaining"] == "49"
    asker = open_crm(login="without_bulk")
    assert create(asker, "Cases").json["code"] == "OAUTH_SCOPE_MISMATCH"

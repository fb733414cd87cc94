"""Contract, sections 0 and 2: lists, details and children of Zoho Desk."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.zoho_desk import ZohoDeskEmulator
from ticket_pipelines.sandbox.zoho_desk.endpoints import ENDPOINTS
from ticket_pipelines_tests.sandbox.zoho_asking import EVER, Open, Zoho, request, some_ticket


@pytest.mark.parametrize("seed", range(5))
def test_thirty_tickets_hold_every_shape(seed: int) -> None:
    emulator = ZohoDeskEmulator(Options(seed=seed, tickets=30))
    counts = emulator.counts()
    assert counts["tickets"] == 30
    assert [name for name, count in counts.items() if not count] == []
    assert {row["statusType"] for row in emulator.records("tickets")} == {"Open", "On Hold", "Closed"}


@pytest.mark.parametrize("tickets", [0, 1, 2, 5, 10, 29])
def test_any_number_of_tickets(tickets: int) -> None:
    assert ZohoDeskEmulator(Options(tickets=tickets)).counts()["tickets"] == tickets


def test_same_seed_gives_the_same_bytes(open_desk: Open) -> None:
    first, second = open_desk(), open_desk()
    assert first.get("tickets", limit=100).body == second.get("tickets", limit=100).body


def test_list_has_no_modified_time(desk_account: Zoho) -> None:
    """Section 0, fact 1."""
    row = desk_account.get("tickets").json["data"][0]
    assert not {"modifiedTime", "description", "cf", "isTrashed"} & set(row)
    assert {"subStatus", "statusText", "isArchived"} <= set(row)
    assert isinstance(row["threadCount"], str)


def test_fields_replace_the_projection(desk_account: Zoho) -> None:
    """Section 0, fact 2."""
    row = desk_account.get("tickets", fields="id,modifiedTime,cf").json["data"][0]
    assert set(row) == {"id", "modifiedTime", "cf"}
    assert row["cf"] is None
    assert [desk_account.get("tickets", fields=name).status for name in ("nope", "isArchived", "statusText")] == [
        500
    ] * 3
    assert desk_account.get("tickets", fields=",".join(["id"] * 31)).status == 422


def test_unknown_parameters_are_refused(desk_account: Zoho) -> None:
    """Section 0, fact 3."""
    for name in ("modifiedTimeRange", "sortOrder", "modifiedSince"):
        refused = desk_account.get("tickets", **{name: "x"})
        assert refused.status == 422
        assert refused.json["message"] == f"Extra query parameter '{name}' is present in the input."
    assert desk_account.get("teams", limit=1).status == 422


@pytest.mark.parametrize(
    ("path", "most"),
    [("tickets", 100), ("agents", 200), ("departments", 200), ("contacts", 100), ("tickets/search", 100)],
)
def test_page_sizes_differ(desk_account: Zoho, path: str, most: int) -> None:
    """Section 0, fact 5: the range stands in the text."""
    least = 0 if path == "agents" else 1
    assert desk_account.get(path, limit=most).status == 200
    refused = desk_account.get(path, limit=most + 1)
    said = f"The value passed for field 'limit' exceeds the range of '{least}-{most}'."
    assert (refused.status, refused.json) == (422, {"errorCode": "UNPROCESSABLE_ENTITY", "message": said})


def test_page_sizes_can_be_smaller(open_desk: Open) -> None:
    asker = open_desk(page_limits={"contacts": 50})
    assert "'1-50'" in asker.get("contacts", limit=100).json["message"]
    assert asker.get("contacts", limit=50).status == 200


@pytest.mark.parametrize("base", [0, 1])
def test_lists_count_rows_from_a_base(open_desk: Open, base: int) -> None:
    """Section 2.1: whoever starts at 0 and goes on by rows received misses none in either form."""
    asker = open_desk(from_base=base)
    found: list[str] = []
    while (answer := asker.get("tickets", limit=7, **{"from": len(found)})).status == 200:
        found += [row["id"] for row in answer.json["data"]]
    assert len(set(found)) == asker.control.state()["counts"]["listed_tickets"]
    assert (len(found) > len(set(found))) == bool(base)


def test_no_rows_are_a_204(desk_account: Zoho) -> None:
    for path in ("tickets?from=5000", "tickets?status=Nope", "fields?module=contacts", "departments?from=99"):
        answer = desk_account.get(path)
        assert (answer.status, answer.body) == (204, b"")


def test_archived_tickets_are_listed_by_department(desk_account: Zoho) -> None:
    """Section 0, fact 7."""
    assert desk_account.get("tickets/archivedTickets").status == 422
    departments = [row["id"] for row in desk_account.get("departments").json["data"]]
    answers = [desk_account.get("tickets/archivedTickets", departmentId=key) for key in departments]
    rows = [row for answer in answers if answer.status == 200 for row in answer.json["data"]]
    assert [row["isArchived"] for row in rows] == [True]
    assert rows[0]["id"] not in {row["id"] for row in desk_account.get("tickets", limit=100).json["data"]}
    assert desk_account.get(f"tickets/{rows[0]['id']}").json["isArchived"] is True


def test_organization_goes_by_header(desk_account: Zoho) -> None:
    """Section 2.1."""
    right = desk_account.headers.pop("orgId")
    assert desk_account.get("tickets").status == 422
    assert desk_account.get("organizations").json["data"][0]["id"] == int(right)
    assert desk_account.get("accessibleOrganizations").status == 422
    refused = desk_account.get("tickets", {"orgId": "1"})
    assert (refused.status, refused.json["errorCode"]) == (403, "OAUTH_ORG_MISMATCH")


def test_path_and_method_must_fit(desk_account: Zoho) -> None:
    missing = request(desk_account.url, "GET", "/tickets", desk_account.headers, {})
    assert (missing.status, missing.json["errorCode"]) == (404, "URL_NOT_FOUND")
    assert desk_account.post("/api/v1/tickets/moveToTrash", {}).status == 404
    assert desk_account.post("/api/v1/tickets", {}).status == 405


@pytest.mark.parametrize("status", [403, 404])
def test_missing_scope(open_desk: Open, status: int) -> None:
    asker = open_desk(login="without_search", scope_mismatch_status=status)
    assert asker.get("tickets").status == 200
    refused = asker.get("tickets/search", modifiedTimeRange=EVER)
    assert (refused.status, refused.json["errorCode"]) == (status, "SCOPE_MISMATCH")


def test_a_stream_can_be_refused(open_desk: Open) -> None:
    asker = open_desk(unavailable={"fields": "LICENSE_ACCESS_LIMITED"})
    refused = asker.get("fields", module="tickets")
    assert (refused.status, refused.json["errorCode"], refused.json["editionType"]) == (
        403,
        "LICENSE_ACCESS_LIMITED",
        "FREE",
    )


def test_detail_and_includes(desk_account: Zoho) -> None:
    """Section 2.3: agents are named by `email` here, by `emailId` in searches."""
    key = desk_account.get("tickets/search", assigneeId="${notempty}").json["data"][0]["id"]
    row = desk_account.get(f"tickets/{key}", include="contacts,assignee,team,departments,products").json
    found = desk_account.get("tickets/search", id=key).json["data"][0]
    assert {"modifiedTime", "cf", "customFields", "isTrashed", "description", "layoutDetails"} <= set(row)
    assert ("email" in row["assignee"], "emailId" in found["assignee"]) == (True, True)
    assert row["contact"]["id"] == row["contactId"]
    assert "contact" not in desk_account.get(f"tickets/{key}").json
    assert desk_account.get("tickets", include="nope").status == 422


def test_contacts_can_stand_in_tickets_only(desk_account: Zoho) -> None:
    rows = desk_account.get("tickets", include="contacts", limit=100).json["data"]
    listed = {row["id"] for row in desk_account.get("contacts", limit=100).json["data"]}
    (inline,) = {row["contactId"] for row in rows if row["contactId"]} - listed
    assert desk_account.get(f"contacts/{inline}").status == 404
    emails = [row["email"] for row in desk_account.get("contacts", limit=100).json["data"] if row["email"]]
    assert len(emails) > len(set(emails))


def test_threads_are_summaries(desk_account: Zoho) -> None:
    """Section 2.2: content comes with a single thread only."""
    key = next(row["id"] for row in desk_account.get("tickets", limit=100).json["data"] if row["threadCount"] == "9")
    rows = desk_account.get(f"tickets/{key}/threads").json["data"]
    assert not any("content" in row for row in rows)
    assert rows[0]["createdTime"] >= rows[-1]["createdTime"]
    one = f"tickets/{key}/threads/{rows[0]['id']}"
    assert desk_account.get(one).json["content"]
    assert (
        "plainText" in desk_account.get(one).json,
        "plainText" in desk_account.get(one, include="plainText").json,
    ) == (False, True)
    told = desk_account.get(f"tickets/{key}/conversations").json["data"]
    assert (
        [row["type"] for row in told].count("comment")
        == len(desk_account.get(f"tickets/{key}/comments").json["data"])
        == 3
    )
    assert desk_account.get(f"tickets/{key}/attachments").json["data"][0]["name"] == "foto é.png"


def test_metrics_are_text(desk_account: Zoho) -> None:
    """Section 2.4."""
    key = desk_account.get("tickets/search", status="${closed}").json["data"][0]["id"]
    told = desk_account.get(f"tickets/{key}/metrics").json
    assert told["firstResponseTime"].endswith(" hrs")
    assert isinstance(told["threadCount"], str)


@pytest.mark.parametrize("spelt", ["History", "history", "both"])
def test_spelling_of_history_is_a_setting(open_desk: Open, spelt: str) -> None:
    asker = open_desk(history_path=spelt)
    key = some_ticket(asker)
    statuses = {name: asker.get(f"tickets/{key}/{name}").status for name in ("History", "history")}
    assert statuses == {name: 200 if spelt in (name, "both") else 404 for name in statuses}


def test_custom_statuses_have_types(desk_account: Zoho) -> None:
    rows = desk_account.get("ticketStatuses").json["data"]
    assert {row["statusType"] for row in rows} == {"Open", "On Hold", "Closed"}
    fields = {row["apiName"]: row for row in desk_account.get("fields", module="tickets").json["data"]}
    assert [value["value"] for value in fields["status"]["allowedValues"]] == [row["status"] for row in rows]
    assert fields["cf_order_number"]["isCustomField"] is True


def test_teams_have_another_key(desk_account: Zoho) -> None:
    assert len(desk_account.get("teams").json["teams"]) == 2


def test_counts_are_text(desk_account: Zoho) -> None:
    told = desk_account.get("ticketsCountByFieldValues", field="statusType,status").json
    listed = desk_account.control.state()["counts"]["listed_tickets"]
    assert desk_account.get("ticketsCountByFieldValues", field="cf").status == 422
    assert (
        sum(int(one["count"]) for one in told["statusType"])
        == int(desk_account.get("ticketsCount").json["count"])
        == listed
    )


def test_forms_of_values_are_settings(open_desk: Open) -> None:
    asker = open_desk(epoch_times=True, text_booleans=True)
    row = asker.get(f"tickets/{some_ticket(asker)}").json
    assert isinstance(row["modifiedTime"], int)
    assert row["isDeleted"] == "false"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_every_endpoint_answers_or_refuses(desk_account: Zoho, endpoint: Any) -> None:
    key = some_ticket(desk_account)
    path = endpoint.path.replace("{id:int}", key).replace("{thread:int}", "1").replace("{comment:int}", "1")
    assert desk_account.get(path).status in (200, 204, 404, 422)
    assert ":" not in desk_account.control.emulator.stream_pattern(endpoint.stream).replace("(?:", "")

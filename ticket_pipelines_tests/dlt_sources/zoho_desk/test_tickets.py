"""The stream of tickets: details, archive, the way without the right to search, deletions, forms of values."""

from __future__ import annotations

from typing import Any

import pytest

from dlt_sources.base import State
from dlt_sources.errors import AccessError, ConnectionFailedError, LimitError, MalformedError, StalledError
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.dlt_sources.zoho_desk.emulated import (
    TICKETS,
    Open,
    Start,
    asked,
    listed,
    read,
    repeated,
)


def some(account: Listening) -> str:
    return sorted(listed(account))[0]


def test_details_bring_what_a_search_lacks_once_a_change(organization: Start, opened: Open) -> None:
    account = organization()
    first = read(opened(account, details=True), TICKETS)
    by_id = {row["id"]: row for row in account.control.records("tickets")}
    for key in listed(account):
        found = first.records[key]
        assert (found["layoutDetails"], found["attachmentCount"]) == (
            by_id[key]["layoutDetails"],
            int(by_id[key]["attachmentCount"]),
        )
        assert len(found["tags"]) == int(by_id[key]["tagCount"])
    assert any(found.get("tags") for found in first.records.values())
    assert repeated(account, "/tickets/") == {}

    account.control.clear_log()
    account.control.clock(advance=60)
    key = some(account)
    account.control.mutate("tag_ticket", id=key, tags=["vip"])
    second = read(opened(account, details=True), TICKETS, first.state)
    assert "vip" in second.records[key]["tags"]
    assert [entry.path.rpartition("/tickets/")[2] for entry in asked(account, f"/tickets/{key}")] == [
        key,
        f"{key}/tags",
    ]


def test_details_stop_at_their_share_and_go_on_there(
    organization: Start, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlt_sources.zoho_desk.children.SHARE", 10)
    account = organization()
    state: State = {}
    for _ in range(len(listed(account)) // 10 + 1):
        found = read(opened(account, details=True), TICKETS, state, failing=LimitError)
        state = found.state
    assert found.error is None
    assert repeated(account, "/tags") == {}
    details = [e.path for e in asked(account, "/tickets/3") if e.path.count("/") == 4]
    assert len(details) == len(set(details)) == len(listed(account))


def test_archived_tickets_are_read_per_department_once_a_day(organization: Start, opened: Open, moving: Moving) -> None:
    account = organization()
    archived = {row["id"] for row in account.control.records("tickets") if row["isArchived"]}
    first = read(opened(account), TICKETS)
    assert archived
    assert all(first.records[key]["isArchived"] is True for key in archived)
    assert all(first.records[key]["isArchived"] is False for key in listed(account))

    account.control.clear_log()
    moving.advance(3_600)
    second = read(opened(account), TICKETS, first.state)
    assert asked(account, "archivedTickets") == []
    moving.advance(86_400)
    key = some(account)
    account.control.mutate("archive_ticket", id=key)
    third = read(opened(account), TICKETS, second.state)
    assert third.records[key]["isArchived"] is True


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 403}, AccessError), ({"kind": "reset_body", "times": None}, ConnectionFailedError)],
    ids=["refused", "broken"],
)
def test_an_archive_that_was_not_read_to_its_end_is_read_again_by_the_next_sync(
    organization: Start, opened: Open, fault: dict[str, Any], error: type[Exception]
) -> None:
    account = organization()
    archived = {row["id"] for row in account.control.records("tickets") if row["isArchived"]}
    account.control.fail(match="archivedTickets", skip=1, **fault)
    first = read(opened(account), TICKETS, failing=error)
    assert first.error is not None
    account.control.heal()
    second = read(opened(account), TICKETS, first.state)
    assert archived <= set(second.records)


def test_an_archive_that_is_away_keeps_no_details_back(organization: Start, opened: Open) -> None:
    account = organization()
    account.control.fail(match="archivedTickets", status=503, times=None)
    found = read(opened(account, details=True), TICKETS, failing=ConnectionFailedError)
    assert found.error is not None
    assert all("description" in found.records[key] for key in listed(account))


def test_a_ticket_that_is_shown_wrongly_keeps_no_other_back_and_is_asked_for_again(
    organization: Start, opened: Open
) -> None:
    account = organization()
    wrong, *others = sorted(listed(account))
    account.control.fail(match=f"/tickets/{wrong}", status=200, body={"errorCode": "INTERNAL"}, times=None)
    first = read(opened(account, details=True), TICKETS, failing=MalformedError)
    pages = {entry.path.rpartition("/")[2] for entry in account.control.log()}
    assert {wrong, *others} <= pages

    account.control.heal()
    account.control.clear_log()
    second = read(opened(account, details=True), TICKETS, first.state)
    assert second.error is None
    pages = {entry.path.rpartition("/")[2] for entry in account.control.log()}
    assert wrong in pages
    assert pages.isdisjoint(others)


def test_an_archive_that_is_not_listed_whole_is_said(organization: Start, opened: Open) -> None:
    account = organization(archived_from_max=99)
    keys = account.control.mutate("create_ticket", count=250)["ids"]
    for key in keys:
        account.control.mutate("update_ticket", id=key, departmentId=account.control.records("departments")[0]["id"])
        account.control.mutate("archive_ticket", id=key)
    found = read(opened(account), TICKETS, failing=StalledError)
    assert "archived tickets" in str(found.error)
    assert "archived" in found.state


@pytest.mark.parametrize("status", [403, 404])
def test_without_the_right_to_search_the_list_is_walked(organization: Start, opened: Open, status: int) -> None:
    account = organization(tickets=250, scope_mismatch_status=status)
    first = read(opened(account, login="without_search", details=True), TICKETS, failing=AccessError)
    assert listed(account) <= set(first.records)
    assert all("description" in first.records[key] for key in listed(account))

    account.control.clear_log()
    account.control.clock(advance=1_000)
    key = some(account)
    account.control.mutate("update_ticket", id=key, subject="changed")
    second = read(opened(account, login="without_search", details=True), TICKETS, first.state, failing=AccessError)
    assert second.records[key]["subject"] == "changed"
    # as long as archived tickets are missing, no reading is called complete
    assert "archived tickets" in str(second.error)
    # the search and the archive, which are refused, the list, and the ticket's own page
    assert len(asked(account, "/api/v1/tickets")) == 4


def test_a_list_that_is_not_sorted_says_which_scope_is_needed(organization: Start, opened: Open) -> None:
    account = organization(list_sorts_modified=False)
    found = read(opened(account, login="without_search"), TICKETS, failing=AccessError)
    assert "Desk.search.READ" in str(found.error)


def test_a_walk_down_the_list_that_is_cut_off_goes_on_where_it_was(organization: Start, opened: Open) -> None:
    account = organization(tickets=450)
    pages = opened(account, login="without_search").pages(TICKETS, {})
    half = [next(pages) for _ in range(2)]
    account.control.clear_log()

    rest = read(opened(account, login="without_search"), TICKETS, half[-1].state, failing=AccessError)

    assert listed(account) <= {row["id"] for page in half for row in values(page.records)} | set(rest.records)
    lists = [entry for entry in asked(account, "/api/v1/tickets") if entry.path.endswith("tickets")]
    assert lists[0].query["from"] == "100"


@pytest.mark.parametrize("shown", [True, False])
def test_of_stored_tickets_the_deleted_ones_are_told(organization: Start, opened: Open, shown: bool) -> None:
    account = organization(trashed_detail=shown)
    keys = sorted(listed(account))[:3]
    account.control.mutate("trash_ticket", id=keys[0])
    account.control.mutate("erase_ticket", id=keys[1])

    pages = list(opened(account).vanished(TICKETS, keys))

    told = {row["id"]: row for page in pages for row in values(page.records)}
    assert set(told) == set(keys[:2])
    assert all(page.partial for page in pages)
    assert told[keys[0]].get("isTrashed" if shown else "isDeleted") is True
    assert told[keys[1]]["isDeleted"] is True


def test_chosen_tickets_come_whole_and_a_missing_one_as_deleted(organization: Start, opened: Open) -> None:
    account = organization()
    key = some(account)
    pages = list(opened(account).by_ids(TICKETS, [key, "404"]))
    rows = {row["id"]: row for page in pages for row in values(page.records)}
    assert {"subject", "contact", "tags", "modifiedTime"} <= set(rows[key])
    assert rows["404"] == {"id": "404", "isDeleted": True}


def test_values_in_other_forms_get_the_form_of_their_column(organization: Start, opened: Open) -> None:
    account = organization(epoch_times=True, text_booleans=True)
    found = read(opened(account, details=True), TICKETS).records[some(account)]
    usual = {row["id"]: row for row in account.control.records("tickets")}[found["id"]]
    assert found["modifiedTime"] == usual["modifiedTime"]
    assert found["createdTime"] == usual["createdTime"]
    assert (found["isDeleted"], found["isFollowing"]) == (False, False)
    assert found["threadCount"] == int(usual["threadCount"])


def test_a_probe_is_one_request_and_tells_a_change(organization: Start, opened: Open) -> None:
    account = organization()
    client = opened(account)
    state = {"tickets": read(client, TICKETS).state}
    account.control.clear_log()
    assert client.probe(state) is False
    assert len(account.control.log()) == 1
    account.control.mutate("update_ticket", id=some(account), subject="changed")
    assert client.probe(state) is True
    assert client.probe({}) is True

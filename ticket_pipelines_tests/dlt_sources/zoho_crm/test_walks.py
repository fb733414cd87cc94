"""Lists and files of modules, against the emulated account over HTTP."""

from __future__ import annotations

from datetime import datetime

import pytest

from dlt_sources.base import Window
from dlt_sources.errors import (
    AccessError,
    ConnectionFailedError,
    CursorExpiredError,
    LimitError,
    MalformedError,
    StalledError,
    UnavailableError,
)
from dlt_sources.zoho_crm import bulk
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.dlt_sources.zoho_crm.emulated import Open, Start, alive, read, stream

HOUR = 3_600


def test_a_page_token_that_expires_starts_the_walk_where_it_stood(crm: Start, opened: Open, moving: Moving) -> None:
    account = crm({"Contacts": 1_000}, same_second=50, page_token_seconds=600)
    client = opened(account)
    found = []
    for number, page in enumerate(client.pages(stream(client, "contacts"), {})):
        found += alive(values(page.records))
        if number == 2:
            moving.advance(601)

    held = {record["id"] for record in account.control.records("Contacts")}
    assert set(found) == held
    # rows of the last second come again, no more
    assert len(found) < len(held) + 60


def test_where_page_tokens_never_work_a_walk_goes_on_by_time(crm: Start, opened: Open) -> None:
    account = crm({"Contacts": 1_000}, same_second=0)
    account.control.fail(preset="invalid_page_token", times=None, match="page_token")
    found, _ = read(opened(account), "contacts")
    assert set(alive(found)) == {record["id"] for record in account.control.records("Contacts")}


def test_where_neither_tokens_nor_time_lead_on_a_walk_ends(crm: Start, opened: Open) -> None:
    account = crm({"Contacts": 1_000}, same_second=1_000)
    account.control.fail(preset="invalid_page_token", times=None, match="page_token")
    with pytest.raises(CursorExpiredError):
        read(opened(account), "contacts")


def test_a_walk_of_a_module_without_a_clock_starts_again(crm: Start, opened: Open) -> None:
    account = crm({"Price_Lists": 500})
    account.control.fail(preset="expired_page_token", match="page_token", skip=1)
    found, _ = read(opened(account), "price_lists")
    assert set(alive(found)) == {record["id"] for record in account.control.records("Price_Lists")}


@pytest.mark.parametrize("status", [304, 204])
def test_nothing_new_is_an_empty_answer(crm: Start, opened: Open, moving: Moving, status: int) -> None:
    account = crm(not_modified_status=status)
    client = opened(account)
    _, position = read(client, "contacts")
    moving.advance(HOUR)

    account.control.fail(status=status, stream="Contacts", times=None)
    found, after = read(client, "contacts", position)

    assert (found, after) == ([], position)


def test_deletions_are_behind_the_position_only_when_all_of_them_are_read(crm: Start, opened: Open) -> None:
    """No document says whether the newest or the oldest come first."""
    account = crm({"Contacts": 300})
    for record in account.control.records("Contacts")[:250]:
        account.control.mutate("delete", module="Contacts", id=record["id"])
    client = opened(account)
    pages = [page for page in client.pages(stream(client, "contacts"), {}) if page.partial]
    assert [("deleted" in page.state) for page in pages] == [False, True]
    assert sum(len(page.records) for page in pages) >= 250


def test_the_day_s_credits_stop_at_once_and_say_when_to_go_on(crm: Start, opened: Open, moving: Moving) -> None:
    account = crm({"Contacts": 1_000}, credits=8)
    with pytest.raises(LimitError) as caught:
        read(opened(account), "contacts")
    assert caught.value.retry_at == pytest.approx(moving.time + HOUR)
    assert moving.slept == []
    # nobody who shares the account asks in vain
    before = len(account.control.log())
    with pytest.raises(LimitError):
        read(opened(account), "deals")
    assert len(account.control.log()) == before


@pytest.mark.parametrize("preset", ["too_many_requests", "sub_concurrency", "too_many_requests_older"])
def test_too_many_requests_at_once_are_waited_for(crm: Start, opened: Open, moving: Moving, preset: str) -> None:
    account = crm({"Contacts": 500})
    account.control.fail(preset=preset, stream="Contacts", skip=1, times=2)
    found, _ = read(opened(account), "contacts")
    assert len(set(alive(found))) == 500
    assert 0 < sum(moving.slept) < 120


def test_a_scope_that_is_missing_is_not_cured_by_another_token(crm: Start, opened: Open) -> None:
    account = crm()
    client = opened(account, "contacts_only")
    with pytest.raises(AccessError, match="scope"):
        read(client, "deals")
    assert sum("/oauth/" in entry.path for entry in account.control.log()) == 1


@pytest.mark.parametrize(
    ("bound", "value", "fewest", "most"), [("FILE_PAGE", 2_000, 2_000, 2_000), ("FILE_PAGE_BYTES", 300_000, 500, 3_000)]
)
def test_pages_of_a_file_are_bounded_and_a_read_goes_on_in_it(
    crm: Start, opened: Open, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, fewest: int, most: int
) -> None:
    monkeypatch.setattr(bulk, bound, value)
    account = crm({"Leads": 5_000})
    client = opened(account)
    pages = client.pages(stream(client, "leads"), {})
    first = next(pages)
    assert fewest <= len(first.records) <= most
    assert first.older

    rest, position = read(opened(account), "leads", first.state)

    assert len(alive(rest)) == 5_000 - len(first.records)
    assert {*alive(rest), *alive(values(first.records))} == {one["id"] for one in account.control.records("Leads")}
    assert set(position) == {"clock", "deleted"}
    assert sum(entry.method == "POST" and "/bulk/" in entry.path for entry in account.control.log()) == 1


def test_what_changes_while_a_file_is_read_comes_behind_it(crm: Start, opened: Open, moving: Moving) -> None:
    account = crm({"Leads": 2_500})
    client = opened(account)
    pages = client.pages(stream(client, "leads"), {})
    records = values(next(pages).records)
    changed, gone = records[0]["id"], records[1]["id"]
    account.control.mutate("update", module="Leads", id=changed, Company="Renamed")
    account.control.mutate("delete", module="Leads", id=gone)
    moving.advance(60)

    last = {record["id"]: record for page in pages for record in values(page.records)}

    assert last[changed]["Company"] == "Renamed"
    assert last[gone]["$deletion_type"] == "recycle"


@pytest.mark.parametrize("states", [("FAILURE",), ("ADDED", "FAILURE")])
def test_a_module_whose_file_fails_is_read_by_its_list(crm: Start, opened: Open, states: tuple[str, ...]) -> None:
    account = crm({"Leads": 2_500}, bulk_states=states)
    found, _ = read(opened(account), "leads")
    assert set(alive(found)) == {record["id"] for record in account.control.records("Leads")}


def test_a_broken_file_is_a_failure(crm: Start, opened: Open) -> None:
    account = crm({"Leads": 2_500})
    account.control.fail(status=200, body="PK no zip", match="/result")
    with pytest.raises(ConnectionFailedError, match="broken"):
        read(opened(account), "leads")


def test_a_range_of_dates_is_read_and_no_more(crm: Start, opened: Open) -> None:
    account = crm({"Contacts": 1_000}, same_second=0)
    client = opened(account)
    contacts = stream(client, "contacts")
    times = sorted(record["Modified_Time"] for record in values(next(client.pages(contacts, {})).records))
    since, until = datetime.fromisoformat(times[20]), datetime.fromisoformat(times[60])
    found = [record for page in client.pages(contacts, {}, Window(since, until)) for record in values(page.records)]
    assert {time for time in times if times[20] <= time <= times[60]} <= {record["Modified_Time"] for record in found}
    assert len(found) <= 400
    assert not any("$deletion_type" in record for record in found)


def test_rows_of_a_subform_are_not_read_on_their_own(crm: Start, opened: Open) -> None:
    client = opened(crm())
    with pytest.raises(UnavailableError, match="cases"):
        client.pages(stream(client, "cases_items"), {})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param({"code": "INTERNAL_ERROR", "status": "error"}, MalformedError, id="an error"),
        pytest.param({"data": [{"id": "1", "Modified_Time": None}]}, MalformedError, id="no word of what follows"),
        pytest.param("", ConnectionFailedError, id="nothing"),
    ],
)
def test_an_answer_of_status_200_without_its_list_is_no_empty_list(
    crm: Start, opened: Open, body: object, error: type[Exception]
) -> None:
    account = crm({"Contacts": 300})
    account.control.fail(status=200, body=body, stream="Contacts", skip=1, times=None)
    with pytest.raises(error):
        read(opened(account), "contacts")


@pytest.mark.parametrize("name", ["users", "contacts"])
def test_pages_by_number_that_come_again_and_again_end(crm: Start, opened: Open, name: str) -> None:
    account = crm({"Contacts": 10})
    again = {
        "users": [{"id": "1"}],
        "data": [{"id": "1", "deleted_time": "2025-06-01T00:00:00Z"}],
        "info": {"more_records": True},
    }
    account.control.fail(status=200, body=again, match="/users|/deleted", times=None)
    with pytest.raises(StalledError, match="again and again"):
        read(opened(account), name)
    assert sum("page=" in str(entry.query) or "page" in entry.query for entry in account.control.log()) < 10

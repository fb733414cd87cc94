"""Searches that give only so many rows: everything arrives, and nothing is asked in vain."""

from __future__ import annotations

from datetime import datetime

import pytest

from dlt_sources.base import Window
from dlt_sources.errors import LimitError, MalformedError, StalledError
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.dlt_sources.zoho_desk.emulated import (
    COMMENTS,
    CONTACTS,
    THREADS,
    TICKETS,
    Open,
    Start,
    asked,
    listed,
    read,
    repeated,
)


def test_25000_tickets_behind_a_search_of_1000_all_arrive_and_little_is_asked(
    organization: Start, opened: Open
) -> None:
    # more than a search gives change in one second, and nearly as many in another
    account = organization(tickets=25_000, same_second=5_000)
    account.control.mutate("create_ticket", count=900, at=1_740_000_000)
    client = opened(account)

    found = read(client, TICKETS)

    everyone = listed(account)
    assert everyone <= set(found.records)
    assert len(everyone) > 24_500
    searches = asked(account, "/tickets/search")
    # that nothing lies before a crowded second has to be asked
    assert sum(entry.status != 200 for entry in searches) <= 2
    assert repeated(account, "/tickets/search") == {}
    # 100 rows a call cannot be beaten; what is more are last pages and windows that turned out too wide
    assert len(searches) < 1.25 * len(everyone) / 100
    assert len(asked(account, "/api/")) - len(searches) <= 20
    account.control.clear_log()
    again = read(opened(account), TICKETS, found.state)
    assert len(asked(account, "/api/")) == 2 + len(again.records) // 100


def test_tickets_that_change_in_one_second_are_read_by_the_time_of_their_creation(
    organization: Start, opened: Open
) -> None:
    account = organization(tickets=20, search_from_max=99)
    for at in range(1_748_000_000, 1_748_500_000, 2_000):
        key = account.control.mutate("create_ticket", at=at)["id"]
        account.control.mutate("update_ticket", id=key, subject="all at once", at=1_749_000_000)

    found = read(opened(account, search_rows=100), TICKETS)

    assert listed(account) <= set(found.records)
    assert repeated(account, "/tickets/search") == {}
    assert not any("departmentId" in entry.query for entry in asked(account, "/tickets/search"))


def test_where_two_times_cannot_be_searched_at_once_departments_split_a_second(
    organization: Start, opened: Open
) -> None:
    account = organization(tickets=20, search_from_max=99)
    for department in [row["id"] for row in account.control.records("departments")]:
        for _ in range(60):
            key = account.control.mutate("create_ticket", departmentId=department)["id"]
            account.control.mutate("update_ticket", id=key, subject="all at once", at=1_749_000_000)
    body = {"errorCode": "UNPROCESSABLE_ENTITY", "message": "Extra query parameter"}
    both = "(modifiedTimeRange.*createdTimeRange|createdTimeRange.*modifiedTimeRange)"
    account.control.fail(match=both, status=422, body=body, times=None)

    found = read(opened(account, search_rows=100), TICKETS)

    assert listed(account) <= set(found.records)
    assert any("departmentId" in entry.query for entry in asked(account, "/tickets/search"))


@pytest.mark.parametrize("crowd", [450, 1_300])
def test_a_second_with_more_tickets_than_a_search_gives_is_read_by_department(
    organization: Start, opened: Open, crowd: int
) -> None:
    account = organization(tickets=60, search_from_max=499)
    departments = [row["id"] for row in account.control.records("departments")]
    for department in departments:
        account.control.mutate("create_ticket", count=crowd // 3, departmentId=department, at=1_749_000_000)

    found = read(opened(account, search_rows=500), TICKETS)

    assert listed(account) <= set(found.records)
    assert repeated(account, "/tickets/search") == {}


def test_a_second_that_cannot_be_read_stops_the_reading_before_it(organization: Start, opened: Open) -> None:
    account = organization(tickets=30, search_from_max=99)
    department = account.control.records("departments")[0]["id"]
    account.control.mutate("create_ticket", count=250, departmentId=department, at=1_749_000_000)
    account.control.mutate("create_ticket", departmentId=department, at=1_749_100_000)

    found = read(opened(account, search_rows=100), TICKETS, failing=StalledError)

    assert "250 records" in str(found.error)
    assert "search_rows" in str(found.error)
    assert found.state["modified"] < "2025-06-04T01:20:00"
    assert len(found.records) < len(listed(account))


def test_sizes_that_zoho_refuses_are_learned_from_the_refusal(organization: Start, opened: Open) -> None:
    account = organization(tickets=300, page_limits={"tickets": 50}, search_from_max=149)

    found = read(opened(account, search_rows=5_000), TICKETS)

    assert listed(account) <= set(found.records)
    refused = [entry for entry in asked(account, "/tickets/search") if entry.status == 422]
    assert len(refused) == 2
    assert {entry.query["limit"] for entry in asked(account, "/tickets/search")} == {"100", "50"}


def test_a_ticket_without_its_time_fails_the_page(organization: Start, opened: Open) -> None:
    account = organization(tickets=30)
    body = {"data": [{"id": "1", "subject": "no time"}], "count": 1}
    account.control.fail(match="/tickets/search", status=200, body=body)
    found = read(opened(account), TICKETS, failing=MalformedError)
    assert "modifiedTime" in str(found.error)
    assert found.state == {}


def test_tickets_that_change_while_they_are_read_are_not_lost(organization: Start, opened: Open) -> None:
    """One that leaves a window pulls the next one over the border of a page that was read already."""
    account = organization(tickets=40)
    account.control.mutate("create_ticket", count=350, at=1_749_000_000)
    client = opened(account)
    before = listed(account)
    seen: set[str] = set()
    changed = False
    for page in client.pages(TICKETS, {}):
        seen |= {row["id"] for row in values(page.records)}
        if len(seen) >= 100 and not changed:
            changed = True
            first = next(iter(row["id"] for row in values(page.records)))
            account.control.mutate("update_ticket", id=first, subject="moved")
    assert changed
    assert before <= seen


def test_a_backfill_searches_by_the_time_of_creation(organization: Start, opened: Open) -> None:
    account = organization(tickets=120)
    rows = sorted(account.control.records("tickets"), key=lambda row: row["createdTime"])
    since, until = rows[30]["createdTime"], rows[90]["createdTime"]

    found = read(opened(account), TICKETS, window=Window(datetime.fromisoformat(since), datetime.fromisoformat(until)))

    wanted = {row["id"] for row in rows if since <= row["createdTime"] <= until} & listed(account)
    assert set(found.records) == wanted
    assert {"createdTimeRange"} == {
        name for e in asked(account, "/tickets/search") for name in e.query if "Range" in name
    }


def test_an_answer_that_moves_no_modified_time_is_found(organization: Start, opened: Open) -> None:
    account = organization(replies_bump=False)
    first = read(opened(account), TICKETS)
    key = next(row["id"] for row in account.control.records("tickets") if row["id"] in listed(account))
    account.control.clock(advance=3_000)
    account.control.mutate("customer_reply", id=key)
    account.control.clear_log()

    found = read(opened(account), TICKETS, first.state)

    assert key in found.records
    assert len(asked(account, "/tickets/search")) == 2


def test_credits_that_end_in_the_middle_keep_the_position_and_say_when_to_go_on(
    organization: Start, opened: Open, moving: Moving
) -> None:
    account = organization(tickets=600, search_from_max=99, credits=40)
    client = opened(account, search_rows=100, credit_reserve=0)
    first = read(client, TICKETS, failing=LimitError)
    assert isinstance(first.error, LimitError)
    assert first.error.retry_at == pytest.approx((moving.time // 86_400 + 1) * 86_400, abs=2)
    assert 0 < len(first.records) < 600

    account.control.configure(credits=100_000)
    moving.advance(86_400)
    account.control.clear_log()
    rest = read(opened(account, search_rows=100), TICKETS, first.state)

    assert listed(account) <= first.records.keys() | rest.records.keys()
    assert repeated(account, "/tickets/search") == {}
    assert rest.rows < 600


def test_a_clock_of_ours_that_is_ahead_loses_no_answer(organization: Start, opened: Open, moving: Moving) -> None:
    account = organization(replies_bump=False)
    moving.time += 7_200
    first = read(opened(account), TICKETS)
    account.control.clock(advance=3_000)
    key = sorted(listed(account))[0]
    account.control.mutate("customer_reply", id=key)

    assert key in read(opened(account), TICKETS, first.state).records


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_wrong_clock_of_ours_loses_nothing_behind_a_full_reading(
    organization: Start, opened: Open, moving: Moving, hours: int
) -> None:
    account = organization()
    moving.time += hours * 3_600
    streams = (TICKETS, CONTACTS, THREADS)
    first = {stream.name: read(opened(account), stream, window=Window()).state for stream in streams}
    account.control.clock(advance=600)
    new = account.control.mutate("create_ticket")["id"]
    contact = account.control.records("contacts")[0]["id"]
    account.control.mutate("update", stream="contacts", id=contact, lastName="Changed")
    key = sorted(listed(account) - {new})[0]
    account.control.mutate("customer_reply", id=key)
    account.control.clock(advance=1 + max(0, -hours * 3_600))
    moving.time += max(0, -hours * 3_600)

    assert {new, key} <= set(read(opened(account), TICKETS, first["tickets"]).records)
    assert contact in read(opened(account), CONTACTS, first["contacts"]).records
    threads = read(opened(account), THREADS, first["threads"]).records.values()
    assert key in {thread["ticketId"] for thread in threads}


def test_tickets_whose_rows_were_not_kept_come_again_from_the_same_position(organization: Start, opened: Open) -> None:
    """One client serves a long walk with its catching up: a reading that was rolled back is done once more."""
    account = organization(tickets=20)
    client = opened(account)
    state = read(client, TICKETS).state
    account.control.clock(advance=3_000)
    key = account.control.mutate("create_ticket")["id"]

    for _ in range(2):
        assert key in read(client, TICKETS, state).records


def test_a_long_walk_s_streams_of_parts_see_what_came_meanwhile(
    organization: Start, opened: Open, moving: Moving
) -> None:
    account = organization(tickets=20)
    client = opened(account)
    state = read(client, COMMENTS).state
    account.control.clear_log()
    assert read(client, COMMENTS, state).records == read(client, COMMENTS, state).records == {}
    assert len(asked(account, "/tickets/search")) == 2
    key = sorted(listed(account))[0]
    account.control.mutate("comment", id=key, body="Any news?")
    moving.advance(700)

    assert {row["ticketId"] for row in read(client, COMMENTS, state).records.values()} == {key}


def test_a_reading_that_was_cut_off_goes_on_behind_the_last_whole_window(organization: Start, opened: Open) -> None:
    account = organization(tickets=600, search_from_max=99)
    client = opened(account, search_rows=100)
    pages = client.pages(TICKETS, {})
    half = [next(pages) for _ in range(4)]
    account.control.clear_log()

    rest = read(opened(account, search_rows=100), TICKETS, half[-1].state)

    seen = {row["id"] for page in half for row in values(page.records)}
    assert listed(account) <= seen | set(rest.records)
    assert rest.rows < 600

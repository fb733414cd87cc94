"""Which cases a reading reads, and what it makes of those that it does not find."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dlt_sources.base import State, Window
from dlt_sources.errors import AccessError, ConnectionFailedError, LimitError, MalformedError, StalledError
from ticket_pipelines_tests.dlt_sources.qcontact.conftest import CASES, EVENTS, Open, Read, Start, asked, read
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving

CLOSED = ("Solved", "Unsolved - No Response", "Closed")


def test_all_pages_are_read_oldest_first(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=30)
    found = read(opened(account, page_size=7))
    assert found.ids == sorted(record["id"] for record in account.control.records("cases"))
    assert [entry.query["page"] for entry in asked(account, "/Case")] == ["1", "2", "3", "4", "5"]
    assert found.last


def test_the_next_reading_reads_what_changed_and_what_is_open(tenant: Start, opened: Open) -> None:
    account = tenant()
    state = read(opened(account)).state
    closed = [case for case in account.control.records("cases") if case["fields"]["status"] in CLOSED]
    account.control.mutate("update", id=closed[0]["id"], category="Query")
    again = read(opened(account), state=state)
    unchanged = {case["id"] for case in closed[1:]}
    # that a closed one changes is no closure: it is not followed
    assert closed[0]["id"] not in read(opened(account), state=again.state).ids
    assert set(again.ids) == {case["id"] for case in account.control.records("cases")} - unchanged
    assert unchanged


@pytest.mark.parametrize("name", ["cases", "case_events"])
def test_a_case_is_read_for_a_week_after_it_was_closed(tenant: Start, opened: Open, moving: Moving, name: str) -> None:
    account = tenant(tickets=1)
    key = int(account.control.mutate("create", status="Open")["id"])
    part = f"/{key}" if name == "cases" else f"/{key}/events"

    def asks(state: State) -> tuple[int, State]:
        account.control.clear_log()
        found = read(opened(account), name, state)
        return len(asked(account, part)), found.state

    _, state = asks({})
    account.control.mutate("close", id=key)
    times, state = asks(state)
    assert times > 0
    moving.advance(6 * 86_400)
    times, state = asks(state)
    assert times > 0
    moving.advance(86_400)
    times, state = asks(state)
    assert times == 0
    assert set(state) == {"seen"}
    account.control.mutate("update", id=key, status="Open")
    assert asks(state)[0] > 0


def test_a_walk_whose_pages_shift_is_repeated(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=10)
    rows = [entry["id"] for entry in account.control.records("cases")]
    partly: dict[str, Any] = {"columns": [], "pagination": {"count": 10, "pages": 1}}
    partly["results"] = [{"id": key, "status": "Open"} for key in rows[:6]]
    account.control.fail(status=200, body=partly, stream="cases")
    found = read(opened(account))
    assert set(found.ids) == set(rows)
    assert found.last


def test_a_list_that_stays_short_is_said_and_nothing_is_missing_from_it(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=10)
    state = read(opened(account)).state
    short = {"columns": [], "results": [], "pagination": {"count": 10, "pages": 1}}
    account.control.fail(status=200, body=short, stream="cases", times=None)
    found = read(opened(account), state=state, failing=StalledError)
    assert isinstance(found.error, StalledError)
    assert (found.records, found.state, found.last) == ([], state, False)


def test_a_row_without_an_id_is_said_and_the_others_are_read(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=3)
    odd: dict[str, Any] = {"columns": [], "results": [{"status": 7}], "pagination": {"count": 1, "pages": 1}}
    odd["results"] += [{"id": case["id"], "status": 7, "created_at": 1} for case in account.control.records("cases")]
    account.control.fail(status=200, body=odd, stream="cases", times=None)
    found = read(opened(account), failing=MalformedError)
    assert len(found.records) == 3
    assert "1 rows without an id" in str(found.error)


def test_a_case_that_goes_while_it_is_read_is_deleted(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=3)
    key = account.control.records("cases")[1]["id"]
    account.control.fail(preset="not_found", match=f"/Case/{key}$")
    found = read(opened(account))
    assert [record for record in found.records if record["id"] == key] == [{"id": key, "$gone": True}]
    assert str(key) not in found.state["seen"]


def test_one_forbidden_case_costs_itself_alone(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=5)
    key = account.control.records("cases")[1]["id"]
    account.control.fail(preset="forbidden", match=f"/Case/{key}$", times=None)
    found = read(opened(account), failing=AccessError)
    assert len(found.records) == 4
    assert str(key) in str(found.error)


@pytest.mark.parametrize("healed", [True, False], ids=["right given", "a day later"])
@pytest.mark.parametrize(("name", "part"), [("cases", ""), ("case_events", "/events")])
def test_forbidden_cases_keep_no_younger_ones_from_being_read(
    tenant: Start, opened: Open, moving: Moving, name: str, part: str, healed: bool
) -> None:
    account = tenant(tickets=40)
    keys = sorted(record["id"] for record in account.control.records("cases"))
    old = "|".join(map(str, keys[:25]))
    account.control.fail(preset="forbidden", match=rf"/Case/({old}){part}(\?|$)", times=None)
    found = read(opened(account), name, failing=AccessError)
    assert set(found.state["seen"]) == set(map(str, keys[25:]))
    assert str(keys[0]) in str(found.error)
    account.control.clear_log()
    assert json.loads(json.dumps(found.state)) == found.state
    again = read(opened(account), name, found.state, failing=AccessError)
    # it is said each time, and one of them is tried
    assert str(keys[0]) in str(again.error)
    assert [len(asked(account, f"/{key}{part}")) for key in keys[:25]] == [1, *([0] * 24)]
    if healed:
        account.control.heal()
    else:
        account.control.clear_log()
        moving.advance(86_401)
    last = read(opened(account), name, again.state, failing=AccessError)
    if healed:
        assert set(last.state["seen"]) == set(map(str, keys))
    else:
        assert all(asked(account, f"/{key}{part}") for key in keys[:25])


def test_where_no_case_may_be_read_few_are_asked_for(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=40)
    account.control.fail(preset="forbidden", match=r"/Case/\d+$", times=None)
    found = read(opened(account), failing=AccessError)
    assert found.error is not None
    assert len([entry for entry in account.control.log() if "/Case/" in entry.path]) == 12


def test_what_came_before_a_failure_is_kept(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=10)
    account.control.fail(preset="unavailable", stream="case", skip=4, times=None)
    found = read(opened(account), failing=ConnectionFailedError)
    assert len(found.records) == 4
    assert len(found.state["seen"]) == 4


def test_a_limit_is_waited_for_as_long_as_it_says(tenant: Start, opened: Open, moving: Moving) -> None:
    account = tenant(tickets=5, requests_total=4)
    assert len(read(opened(account)).records) == 5
    assert moving.slept
    account.control.configure(requests_total=1, requests_period=86_400)
    assert isinstance(read(opened(account), failing=LimitError).error, LimitError)


def test_a_window_reads_the_cases_made_in_it_and_goes_on_where_it_was(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=0)
    made = [int(account.control.mutate("create", at=f"2025-03-{day:02}T00:00:00Z")["id"]) for day in (1, 2, 3, 4)]
    window = Window(datetime(2025, 3, 2, tzinfo=UTC), datetime(2025, 3, 4, tzinfo=UTC))
    found = read(opened(account), window=window)
    assert found.ids == made[1:3]
    assert read(opened(account), state={"seen": {str(made[1]): "x"}}, window=window).ids == [made[2]]
    assert read(opened(account), state=found.state, window=window).ids == []


def test_chosen_cases(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=3)
    key = account.control.records("cases")[0]["id"]
    client = opened(account)
    found = Read(client.by_ids(CASES, [str(key), "7"]))
    assert (found.ids, found.records[1]) == ([key, 7], {"id": 7, "$gone": True})
    pages = list(client.by_ids(EVENTS, [str(key), "7"]))
    assert [page.answered for page in pages] == [(str(key),), ()]


@pytest.mark.parametrize("body", ["list", "results"])
@pytest.mark.parametrize("size", [1, 2, 25])
def test_all_events_of_a_case_are_read_whatever_a_page_holds(tenant: Start, opened: Open, body: str, size: int) -> None:
    account = tenant(tickets=6, events_body=body, events_page=size)
    found = read(opened(account), "case_events")
    assert set(found.ids) == {event["id"] for event in account.control.records("case_events")}
    assert len(found.ids) == len(set(found.ids))


@pytest.mark.parametrize("status", [400, 404])
def test_no_events_may_be_an_error(tenant: Start, opened: Open, status: int) -> None:
    account = tenant(tickets=2)
    account.control.fail(status=status, body="{}", stream="case_events", times=None)
    found = read(opened(account), "case_events")
    assert (found.records, found.last) == ([], True)


def test_two_streams_of_one_sync_share_a_walk(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=5)
    client = opened(account)
    read(client)
    read(client, "case_events")
    assert len(asked(account, "/entities/Case")) == 1


def test_a_walk_that_is_old_is_not_shared(tenant: Start, opened: Open, moving: Moving) -> None:
    account = tenant(tickets=5)
    client = opened(account)
    read(client)
    moving.advance(301)
    key = int(account.control.mutate("create")["id"])
    assert key in read(client).ids


def test_what_the_credentials_may_read(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=2)
    client = opened(account, entities=["Case", "Contact", "Nope"])
    account.control.fail("revoke_role", entity="Contact")
    found = {access.stream: access for access in client.check()}
    assert [name for name, access in found.items() if access.readable] == ["cases", "case_columns", "case_events"]
    assert "may not read" in found["contacts"].reason
    assert "no such entity" in found["nopes"].reason


@pytest.mark.parametrize(("name", "part"), [("cases", r"/Case/\d+"), ("case_events", r"/events")])
def test_a_reading_that_was_cut_off_goes_on_behind_what_it_read(
    tenant: Start, opened: Open, moving: Moving, name: str, part: str
) -> None:
    account = tenant(tickets=60)
    state = read(opened(account), name).state
    account.control.fail(status=500, match=part, skip=40, times=None)
    cut = read(opened(account), name, state, failing=ConnectionFailedError)
    account.control.heal()
    account.control.clear_log()

    rest = read(opened(account), name, cut.state)
    first, second = {record["id"] for record in cut.records}, {record["id"] for record in rest.records}
    assert second
    assert first.isdisjoint(second)
    assert set(rest.state) == {"seen"}
    # the next round reads all that is open, and so does one that begins long after the cut
    whole = {record["id"] for record in read(opened(account), name, rest.state).records}
    assert whole == first | second
    moving.advance(3_600)
    assert {record["id"] for record in read(opened(account), name, cut.state).records} == whole


def test_a_case_whose_page_is_not_its_own_is_said_and_read_the_next_time(tenant: Start, opened: Open) -> None:
    account = tenant(tickets=10)
    account.control.fail(status=200, body={"status": "error"}, stream="case", skip=3)
    found = read(opened(account), failing=MalformedError)
    assert len(found.ids) == 9
    missing = {case["id"] for case in account.control.records("cases")} - set(found.ids)
    assert missing <= set(read(opened(account), state=found.state).ids)

"""What is read ticket by ticket: all of it, once, within the credits."""

from __future__ import annotations

import pytest

from dlt_sources.base import State
from dlt_sources.errors import AccessError, LimitError
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.dlt_sources.zoho_desk.emulated import (
    COMMENTS,
    HISTORY,
    METRICS,
    THREADS,
    TICKETS,
    Open,
    Read,
    Start,
    asked,
    listed,
    read,
    repeated,
)


def test_all_threads_and_comments_of_living_tickets_come_with_their_content(organization: Start, opened: Open) -> None:
    account = organization()
    client = opened(account)
    threads, comments = read(client, THREADS), read(client, COMMENTS)
    alive = listed(account)
    held = {row["id"]: row for row in account.control.records("threads") if row["ticketId"] in alive}
    assert set(threads.records) == set(held)
    assert all(threads.records[key]["content"] == row["content"] for key, row in held.items())
    assert set(comments.records) == {r["id"] for r in account.control.records("comments") if r["ticketId"] in alive}
    # both streams ask the same question: which tickets changed
    assert repeated(account, "/api/") == {}
    assert len(asked(account, "/tickets/search")) == 1


def test_what_was_read_is_not_asked_for_again(organization: Start, opened: Open) -> None:
    account = organization()
    first = {stream.name: read(opened(account), stream).state for stream in (TICKETS, THREADS, COMMENTS, HISTORY)}
    account.control.clear_log()
    client = opened(account)
    for stream in (TICKETS, THREADS, COMMENTS, HISTORY):
        read(client, stream, first[stream.name])
    assert {entry.path for entry in asked(account, "/api/")} == {"/api/v1/tickets/search"}
    assert len(asked(account, "/tickets/search")) == 2


def test_of_a_ticket_that_changed_only_new_threads_are_read_whole(
    organization: Start, opened: Open, moving: Moving
) -> None:
    account = organization()
    client = opened(account)
    first = read(client, THREADS)
    moving.advance(3_000)
    counts = {row["id"]: int(row["threadCount"]) for row in account.control.records("tickets")}
    key = max(listed(account), key=lambda one: counts[one])
    made = account.control.mutate("reply", id=key, body="<b>New</b>")
    moving.advance(60)
    account.control.clear_log()

    again = opened(account)
    again.recall = lambda _, ids: first.records.keys() & set(ids)
    found = read(again, THREADS, first.state)

    assert counts[key] > 3
    assert found.records[made["thread"]]["content"] == "<b>New</b>"
    whole = [row for row in found.records.values() if "content" in row]
    # a draft may still change, so it is read again
    assert {row["status"] for row in whole if row["id"] != made["thread"]} <= {"DRAFT"}
    assert len(found.records) == counts[key] + 1
    assert all(page.partial for page in found.pages)

    nobody_knows = read(opened(account), THREADS, first.state)
    assert all("content" in row for row in nobody_knows.records.values())


def test_the_reserve_of_credits_stops_the_reading_and_nothing_is_lost(
    organization: Start, opened: Open, moving: Moving
) -> None:
    account = organization(credits=120)
    seen: set[str] = set()
    state: State = {}
    stops = 0
    for _ in range(30):
        found = read(opened(account, credit_reserve=20), THREADS, state, failing=LimitError)
        seen |= set(found.records)
        state = found.state or state
        if found.error is None:
            break
        stops += 1
        assert "credit_reserve keeps 20" in str(found.error)
        assert {entry.status for entry in account.control.log()} <= {200, 204}
        moving.advance(86_400)
    assert stops > 0
    assert found.error is None
    alive = listed(account)
    assert seen == {row["id"] for row in account.control.records("threads") if row["ticketId"] in alive}
    lists = [entry.path for entry in asked(account, "/threads") if entry.path.endswith("/threads")]
    assert len(lists) == len(set(lists))


def test_used_up_credits_end_the_reading_with_the_time_to_go_on(
    organization: Start, opened: Open, moving: Moving
) -> None:
    account = organization(credits=60)
    found = read(opened(account, credit_reserve=0), THREADS, failing=LimitError)
    assert isinstance(found.error, LimitError)
    midnight = (moving.time // 86_400 + 1) * 86_400
    assert found.error.retry_at == pytest.approx(midnight, abs=2)
    assert [entry.status for entry in account.control.log()].count(429) == 1
    assert found.state["done"]
    # nobody asks again before
    account.control.clear_log()
    assert isinstance(read(opened(account), THREADS, found.state, failing=LimitError).error, LimitError)
    assert account.control.log() == []


def test_too_many_calls_at_a_time_back_off(organization: Start, opened: Open, moving: Moving) -> None:
    account = organization()
    account.control.fail(preset="too_many_requests", match="/threads", times=3)
    found = read(opened(account), THREADS)
    assert found.error is None
    waits = [round(seconds) for seconds in moving.slept if seconds >= 1]
    assert len(waits) == 3
    assert waits == sorted(waits)
    assert waits[0] in (1, 2)


def test_a_scope_that_is_lost_in_the_middle_fails_the_stream(organization: Start, opened: Open) -> None:
    account = organization()
    account.control.fail(preset="scope_mismatch", match=r"/threads(\?|$)", skip=5, times=None)
    found = read(opened(account), THREADS, failing=AccessError)
    assert "Desk.tickets.READ" in str(found.error)
    assert len(found.state["done"]) == 5


def test_a_ticket_that_is_gone_is_remembered_for_the_next_question(organization: Start, opened: Open) -> None:
    account = organization()
    client = opened(account)
    read(client, TICKETS)
    key = sorted(listed(account))[0]
    account.control.mutate("trash_ticket", id=key)
    read(client, THREADS)
    told = [page for page in client.vanished(TICKETS, []) if page.records]
    assert [bytes(record) for page in told for record in page.records] == [
        f'{{"id":"{key}","isDeleted":true}}'.encode()
    ]


def test_a_ticket_that_is_gone_is_asked_for_below_the_reserve_too(organization: Start, opened: Open) -> None:
    account = organization(credits=120)
    client = opened(account, credit_reserve=20)
    key, other = list(read(client, TICKETS).records)[:2]
    account.control.mutate("trash_ticket", id=key)
    assert read(client, THREADS, failing=LimitError).error is not None
    account.control.clear_log()

    list(client.vanished(TICKETS, []))
    with pytest.raises(LimitError):
        list(client.vanished(TICKETS, [other]))

    assert [entry.path.rpartition("/")[2] for entry in account.control.log()] == [key]


def test_a_missing_ticket_that_is_refused_holds_up_no_other_and_is_said_once(organization: Start, opened: Open) -> None:
    account = organization()
    client = opened(account)
    refused, gone = sorted(read(client, TICKETS).records)[:2]
    client.gone.update([refused, gone])
    account.control.mutate("erase_ticket", id=gone)
    account.control.fail(match=f"/tickets/{refused}$", status=403, body={"errorCode": "FORBIDDEN"}, times=None)

    found = Read(TICKETS, client.vanished(TICKETS, []), failing=AccessError)

    assert found.records == {gone: {"id": gone, "isDeleted": True}}
    assert isinstance(found.error, AccessError)
    assert Read(TICKETS, client.vanished(TICKETS, [])).records == {}


@pytest.mark.parametrize("path", ["History", "history"])
def test_events_get_ids_that_stay_when_others_come(organization: Start, opened: Open, path: str) -> None:
    account = organization(history_path=path)
    first = read(opened(account), HISTORY)
    alive = listed(account)
    events = [row for row in account.control.records("ticket_history") if row["ticketId"] in alive]
    assert len(first.records) == len(events)
    account.control.clock(advance=60)
    key = sorted(alive)[0]
    account.control.mutate("update_ticket", id=key, subject="changed")
    second = read(opened(account), HISTORY, first.state)
    before = {one for one, row in first.records.items() if row["ticketId"] == key}
    assert before < set(second.records)
    assert len(second.records) == len(before) + 1


def test_metrics_keep_the_words_and_have_minutes(organization: Start, opened: Open) -> None:
    account = organization()
    found = read(opened(account), METRICS)
    assert set(found.records) == listed(account)
    replied = next(row for row in found.records.values() if row["firstResponseTime"])
    hours, minutes = replied["firstResponseTime"].removesuffix(" hrs").split(":")
    assert replied["firstResponseMinutes"] == int(hours) * 60 + int(minutes)
    assert isinstance(replied["threadCount"], int)


def test_a_deletion_in_the_history_is_followed_up(organization: Start, opened: Open) -> None:
    account = organization(trashed_detail=True)
    client = opened(account)
    key = sorted(listed(account))[0]
    read(client, TICKETS)
    account.control.mutate("trash_ticket", id=key)
    read(client, HISTORY)
    assert [page.records for page in client.vanished(TICKETS, []) if page.records]

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources.base import Page, State, Window
from dlt_sources.errors import ConnectionFailedError, CursorExpiredError, MalformedError, StalledError
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Seen, Still, values

TICKETS = ZENDESK.stream("tickets")
USERS = ZENDESK.stream("users")
ORGANIZATIONS = ZENDESK.stream("organizations")
EVENTS = ZENDESK.stream("ticket_events")
METRIC_EVENTS = ZENDESK.stream("ticket_metric_events")


def ticket(number: int, clock: int) -> dict[str, Any]:
    return {"id": number, "generated_timestamp": clock, "status": "open"}


def cursor_page(tickets: list[dict[str, Any]], after: str | None, end: bool | None = True, **more: Any) -> Reply:
    return Reply({"tickets": tickets, "after_cursor": after, "after_url": "x", "end_of_stream": end, **more})


def time_page(key: str, rows: list[dict[str, Any]], end_time: int | None, **more: Any) -> Reply:
    return Reply({key: rows, "count": len(rows), "end_time": end_time, "next_page": "https://x.test/again", **more})


def ids(pages: list[Page]) -> list[int]:
    return [record["id"] for page in pages for record in values(page.records)]


def test_the_first_read_starts_at_the_beginning_and_the_next_at_the_cursor(
    server: Scripted, client: ZendeskClient
) -> None:
    server.on(
        TICKETS.path,
        cursor_page([ticket(1, 100), ticket(2, 200)], "c1", end=False),
        cursor_page([ticket(3, 300)], "c2"),
        cursor_page([], "c2"),
    )
    pages = list(client.pages(TICKETS, {}))
    assert ids(pages) == [1, 2, 3]
    assert [page.last for page in pages] == [False, True]
    assert [page.state for page in pages] == [{"cursor": "c1", "clock": 200}, {"cursor": "c2", "clock": 300}]
    idle = list(client.pages(TICKETS, pages[-1].state))
    assert [page.state for page in idle] == [pages[-1].state]
    fixed = {"include": "metric_sets", "support_type_scope": "all", "per_page": "1000"}
    assert server.queries(TICKETS.path) == [
        {**fixed, "start_time": "0"},
        {**fixed, "cursor": "c1"},
        {**fixed, "cursor": "c2"},
    ]


def test_records_are_the_vendors_own_bytes(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, Reply(b'{"tickets": [{"id":1, "x": 1.50, "s":"\\u00e9"}], "end_of_stream": true}'))
    [page] = client.pages(TICKETS, {})
    assert [bytes(record) for record in page.records] == [b'{"id":1, "x": 1.50, "s":"\\u00e9"}']


def test_nul_and_half_characters_are_cleaned_and_counted(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, Reply(rb'{"tickets": [{"id": 1, "subject": "a\u0000\ud83d"}], "end_of_stream": true}'))
    [page] = client.pages(TICKETS, {})
    assert values(page.records) == [{"id": 1, "subject": "a\ufffd"}]
    assert page.cleaned == 2


def test_an_empty_answer_without_a_cursor_keeps_the_position(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, cursor_page([], None))
    assert [page.state for page in client.pages(TICKETS, {"cursor": "c1", "clock": 7})] == [
        {"cursor": "c1", "clock": 7}
    ]
    assert [page.state for page in client.pages(TICKETS, {})] == [{"clock": 0}]


def test_people_take_their_clock_from_updated_at(server: Scripted, client: ZendeskClient) -> None:
    user = {"id": 1, "updated_at": "2024-01-01T00:00:00Z"}
    server.on(USERS.path, Reply({"users": [user], "after_cursor": "u1", "end_of_stream": True}))
    assert [page.state for page in client.pages(USERS, {})] == [{"cursor": "u1", "clock": 1_704_067_200}]


def test_an_expired_cursor_restarts_from_the_stored_clock(server: Scripted, client: ZendeskClient) -> None:
    expired = Reply({"errors": [{"code": "InvalidCursor", "title": "cursor is invalid or expired"}]}, 400)
    server.on(TICKETS.path, expired, cursor_page([ticket(9, 900)], "new"))
    [page] = client.pages(TICKETS, {"cursor": "old", "clock": 900})
    assert page.state == {"cursor": "new", "clock": 900}
    assert [query.get("start_time") for query in server.queries(TICKETS.path)] == [None, "900"]
    server.on(TICKETS.path, expired)
    with pytest.raises(CursorExpiredError):
        list(client.pages(TICKETS, {"cursor": "old", "clock": 900}))


@pytest.mark.parametrize("stream", [TICKETS, USERS, ORGANIZATIONS, EVENTS, METRIC_EVENTS], ids=lambda each: each.name)
def test_no_start_lies_within_the_withheld_minute(
    server: Scripted, client: ZendeskClient, still: Still, stream: Any
) -> None:
    server.on(stream.path, Reply({stream.records: [], "end_of_stream": True}))
    list(client.pages(stream, {"clock": int(still.time) - 5}))
    assert server.queries(stream.path)[0]["start_time"] == str(int(still.time) - 61)


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(
            {"errors": [{"code": "StartTimeTooRecent", "title": "start_time must be more than 60 seconds ago"}]}, 400
        ),
        Reply(
            {"error": "InvalidValue", "description": "Too recent start_time. Use a start_time older than 5 minutes"},
            422,
        ),
    ],
    ids=["400", "422"],
)
@pytest.mark.parametrize("stream", [TICKETS, ORGANIZATIONS], ids=["cursor", "time"])
def test_a_start_that_is_too_recent_means_nothing_new(
    server: Scripted, client: ZendeskClient, stream: Any, refusal: Reply
) -> None:
    server.on(stream.path, refusal)
    [page] = client.pages(stream, {"clock": 900})
    assert (page.records, page.state, page.last) == ([], {"clock": 900}, True)


def test_a_page_that_is_too_large_is_halved_until_it_comes(server: Scripted, client: ZendeskClient) -> None:
    def answer(seen: Seen) -> Reply:
        if int(seen.query["per_page"]) > 250:
            return Reply(b"upstream request timeout", 504)
        return (
            cursor_page([ticket(1, 1)], "c2", end="cursor" in seen.query)
            if "cursor" in seen.query
            else cursor_page([ticket(1, 1)], "c1", end=False)
        )

    server.on_call(TICKETS.path, answer)
    list(client.pages(TICKETS, {}))
    assert [query["per_page"] for query in server.queries(TICKETS.path)] == ["1000", "500", "250", "250"]


def test_pages_that_never_come_end_with_an_error(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, Reply(b"upstream request timeout", 504))
    with pytest.raises(ConnectionFailedError, match="504 even for pages of 31 rows"):
        list(client.pages(TICKETS, {}))


def test_a_cursor_that_leads_nowhere_is_a_stall(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, cursor_page([ticket(1, 1)], "same", end=False))
    got: list[Page] = []
    with pytest.raises(StalledError):
        got.extend(client.pages(TICKETS, {}))
    assert len(server.seen) == 2


def test_cursors_that_go_in_a_circle_are_a_stall(server: Scripted, client: ZendeskClient) -> None:
    after = {None: "a", "a": "b", "b": "c", "c": "a"}
    server.on_call(TICKETS.path, lambda seen: cursor_page([ticket(1, 1)], after[seen.query.get("cursor")], end=False))
    with pytest.raises(StalledError):
        list(client.pages(TICKETS, {}))
    assert len(server.seen) == 4


def test_a_body_without_the_records_is_refused(server: Scripted, client: ZendeskClient) -> None:
    server.on(TICKETS.path, Reply({}))
    with pytest.raises(MalformedError):
        list(client.pages(TICKETS, {}))


def test_a_time_export_goes_on_from_the_returned_end(server: Scripted, client: ZendeskClient) -> None:
    server.on(
        ORGANIZATIONS.path,
        time_page("organizations", [{"id": 1}], 500, end_of_stream=False),
        time_page("organizations", [{"id": 1}, {"id": 2}], 900, end_of_stream=True),
    )
    pages = list(client.pages(ORGANIZATIONS, {}))
    assert [page.state for page in pages] == [{"clock": 500}, {"clock": 900}]
    assert [query["start_time"] for query in server.queries(ORGANIZATIONS.path)] == ["0", "500"]


def test_the_filled_next_page_of_the_last_page_is_not_followed(server: Scripted, client: ZendeskClient) -> None:
    server.on(EVENTS.path, time_page("ticket_events", [{"id": 1}], 500, end_of_stream=True))
    assert len(list(client.pages(EVENTS, {"clock": 500}))) == 1
    assert len(server.seen) == 1


def test_a_time_export_that_repeats_a_few_rows_ends(server: Scripted, client: ZendeskClient) -> None:
    server.on(ORGANIZATIONS.path, time_page("organizations", [{"id": 1}], 500, end_of_stream=False))
    assert [page.last for page in client.pages(ORGANIZATIONS, {})] == [False, True]
    assert len(server.seen) == 2


@pytest.mark.parametrize("mark", [{"end_of_stream": False}, {"end_of_stream": None}, {}], ids=["no", "null", "absent"])
def test_a_full_second_that_cannot_be_passed_is_a_stall_and_its_rows_are_given(
    server: Scripted, client: ZendeskClient, mark: dict[str, Any]
) -> None:
    rows = [{"id": number} for number in range(1000)]
    server.on(ORGANIZATIONS.path, time_page("organizations", rows, 500, **mark))
    pages = client.pages(ORGANIZATIONS, {"clock": 500})
    assert len(next(pages).records) == 1000
    with pytest.raises(StalledError, match="one second"):
        next(pages)
    assert len(server.seen) == 1


def test_a_full_page_that_a_504_made_smaller_can_be_a_stall_too(server: Scripted, client: ZendeskClient) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.query["per_page"] == "1000":
            return Reply(b"upstream request timeout", 504)
        return time_page("organizations", [{"id": number} for number in range(500)], 500, end_of_stream=False)

    server.on_call(ORGANIZATIONS.path, answer)
    with pytest.raises(StalledError, match="one second"):
        list(client.pages(ORGANIZATIONS, {"clock": 500}))


def test_a_full_page_without_a_mark_is_not_the_end(server: Scripted, client: ZendeskClient) -> None:
    full = [{"id": number} for number in range(1000)]
    server.on(
        METRIC_EVENTS.path,
        time_page("ticket_metric_events", full, 500),
        time_page("ticket_metric_events", [{"id": 1000}], 600),
    )
    assert len(set(ids(list(client.pages(METRIC_EVENTS, {}))))) == 1001


def test_an_unmarked_end_in_the_withheld_minute_is_not_asked_for_each_second(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    now = int(still.time)

    def answer(_: Seen) -> Reply:
        still.time += 1.5
        return time_page("ticket_metric_events", [{"id": 1}], now - 20)

    server.on_call(METRIC_EVENTS.path, answer)
    assert [page.last for page in client.pages(METRIC_EVENTS, {"clock": now - 200})] == [False, True]


def test_a_record_nested_too_deep_is_the_stream_s_own_failure(server: Scripted, client: ZendeskClient) -> None:
    deep = b'{"id": 1, "metadata": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    server.on(TICKETS.path, Reply(b'{"tickets": [' + deep + b'], "after_cursor": "c", "end_of_stream": true}'))
    with pytest.raises(MalformedError, match="nested too deep"):
        list(client.pages(TICKETS, {}))


def test_more_than_a_thousand_rows_of_one_second_come_in_one_page(server: Scripted, client: ZendeskClient) -> None:
    rows = [{"id": number} for number in range(1500)]
    server.on(ORGANIZATIONS.path, time_page("organizations", rows, 501, end_of_stream=True))
    assert len(ids(list(client.pages(ORGANIZATIONS, {"clock": 500})))) == 1500


@pytest.mark.parametrize("end", [True, None], ids=["marked", "unmarked"])
def test_metric_events_end_with_or_without_a_mark(server: Scripted, client: ZendeskClient, end: bool | None) -> None:
    def answer(seen: Seen) -> Reply:
        start = int(seen.query["start_time"])
        rows = [{"id": clock} for clock in (100, 200, 300) if clock >= start][:2]
        end_time = rows[-1]["id"] if rows else None
        mark = {} if end is None else {"end_of_stream": end_time == 300}
        return time_page("ticket_metric_events", rows, end_time, **mark)

    server.on_call(METRIC_EVENTS.path, answer)
    pages = list(client.pages(METRIC_EVENTS, {}))
    assert set(ids(pages)) == {100, 200, 300}
    assert pages[-1].last
    requests = len(server.seen)
    assert [page.state for page in client.pages(METRIC_EVENTS, pages[-1].state)] == [{"clock": 300}]
    assert len(server.seen) == requests + 1


def test_an_end_in_the_withheld_minute_does_not_go_in_circles(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    now = int(still.time)
    server.on(METRIC_EVENTS.path, time_page("ticket_metric_events", [{"id": 1}], now))
    pages = list(client.pages(METRIC_EVENTS, {"clock": now - 30}))
    assert [page.last for page in pages] == [True]


@pytest.mark.parametrize("stream", [TICKETS, EVENTS], ids=["cursor", "time"])
def test_a_window_starts_at_since_and_ends_after_until(server: Scripted, client: ZendeskClient, stream: Any) -> None:
    def answer(seen: Seen) -> Reply:
        clock = int(seen.query.get("cursor") or seen.query["start_time"]) + 1000
        row = {"id": clock, "generated_timestamp": clock}
        return Reply({stream.records: [row], "after_cursor": str(clock), "end_time": clock, "end_of_stream": False})

    server.on_call(stream.path, answer)
    window = Window(datetime.fromtimestamp(5000, UTC), datetime.fromtimestamp(7000, UTC))
    pages = list(client.pages(stream, {}, window))
    assert ids(pages) == [6000, 7000, 8000]
    assert pages[-1].last
    assert server.seen[0].query["start_time"] == "5000"
    assert ids(list(client.pages(stream, pages[0].state, window))) == [7000, 8000]


def test_exports_of_one_account_share_ten_requests_a_minute_until_the_headers_say_more(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    server.on(TICKETS.path, cursor_page([], "c"))
    server.on(EVENTS.path, time_page("ticket_events", [], None, end_of_stream=True))
    for _ in range(6):
        list(client.pages(TICKETS, {}))
        list(client.pages(EVENTS, {}))
    assert len(server.seen) == 12
    assert still.slept == [60.0]
    header = {"zendesk-ratelimit-incremental-exports": "total=30; remaining=20; resets=2"}
    server.on(TICKETS.path, Reply(cursor_page([], "c").body, headers=header))
    still.time += 60
    for _ in range(31):
        list(client.pages(TICKETS, {}))
    assert still.slept == [60.0, 60.0]


def test_a_used_up_export_budget_in_the_headers_is_respected(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    header = {"zendesk-ratelimit-incremental-exports": "total=10; remaining=0; resets=17"}
    server.on(TICKETS.path, Reply(cursor_page([], "c").body, headers=header), cursor_page([], "c"))
    list(client.pages(TICKETS, {}))
    list(client.pages(TICKETS, {}))
    assert still.slept == [17.0]


def emulated(
    clocks: list[int], size: int, *, extended: bool
) -> tuple[Callable[[Seen], Reply], Callable[[Seen], Reply]]:
    """A cursor and a time export over rows of these clocks, at pages of this size."""
    rows = sorted((clock, number) for number, clock in enumerate(clocks))

    def by_cursor(seen: Seen) -> Reply:
        mark = base64.b64decode(seen.query["cursor"]).decode() if "cursor" in seen.query else ""
        after = tuple(int(part) for part in mark.split(",")) if mark else (int(seen.query["start_time"]), -1)
        left = [row for row in rows if row > after]
        page = left[:size]
        cursor = (
            base64.b64encode(f"{page[-1][0]},{page[-1][1]}".encode()).decode() if page else seen.query.get("cursor")
        )
        return cursor_page([ticket(number, clock) for clock, number in page], cursor, end=len(left) <= size)

    def by_time(seen: Seen) -> Reply:
        start = int(seen.query["start_time"])
        left = [row for row in rows if row[0] >= start]
        page = left[:size]
        if extended and page:
            page = [row for row in left if row[0] <= page[-1][0]]
        end = (page[-1][0] + (1 if extended and len(page) < len(left) else 0)) if page else None
        found = [{"id": number} for _, number in page]
        return time_page("organizations", found, end, end_of_stream=len(page) == len(left))

    return by_cursor, by_time


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    clocks=st.lists(st.integers(1_000_000, 1_000_010), max_size=30),
    size=st.integers(1, 12),
    stop=st.integers(0, 8),
)
def test_any_page_size_gives_every_record_once_also_after_a_stop(
    server: Scripted, client: ZendeskClient, still: Still, clocks: list[int], size: int, stop: int
) -> None:
    by_cursor, by_time = emulated(clocks, size, extended=True)
    server.on_call(TICKETS.path, by_cursor)
    server.on_call(ORGANIZATIONS.path, by_time)
    got: list[int] = []
    state: State = {}
    for number, page in enumerate(client.pages(TICKETS, state)):
        got += ids([page])
        state = page.state
        if number == stop:
            break
    got += ids(list(client.pages(TICKETS, state)))
    assert sorted(got) == list(range(len(clocks)))
    organizations = list(client.pages(ORGANIZATIONS, {}))
    assert set(ids(organizations)) == set(range(len(clocks)))
    # the position stays as small as it was, however many rows share a second
    assert all(len(str(page.state)) < 100 for page in organizations)
    still.time += 60


def test_a_row_stamped_with_the_second_of_the_position_is_read_next_time(
    server: Scripted, client: ZendeskClient
) -> None:
    clocks = [1_000_000, 1_000_005]
    by_cursor, by_time = emulated(clocks, 10, extended=False)
    server.on_call(TICKETS.path, by_cursor)
    server.on_call(ORGANIZATIONS.path, by_time)
    positions = {stream.name: list(client.pages(stream, {}))[-1].state for stream in (TICKETS, ORGANIZATIONS)}
    by_cursor, by_time = emulated([*clocks, 1_000_005], 10, extended=False)
    server.on_call(TICKETS.path, by_cursor)
    server.on_call(ORGANIZATIONS.path, by_time)
    for stream in (TICKETS, ORGANIZATIONS):
        assert 2 in ids(list(client.pages(stream, positions[stream.name])))

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources.base import Page, Window
from dlt_sources.errors import ConfigurationError, CursorExpiredError, StalledError, UnavailableError
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Seen, Still, values

GROUPS = ZENDESK.stream("groups")
POLICIES = ZENDESK.stream("sla_policies")
STATUSES = ZENDESK.stream("custom_statuses")
SCHEDULES = ZENDESK.stream("schedules")
RATINGS = ZENDESK.stream("satisfaction_ratings")
COMMENTS = ZENDESK.stream("ticket_comments")
TICKETS = ZENDESK.stream("tickets")
USERS = ZENDESK.stream("users")
DAY = 86_400


def ids(pages: list[Page]) -> list[int]:
    return [record["id"] for page in pages for record in values(page.records)]


def by_cursor(key: str, numbers: list[int], size: int | None = None) -> Any:
    """A cursor-paginated list; its links.next is filled on the last page, too."""

    def answer(seen: Seen) -> Reply:
        start = int(seen.query.get("page[after]", "0"))
        step = size or int(seen.query["page[size]"])
        more = start + step < len(numbers)
        meta = {"has_more": more, "after_cursor": str(start + step)}
        rows = [{"id": number} for number in numbers[start : start + step]]
        return Reply({key: rows, "meta": meta, "links": {"next": "https://elsewhere.test/"}, "next_page": "x"})

    return answer


def by_number(key: str, numbers: list[int]) -> Any:
    """An offset-paginated list that ends in an error past page 100, as Zendesk's do."""

    def answer(seen: Seen) -> Reply:
        page, size = int(seen.query.get("page", "1")), int(seen.query.get("per_page", "100"))
        if page > 100:
            return Reply({"errors": [{"code": "InvalidPaginationDepth", "title": "Limit exceeded"}]}, 400)
        rows = [{"id": number} for number in numbers[(page - 1) * size : page * size]]
        return Reply({key: rows, "next_page": "https://x.test/" if page * size < len(numbers) else None, "count": 1})

    return answer


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(count=st.integers(0, 40), size=st.integers(1, 15))
def test_any_page_size_gives_every_record_once(
    server: Scripted, client: ZendeskClient, still: Still, count: int, size: int
) -> None:
    server.on_call(GROUPS.path, by_cursor("groups", list(range(count)), size))
    pages = list(client.pages(GROUPS, {}))
    assert ids(pages) == list(range(count))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    still.time += 60


def test_a_list_by_cursor_goes_beyond_the_cap_of_lists_by_number(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    server.on_call(GROUPS.path, by_cursor("groups", list(range(10_150))))
    assert len(ids(list(client.pages(GROUPS, {})))) == 10_150
    assert len(still.slept) == 0


def test_a_list_by_number_is_read_to_its_end(server: Scripted, client: ZendeskClient) -> None:
    server.on_call(POLICIES.path, by_number("sla_policies", list(range(250))))
    assert ids(list(client.pages(POLICIES, {}))) == list(range(250))
    assert [query["page"] for query in server.queries(POLICIES.path)] == ["1", "2", "3"]


def test_the_cap_of_lists_by_number_is_an_error_and_no_limit_to_wait_for(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    server.on_call(POLICIES.path, by_number("sla_policies", list(range(10_001))))
    with pytest.raises(StalledError, match="10,000"):
        list(client.pages(POLICIES, {}))
    assert len(server.seen) == 101
    assert still.slept == []


def test_a_list_that_answers_by_number_though_asked_by_cursor_is_read_whole(
    server: Scripted, client: ZendeskClient
) -> None:
    server.on_call(GROUPS.path, by_number("groups", list(range(230))))
    assert ids(list(client.pages(GROUPS, {}))) == list(range(230))


def test_a_list_without_pages_is_one_request(server: Scripted, client: ZendeskClient) -> None:
    server.on(STATUSES.path, Reply({"custom_statuses": [{"id": 1}, {"id": 2}]}))
    [page] = client.pages(STATUSES, {})
    assert ids([page]) == [1, 2]
    assert page.last


def test_a_list_that_is_read_whole_has_no_position_to_go_on_from(server: Scripted, client: ZendeskClient) -> None:
    server.on_call(GROUPS.path, by_cursor("groups", list(range(250))))
    assert [page.state for page in client.pages(GROUPS, {})] == [{}, {}, {}]


@pytest.mark.parametrize(
    "body",
    [
        {"groups": [{"id": 1}], "meta": {"has_more": True, "after_cursor": "same"}},
        {"groups": [{"id": 1}], "meta": {"has_more": True, "after_cursor": None}},
        {"groups": [{"id": 1}], "next_page": "https://x.test/same"},
    ],
    ids=["same cursor", "no cursor", "same rows"],
)
def test_a_list_that_leads_nowhere_is_a_stall(server: Scripted, client: ZendeskClient, body: Any) -> None:
    server.on(GROUPS.path, Reply(body))
    with pytest.raises(StalledError):
        list(client.pages(GROUPS, {}))
    assert len(server.seen) <= 2


def test_a_schedule_carries_its_holidays(server: Scripted, client: ZendeskClient) -> None:
    server.on(SCHEDULES.path, Reply(b'{"schedules": [{"id": 1, "name":"a"}, {"id": 2}, {"id": 3}]}'))
    holiday = {"id": 7, "name": "New Year", "start_date": "2025-01-01", "end_date": "2025-01-01"}
    server.on(f"{SCHEDULES.path}/1/holidays", Reply({"holidays": [holiday]}))
    server.on(f"{SCHEDULES.path}/2/holidays", Reply({"holidays": []}))
    [page] = client.pages(SCHEDULES, {})
    assert values(page.records) == [
        {"id": 1, "name": "a", "holidays": [holiday]},
        {"id": 2, "holidays": []},
        {"id": 3, "holidays": None},
    ]


def test_a_schedule_without_a_usable_id_is_given_as_it_is(server: Scripted, client: ZendeskClient) -> None:
    server.on(SCHEDULES.path, Reply({"schedules": [{"id": "x"}, {"id": 1}]}))
    server.on(f"{SCHEDULES.path}/1/holidays", Reply({"holidays": []}))
    [page] = client.pages(SCHEDULES, {})
    assert values(page.records) == [{"id": "x"}, {"id": 1, "holidays": []}]


def rating(number: int, clock: int) -> dict[str, Any]:
    return {"id": number, "updated_at": datetime.fromtimestamp(clock, UTC).isoformat().replace("+00:00", "Z")}


def rating_page(*ratings: dict[str, Any], after: str | None = None) -> Reply:
    return Reply({"satisfaction_ratings": ratings, "meta": {"has_more": after is not None, "after_cursor": after}})


def test_ratings_are_read_again_from_seven_days_before_the_newest(server: Scripted, client: ZendeskClient) -> None:
    newest = 1_700_000_000
    server.on(
        RATINGS.path,
        rating_page(rating(2, newest), after="a1"),
        rating_page(rating(1, newest - DAY)),
        rating_page(rating(2, newest)),
    )
    pages = list(client.pages(RATINGS, {}))
    assert [page.state for page in pages] == [{"clock": 0, "newest": newest, "after": "a1"}, {"clock": newest}]
    list(client.pages(RATINGS, pages[-1].state))
    assert server.queries(RATINGS.path) == [
        {"page[size]": "100"},
        {"page[size]": "100", "page[after]": "a1"},
        {"page[size]": "100", "start_time": str(newest - 7 * DAY)},
    ]


def test_an_interrupted_read_of_ratings_goes_on_or_starts_again(server: Scripted, client: ZendeskClient) -> None:
    interrupted = {"clock": 0, "newest": 1_700_000_000, "after": "a1"}
    server.on(RATINGS.path, rating_page(rating(1, 1_600_000_000)))
    assert [page.state for page in client.pages(RATINGS, interrupted)] == [{"clock": 1_700_000_000}]
    expired = Reply({"errors": [{"code": "InvalidCursor"}]}, 400)
    server.on(RATINGS.path, expired, rating_page(rating(1, 1_600_000_000)))
    assert [page.state for page in client.pages(RATINGS, interrupted)] == [{"clock": 1_700_000_000}]
    assert "page[after]" not in server.queries(RATINGS.path)[-1]
    server.on(RATINGS.path, expired)
    with pytest.raises(CursorExpiredError):
        list(client.pages(RATINGS, {}))


def test_a_window_of_ratings_is_asked_for_and_never_ends_in_the_withheld_minute(
    server: Scripted, client: ZendeskClient, still: Still
) -> None:
    server.on(RATINGS.path, rating_page())
    list(client.pages(RATINGS, {}, Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))))
    start = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
    assert server.queries(RATINGS.path) == [
        {"page[size]": "100", "start_time": str(start), "end_time": str(int(still.time) - 61)}
    ]


def test_no_ratings_at_all_leave_the_position_at_the_start(server: Scripted, client: ZendeskClient) -> None:
    server.on(RATINGS.path, rating_page())
    assert [page.state for page in client.pages(RATINGS, {})] == [{"clock": 0}]


def test_comments_of_chosen_tickets_carry_the_tickets_id(server: Scripted, client: ZendeskClient) -> None:
    server.on_call("/api/v2/tickets/7/comments", by_cursor("comments", list(range(120))))
    server.on("/api/v2/tickets/8/comments", Reply({"error": "RecordNotFound", "description": "Not found"}, 404))
    server.on("/api/v2/tickets/9/comments", Reply({"comments": [{"id": 500}], "meta": {"has_more": False}}))
    pages = list(client.by_ids(COMMENTS, ["7", "8", "9"]))
    rows = [row for page in pages for row in values(page.records)]
    assert [row["id"] for row in rows] == [*range(120), 500]
    assert {row["ticket_id"] for row in rows} == {7, 9}
    assert [page.last for page in pages] == [False, False, True]


def test_chosen_tickets_are_read_a_hundred_at_a_time_and_marked_partial(
    server: Scripted, client: ZendeskClient
) -> None:
    def answer(seen: Seen) -> Reply:
        asked = [int(each) for each in seen.query["ids"].split(",")]
        return Reply({"tickets": [{"id": each} for each in asked if each != 5], "count": len(asked)})

    server.on_call("/api/v2/tickets/show_many", answer)
    pages = list(client.by_ids(TICKETS, [str(number) for number in range(1, 151)]))
    assert ids(pages) == [number for number in range(1, 151) if number != 5]
    assert all(page.partial for page in pages)
    assert [page.last for page in pages] == [False, True]
    assert [len(query["ids"].split(",")) for query in server.queries("/api/v2/tickets/show_many")] == [100, 50]
    assert server.seen[0].query["include"] == "metric_sets"


def test_chosen_users_are_read(server: Scripted, client: ZendeskClient) -> None:
    server.on("/api/v2/users/show_many", Reply({"users": [{"id": 1}]}))
    assert ids(list(client.by_ids(USERS, ["1"]))) == [1]


def test_other_streams_are_not_given_by_id(client: ZendeskClient) -> None:
    with pytest.raises(UnavailableError, match="by id"):
        client.by_ids(GROUPS, ["1"])
    with pytest.raises(ConfigurationError, match="whole numbers"):
        client.by_ids(TICKETS, ["abc"])
    with pytest.raises(UnavailableError, match="by ids only"):
        client.pages(COMMENTS, {})

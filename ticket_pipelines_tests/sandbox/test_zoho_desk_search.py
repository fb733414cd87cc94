"""Contract, sections 0.3, 0.4, 2.6 and 2.7: searches, their cap and lag, credits and concurrency."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ticket_pipelines_tests.sandbox.zoho_asking import EVER, Open, Zoho, in_flight, some_ticket


def walk(desk_account: Zoho, window: str, **params: str) -> Iterator[dict[str, Any]]:
    """All rows of a window that fits into one search."""
    start = 0
    while (
        page := desk_account.get("tickets/search", modifiedTimeRange=window, limit=100, **params, **{"from": start})
    ).body:
        yield from page.json["data"]
        start += len(page.json["data"])


def test_search_counts_and_sorts(desk_account: Zoho) -> None:
    answer = desk_account.get("tickets/search", modifiedTimeRange=EVER, sortBy="modifiedTime", limit=3).json
    assert answer["count"] == desk_account.control.state()["counts"]["listed_tickets"]
    times = [row["modifiedTime"] for row in walk(desk_account, EVER, sortBy="modifiedTime")]
    assert times == sorted(times)
    assert len(times) == answer["count"]
    down = [row["modifiedTime"] for row in walk(desk_account, EVER, sortBy="-modifiedTime")]
    assert down == times[::-1]


def test_window_is_closed_at_both_ends(desk_account: Zoho) -> None:
    (first,) = desk_account.get("tickets/search", modifiedTimeRange=EVER, sortBy="modifiedTime", limit=1).json["data"]
    moment = first["modifiedTime"]
    assert first["id"] in {row["id"] for row in walk(desk_account, f"{moment},{moment}")}
    assert (
        desk_account.get("tickets/search", modifiedTimeRange="2020-01-01T00:00:00.000Z,2020-01-02T00:00:00.000Z").status
        == 204
    )
    for bad in ("2020-01-01T00:00:00Z,2021-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z", "2030,2020"):
        assert desk_account.get("tickets/search", modifiedTimeRange=bad).status == 422


@pytest.mark.parametrize("cap", [999, 4999])
def test_from_has_a_cap(open_desk: Open, cap: int) -> None:
    asker = open_desk(search_from_max=cap)
    assert asker.get("tickets/search", modifiedTimeRange=EVER, **{"from": cap}).status == 204
    refused = asker.get("tickets/search", modifiedTimeRange=EVER, **{"from": cap + 1})
    assert (refused.status, refused.json["message"]) == (
        422,
        f"The value passed for field 'from' exceeds the range of '0-{cap}'.",
    )


def test_many_tickets_in_one_second(open_desk: Open) -> None:
    asker = open_desk(tickets=600, same_second=300)
    times = [row["modifiedTime"] for row in walk(asker, EVER)]
    most = max(map(times.count, set(times)))
    assert most > 200
    moment = max(set(times), key=times.count)
    assert asker.get("tickets/search", modifiedTimeRange=f"{moment},{moment}").json["count"] == most


def test_search_can_lag(open_desk: Open) -> None:
    asker = open_desk(search_lag=60)
    key = asker.control.mutate("create_ticket")["id"]
    assert asker.get("tickets/search", id=key).status == 204
    assert asker.get(f"tickets/{key}").status == 200
    asker.control.clock(advance=60)
    assert asker.get("tickets/search", id=key).json["count"] == 1


def test_all_cannot_be_mixed(desk_account: Zoho) -> None:
    assert desk_account.get("tickets/search", _all="lamp").status == 200
    assert desk_account.get("tickets/search", _all="lamp", modifiedTimeRange=EVER).status == 422


def test_contacts_and_accounts_are_searched(desk_account: Zoho) -> None:
    for path in ("contacts", "accounts"):
        found = desk_account.get(f"{path}/search", modifiedTimeRange=EVER, limit=100).json
        assert found["count"] == len(desk_account.get(path, limit=100).json["data"])
        row = found["data"][0]
        assert desk_account.get(f"{path}/search", id=row["id"], sortBy="modifiedTime").json["count"] == 1
        assert "modifiedTime" in row


@pytest.mark.parametrize("sorts", [True, False])
def test_list_sorts_by_modified_time_or_not(open_desk: Open, sorts: bool) -> None:
    asker = open_desk(list_sorts_modified=sorts)
    answer = asker.get("tickets", sortBy="-modifiedTime", fields="id,modifiedTime", limit=100)
    assert answer.status == (200 if sorts else 422)
    if sorts:
        places = [(row["modifiedTime"], row["id"]) for row in answer.json["data"]]
        # newest first, and among equal times the smaller id (section 2.7)
        assert places == sorted(sorted(places, key=lambda place: place[1]), key=lambda place: place[0], reverse=True)


def test_calls_cost_credits(desk_account: Zoho) -> None:
    """Section 2.6."""
    key = some_ticket(desk_account)
    costs = {"tickets": 3, f"tickets/{key}": 1, "tickets?from=2001": 5, "tickets?from=60000": 50, "ticketsCount": 50}
    told = {path: int(desk_account.get(path).headers["x-rate-limit-request-weight-v3"]) for path in costs}
    assert told == costs
    assert desk_account.get("teams").headers["x-rate-limit-remaining-v3"] == str(100_000 - 3 - sum(costs.values()) - 1)


def test_credits_end_until_midnight(open_desk: Open) -> None:
    asker = open_desk(credits=4)
    assert asker.get("tickets").status == 200
    refused = asker.get("tickets")
    assert (refused.status, refused.json["errorCode"]) == (429, "THRESHOLD_EXCEEDED")
    assert refused.headers["retry-after"] == str(12 * 3600 + 1)
    assert asker.get("teams").headers["x-rate-limit-remaining-v3"] == "0"
    asker.control.clock(advance=12 * 3600 + 1)
    assert asker.headers["Authorization"]
    assert asker.get("tickets").status == 401


def test_concurrent_calls_are_bound(open_desk: Open) -> None:
    asker = open_desk(concurrency=1)
    with in_flight(asker):
        refused = asker.get("tickets")
    assert (refused.status, refused.json["errorCode"]) == (429, "TOO_MANY_REQUESTS")
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize("preset", ["too_many_requests", "threshold_exceeded", "internal_server_error", "empty"])
def test_preset_strikes_once(desk_account: Zoho, preset: str) -> None:
    desk_account.control.fail(preset=preset, stream="tickets")
    struck = desk_account.get("tickets")
    assert struck.status in (429, 500, 204)
    assert ("retry-after" in struck.headers) == (preset == "threshold_exceeded")
    assert desk_account.get("tickets").status == 200

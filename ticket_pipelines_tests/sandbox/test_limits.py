"""Contract, section 3: rate limits, their windows and both families of headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.limits import Rule, Windows
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.asking import Asker

START = "2026-11-22T12:00:15Z"


@pytest.fixture
def frozen(make_sandbox: Callable[..., SandboxServer]) -> Callable[..., Asker]:
    """An account with the vendor's own limits, whose clock stands a quarter into a minute."""

    def make(**settings: Any) -> Asker:
        return Asker(make_sandbox(now=START, frozen=True, settings=settings).zendesk)

    return make


def test_ten_exports_a_minute_over_all_streams(frozen: Callable[..., Asker]) -> None:
    asker = frozen()
    paths = ("tickets/cursor", "users/cursor", "organizations", "ticket_events", "ticket_metric_events")
    answers = [asker.get(f"incremental/{path}", start_time=0) for path in paths * 2]
    assert {answer.status for answer in answers} == {200}
    assert answers[-1].headers["zendesk-ratelimit-incremental-exports"] == "total=10; remaining=0; resets=45"
    refused = asker.get("incremental/users", start_time=0)
    assert (refused.status, refused.headers["retry-after"]) == (429, "45")
    assert refused.json["errors"][0]["code"] == "RateLimitExceeded"
    assert asker.get("groups").status == 200
    asker.control.clock(advance=30)
    assert asker.get("incremental/users", start_time=0).headers["retry-after"] == "15"
    asker.control.clock(advance=15)
    assert asker.get("incremental/users", start_time=0).status == 200


@pytest.mark.parametrize(
    ("settings", "account", "exports"),
    [
        ({}, "700", 10),
        ({"plan": "team"}, "200", 10),
        ({"plan": "growth", "high_volume": True}, "2500", 30),
        ({"account_total": 20, "incremental_total": 3}, "20", 3),
    ],
)
def test_plan_decides_the_totals(
    frozen: Callable[..., Asker], settings: dict[str, Any], account: str, exports: int
) -> None:
    headers = frozen(**settings).get("incremental/users", start_time=0).headers
    assert headers["x-rate-limit"] == headers["ratelimit-limit"] == account
    assert headers["zendesk-ratelimit-incremental-exports"] == f"total={exports}; remaining={exports - 1}; resets=45"


def test_account_limit_refuses_with_the_other_envelope(frozen: Callable[..., Asker]) -> None:
    asker = frozen(account_total=2)
    statuses = [asker.get("groups").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert asker.get("brands").json["error"] == "APIRateLimitExceeded"
    assert asker.get("incremental/users", start_time=0).headers["x-rate-limit-remaining"] == "0"


def test_refused_request_takes_nothing(frozen: Callable[..., Asker]) -> None:
    asker = frozen(incremental_total=1)
    asker.get("incremental/users", start_time=0)
    before = int(asker.get("groups").headers["ratelimit-remaining"])
    assert asker.get("incremental/users", start_time=0).status == 429
    assert int(asker.get("groups").headers["ratelimit-remaining"]) == before - 1


def test_old_header_family(frozen: Callable[..., Asker]) -> None:
    headers = frozen(header_family="old").get("tickets").headers
    assert headers["rate-limit"] == headers["x-rate-limit"] == "700"
    assert headers["rate-limit-remaining"] == headers["x-rate-limit-remaining"] == "699"
    assert headers["rate-limit-reset"] == "45"
    assert headers["zendesk-rate-limit-tickets-index"] == "total=100; remaining=99; resets=45"
    assert not any(name.startswith(("ratelimit", "zendesk-ratelimit")) for name in headers)


def test_deleted_tickets_have_a_limit_of_their_own(frozen: Callable[..., Asker]) -> None:
    asker = frozen()
    assert [asker.get("deleted_tickets").status for _ in range(11)] == [200] * 10 + [429]


def test_headers_come_with_errors_too(frozen: Callable[..., Asker]) -> None:
    assert frozen().get("tickets/999999").headers["ratelimit-remaining"] == "699"


def test_windows_are_aligned_to_the_clock() -> None:
    clock = Clock(119.5, frozen=True)
    windows = Windows(clock)
    (first,) = windows.take([Rule("exports", 2)])
    assert (first.remaining, first.resets, first.granted) == (1, 1, True)
    clock.advance(1)
    (second,) = windows.take([Rule("exports", 2)])
    assert (second.remaining, second.resets) == (1, 60)

"""What the control plane can let go wrong, seen from the other end of the wire."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.asking import Asker, ask


@pytest.mark.parametrize(
    ("preset", "status", "text"),
    [
        ("unauthorized", 401, "Couldn't authenticate you"),
        ("forbidden", 403, "You do not have access to this page"),
        ("not_found", 404, "RecordNotFound"),
        ("conflict", 409, "DatabaseConflict"),
        ("invalid_cursor", 400, "InvalidCursor"),
        ("start_time_too_recent_before", 422, "Too recent start_time"),
        ("rate_limited", 429, "APIRateLimitExceeded"),
        ("server_error", 500, ""),
        ("gateway_timeout", 504, "upstream request timeout"),
    ],
)
def test_preset_strikes_once(sandbox: SandboxServer, preset: str, status: int, text: str) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail(preset=preset)
    struck = asker.get("groups")
    assert struck.status == status
    assert text in struck.body.decode()
    assert asker.get("groups").status == 200
    assert [entry.fault for entry in asker.control.log()] == ["status", ""]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (7, "7"),
        (0, "0"),
        ("soon", "soon"),
        ("date:30", "Sun, 22 Nov 2026 12:00:30 GMT"),
        (None, None),
    ],
)
def test_retry_after_in_each_form(sandbox: SandboxServer, given: Any, sent: str | None) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.clock(to="2026-11-22T12:00:00Z", frozen=True)
    asker.control.fail(preset="rate_limited", retry_after=given)
    struck = asker.get("groups")
    assert struck.headers.get("retry-after") == sent
    assert struck.headers["date"] == "Sun, 22 Nov 2026 12:00:00 GMT"


def test_fault_can_wait_and_last(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail(status=500, times=2, skip=1)
    assert [asker.get("groups").status for _ in range(4)] == [200, 500, 500, 200]
    asker.control.fail(status=503, times=None)
    assert [asker.get("groups").status for _ in range(3)] == [503] * 3
    asker.control.heal()
    assert asker.get("groups").status == 200
    assert asker.control.faults() == []


def test_fault_of_a_stream_leaves_others_alone(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail(stream="tickets", status=500)
    asker.control.fail(stream="sla_policies", preset="forbidden")
    asker.control.fail(match=r"per_page=1000$", preset="gateway_timeout")
    assert asker.get("tickets/1").status == 200
    assert asker.get("incremental/ticket_events", start_time=0).status == 200
    assert asker.get("incremental/tickets/cursor.json", start_time=0).status == 500
    assert asker.get("slas/policies.json").status == 403
    assert asker.get("incremental/users", start_time=0, per_page=1000).status == 504
    assert asker.control.faults() == []


def test_reset_before_the_answer(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail("reset")
    with pytest.raises(ConnectionResetError):
        asker.get("groups")
    assert asker.get("groups").status == 200
    assert [entry.status for entry in asker.control.log()] == [0, 200]


def test_truncated_body(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail("truncate")
    with pytest.raises(http.client.IncompleteRead) as cut:
        asker.get("groups")
    whole = asker.get("groups").body
    assert whole.startswith(cut.value.partial)
    assert len(cut.value.partial) == len(whole) // 2


def test_reset_in_the_middle_of_the_body(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail("reset_body")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        asker.get("incremental/tickets/cursor", start_time=0)
    assert asker.get("groups").status == 200


def test_body_that_is_no_json(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail("not_json")
    struck = asker.get("groups")
    assert (struck.status, struck.headers["content-type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(json.JSONDecodeError):
        _ = struck.json


@pytest.mark.parametrize("kind", ["delay", "slow"])
def test_late_answer_is_whole(sandbox: SandboxServer, kind: str) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.fail(kind, seconds=0.05)
    assert asker.get("groups").json == asker.get("groups").json


def test_delay_ends_with_the_connection(sandbox: SandboxServer) -> None:
    """A client that gives up, or a sandbox that stops, does not wait for a delay."""
    asker = Asker(sandbox.zendesk)
    asker.control.fail("delay", seconds=3600)
    connection = http.client.HTTPConnection(asker.url.removeprefix("http://"), timeout=0.05)
    connection.request("GET", "/api/v2/groups", headers=asker.headers)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    sandbox.stop()


@pytest.mark.parametrize("path", ["tickets/cursor", "tickets", "users/cursor", "organizations", "ticket_events"])
def test_page_that_is_followed_by_itself(sandbox: SandboxServer, path: str) -> None:
    """Contract, section 2B: exports have answered with themselves as the next page."""
    asker = Asker(sandbox.zendesk)
    first = asker.get(f"incremental/{path}", start_time=0, per_page=5).json
    then = (first.get("after_url") or first["next_page"]).removeprefix(f"{asker.url}/api/v2/")
    asker.control.fail("repeat")
    repeated = asker.get(then).json
    assert repeated["end_of_stream"] is False
    assert (repeated.get("after_url") or repeated["next_page"]) == (first.get("after_url") or first["next_page"])
    assert repeated.get("after_cursor") == first.get("after_cursor")


def test_listed_page_that_is_followed_by_itself(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    following = asker.get("users", page__size=5).json["links"]["next"]
    asker.control.fail("repeat", times=2)
    repeated = asker.follow(following).json
    assert (repeated["meta"]["has_more"], repeated["links"]["next"]) == (True, following)
    second = asker.get("users", page=2, per_page=5).json
    assert second["next_page"].endswith("page=2&per_page=5")


@pytest.mark.parametrize(
    "spec",
    [{"kind": "nonsense"}, {"preset": "nonsense"}, {"stream": "nonsense"}, {"colour": "red"}, {"match": "("}],
)
def test_unknown_fault_is_refused(sandbox: SandboxServer, spec: dict[str, str]) -> None:
    answer = ask(sandbox.zendesk.url, "/__sandbox/fail", {}, method="POST", body=spec)
    assert answer.status == 400
    assert sandbox.zendesk.control.faults() == []

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pytest

from dlt_sources.errors import (
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    MalformedError,
    PermanentError,
    SourceError,
)
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Limit, MemoryBudgets
from dlt_sources.retry import Policy
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Still

LIMIT = Limit("account", 100)
THINGS = Request("/things", params={"secret": "in-the-query"}, limits=(LIMIT,), about="stream things")
OK = Reply({"things": [1]})


class Things(msgspec.Struct):
    things: list[int]


class Plain:
    """A dialect with one header and a token that can be renewed once."""

    def __init__(self) -> None:
        self.token = "old"
        self.renewals = 1

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        self.renewals -= 1
        self.token = "new"
        return self.renewals >= 0

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        if "X-Remaining" in headers:
            yield Announcement("account", 100, int(headers["X-Remaining"]), float(headers["X-Reset"]))

    def failure(self, request: Request, answer: Answer) -> SourceError:  # noqa: ARG002
        if answer.status == 401:
            return CredentialsError("refused")
        return ConnectionFailedError("again and again") if answer.status >= 500 else PermanentError(str(answer.status))


def session(server: Scripted, still: Still, policy: Policy | None = None, url: str = "") -> Session:
    budgets = MemoryBudgets(still.clock.now)
    return Session(url or server.url, "acme", Plain(), budgets, clock=still.clock, policy=policy)


def fetch(server: Scripted, still: Still, request: Request = THINGS, policy: Policy | None = None) -> list[int]:
    opened = session(server, still, policy)
    try:
        return opened.fetch(request, msgspec.json.Decoder(Things).decode)[0].things
    finally:
        opened.close()


def test_the_answer_is_parsed_and_the_request_authorized(server: Scripted, still: Still) -> None:
    server.on("/things", OK)
    assert fetch(server, still) == [1]
    assert server.seen[0].headers["Authorization"] == "Bearer old"
    assert server.seen[0].headers["Accept"] == "application/json"


def test_a_compressed_answer_is_read(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(gzip.compress(OK.data()), headers={"Content-Encoding": "gzip"}))
    assert fetch(server, still) == [1]


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7.0, 7.0),
        ({"Retry-After": "Sun, 15 Jun 2025 15:07:10 GMT"}, 30.0, 30.0),
        ({"Retry-After": "0"}, 10.0, 12.5),
        ({}, 10.0, 12.5),
        ({"Retry-After": "-3"}, 10.0, 12.5),
        ({"Retry-After": "soon"}, 10.0, 12.5),
        ({"X-Remaining": "0", "X-Reset": "19"}, 19.0, 19.0),
    ],
    ids=["seconds", "date", "zero", "absent", "negative", "garbage", "reset header"],
)
def test_a_429_is_left_alone_for_as_long_as_it_says(
    server: Scripted, still: Still, headers: Mapping[str, str], least: float, most: float
) -> None:
    server.on("/things", Reply(status=429, headers=headers), OK)
    assert fetch(server, still) == [1]
    assert len(server.seen) == 2
    assert least <= sum(still.slept) <= most


def test_a_429_closes_the_budget_for_every_session_of_the_account(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=429, headers={"Retry-After": "9000"}), OK)
    budgets = MemoryBudgets(still.clock.now)
    opened = Session(server.url, "acme", Plain(), budgets, clock=still.clock)
    with pytest.raises(LimitError) as raised:
        opened.fetch(THINGS, bytes)
    opened.close()
    assert raised.value.retry_at == still.time + 9000.0
    assert budgets.reserve("acme", (Limit("account", 100, 60.0),))[0] == 9000.0
    assert still.slept == []


@pytest.mark.parametrize(("remaining", "closed"), [(None, [9000.0, 9000.0]), (5, [9000.0, 9000.0]), (0, [0.0, 9000.0])])
def test_a_429_closes_every_limit_of_the_request_unless_the_headers_name_the_narrowest(
    server: Scripted, still: Still, remaining: int | None, closed: list[float]
) -> None:
    said = {} if remaining is None else {"X-Remaining": str(remaining), "X-Reset": "9000"}
    server.on("/things", Reply(status=429, headers={"Retry-After": "9000", **said}))
    budgets = MemoryBudgets(still.clock.now)
    opened = Session(server.url, "acme", Plain(), budgets, clock=still.clock)
    with pytest.raises(LimitError):
        opened.fetch(Request("/things", limits=(Limit("all", 100), LIMIT)), bytes)
    opened.close()
    assert [budgets.reserve("acme", (Limit(name, 100, 60.0),))[0] for name in ("all", "account")] == closed


def test_no_certificate_that_can_be_trusted_is_said_at_once(server: Scripted, still: Still) -> None:
    # a server without TLS: the handshake fails as it does over a bad certificate
    opened = session(server, still, url=server.url.replace("http:", "https:"))
    with pytest.raises(PermanentError, match="TLS certificate"):
        opened.fetch(THINGS, bytes)
    opened.close()
    assert (opened.usage.requests, still.slept) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_nowhere_is_malformed(server: Scripted, still: Still, status: int) -> None:
    server.on("/things", Reply(status=status))
    with pytest.raises(MalformedError, match="without saying where"):
        fetch(server, still)


def test_endless_429s_end_in_a_limit_error_within_the_bound(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=429, headers={"Retry-After": "0"}))
    with pytest.raises(LimitError):
        fetch(server, still, policy=Policy(wait=300.0))
    assert sum(still.slept) <= 300.0
    assert len(server.seen) < 12


def test_waits_are_counted_and_told(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=503), Reply(status=429, headers={"Retry-After": "7"}), OK)
    opened, told = session(server, still), list[tuple[float, str]]()
    opened.on_wait = lambda seconds, why: told.append((seconds, why))
    opened.fetch(THINGS, bytes)
    opened.close()
    assert opened.usage.requests == 3
    assert opened.usage.wait_seconds == pytest.approx(sum(still.slept))
    assert [why for _, why in told] == ["answer 503", "limit account"]
    assert [seconds for seconds, _ in told] == still.slept


def test_a_used_up_budget_is_waited_for_before_the_request(server: Scripted, still: Still) -> None:
    server.on("/things", OK)
    opened = session(server, still)
    narrow = Request("/things", limits=(LIMIT, Limit("exports", 2)))
    for _ in range(3):
        opened.fetch(narrow, bytes)
    opened.close()
    assert len(server.seen) == 3
    assert still.slept == [60.0]


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 520, 524])
def test_a_passing_failure_is_tried_again(server: Scripted, still: Still, status: int) -> None:
    server.on("/things", Reply(b"upstream request timeout", status), OK)
    assert fetch(server, still) == [1]
    assert len(still.slept) == 1


def test_a_failure_that_stays_ends_after_five_tries_with_growing_waits(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=500))
    with pytest.raises(ConnectionFailedError):
        fetch(server, still)
    assert len(server.seen) == 5
    assert still.slept == sorted(still.slept)


def test_a_503_that_names_a_time_is_left_alone_for_it(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=503, headers={"Retry-After": "33"}), OK)
    fetch(server, still)
    assert still.slept == [33.0]


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_not_tried_again(server: Scripted, still: Still, status: int) -> None:
    server.on("/things", Reply(status=status))
    with pytest.raises(PermanentError):
        fetch(server, still)
    assert len(server.seen) == 1


def test_a_status_that_the_caller_handles_is_raised_at_once(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=504))
    with pytest.raises(ConnectionFailedError):
        fetch(server, still, Request("/things", passed=frozenset((504,))))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "broken",
    [
        Reply({"things": [1, 2, 3]}, how="cut"),
        Reply(how="reset"),
        Reply(b'{"things": [1, 2'),
        Reply(b""),
        Reply(b"upstream request timeout"),
        Reply(b"<!DOCTYPE html><html>We are down</html>"),
    ],
    ids=["cut off", "reset", "half a document", "nothing", "text", "html"],
)
def test_a_broken_answer_is_asked_for_again(server: Scripted, still: Still, broken: Reply) -> None:
    server.on("/things", broken, OK)
    assert fetch(server, still) == [1]
    server.on("/things", broken)
    with pytest.raises(ConnectionFailedError):
        fetch(server, still)


def test_an_answer_that_stalls_is_given_up(server: Scripted, still: Still) -> None:
    server.on("/things", Reply({"things": [1]}, how="stall"))
    with pytest.raises(ConnectionFailedError, match="in time"):
        fetch(server, still, policy=Policy(read=0.1, attempts=1))


def test_an_answer_that_drips_is_given_up_at_the_wall_bound(server: Scripted, still: Still) -> None:
    server.on("/things", Reply({"things": [1] * 30}, how="drip"))
    with pytest.raises(ConnectionFailedError, match="not whole after"):
        fetch(server, still, policy=Policy(request=0.1, attempts=1))


def test_a_document_of_another_shape_is_not_asked_for_again(server: Scripted, still: Still) -> None:
    server.on("/things", Reply({"other": []}))
    with pytest.raises(MalformedError, match="things"):
        fetch(server, still)
    assert len(server.seen) == 1


def test_a_401_renews_the_token_once(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(status=401), OK)
    assert fetch(server, still) == [1]
    assert [each.headers["Authorization"] for each in server.seen] == ["Bearer old", "Bearer new"]
    server.on("/things", Reply(status=401))
    with pytest.raises(CredentialsError):
        fetch(server, still)
    assert len(server.seen) == 4


def test_an_unreachable_host_ends_after_three_tries(server: Scripted, still: Still) -> None:
    opened = session(server, still, url="http://127.0.0.1:1")
    with pytest.raises(ConnectionFailedError, match="cannot be reached"):
        opened.fetch(THINGS, bytes)
    opened.close()
    assert len(still.slept) == 2


def test_text_is_cleaned_and_counted(server: Scripted, still: Still) -> None:
    server.on("/things", Reply(rb'{"things": [], "text": "a\u0000b\ud83d"}'))
    opened = session(server, still)
    assert opened.fetch(THINGS, bytes) == (rb'{"things": [], "text": "ab\ufffd"}', 2)
    opened.close()


@pytest.mark.parametrize("path", ["http://127.0.0.2:80/things", "https://evil.example/things?x=1"])
def test_an_address_of_another_host_is_never_asked(server: Scripted, still: Still, path: str) -> None:
    with pytest.raises(ConfigurationError, match="another host"):
        fetch(server, still, Request(path))
    assert server.seen == []


def test_an_address_of_our_own_host_is_followed(server: Scripted, still: Still) -> None:
    server.on("/things", OK)
    assert fetch(server, still, Request(f"{server.url}/things?page=2")) == [1]
    assert server.queries("/things") == [{"page": "2"}]


def test_a_redirect_stays_on_the_host(server: Scripted, still: Still) -> None:
    server.on("/old", Reply(status=301, headers={"Location": "/things"}))
    server.on("/things", OK)
    assert fetch(server, still, Request("/old")) == [1]
    server.on("/old", Reply(status=302, headers={"Location": "https://moved.zendesk.com/things"}))
    with pytest.raises(ConfigurationError, match=r"moved\.zendesk\.com"):
        fetch(server, still, Request("/old"))
    server.on("/old", Reply(status=302, headers={"Location": "/old"}))
    with pytest.raises(MalformedError, match="redirected"):
        fetch(server, still, Request("/old"))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=302, headers={"Location": "https://evil.example/?token=body-secret"}),
        Reply(b"body-secret"),
        Reply(b"body-secret", how="cut"),
        Reply(how="reset"),
        Reply({"other": "body-secret"}),
    ],
    ids=["redirect", "text", "cut off", "reset", "other shape"],
)
def test_no_message_holds_a_token_a_query_or_a_body(server: Scripted, still: Still, reply: Reply) -> None:
    server.on("/things", reply)
    with pytest.raises(SourceError) as raised:
        fetch(server, still)
    chain: BaseException | None = raised.value
    while chain is not None:
        for secret in ("in-the-query", "Bearer", "old", "body-secret"):
            assert secret not in str(chain)
        chain = chain.__cause__


def test_a_proxy_of_the_environment_is_used_but_no_netrc_file(
    server: Scripted, still: Still, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.on("/things", OK)
    opened = session(server, still, url="http://acme.example")
    opened.fetch(THINGS, bytes)
    opened.close()
    assert server.seen[0].headers["Host"] == "acme.example"
    assert server.seen[0].headers["Authorization"] == "Bearer old"

"""The client against the emulated account: limits, faults, roles and plans."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    SourceError,
    StalledError,
    UnavailableError,
)
from dlt_sources.zendesk import ZENDESK
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import (
    EXPORTS,
    TICKETS,
    Moving,
    Open,
    read,
    requests,
    statuses,
)


def test_many_reads_never_go_over_the_export_limit(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk()
    client = opened(account)
    for _ in range(5):
        for stream in EXPORTS:
            read(client, stream)
    assert 429 not in statuses(account)
    assert moving.slept


@pytest.mark.parametrize("retry_after", [30, "date:30", 0, None, "soon"])
def test_nothing_is_asked_while_the_vendor_wants_to_be_left_alone(
    zendesk: Callable[..., Listening], opened: Open, retry_after: int | str | None
) -> None:
    account = zendesk()
    account.control.fail(stream="tickets", status=429, retry_after=retry_after, body={"error": "APIRateLimitExceeded"})
    read(opened(account), TICKETS)
    first, second = (entry.at for entry in account.control.log() if "/incremental/" in entry.path)
    assert second - first >= (30 if retry_after in (30, "date:30") else 10)


@pytest.mark.parametrize("kind", ["truncate", "not_json", "reset", "reset_body"])
def test_a_broken_answer_loses_nothing(zendesk: Callable[..., Listening], opened: Open, kind: str) -> None:
    account = zendesk()
    client = opened(account)
    account.control.fail(kind, stream="tickets", times=2)
    found, _, _ = read(client, TICKETS)
    assert set(found) == {record["id"] for record in account.control.records("tickets")}


@pytest.mark.parametrize("login", ["oauth", "access_token", "api_token"])
def test_a_check_says_that_all_can_be_read(zendesk: Callable[..., Listening], opened: Open, login: str) -> None:
    account = zendesk()
    assert [each for each in opened(account, login).check() if not each.readable] == []
    assert requests(account, "/incremental/") == 0


@pytest.mark.parametrize("login", ["agent", "agent_access_token"])
def test_an_agent_is_told_what_needs_an_admin(zendesk: Callable[..., Listening], opened: Open, login: str) -> None:
    account = zendesk()
    client = opened(account, login)
    refused = {each.stream: each.reason for each in client.check() if not each.readable}
    assert {stream.name for stream in EXPORTS} <= set(refused)
    assert all("admin" in reason for reason in refused.values())
    with pytest.raises(AccessError, match=r"stream tickets.*admin"):
        read(client, TICKETS)


def test_a_plan_that_lacks_streams_is_named(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk(plan="team")
    client = opened(account)
    lacking = {each.stream for each in client.check() if not each.readable}
    assert lacking == {"ticket_forms", "sla_policies", "schedules"}
    for name in lacking:
        with pytest.raises(UnavailableError, match=f"stream {name}.*Suite"):
            read(client, ZENDESK.stream(name))


def test_wrong_credentials_and_hosts_are_told_apart(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk(api_tokens=False)
    with pytest.raises(CredentialsError):
        opened(account, "api_token").check()
    with pytest.raises(CredentialsError):
        read(opened(account, "api_token"), TICKETS)
    with pytest.raises(ConfigurationError):
        opened(account, base_url="https://acme.zendesk.com/agent")


def test_an_expired_token_is_minted_again(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    client = opened(account)
    read(client, ZENDESK.stream("tags"))
    account.control.fail("expire_tokens")
    found, _, _ = read(client, ZENDESK.stream("groups"))
    assert found
    assert requests(account, "/oauth/tokens") == 2


def test_a_probe_sees_a_change_of_a_ticket(zendesk: Callable[..., Listening], opened: Open, moving: Moving) -> None:
    account = zendesk()
    client = opened(account)
    positions = {"tickets": read(client, TICKETS)[1]}
    moving.advance(120)
    assert client.probe(positions) is False
    account.control.mutate("automate_ticket", id=1, status="pending")
    moving.advance(120)
    assert client.probe(positions) is True


def test_an_expired_cursor_is_survived(zendesk: Callable[..., Listening], opened: Open, moving: Moving) -> None:
    account = zendesk()
    client = opened(account)
    _, position, _ = read(client, TICKETS)
    key = account.control.mutate("create_ticket")["id"]
    moving.advance(120)
    account.control.fail(preset="invalid_cursor", stream="tickets")
    assert key in read(client, TICKETS, position)[0]


@pytest.mark.parametrize(
    ("preset", "error"),
    [
        ("unauthorized", CredentialsError),
        ("forbidden", AccessError),
        ("missing_scope", AccessError),
        ("invalid_endpoint", UnavailableError),
        ("pagination_depth", StalledError),
        ("conflict", ConnectionFailedError),
        ("rate_limited", LimitError),
        ("server_error", ConnectionFailedError),
        ("bad_gateway", ConnectionFailedError),
        ("unavailable", ConnectionFailedError),
        ("gateway_timeout", ConnectionFailedError),
    ],
)
def test_every_ready_made_error_becomes_one_of_ours(
    zendesk: Callable[..., Listening], opened: Open, preset: str, error: type[SourceError]
) -> None:
    account = zendesk()
    account.control.fail(preset=preset, stream="groups", times=None)
    with pytest.raises(error, match="groups"):
        read(opened(account), ZENDESK.stream("groups"))
    assert requests(account, "/groups") < 15

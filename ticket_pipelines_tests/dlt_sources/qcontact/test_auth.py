"""Sign-in and tokens (contract, section 2.1)."""

from __future__ import annotations

import pytest

from dlt_sources.errors import ConfigurationError, CredentialsError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.qcontact.client import open_client
from ticket_pipelines_tests.dlt_sources.qcontact.conftest import Open, Start, asked, read
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Still
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving

SIGN_IN = "/auth/sign_in"


@pytest.mark.parametrize("in_body", [False, True])
def test_tokens_come_in_headers_or_in_the_body(tenant: Start, opened: Open, in_body: bool) -> None:
    account = tenant(tokens_in_body=in_body)
    assert len(read(opened(account, "password")).records) == 24
    assert len(asked(account, SIGN_IN)) == 1


def test_a_refused_token_is_replaced_once_after_half_a_minute(tenant: Start, opened: Open, moving: Moving) -> None:
    account = tenant()
    client = opened(account, "password")
    client.reader.me()
    account.control.fail("expire_tokens")
    client.reader.me()
    assert len(asked(account, SIGN_IN)) == 2
    assert moving.slept == [pytest.approx(30.0)]


def test_tokens_that_are_refused_again_are_not_asked_for_for_ever(tenant: Start, opened: Open) -> None:
    account = tenant()
    client = opened(account, "password")
    account.control.fail(preset="signed_out", stream="me", times=None)
    with pytest.raises(CredentialsError, match="those of a new sign-in too"):
        client.reader.me()
    assert len(asked(account, SIGN_IN)) == 2


def test_a_fixed_token_is_never_signed_in_for(tenant: Start, opened: Open) -> None:
    account = tenant()
    client = opened(account)
    account.control.fail("refuse_credentials")
    with pytest.raises(CredentialsError):
        client.reader.me()
    assert [entry.path for entry in asked(account)] == ["/api/v2/me"]


def test_a_token_that_comes_with_an_answer_is_taken_over(tenant: Start, opened: Open, moving: Moving) -> None:
    account = tenant(rotates=True)
    client = opened(account, "password")
    for _ in range(3):
        client.reader.me()
        moving.advance(60)
    assert {entry.status for entry in asked(account, "/me")} == {200}
    # another process goes on with what this one has got
    opened(account, "password").reader.me()
    assert len(asked(account, SIGN_IN)) == 1


def test_a_blank_token_is_none(server: Scripted, still: Still) -> None:
    server.on("/api/v2/me", Reply({"id": 1}, headers={"access-token": " "}))
    fixed = {"uid": "u", "access_token": "t", "client": "c"}
    client = open_client({"tenant_url": server.url}, fixed, MemoryBudgets(), Tokens(), clock=still.clock)
    client.reader.me()
    client.reader.me()
    assert [seen.headers["access-token"] for seen in server.seen] == ["t", "t"]
    client.close()


def test_a_rotated_fixed_token_that_ends_gives_way_to_the_given_one(server: Scripted, still: Still) -> None:
    server.on(
        "/api/v2/me",
        Reply({"id": 1}, headers={"access-token": "new"}),
        Reply({}, 401),
        Reply({"id": 1}),
        Reply({}, 401),
    )
    fixed = {"uid": "u", "access_token": "t", "client": "c"}
    client = open_client({"tenant_url": server.url}, fixed, MemoryBudgets(), Tokens(), clock=still.clock)
    client.reader.me()
    client.reader.me()
    assert [seen.headers["access-token"] for seen in server.seen] == ["t", "new", "t"]
    with pytest.raises(CredentialsError):
        client.reader.me()
    client.close()


def test_an_end_that_is_past_does_not_sign_in_again_and_again(server: Scripted, still: Still) -> None:
    told = {"access-token": "t", "client": "c", "uid": "u", "expiry": "1000"}
    server.on("/api/v2/auth/sign_in", Reply({}, headers=told))
    server.on("/api/v2/me", Reply({"id": 1}))
    login = {"email": "a@b.example", "password": "p"}
    client = open_client({"tenant_url": server.url}, login, MemoryBudgets(), Tokens(), clock=still.clock)
    client.reader.me()
    client.reader.me()
    assert server.paths().count("/api/v2/auth/sign_in") == 1
    client.close()


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply({"errors": ["Invalid"]}, 401), CredentialsError, "refuses e-mail and password"),
        (Reply({}, 404), ConfigurationError, "there is no QContact"),
        (Reply({"data": {}}), ConfigurationError, "without giving access-token, client, uid"),
    ],
)
def test_what_a_sign_in_may_answer(
    server: Scripted, still: Still, reply: Reply, error: type[Exception], said: str
) -> None:
    server.on("/api/v2/auth/sign_in", reply)
    login = {"email": "a@b.example", "password": "s3cret"}
    client = open_client({"tenant_url": server.url}, login, MemoryBudgets(), Tokens(), clock=still.clock)
    with pytest.raises(error, match=said) as caught:
        client.reader.me()
    assert "s3cret" not in str(caught.value)
    client.close()

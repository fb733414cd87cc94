from __future__ import annotations

import json
from base64 import b64encode

import pytest

from dlt_sources.errors import AccessError, ConfigurationError, CredentialsError, SourceError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient, open_client
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Seen, Still

OAUTH = {"client_id": "the-client", "client_secret": "the-secret"}
TAGS = ZENDESK.stream("tags")
NONE = Reply({"tags": [], "meta": {"has_more": False}})


def opened(server: Scripted, still: Still, credentials: dict[str, str], tokens: Tokens | None = None) -> ZendeskClient:
    return open_client(
        {"base_url": server.url},
        credentials,
        MemoryBudgets(still.clock.now),
        clock=still.clock,
        tokens=tokens or Tokens(),
    )


def read(client: ZendeskClient) -> None:
    try:
        assert [page.last for page in client.pages(TAGS, {})] == [True]
    finally:
        client.close()


def mint(server: Scripted, *, status: int = 201, life: float | None = 1800, scope: str | None = "read") -> None:
    minted = 0

    def answer(seen: Seen) -> Reply:
        nonlocal minted
        minted += 1
        body = {"access_token": f"token-{minted}", "token_type": "bearer", "scope": scope, "expires_in": life}
        assert "Authorization" not in seen.headers
        return Reply(body, status)

    server.on_call("/oauth/tokens", answer)


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"access_token": "abc"}, "Bearer abc"),
        ({"email": "me@acme.com", "api_token": "abc"}, f"Basic {b64encode(b'me@acme.com/token:abc').decode()}"),
    ],
    ids=["access token", "api token"],
)
def test_a_given_token_is_sent(server: Scripted, still: Still, credentials: dict[str, str], header: str) -> None:
    server.on("/api/v2/tags", NONE)
    read(opened(server, still, credentials))
    assert server.seen[0].headers["Authorization"] == header


@pytest.mark.parametrize("status", [200, 201])
def test_a_token_is_minted_from_client_credentials(server: Scripted, still: Still, status: int) -> None:
    mint(server, status=status)
    server.on("/api/v2/tags", NONE)
    read(opened(server, still, OAUTH))
    assert [each.method for each in server.seen] == ["POST", "GET"]
    assert json.loads(server.seen[0].body) == {
        "grant_type": "client_credentials",
        "client_id": "the-client",
        "client_secret": "the-secret",
        "scope": "read",
    }
    assert server.seen[1].headers["Authorization"] == "Bearer token-1"


def test_clients_of_one_process_share_the_token_until_shortly_before_its_end(server: Scripted, still: Still) -> None:
    mint(server)
    server.on("/api/v2/tags", NONE)
    tokens = Tokens()
    for after, minted in [(0, 1), (1000, 1), (700, 2)]:
        still.time += after
        read(opened(server, still, OAUTH, tokens))
        assert server.paths().count("/oauth/tokens") == minted


def test_a_refused_token_is_minted_again_once(server: Scripted, still: Still) -> None:
    mint(server)
    server.on("/api/v2/tags", Reply({"error": "invalid_token"}, 401), NONE)
    read(opened(server, still, OAUTH))
    assert server.paths() == ["/oauth/tokens", "/api/v2/tags", "/oauth/tokens", "/api/v2/tags"]
    server.on("/api/v2/tags", Reply({"error": "Couldn't authenticate you"}, 401))
    with pytest.raises(CredentialsError):
        read(opened(server, still, OAUTH))


def test_a_given_token_that_is_refused_is_not_tried_again(server: Scripted, still: Still) -> None:
    server.on("/api/v2/tags", Reply({"error": "Couldn't authenticate you"}, 401))
    with pytest.raises(CredentialsError):
        read(opened(server, still, {"access_token": "abc"}))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply({"error": "invalid_client", "error_description": "the-secret"}, 401), CredentialsError),
        (Reply({"error": "invalid_grant"}, 400), CredentialsError),
        (Reply({"error": "invalid_client"}, 200), CredentialsError),
        (Reply(b"", 404), ConfigurationError),
        (Reply({"error": {"title": "Forbidden"}}, 403), AccessError),
        (Reply({"access_token": "t", "scope": "write", "expires_in": 300}, 201), AccessError),
    ],
    ids=["401", "400", "200 with an error", "wrong subdomain", "403", "scope not granted"],
)
def test_a_client_that_gets_no_token_says_why(
    server: Scripted, still: Still, reply: Reply, error: type[SourceError]
) -> None:
    server.on("/oauth/tokens", reply)
    with pytest.raises(error) as raised:
        read(opened(server, still, OAUTH))
    assert "the-secret" not in str(raised.value)


@pytest.mark.parametrize("scope", [None, "", "read write", "tickets:read users:read"])
def test_a_scope_that_lets_something_be_read_is_enough(server: Scripted, still: Still, scope: str | None) -> None:
    mint(server, scope=scope, life=None)
    server.on("/api/v2/tags", NONE)
    read(opened(server, still, OAUTH))


def test_opening_makes_no_request(server: Scripted, still: Still) -> None:
    opened(server, still, OAUTH).close()
    assert server.seen == []

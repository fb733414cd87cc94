"""OAuth by refresh token: one token for all who share it, and every refusal says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs

import pytest

from dlt_sources import VENDORS
from dlt_sources.base import Client
from dlt_sources.errors import ConfigurationError, CredentialsError, LimitError, SourceError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zoho.auth import RefreshToken
from dlt_sources.zoho_crm.client import open_client as open_zoho_crm
from dlt_sources.zoho_desk.client import open_client as open_zoho_desk
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Seen, Still
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

CREDENTIALS = {"client_id": "the-client", "client_secret": "the-secret", "refresh_token": "the-refresh-token"}
PATH = "/oauth/v2/token"
WORKERS = 50

MakeAuth = Callable[..., RefreshToken]


@pytest.fixture
def make_auth(server: Scripted, still: Still) -> Iterator[MakeAuth]:
    """Opens the same credentials again and again: budgets and tokens are shared."""
    opened: list[RefreshToken] = []
    budgets, tokens = MemoryBudgets(still.clock.now), Tokens()

    def make(**credentials: str) -> RefreshToken:
        given = {**CREDENTIALS, **credentials}
        opened.append(RefreshToken(server.url, given, budgets, tokens, still.clock))
        return opened[-1]

    yield make
    for auth in opened:
        auth.close()


def minting(server: Scripted, life: float = 3600) -> None:
    count = 0

    def answer(_seen: Seen) -> Reply:
        nonlocal count
        count += 1
        body = {"access_token": f"token-{count}", "expires_in": life, "api_domain": "https://www.zohoapis.eu"}
        return Reply({**body, "token_type": "Bearer"})

    server.on_call(PATH, answer)


def test_a_token_is_asked_for_by_a_form(server: Scripted, make_auth: MakeAuth) -> None:
    minting(server)
    auth = make_auth()
    assert auth.header() == "Zoho-oauthtoken token-1"
    assert auth.token().api_domain == "https://www.zohoapis.eu"
    (seen,) = server.seen
    assert (seen.method, seen.query) == ("POST", {})
    assert {name: value[0] for name, value in parse_qs(seen.body.decode()).items()} == {
        "grant_type": "refresh_token",
        **CREDENTIALS,
    }


def test_all_who_share_a_refresh_token_share_the_token_until_shortly_before_its_end(
    server: Scripted, still: Still, make_auth: MakeAuth
) -> None:
    minting(server)
    for after, token in [(0, 1), (3_200, 1), (200, 2)]:
        still.time += after
        assert make_auth().header() == f"Zoho-oauthtoken token-{token}"
    assert len(server.seen) == 2


def test_a_new_secret_is_proved_even_while_the_old_ones_token_lives(server: Scripted, make_auth: MakeAuth) -> None:
    minting(server)
    make_auth().header()
    make_auth(client_secret="another").header()
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ({"error": "invalid_code"}, CredentialsError, "data_center"),
        ({"error": "invalid_code"}, CredentialsError, "make a new one"),
        ({"error": "invalid_client"}, CredentialsError, "secret was changed"),
        ({"error": "invalid_client_secret"}, CredentialsError, "client_secret"),
        ({"error": "unsupported_grant_type"}, CredentialsError, "unsupported_grant_type"),
        ({"error": "<b>"}, CredentialsError, "an error"),
        ({"error": "access_denied"}, LimitError, "ten in ten minutes"),
        ({"error": "Access Denied", "error_description": "too many requests"}, LimitError, "ten in ten minutes"),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_is_an_error_whatever_its_status(
    server: Scripted, make_auth: MakeAuth, body: dict[str, Any], error: type[SourceError], says: str, status: int
) -> None:
    server.on(PATH, Reply(body, status))
    with pytest.raises(error, match=says) as raised:
        make_auth().header()
    assert not any(secret in str(raised.value) for secret in ("the-secret", "the-refresh-token"))
    assert len(server.seen) == 1


def test_an_answer_without_a_token_is_a_refusal(server: Scripted, make_auth: MakeAuth) -> None:
    server.on(PATH, Reply({}))
    with pytest.raises(CredentialsError, match="no access_token"):
        make_auth().header()


def test_an_address_that_is_no_accounts_server_is_said(server: Scripted, make_auth: MakeAuth) -> None:
    server.on(PATH, Reply(b"<html>", 404))
    with pytest.raises(ConfigurationError, match="accounts_url"):
        make_auth().header()


def test_ten_tokens_in_ten_minutes_and_not_one_more(server: Scripted, still: Still, make_auth: MakeAuth) -> None:
    minting(server)
    for _ in range(10):
        auth = make_auth()
        auth.header()
        auth.renew()
    with pytest.raises(LimitError) as raised:
        make_auth().header()
    assert raised.value.retry_at == pytest.approx(still.time + 600)
    assert len(server.seen) == 10
    still.time += 601
    assert make_auth().header() == "Zoho-oauthtoken token-11"


def test_nobody_asks_again_before_its_time_where_zoho_gives_no_more(
    server: Scripted, still: Still, make_auth: MakeAuth
) -> None:
    server.on(PATH, Reply({"error": "access_denied"}))
    for _ in range(3):
        with pytest.raises(LimitError):
            make_auth().header()
    assert len(server.seen) == 1
    still.time += 601
    minting(server)
    assert make_auth().header() == "Zoho-oauthtoken token-1"


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture(params=["zoho_desk", "zoho_crm"])
def account(request: pytest.FixtureRequest, make_sandbox: MakeSandbox, moving: Moving) -> Listening:
    moving.vendor = make_sandbox(now=moving.time, frozen=True).vendors[request.param]
    return moving.vendor


def opened(account: Listening, moving: Moving, budgets: MemoryBudgets, tokens: Tokens, login: str = "oauth") -> Client:
    open_client: Callable[..., Client] = open_zoho_desk if account.vendor == "zoho_desk" else open_zoho_crm
    return open_client(account.config, account.logins[login], budgets, clock=moving.clock, tokens=tokens)


@pytest.fixture
def workers(account: Listening, moving: Moving) -> Iterator[list[Client]]:
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()
    clients = [opened(account, moving, budgets, tokens) for _ in range(WORKERS)]
    yield clients
    for client in clients:
        client.close()


PEOPLE = {"zoho_desk": "agents", "zoho_crm": "users"}
CHANGING = {"zoho_desk": "tickets", "zoho_crm": "contacts"}


def people(account: Listening, client: Client) -> int:
    stream = VENDORS[account.vendor].stream(PEOPLE[account.vendor])
    return sum(len(page.records) for page in client.pages(stream, {}))


def mints(account: Listening) -> int:
    return sum(entry.path == PATH for entry in account.control.log())


def test_fifty_workers_that_meet_an_expired_token_renew_it_once(account: Listening, workers: list[Client]) -> None:
    account.control.configure(concurrency=WORKERS)
    there = len(account.control.records(PEOPLE[account.vendor]))
    start = Barrier(WORKERS)

    def work(client: Client) -> int:
        start.wait(60)
        return people(account, client)

    with ThreadPoolExecutor(WORKERS) as threads:
        assert set(threads.map(work, workers)) == {there}
        assert mints(account) == 1
        account.control.fail("expire_tokens")
        assert set(threads.map(work, workers)) == {there}
    assert mints(account) == 2


def test_a_token_that_expires_in_the_middle_costs_one_request(account: Listening, workers: list[Client]) -> None:
    name = CHANGING[account.vendor]
    stream = VENDORS[account.vendor].as_shown(workers[0], [name]).stream(name)
    pages = workers[0].pages(stream, {})
    assert next(pages).records
    account.control.fail("expire_tokens")
    assert list(pages)[-1].last
    assert (mints(account), [entry.status for entry in account.control.log()].count(401)) == (2, 1)


def test_a_rotated_secret_is_said_when_the_token_ends(account: Listening, workers: list[Client]) -> None:
    before = people(account, workers[0])
    account.control.fail("rotate_secret")
    assert people(account, workers[0]) == before > 0
    account.control.fail("expire_tokens")
    with pytest.raises(CredentialsError, match="secret was changed"):
        people(account, workers[0])


def test_a_refresh_token_of_another_data_center_is_said(account: Listening, moving: Moving) -> None:
    client = opened(account, moving, MemoryBudgets(), Tokens(), "other_data_center")
    with pytest.raises(CredentialsError, match="data_center"):
        client.check()
    client.close()

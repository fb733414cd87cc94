"""Contract, section 1: access tokens, their limits and refusals, alike for both products."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines_tests.sandbox.zoho_asking import Zoho, crm, desk, mint, request

START = "2026-11-22T12:00:00Z"
PRODUCTS = ("zoho_desk", "zoho_crm")


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, make_sandbox: Callable[..., SandboxServer]) -> Listening:
    return make_sandbox(now=START, frozen=True, tickets=5).vendors[request.param]


def asker(product: Listening, login: str = "oauth") -> Zoho:
    return desk(product, login) if product.vendor == "zoho_desk" else crm(product, login)


def probe(asker: Zoho) -> int:
    return asker.get("agents" if asker.prefix == "/api/v1/" else "users").status


def test_form_and_query_give_a_token_that_works(product: Listening) -> None:
    told = mint(product).json
    assert (told["token_type"], told["expires_in"], told["api_domain"]) == ("Bearer", 3600, product.url)
    assert "refresh_token" not in told
    query = urlencode({"grant_type": "refresh_token", **product.logins["oauth"]})
    by_query = request(product.url, "POST", f"/oauth/v2/token?{query}", {}, {})
    assert by_query.json["access_token"] != told["access_token"]
    assert probe(asker(product)) == 200


def test_json_is_not_read(product: Listening) -> None:
    body = json.dumps({"grant_type": "refresh_token", **product.logins["oauth"]}).encode()
    answer = request(product.url, "POST", "/oauth/v2/token", {"Content-Type": "application/json"}, {}, body)
    assert (answer.status, answer.json) == (200, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("login", "changed", "error"),
    [
        pytest.param("oauth", {"client_secret": "wrong"}, "invalid_client", id="wrong secret"),
        pytest.param("oauth", {"refresh_token": "1000.dead"}, "invalid_code", id="dead refresh token"),
        pytest.param("other_data_center", {}, "invalid_code", id="wrong data centre"),
        pytest.param("oauth", {"grant_type": "password"}, "unsupported_grant_type", id="unknown grant"),
    ],
)
def test_refusal_is_a_200(product: Listening, login: str, changed: dict[str, str], error: str) -> None:
    answer = mint(product, login, **changed)
    assert answer.status == 200
    assert ("access_token" in answer.json, answer.json["error"]) == (False, error)


def test_ten_tokens_in_ten_minutes(product: Listening) -> None:
    assert all("access_token" in mint(product).json for _ in range(10))
    refused = mint(product)
    assert (refused.status, refused.json["error"]) == (200, "Access Denied")
    product.control.clock(advance=599)
    assert "error" in mint(product).json
    product.control.clock(advance=1)
    assert "access_token" in mint(product).json


def test_eleventh_living_token_ends_the_oldest(product: Listening) -> None:
    product.control.configure(mint_total=100)
    first, second = asker(product), asker(product)
    for _ in range(9):
        mint(product)
    assert (probe(first), probe(second)) == (401, 200)


def test_a_token_ends_after_an_hour(product: Listening) -> None:
    held = asker(product)
    product.control.clock(advance=3599)
    assert probe(held) == 200
    product.control.clock(advance=1)
    assert probe(held) == 401


def test_bearer_is_not_proven_to_work(product: Listening) -> None:
    held = asker(product)
    held.headers["Authorization"] = held.headers["Authorization"].replace("Zoho-oauthtoken", "Bearer")
    assert probe(held) == 401


@pytest.mark.parametrize(
    ("kind", "status", "minted"),
    [
        pytest.param("expire_tokens", 401, None, id="tokens expire"),
        pytest.param("rotate_secret", 200, "invalid_client", id="the secret is another"),
        pytest.param("refuse_credentials", 401, "invalid_code", id="the refresh token is dead"),
    ],
)
def test_access_is_taken_away_and_given_back(product: Listening, kind: str, status: int, minted: str | None) -> None:
    held = asker(product)
    product.control.fail(kind)
    assert probe(held) == status
    assert mint(product).json.get("error") == minted
    product.control.fail("restore_access")
    assert probe(asker(product)) == 200


def test_a_scope_can_be_revoked(product: Listening) -> None:
    held = asker(product)
    product.control.fail("revoke_scope", scope="Desk." if product.vendor == "zoho_desk" else "ZohoCRM.users")
    assert probe(held) == (403 if product.vendor == "zoho_desk" else 401)


def test_log_shows_no_credentials(product: Listening) -> None:
    query = urlencode({"grant_type": "refresh_token", **product.logins["oauth"]})
    request(product.url, "POST", f"/oauth/v2/token?{query}", {}, {})
    (entry,) = product.control.log()
    secrets = [product.logins["oauth"][name] for name in ("client_secret", "refresh_token")]
    assert not any(secret in json.dumps(entry.as_json()) for secret in secrets)


@pytest.mark.parametrize("setting", [{"api_domain": "https://www.zohoapis.eu"}, {"refusal_status": 400}])
def test_forms_that_differ_are_settings(product: Listening, setting: dict[str, Any]) -> None:
    product.control.configure(**setting)
    refused = mint(product, client_secret="x")
    assert (mint(product).json["api_domain"], refused.status) == (
        setting.get("api_domain", product.url),
        setting.get("refusal_status", 200),
    )

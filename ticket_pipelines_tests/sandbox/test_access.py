"""Contract, sections 0 (facts 1 and 7), 1 and 4: who may ask what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.sandbox.asking import Answer, Asker, ask


def mint(sandbox: SandboxServer, **changed: Any) -> Answer:
    body = {**sandbox.zendesk.credentials, "grant_type": "client_credentials", "scope": "read", **changed}
    return ask(sandbox.zendesk.url, "/oauth/tokens", {}, method="POST", body=body)


def bearer(sandbox: SandboxServer, token: str, path: str) -> Answer:
    return ask(sandbox.zendesk.url, f"/api/v2/{path}", {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("login", ["access_token", "api_token"])
def test_login_reads_exports(sandbox: SandboxServer, login: str) -> None:
    assert Asker(sandbox.zendesk, login).get("incremental/tickets/cursor", start_time=0).status == 200


def test_client_credentials_give_a_token_that_works_and_expires(sandbox: SandboxServer) -> None:
    minted = mint(sandbox, expires_in=300)
    assert minted.status == 201
    told = minted.json
    assert (told["token_type"], told["scope"], told["expires_in"]) == ("bearer", "read", 300)
    current = bearer(sandbox, told["access_token"], "oauth/tokens/current").json["token"]
    assert current["scopes"] == ["read"]
    assert current["expires_at"].endswith("Z")
    sandbox.zendesk.control.clock(advance=301)
    assert bearer(sandbox, told["access_token"], "account/settings").status == 401


def test_token_status_can_be_200(make_sandbox: Callable[..., SandboxServer]) -> None:
    assert mint(make_sandbox(settings={"token_status": 200})).status == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({"client_secret": "wrong"}, 401, id="wrong secret"),
        pytest.param({"grant_type": "password"}, 400, id="unknown grant"),
        pytest.param({"expires_in": 299}, 400, id="too short a life"),
        pytest.param({"grant_type": "refresh_token", "refresh_token": "none"}, 400, id="unknown refresh token"),
    ],
)
def test_no_token(sandbox: SandboxServer, changed: dict[str, Any], status: int) -> None:
    assert mint(sandbox, **changed).status == status


def test_refresh_invalidates_the_old_pair(sandbox: SandboxServer) -> None:
    first = mint(sandbox).json
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = mint(sandbox, **refresh).json
    assert bearer(sandbox, first["access_token"], "groups").status == 401
    assert bearer(sandbox, second["access_token"], "groups").status == 200
    assert mint(sandbox, **refresh).status == 400


def test_misspelt_scope_gives_a_token_that_may_do_nothing(sandbox: SandboxServer) -> None:
    told = mint(sandbox, scope="raed").json
    assert told["scope"] == "raed"
    refused = bearer(sandbox, told["access_token"], "groups")
    assert refused.status == 403
    assert "missing the following required scopes: read" in refused.json["description"]


def test_narrow_scope_reads_its_topic_only(sandbox: SandboxServer) -> None:
    token = mint(sandbox, scope="tickets:read").json["access_token"]
    assert bearer(sandbox, token, "incremental/tickets/cursor.json?start_time=0").status == 200
    assert bearer(sandbox, token, "users").status == 403


@pytest.mark.parametrize("login", ["", "wrong"])
def test_users_me_is_anonymous_without_credentials(sandbox: SandboxServer, login: str) -> None:
    headers = {"Authorization": "Basic d3Jvbmc="} if login else {}
    told = ask(sandbox.zendesk.url, "/api/v2/users/me", headers)
    assert (told.status, told.json["user"]["id"], told.json["user"]["name"]) == (200, None, "Anonymous user")
    refused = ask(sandbox.zendesk.url, "/api/v2/account/settings", headers)
    assert (refused.status, refused.json) == (401, {"error": "Couldn't authenticate you"})


def test_users_me_tells_the_admin(sandbox: SandboxServer) -> None:
    assert Asker(sandbox.zendesk).get("users/me").json["user"]["role"] == "admin"


@pytest.mark.parametrize("login", ["agent", "agent_access_token"])
def test_agent_may_read_lists_but_no_exports(sandbox: SandboxServer, login: str) -> None:
    agent = Asker(sandbox.zendesk, login)
    assert agent.get("groups").status == 200
    refused = agent.get("incremental/tickets/cursor", start_time=0)
    assert refused.status == 403
    assert refused.json["error"]["title"] == "Forbidden"


def test_api_tokens_can_be_gone(make_sandbox: Callable[..., SandboxServer]) -> None:
    sandbox = make_sandbox(settings={"api_tokens": False})
    assert Asker(sandbox.zendesk, "api_token").get("groups").status == 401


@pytest.mark.parametrize(
    ("kind", "status"),
    [("refuse_credentials", 401), ("revoke_role", 403), ("revoke_scope", 403)],
)
def test_access_can_be_taken_away_and_given_back(sandbox: SandboxServer, kind: str, status: int) -> None:
    admin = Asker(sandbox.zendesk)
    sandbox.zendesk.control.fail(kind)
    assert admin.get("incremental/users/cursor", start_time=0).status == status
    sandbox.zendesk.control.fail("restore_access")
    assert admin.get("incremental/users/cursor", start_time=0).status == 200


def test_expire_tokens_ends_those_that_were_minted(sandbox: SandboxServer) -> None:
    token = mint(sandbox).json["access_token"]
    sandbox.zendesk.control.fail("expire_tokens")
    assert bearer(sandbox, token, "groups").status == 401
    assert bearer(sandbox, mint(sandbox).json["access_token"], "groups").status == 200


@pytest.mark.parametrize(
    ("plan", "path", "status"),
    [
        ("team", "slas/policies", 404),
        ("team", "ticket_forms", 403),
        ("team", "business_hours/schedules", 404),
        ("professional", "audit_logs", 403),
        ("professional", "slas/policies", 200),
    ],
)
def test_plan_gates_streams(make_sandbox: Callable[..., SandboxServer], plan: str, path: str, status: int) -> None:
    assert Asker(make_sandbox(settings={"plan": plan}).zendesk).get(path).status == status


def test_a_stream_can_be_made_unavailable(sandbox: SandboxServer) -> None:
    sandbox.zendesk.control.configure(unavailable={"macros": 404})
    refused = Asker(sandbox.zendesk).get("macros")
    assert (refused.status, refused.json["errors"][0]["code"]) == (404, "InvalidEndpoint")

"""Who asks: OAuth tokens, the static access token, the legacy API token, roles and scopes (contract, section 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import Refusal
from ticket_pipelines.sandbox.clock import Clock, iso
from ticket_pipelines.sandbox.zendesk.errors import named
from ticket_pipelines.sandbox.zendesk.settings import Settings

ADMIN_EMAIL = "admin@sandbox.example"
AGENT_EMAIL = "agent@sandbox.example"
CLIENT_ID = "sandbox-client"
_TOKEN_SECONDS = range(300, 172_801)
_REFRESH_SECONDS = 30 * 86_400
KNOWN_SCOPES = frozenset({"read", "write", "impersonate", "tickets:read", "users:read", "organizations:read"})


def _fixed(name: str) -> str:
    """A secret that is the same in every process, so that a restarted emulator knows its clients."""
    return hashlib.sha256(f"sandbox {name}".encode()).hexdigest()[:40]


CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "oauth": {"client_id": CLIENT_ID, "client_secret": _fixed("client secret")},
    "access_token": {"access_token": _fixed("admin access token")},
    "api_token": {"email": ADMIN_EMAIL, "api_token": _fixed("api token")},
    "agent": {"email": AGENT_EMAIL, "api_token": _fixed("api token")},
    "agent_access_token": {"access_token": _fixed("agent access token")},
}
"""Logins by name; the last two may not read what needs an admin."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request is made for.

    Attributes:
        email: The user's address.
        role: admin or agent.
        scopes: Scopes of the token; an API token has all.
        expires_at: Unix seconds; None: never.
        token_id: Number of the OAuth token; 0 for an API token.
    """

    email: str
    role: str
    scopes: tuple[str, ...] = ("read", "write")
    expires_at: float | None = None
    token_id: int = 0


_ADMIN = Identity(ADMIN_EMAIL, "admin")
_AGENT = Identity(AGENT_EMAIL, "agent")


class Access:
    """Tokens that were given out, and what has been taken away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, Identity] = {}
        self._refresh: dict[str, tuple[str, float]] = {}
        self._minted = 0
        self._refused = False
        self._role: str | None = None
        self._scopes: tuple[str, ...] | None = None

    def afflict(self, kind: str) -> bool:
        """Takes access away or gives it back.

        Args:
            kind: expire_tokens (all OAuth tokens have expired), refuse_credentials (nothing is accepted any more),
                revoke_role (an admin becomes an agent), revoke_scope (tokens may do nothing), restore_access.

        Returns:
            False when the kind is unknown.
        """
        if kind == "expire_tokens":
            past = self._clock.now() - 1
            self._tokens = {text: replace(token, expires_at=past) for text, token in self._tokens.items()}
        elif kind == "refuse_credentials":
            self._refused = True
        elif kind == "revoke_role":
            self._role = "agent"
        elif kind == "revoke_scope":
            self._scopes = ()
        elif kind == "restore_access":
            self._refused, self._role, self._scopes = False, None, None
        else:
            return False
        return True

    def identify(self, authorization: str, settings: Settings) -> Identity | None:
        """Whom an Authorization header stands for; None when it is absent, wrong or expired."""
        scheme, _, value = authorization.partition(" ")
        if self._refused:
            return None
        who = None
        if scheme.lower() == "bearer":
            who = self._bearer(value.strip())
        elif scheme.lower() == "basic" and settings.api_tokens:
            who = _basic(value.strip())
        if who is None:
            return None
        return replace(who, role=self._role or who.role, scopes=who.scopes if self._scopes is None else self._scopes)

    def mint(self, body: bytes, settings: Settings) -> dict[str, Any]:
        """Gives out an OAuth token for client credentials or a refresh token.

        A misspelt scope still yields a token. A refresh token can be used once.

        Raises:
            Refusal: The client or the refresh token is unknown, or an argument does not fit.
        """
        asked = _arguments(body)
        oauth = CREDENTIALS["oauth"]
        known = asked.get("client_id") == oauth["client_id"] and asked.get("client_secret") == oauth["client_secret"]
        if self._refused or not known:
            raise Refusal(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        seconds = int(asked.get("expires_in") or settings.token_seconds)
        if seconds not in _TOKEN_SECONDS:
            raise Refusal(400, named("invalid_request", "expires_in must be between 300 and 172800"))
        scope = str(asked.get("scope") or "read")
        if asked.get("grant_type") == "refresh_token":
            scope = self._used_refresh(str(asked.get("refresh_token")))
        elif asked.get("grant_type") != "client_credentials":
            raise Refusal(400, {"error": "unsupported_grant_type", "error_description": "Not supported"})
        return self._minted_token(scope, seconds)

    def _minted_token(self, scope: str, seconds: int) -> dict[str, Any]:
        now = self._clock.now()
        self._minted += 1
        text, refresh = secrets.token_hex(32), secrets.token_hex(32)
        self._tokens[text] = Identity(ADMIN_EMAIL, "admin", tuple(scope.split()), now + seconds, self._minted)
        self._refresh[refresh] = (text, now + _REFRESH_SECONDS)
        return {
            "access_token": text,
            "token_type": "bearer",
            "scope": scope,
            "expires_in": seconds,
            "refresh_token": refresh,
            "refresh_token_expires_in": _REFRESH_SECONDS,
        }

    def _used_refresh(self, refresh: str) -> str:
        token, expires_at = self._refresh.pop(refresh, ("", 0.0))
        if expires_at <= self._clock.now():
            raise Refusal(400, {"error": "invalid_grant", "error_description": "The refresh token is invalid"})
        return " ".join(self._tokens.pop(token).scopes)

    def _bearer(self, text: str) -> Identity | None:
        if text == CREDENTIALS["access_token"]["access_token"]:
            return _ADMIN
        if text == CREDENTIALS["agent_access_token"]["access_token"]:
            return _AGENT
        token = self._tokens.get(text)
        if token is None or (token.expires_at is not None and token.expires_at <= self._clock.now()):
            return None
        return token


def describe(who: Identity, user_id: int) -> dict[str, Any]:
    """Body of `oauth/tokens/current`."""
    expires_at = None if who.expires_at is None else iso(who.expires_at)
    return {"token": {"id": who.token_id, "user_id": user_id, "scopes": list(who.scopes), "expires_at": expires_at}}


def _basic(value: str) -> Identity | None:
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    for login, who in (("api_token", _ADMIN), ("agent", _AGENT)):
        if name == f"{CREDENTIALS[login]['email']}/token" and password == CREDENTIALS[login]["api_token"]:
            return who
    return None


def _arguments(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except ValueError:
        return dict(parse_qsl(text))
    return parsed if isinstance(parsed, dict) else {}

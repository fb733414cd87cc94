"""Zoho's accounts server: access tokens for a refresh token, and what they may do (contract, section 1).

`POST /oauth/v2/token` takes its parameters from the query or a form, never from JSON. A refusal is a **200** with an
error in its body (section 0, fact 8).

Afflictions (`Control.fail(kind)`):

| kind | does |
|---|---|
| `expire_tokens` | no access token is valid any more; new ones can be minted |
| `rotate_secret` | the client has another secret: minting is refused with `invalid_client` |
| `refuse_credentials` | the refresh token is dead, and all its access tokens: `invalid_code` |
| `revoke_scope`, `scope=` | tokens lack a scope, or every one that starts so |
| `restore_access` | all of that is undone |
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Reply

TOKEN_PATH = "/oauth/v2/token"  # noqa: S105 - a path, not a secret
CLIENT_ID = "1000.SANDBOXCLIENT"
MINT_SECONDS = 600
_SCHEMES = ("zoho-oauthtoken",)
_THROTTLED = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "status": "failure",
}

Consents = Mapping[str, tuple[str, ...]]
"""Scopes by the name of the login that they were granted to."""


@dataclass(frozen=True, slots=True)
class AccountsSettings:
    """Settings of the accounts server; contract, section 1, where the sources differ.

    Attributes:
        mint_total: Access tokens per refresh token in ten minutes; then none until they have passed.
        live_tokens: Access tokens of a refresh token that live at once; the next one ends the oldest: 10 or 30.
        token_seconds: Lifetime of an access token.
        refusal_status: HTTP status of a refused mint.
        api_domain: The answer's `api_domain`; None: the sandbox's own address.
    """

    mint_total: int = 10
    live_tokens: int = 10
    token_seconds: int = 3600
    refusal_status: int = 200
    api_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        refresh: The refresh token that it was minted with.
        scopes: What it may do.
        expires_at: Unix seconds.
    """

    refresh: str
    scopes: tuple[str, ...]
    expires_at: float

    def may(self, scopes: tuple[str, ...]) -> bool:
        """True when one of some scopes was granted; `X.ALL` grants `X.READ`."""
        return not scopes or any({scope, f"{scope.rpartition('.')[0]}.ALL"} & set(self.scopes) for scope in scopes)


def logins(product: str, consents: Consents) -> dict[str, dict[str, str]]:
    """Credentials by name, the same in every process; `other_data_center` holds a token that was granted elsewhere."""
    return {name: _login(product, name) for name in (*consents, "other_data_center")}


class Accounts:
    """The accounts server of one product's account.

    Args:
        clock: The account's clock.
        product: Name that the logins were made with.
        consents: What was granted.
    """

    def __init__(self, clock: Clock, product: str, consents: Consents) -> None:
        self._clock = clock
        self._granted = {_login(product, name)["refresh_token"]: scopes for name, scopes in consents.items()}
        self._secret = _login(product, "oauth")["client_secret"]
        self._tokens: dict[str, Token] = {}
        self._mints: dict[str, list[float]] = {}
        self._minted = 0
        self._rotated = False
        self._dead = False
        self._revoked: tuple[str, ...] = ()

    def answer(self, asked: Asked, settings: AccountsSettings) -> Reply:
        """Answers `POST /oauth/v2/token`."""
        if asked.method != "POST":
            return Reply(405, b"")
        given = dict(parse_qsl(asked.query))
        if "json" not in asked.headers.get("content-type", ""):
            given |= dict(parse_qsl(asked.body.decode("utf-8", "replace")))
        refused = self._refused(given, settings)
        if refused:
            return ok(refused, settings.refusal_status)
        return ok(self._mint(given["refresh_token"], asked.origin, settings))

    def identify(self, authorization: str) -> Token | None:
        """The token of an Authorization header; None when it is absent, wrong or expired."""
        scheme, _, value = authorization.partition(" ")
        token = self._tokens.get(value.strip())
        if scheme.lower() not in _SCHEMES or token is None or self._dead or token.expires_at <= self._clock.now():
            return None
        return replace(
            token, scopes=tuple(s for s in token.scopes if not self._revoked or not s.startswith(self._revoked))
        )

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """Takes access away or gives it back; see the module's table.

        Returns:
            False when the kind is unknown.
        """
        if kind == "expire_tokens":
            self._tokens.clear()
        elif kind == "rotate_secret":
            self._rotated = True
        elif kind == "refuse_credentials":
            self._dead = True
        elif kind == "revoke_scope":
            self._revoked = (*self._revoked, str(arguments.get("scope", "")))
        elif kind == "restore_access":
            self._rotated, self._dead, self._revoked = False, False, ()
        else:
            return False
        return True

    def _refused(self, given: Mapping[str, str], settings: AccountsSettings) -> dict[str, str] | None:
        """Body of a refusal; None when a token may be minted."""
        if self._rotated or given.get("client_id") != CLIENT_ID or given.get("client_secret") != self._secret:
            return {"error": "invalid_client"}
        if given.get("grant_type") != "refresh_token":
            return {"error": "unsupported_grant_type"}
        refresh = given.get("refresh_token", "")
        if self._dead or refresh not in self._granted:
            return {"error": "invalid_code"}
        mints = self._mints.get(refresh, [])
        if mints and self._clock.now() - mints[0] >= MINT_SECONDS:
            mints.clear()
        return _THROTTLED if len(mints) >= settings.mint_total else None

    def _mint(self, refresh: str, origin: str, settings: AccountsSettings) -> dict[str, Any]:
        now = self._clock.now()
        self._mints.setdefault(refresh, []).append(now)
        self._minted += 1
        text = f"1000.{_fixed(f'access token {self._minted} of {refresh} at {now}')}"
        self._tokens[text] = Token(refresh, self._granted[refresh], now + settings.token_seconds)
        living = [key for key, token in self._tokens.items() if token.refresh == refresh]
        for oldest in living[: -settings.live_tokens]:
            del self._tokens[oldest]
        return {
            "access_token": text,
            "scope": " ".join(self._granted[refresh]),
            "api_domain": settings.api_domain or origin,
            "token_type": "Bearer",
            "expires_in": settings.token_seconds,
        }


def _login(product: str, name: str) -> dict[str, str]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": _fixed(f"{product} client secret"),
        "refresh_token": f"1000.{_fixed(f'{product} {name}')}.{_fixed(f'{name} {product}')}",
    }


def _fixed(name: str) -> str:
    """A secret that is the same in every process, so that a restarted emulator knows its clients."""
    return hashlib.sha256(f"sandbox zoho {name}".encode()).hexdigest()[:32]

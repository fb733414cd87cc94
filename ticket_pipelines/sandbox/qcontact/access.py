"""Who asks: sign-in with e-mail and password, tokens in headers, and what a user may do (contract, section 2.1).

Afflictions (`Control.fail(kind)`):

| kind | does |
|---|---|
| `expire_tokens` | no token of a sign-in is valid any more; a new sign-in gives new ones |
| `refuse_credentials` | no password and no token is accepted |
| `revoke_role` | users read nothing: 403; `entity=` for one entity alone |
| `restore_access` | all of that is undone |
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ticket_pipelines.sandbox.answers import encoded
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Reply
from ticket_pipelines.sandbox.qcontact.errors import refused
from ticket_pipelines.sandbox.qcontact.settings import Settings

SIGN_IN = "/api/v2/auth/sign_in"
HEADERS = ("uid", "access-token", "client")
SERVICE_CLIENT = "reporting"
AGENT, LIMITED = "agent@sandbox.example", "limited@sandbox.example"


def _fixed(name: str) -> str:
    """A secret that is the same in every process, so that a restarted emulator knows its clients."""
    return hashlib.sha256(f"sandbox qcontact {name}".encode()).hexdigest()[:22]


LOGINS: Mapping[str, Mapping[str, str]] = {
    "password": {"email": AGENT, "password": _fixed("password of the agent")},
    "token": {"uid": AGENT, "access_token": _fixed("service token"), "client": SERVICE_CLIENT},
    "limited": {"email": LIMITED, "password": _fixed("password of the limited user")},
}
"""Credentials by name: `limited` may not write notes, `token` lives for ever."""
_PASSWORDS = {login["email"]: login["password"] for login in LOGINS.values() if "email" in login}
_SERVICE = tuple(LOGINS["token"][name] for name in ("uid", "access_token", "client"))


@dataclass(slots=True)
class _Token:
    uid: str
    client: str
    expires_at: float


class Access:
    """The tenant's users and their tokens; those of one user are kept by client.

    Args:
        clock: The tenant's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        self._made = 0
        self._dead = False
        self._revoked: set[str] = set()

    def sign_in(self, asked: Asked, settings: Settings) -> Reply:
        """Answers `POST /auth/sign_in`.

        Raises:
            Refusal: 401, the login is wrong; 405, another method.
        """
        if asked.method != "POST":
            raise refused("method_not_allowed")
        try:
            given = msgspec.json.decode(asked.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            given = {}
        email = str(given.get("email"))
        if self._dead or email not in _PASSWORDS or given.get("password") != _PASSWORDS[email]:
            raise refused("wrong_login")
        expires = self._clock.now() + settings.token_seconds
        client = _fixed(f"client {self._made}")
        names = {"access-token": self._make(email, client, expires), "client": client, "uid": email}
        names |= {"expiry": str(int(expires)), "token-type": "Bearer"}
        body: dict[str, Any] = {"data": {"email": email, "uid": email}}
        if settings.tokens_in_body:
            return Reply(200, encoded({**body, **names}))
        return Reply(200, encoded(body), names)

    def identify(self, given: Mapping[str, str], settings: Settings, renewed: dict[str, str]) -> str:
        """The user whose token this is.

        Args:
            given: Holds `uid`, `access-token` and `client`.
            settings: The tenant's.
            renewed: Gets the new token where they rotate.

        Raises:
            Refusal: 401.
        """
        uid, value, client = (given.get(name, "") for name in HEADERS)
        now = self._clock.now()
        if not self._dead and (uid, value, client) == _SERVICE:
            return uid
        token = self._tokens.get(value)
        if self._dead or token is None or (token.uid, token.client) != (uid, client) or token.expires_at <= now:
            raise refused("signed_out")
        if settings.rotates:
            renewed |= {"access-token": self._make(uid, client, token.expires_at), "client": client, "uid": uid}
            token.expires_at = min(token.expires_at, now + settings.rotation_grace)
        return uid

    def refuse_entity(self, entity: str) -> None:
        """Refuses what users may not read at present.

        Raises:
            Refusal: 403.
        """
        if {"", entity} & self._revoked:
            raise refused("forbidden")

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """Takes access away or gives it back; see the module's table.

        Returns:
            False when the kind is unknown.
        """
        if kind == "expire_tokens":
            self._tokens.clear()
        elif kind == "refuse_credentials":
            self._dead = True
        elif kind == "revoke_role":
            self._revoked.add(str(arguments.get("entity", "")))
        elif kind == "restore_access":
            self._dead, self._revoked = False, set()
        else:
            return False
        return True

    def _make(self, uid: str, client: str, expires: float) -> str:
        self._made += 1
        value = _fixed(f"token {self._made} at {self._clock.now()}")
        self._tokens[value] = _Token(uid, client, expires)
        return value


def may_write_notes(uid: str) -> bool:
    """False for limited users (section 2.3)."""
    return uid != LIMITED


def config(url: str) -> dict[str, str]:
    """Desk configuration that leads to an address."""
    return {"tenant_url": url}

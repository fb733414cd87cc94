"""The three ways to prove who asks (contract, section 1): OAuth client credentials, an access token, an API token."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from dlt_sources.errors import AccessError, ConfigurationError, CredentialsError, PermanentError
from dlt_sources.http import Request
from dlt_sources.oauth import SHARED, Token, TokenStore, fingerprint
from dlt_sources.zendesk.config import credential_form

SCOPE = "read"


class Minted(msgspec.Struct):
    """Answer of /oauth/tokens (200 or 201)."""

    access_token: str
    expires_in: float | None = None
    scope: str | None = None


Send = Callable[[Request], Minted]
"""Sends the request for a token, without authorization."""


class Auth(Protocol):
    """Gives the Authorization header."""

    def header(self) -> str:
        """Value of the header."""
        ...

    def renew(self) -> bool:
        """Drops a refused token; True where another one can be had."""
        ...


class Fixed:
    """A header that never changes: an access token, or an API token."""

    def __init__(self, header: str) -> None:
        self._header = header

    def header(self) -> str:
        """See `Auth.header`."""
        return self._header

    def renew(self) -> bool:
        """See `Auth.renew`: there is no other one."""
        return False


class ClientCredentials:
    """OAuth client_credentials: a token is minted when needed and renewed before its end."""

    def __init__(
        self,
        base: str,
        client_id: str,
        client_secret: str,
        send: Send,
        now: Callable[[], float],
        tokens: TokenStore = SHARED,
    ) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._credential = fingerprint(base, client_id, client_secret)
        self._send, self._now, self._tokens = send, now, tokens
        self._used = ""

    def header(self) -> str:
        """See `Auth.header`."""
        self._used = self._tokens.get(self._credential, self._mint, self._now).value
        return f"Bearer {self._used}"

    def renew(self) -> bool:
        """See `Auth.renew`."""
        self._tokens.discard(self._credential, self._used)
        return True

    def _mint(self) -> Token:
        request = Request(
            path="/oauth/tokens",
            about="OAuth token",
            body={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "scope": SCOPE,
            },
        )
        now = self._now()
        try:
            minted = self._send(request)
        except (ConfigurationError, AccessError):
            raise
        except PermanentError:
            raise CredentialsError(
                "Zendesk refuses client_id and client_secret. Check the OAuth client in the Admin Center (Apps and "
                "integrations, APIs, OAuth clients): it has to exist, be confidential and belong to this account."
            ) from None
        granted = frozenset((minted.scope or "").split())
        if granted and not any(scope == SCOPE or scope.endswith(f":{SCOPE}") for scope in granted):
            raise AccessError(
                "The OAuth client is not granted the scope read: every call would be refused. Give it that scope."
            )
        expires = None if minted.expires_in is None else now + minted.expires_in
        return Token(minted.access_token, now, expires, granted)


def auth(
    base: str, credentials: Mapping[str, str], send: Send, now: Callable[[], float], tokens: TokenStore = SHARED
) -> Auth:
    """The way to authorize that the credentials are for."""
    form = credential_form(credentials)
    if "client_secret" in form:
        return ClientCredentials(base, credentials["client_id"], credentials["client_secret"], send, now, tokens)
    if "access_token" in form:
        return Fixed(f"Bearer {credentials['access_token']}")
    pair = f"{credentials['email']}/token:{credentials['api_token']}"
    return Fixed(f"Basic {b64encode(pair.encode()).decode()}")

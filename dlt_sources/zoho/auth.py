"""OAuth by refresh token (contract, section 1), shared by all Zoho products.

Zoho gives ten access tokens in ten minutes to one refresh token, then none for the rest of these. So there is one token
for all desks, streams and processes that share a refresh token (`TokenStore`), it is renewed before its end, and
mintings are counted (`Budgets`). A refusal may come with status 200: only a body with a token is a success.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import msgspec

from dlt_sources.errors import (
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    SourceError,
)
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Budgets, Limit
from dlt_sources.oauth import Token, TokenStore, fingerprint
from dlt_sources.retry import Clock, Policy

MINTING = Limit("mint", 10, 600.0)
"""Ten tokens in ten minutes to one refresh token (contract, section 1)."""

PATIENCE = Policy(connect=10.0, read=20.0, request=30.0, attempts=3, wait=30.0)
"""Everybody who needs the token waits for the one who mints it."""

_THROTTLED = ("access_denied", "access denied", "too many requests")


class Minted(msgspec.Struct):
    """Answer of /oauth/v2/token, a token or a refusal, both with status 200."""

    access_token: str | None = None
    expires_in: float = 3600.0
    api_domain: str | None = None
    scope: str | None = None
    error: str | None = None
    error_description: str | None = None


class Accounts:
    """The dialect of the accounts server (see `dlt_sources.http.Dialect`)."""

    def __init__(self, host: str, clock: Clock) -> None:
        self._host, self._clock = host, clock

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`: the request carries its own proof."""
        return {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        """See `Dialect.renew`."""
        return False

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:  # noqa: ARG002
        """See `Dialect.announcements`: there are none."""
        return ()

    def failure(self, request: Request, answer: Answer) -> SourceError:  # noqa: ARG002
        """See `Dialect.failure`."""
        try:
            said = msgspec.json.decode(answer.body, type=Minted)
        except msgspec.DecodeError:
            said = Minted()
        if answer.status == 429:
            return throttled(self._host, self._clock.now())
        if said.error is not None:
            return refusal(said, self._host, self._clock.now())
        if answer.status >= 500:
            return ConnectionFailedError(f"OAuth token: {self._host} answers {answer.status}. Try later.")
        return ConfigurationError(
            f"OAuth token: {self._host} is no accounts server of Zoho's ({answer.status}). Check data_center or "
            "accounts_url in the desk's configuration."
        )


def refusal(said: Minted, host: str, now: float) -> SourceError:
    """What a refused minting means.

    Args:
        said: The answer.
        host: Host of the accounts server.
        now: Unix time.
    """
    name = said.error or "no access_token"
    words = f"{name} {said.error_description or ''}".lower()
    if any(mark in words for mark in _THROTTLED):
        return throttled(host, now)
    if name == "invalid_code":
        return CredentialsError(
            f"{host} refuses the refresh_token (invalid_code). Either it belongs to another data centre: check "
            "data_center in the desk's configuration; or it was revoked: make a new one for this OAuth client and put "
            "it into the desk's credentials."
        )
    if name.startswith("invalid_client"):
        return CredentialsError(
            f"{host} refuses client_id or client_secret ({name}). If the secret was changed in Zoho's API console, put "
            "the new one into the desk's credentials; if the client is right, check data_center: a client belongs to "
            "one data centre unless it is enabled for others."
        )
    shown = name if name.replace("_", "").replace(" ", "").isalnum() else "an error"
    return CredentialsError(f"{host} gives no token ({shown[:60]}). Check the OAuth client and its refresh_token.")


def throttled(host: str, now: float) -> LimitError:
    """The error of a minting too many."""
    return LimitError(
        f"{host} has given this refresh_token as many access tokens as it may (ten in ten minutes). Another program "
        "that uses the same refresh_token may take them: give each its own.",
        now + MINTING.period,
    )


class RefreshToken:
    """Access tokens of one refresh token.

    The secret is a part of the credential's name, so that `desks check` proves a new secret instead of using the token
    that the old one got.
    """

    def __init__(
        self,
        address: str,
        credentials: Mapping[str, str],
        budgets: Budgets,
        tokens: TokenStore,
        clock: Clock | None = None,
    ) -> None:
        """Makes no request.

        Args:
            address: Scheme and host of the accounts server.
            credentials: client_id, client_secret and refresh_token.
            budgets: Where mintings are counted.
            tokens: Where the token is kept.
            clock: Time, for tests and demos.
        """
        self._clock = clock or Clock()
        self._host = urlsplit(address).netloc
        dialect = Accounts(self._host, self._clock)
        self._form = {"grant_type": "refresh_token", **credentials}
        self._credential = fingerprint(
            address, credentials["client_id"], credentials["client_secret"], credentials["refresh_token"]
        )
        # a name for the budget, the same for all who share the refresh token
        shared = fingerprint(address, credentials["client_id"], credentials["refresh_token"])[:32]
        self._account = f"{self._host}/{shared}"
        self._budgets, self._tokens = budgets, tokens
        self._session = Session(address, self._account, dialect, budgets, clock=self._clock, policy=PATIENCE)
        self._used = ""

    @property
    def session(self) -> Session:
        """The session with the accounts server: its usage counts as the client's."""
        return self._session

    def header(self) -> str:
        """Value of the Authorization header.

        Raises:
            CredentialsError: Zoho refuses the credentials; says what to do.
            LimitError: Zoho gives no token for a while.
        """
        self._used = self.token().value
        return f"Zoho-oauthtoken {self._used}"

    def token(self) -> Token:
        """The access token, minted where there is none."""
        return self._tokens.get(self._credential, self._mint, self._clock.now)

    def renew(self) -> bool:
        """Drops the token that was used last: the vendor refused it."""
        self._tokens.discard(self._credential, self._used)
        return True

    def close(self) -> None:
        """Frees the connection."""
        self._session.close()

    def _mint(self) -> Token:
        request = Request("/oauth/v2/token", form=self._form, limits=(MINTING,), about="OAuth token")
        now = self._clock.now()
        try:
            said, _ = self._session.fetch(request, msgspec.json.Decoder(Minted).decode, authorized=False)
            if not said.access_token:
                raise refusal(said, self._host, now)
        except LimitError as error:
            # nobody who shares the refresh token asks again before its time
            self._budgets.close_until(self._account, MINTING.name, error.retry_at)
            raise
        scopes = frozenset((said.scope or "").replace(",", " ").split())
        return Token(said.access_token, now, now + said.expires_in, scopes, said.api_domain)

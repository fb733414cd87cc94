"""Sign-in and tokens (contract, section 2.1): three headers a request, which any answer may renew.

Three values make a token: `access-token`, `client`, `uid`. They come with a sign-in, in its headers or its body, or are
given for good. They are kept as one `Token` for all processes (`TokenStore`), and go in headers, never in a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dlt_sources.errors import ConfigurationError, ConnectionFailedError, CredentialsError, LimitError, SourceError
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Budgets
from dlt_sources.oauth import Token, TokenStore, fingerprint
from dlt_sources.qcontact.limits import SIGN_IN
from dlt_sources.retry import Clock, Policy

SIGN_IN_PATH = "/api/v2/auth/sign_in"
PATIENCE = Policy(connect=10.0, read=30.0, request=30.0, attempts=3, wait=45.0)
"""A sign-in may have to wait for the half minute behind the one before."""

_NAMES = ("access-token", "client", "uid")


class SignIn:
    """The dialect of the sign-in (see `dlt_sources.http.Dialect`).

    Attributes:
        told: Headers of the last answer, names in lower case.
    """

    def __init__(self, host: str, clock: Clock) -> None:
        self.told: Mapping[str, str] = {}
        self._host, self._clock = host, clock

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`: the request carries its own proof."""
        return {}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        """See `Dialect.renew`."""
        return False

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`: there are none; the tokens are in these headers."""
        self.told = {name.lower(): value for name, value in headers.items()}
        return ()

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        if answer.status in (400, 401, 403, 422):
            return CredentialsError(
                f"{request.about}: {self._host} refuses e-mail and password ({answer.status}). Check both by signing "
                "in with a browser; an account that signs in elsewhere (SSO) needs {uid, access_token, client}."
            )
        if answer.status == 429:
            return LimitError(
                f"{request.about}: {self._host} takes no sign-in now.", self._clock.now() + SIGN_IN.period
            )
        if answer.status >= 500:
            return ConnectionFailedError(f"{request.about}: {self._host} answers {answer.status}. Try later.")
        return ConfigurationError(
            f"{request.about}: there is no QContact at {self._host} ({answer.status}). Check tenant_url."
        )


class Tokens:
    """The tokens of one user.

    Attributes:
        session: Session of the sign-ins: its usage counts as the client's.
    """

    def __init__(
        self, address: str, credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore, clock: Clock
    ) -> None:
        """Makes no request.

        Args:
            address: Scheme and host of the tenant.
            credentials: email and password, or uid, access_token and client.
            budgets: Where sign-ins are counted.
            tokens: Where the token is kept.
            clock: Time, for tests and demos.
        """
        self._clock, self._tokens = clock, tokens
        self._host = urlsplit(address).netloc
        self._fixed = _fixed(credentials)
        self._login = {name: credentials[name] for name in ("email", "password") if name in credentials}
        self._credential = fingerprint(address, *(credentials[name] for name in sorted(credentials)))
        who = fingerprint(address, credentials.get("email") or credentials["uid"])[:16]
        self._dialect = SignIn(self._host, clock)
        self.session = Session(address, f"{self._host}/{who}", self._dialect, budgets, clock=clock, policy=PATIENCE)
        self._used: Token | None = None

    def headers(self) -> dict[str, str]:
        """The three headers of a request.

        Raises:
            CredentialsError: QContact refuses the credentials; says what to do.
        """
        if self._used is None or not self._used.fresh(self._clock.now()):
            self._used = self._tokens.get(self._credential, self._mint, self._clock.now)
        return msgspec.json.decode(self._used.value, type=dict[str, str])

    def renew(self) -> bool:
        """Drops the token that was refused; says whether another one can be had."""
        used, self._used = self._used, None
        if used is not None:
            self._tokens.discard(self._credential, used.value)
        return bool(self._login) or (used is not None and used.value != self._fixed)

    def adopt(self, headers: Mapping[str, str]) -> None:
        """Takes over the token that came with an answer, where one did."""
        told = {name.lower(): value.strip() for name, value in headers.items()}
        used = self._used
        if used is None or not told.get("access-token"):
            return
        before = msgspec.json.decode(used.value, type=dict[str, str])
        after = {name: told.get(name) or before[name] for name in _NAMES}
        if after == before:
            return
        fresh = self._token(after, told.get("expiry"))
        self._tokens.discard(self._credential, used.value)
        # another process that was faster has the newer one
        self._used = self._tokens.get(self._credential, lambda: fresh, self._clock.now)

    def close(self) -> None:
        """Frees the connection."""
        self.session.close()

    def _mint(self) -> Token:
        if self._fixed:
            return Token(self._fixed, self._clock.now())
        request = Request(SIGN_IN_PATH, body=self._login, limits=(SIGN_IN,), about="sign-in")
        body, _ = self.session.fetch(request, msgspec.json.Decoder(dict[str, Any]).decode, authorized=False)
        told = {**{name: str(body[name]) for name in (*_NAMES, "expiry") if body.get(name)}, **self._dialect.told}
        if missing := [name for name in _NAMES if not told.get(name)]:
            raise ConfigurationError(
                f"sign-in: {self._host} signs in without giving {', '.join(missing)}. Check tenant_url."
            )
        return self._token({name: told[name] for name in _NAMES}, told.get("expiry"))

    def _token(self, values: Mapping[str, str], expiry: str | None) -> Token:
        now = self._clock.now()
        ends = float(expiry) if expiry and expiry.isdecimal() else None
        # an end that is past already is that of another clock
        ends = ends if ends is not None and ends > now else None
        return Token(_encoded(values), now, ends)


def _fixed(credentials: Mapping[str, str]) -> str:
    """The token that the credentials themselves are; empty where they are a login."""
    if "access_token" not in credentials:
        return ""
    return _encoded({name: credentials[name.replace("-", "_")] for name in _NAMES})


def _encoded(values: Mapping[str, str]) -> str:
    return msgspec.json.encode({name: values[name] for name in _NAMES}).decode()

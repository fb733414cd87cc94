"""The one HTTP session of all vendors: time-outs, retries, budgets, redaction, same host.

One request goes: budgets (wait where one is used up) -> send -> read within a wall bound -> headers into the budgets ->
clean text -> parse. What a vendor does in its own way stands in its `Dialect`.

Messages name method, host and path, never a query, header or body.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from requests.structures import CaseInsensitiveDict

from dlt_sources.address import StrangeAddressError, below, is_loopback, shown
from dlt_sources.base import LIMIT_WAIT, OnWait, Usage
from dlt_sources.broken import BROKEN, attempts, never_reached, unreachable, unverified
from dlt_sources.errors import (
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    MalformedError,
    SourceError,
    TransientError,
)
from dlt_sources.limits import Announcement, Budgets, Limit
from dlt_sources.retry import RETRIED, Clock, Policy, retry_after
from dlt_sources.text import clean

T = TypeVar("T")

_PIECE = 256 * 1024
_LIMIT_WAIT = 10.0
_CONFLICT_WAIT = 10.0
_NO_ADDRESS = "the vendor points to what is no address of it."


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        path: Path below the account's address, or an address that the vendor sent (same host only).
        params: Query parameters.
        limits: Limit classes that it takes one request of; the narrowest last.
        body: JSON body; makes it a POST.
        form: Form body; makes it a POST.
        headers: Headers of this request alone.
        about: What it is for, in messages ("stream tickets").
        passed: Statuses that are raised at once instead of being retried here.
        plan: Plan or role that it needs, in words.
        gated: True where an account's plan may lack it.
        child: True where it reads one record, which may be gone.
    """

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    passed: frozenset[int] = frozenset()
    plan: str = ""
    gated: bool = False
    child: bool = False

    @property
    def method(self) -> str:
        """HTTP method: GET, or POST where there is a body."""
        return "GET" if self.body is None and self.form is None else "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its text is clean, `cleaned` counts what was wrong with it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cleaned: int = 0


class Dialect(Protocol):
    """What a vendor does in its own way."""

    def headers(self) -> Mapping[str, str]:
        """Headers that authorize a request; may itself send one to get a token."""
        ...

    def renew(self, answer: Answer) -> bool:
        """Called on a 401: drops the token and says whether another one can be had, and would help."""
        ...

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """What the headers of an answer say of the budgets."""
        ...

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """The error that an answer of 300 and above means."""
        ...


class Session:
    """Requests to one account. Not thread-safe.

    Attributes:
        answered: Some request was answered as it should be, so that there is such an account.
    """

    def __init__(
        self,
        base: str,
        account: str,
        dialect: Dialect,
        budgets: Budgets,
        *,
        clock: Clock | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.clock = clock or Clock()
        self.policy = policy or Policy()
        self.usage = Usage()
        self.on_wait: OnWait | None = None
        self.answered = False
        self._account = account
        self._dialect = dialect
        self._budgets = budgets
        self._into: BinaryIO | None = None
        self._http = requests.Session()
        # a proxy of the environment never stands before this machine itself
        self._http.trust_env = not is_loopback(urlsplit(base).hostname or "")

    def fetch(self, request: Request, parse: Callable[[bytes], T], *, authorized: bool = True) -> tuple[T, int]:
        """Sends a request until it is answered, and parses the answer's cleaned body.

        Args:
            request: What to ask.
            parse: Gives the parsed body; raises msgspec.DecodeError where it cannot.
            authorized: Send the dialect's headers.

        Returns:
            What `parse` gave, and the count of characters that were cleaned.

        Raises:
            SourceError: The dialect's error for the answer, LimitError for a wait that is too long,
                ConnectionFailedError when no whole answer came, MalformedError for a body that is not what is expected.
        """
        attempt, limited, waited, renewed = 1, 0, 0.0, False
        while True:
            waited = self._reserve(request, waited)
            try:
                answer = self._send(request, authorized)
                if 200 <= answer.status < 300:
                    parsed = self._parse(request, answer, parse)
                    self.answered = True
                    return parsed, answer.cleaned
            except TransientError as error:
                if isinstance(error, LimitError) or attempt >= attempts(error, self.policy):
                    raise
                self.pause(self.policy.backoff(attempt), "no whole answer")
                attempt += 1
                continue
            if answer.status == 401 and authorized and not renewed and self._dialect.renew(answer):
                renewed = True
                continue
            if answer.status in request.passed or answer.status not in RETRIED:
                raise self._dialect.failure(request, answer)
            if answer.status == 429:
                limited += 1
                waited = self._close(request, answer, limited, waited)
                continue
            if attempt >= self.policy.attempts:
                raise self._dialect.failure(request, answer)
            first = _CONFLICT_WAIT if answer.status == 409 else None
            wait = max(retry_after(answer.headers, self.clock.now()) or 0.0, self.policy.backoff(attempt, first))
            self._refuse_long(request, wait, wait)
            self.pause(wait, f"answer {answer.status}")
            attempt += 1

    def download(self, request: Request, into: BinaryIO) -> None:
        """Writes a body that is a file, as it comes, into another; for the rest as `fetch`.

        Raises:
            SourceError: See `fetch`.
        """
        self._into = into
        try:
            self.fetch(request, lambda _: None)
        finally:
            self._into = None

    def pause(self, seconds: float, why: str) -> None:
        """Waits, counted and told."""
        if seconds <= 0.0:
            return
        began = self.clock.now()
        try:
            if self.on_wait is None or not self.on_wait(seconds, why):
                self.clock.sleep(seconds)
        finally:
            # one that is cut off counts as far as it came
            self.usage.wait_seconds += min(seconds, max(0.0, self.clock.now() - began))

    def close(self) -> None:
        """Frees the connections."""
        self._http.close()

    def _reserve(self, request: Request, waited: float) -> float:
        while (asked := self._budgets.reserve(self._account, request.limits))[0]:
            wait, limit = asked
            waited += wait
            self._refuse_long(request, wait, waited)
            self.pause(wait, f"{LIMIT_WAIT}{limit}")
        return waited

    def _close(self, request: Request, answer: Answer, limited: int, waited: float) -> float:
        now = self.clock.now()
        said = retry_after(answer.headers, now) or self._announced_reset(request, answer)
        named = said or self._known_reset(request, answer)
        # a vendor that names a second again and again is not asked every second
        wait = max(named, self.policy.backoff(limited)) if named else self.policy.backoff(limited, _LIMIT_WAIT)
        if request.limits:
            # the next reservation waits for it, in this process and in every other one of this account
            for name in self._closed_by(request, answer):
                self._budgets.close_until(self._account, name, now + wait)
            self._refuse_long(request, wait, waited + wait)
            return waited
        self._refuse_long(request, wait, waited + wait)
        self.pause(wait, "answer 429")
        return waited + wait

    def _closed_by(self, request: Request, answer: Answer) -> list[str]:
        """The limits that a 429 closes: the narrowest where the headers say that it is used up, else all of them."""
        names = [limit.name for limit in request.limits]
        used_up = {said.limit for said in self._dialect.announcements(answer.headers) if said.remaining == 0}
        return names[-1:] if names[-1] in used_up else names

    def _announced_reset(self, request: Request, answer: Answer) -> float | None:
        names = {limit.name for limit in request.limits}
        resets = [
            said.resets_in
            for said in self._dialect.announcements(answer.headers)
            if said.limit in names and said.remaining == 0 and said.resets_in
        ]
        return max(resets, default=None)

    def _known_reset(self, request: Request, answer: Answer) -> float | None:
        """Seconds that the dialect itself knows, by which limit the body names."""
        error = self._dialect.failure(request, answer)
        wait = error.retry_at - self.clock.now() if isinstance(error, LimitError) else 0.0
        return wait if wait > 0.0 else None

    def _refuse_long(self, request: Request, wait: float, total: float) -> None:
        if total > self.policy.wait:
            raise LimitError(
                f"{self._name(request)}: the vendor takes no request for another {wait:.0f} s (limit used up); "
                "the next sync goes on from the position reached.",
                self.clock.now() + wait,
            )

    def _send(self, request: Request, authorized: bool) -> Answer:
        headers = {"Accept": "application/json", "User-Agent": "ticket-pipelines", **request.headers}
        if authorized:
            headers.update(self._dialect.headers())
        url = self._address(request, request.path)
        answer = self._once(request, url, headers)
        if answer.status in (301, 302, 303, 307, 308):
            target = answer.headers.get("Location")
            if not target:
                raise MalformedError(f"{self._name(request)}: redirected ({answer.status}) without saying where.")
            answer = self._once(request, self._address(request, target, url), headers)
            if 300 <= answer.status < 400:
                raise MalformedError(f"{self._name(request)}: redirected again and again.")
        return answer

    def _once(self, request: Request, url: str, headers: Mapping[str, str]) -> Answer:
        self.usage.requests += 1
        deadline = time.monotonic() + self.policy.request
        try:
            with self._http.request(
                request.method,
                url,
                params=dict(request.params),
                json=request.body,
                data=request.form,
                headers=dict(headers),
                auth=_keep_headers,
                timeout=(self.policy.connect, self.policy.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(request, response, deadline)
        except requests.exceptions.ConnectTimeout:
            raise unreachable(self._name(request)) from None
        except requests.exceptions.SSLError as error:
            if not unverified(error):
                raise ConnectionFailedError(f"{self._name(request)}: the TLS connection broke off.") from None
            # its text may hold the address; trying again proves the certificate no better
            raise ConfigurationError(
                f"{self._name(request)}: the host shows no TLS certificate that is accepted. Check the host in the "
                "desk's configuration, this machine's clock, and whether a proxy needs its own (REQUESTS_CA_BUNDLE)."
            ) from None
        except BROKEN as error:
            # the cause is not chained: its text holds the address with its query
            if never_reached(error):
                raise unreachable(self._name(request)) from None
            said = "the answer broke off or did not come in time"
            raise ConnectionFailedError(f"{self._name(request)}: {said}.") from None
        except (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema):
            # a desk is not parked for it: the environment is this machine's, and changes with no desk
            said = "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used"
            raise ConnectionFailedError(f"{self._name(request)}: {said}.") from None
        except requests.exceptions.InvalidHeader:
            raise CredentialsError(
                f"{self._name(request)}: the credentials hold a character that no header takes, such as a line's end. "
                "Give them anew with `desks update`."
            ) from None
        except (ValueError, requests.exceptions.RequestException):
            # requests reads the target of a redirect even where it does not follow it; its text may hold the address
            raise MalformedError(f"{self._name(request)}: {_NO_ADDRESS}") from None
        for told in self._dialect.announcements(response.headers):
            self._budgets.observe(
                self._account, told.limit, total=told.total, remaining=told.remaining, resets_in=told.resets_in
            )
        body, cleaned = clean(body)
        return Answer(response.status_code, CaseInsensitiveDict(response.headers), body, cleaned)

    def _read(self, request: Request, response: requests.Response, deadline: float) -> bytes:
        into = self._into if response.status_code == 200 else None
        if into is not None:
            # a try before this one may have left a part of it
            into.seek(0)
            into.truncate()
        pieces, size = [], 0
        # read1 gives what has come, so that the wall bound sees a body that drips; read would wait for a whole piece
        while piece := response.raw.read1(_PIECE, decode_content=True):
            size += len(piece)
            if into is not None:
                into.write(piece)
            elif size <= self.policy.largest:
                pieces.append(piece)
            else:
                raise MalformedError(f"{self._name(request)}: the answer is larger than {self.policy.largest:,} bytes.")
            if time.monotonic() > deadline:
                raise ConnectionFailedError(
                    f"{self._name(request)}: the answer was not whole after {self.policy.request:.0f} s."
                )
        return b"".join(pieces)

    def _parse(self, request: Request, answer: Answer, parse: Callable[[bytes], T]) -> T:
        # who has nothing to say says 204; an empty body is one that was lost, and no empty list
        lost = not answer.body and answer.status != 204 and self._into is None
        try:
            if lost:
                raise msgspec.DecodeError
            return parse(answer.body)
        except msgspec.ValidationError as error:
            raise MalformedError(f"{self._name(request)}: the answer is not as documented ({error}).") from None
        except RecursionError:
            raise MalformedError(f"{self._name(request)}: the answer is nested too deep to be read.") from None
        except msgspec.DecodeError:
            what = "a broken answer" if answer.body.lstrip()[:1] in (b"{", b"[") else "an answer that is not JSON"
            raise ConnectionFailedError(f"{self._name(request)}: {what}, again and again.") from None

    def _address(self, request: Request, given: str, at: str = "") -> str:
        try:
            return below(self.base, given, at)
        except StrangeAddressError as error:
            if error.host:
                raise ConfigurationError(
                    f"{self._name(request)}: the vendor points to another host, {error.host[:100]}. If the account has "
                    "moved there, write that host in the desk's configuration; credentials are never sent to a host "
                    "that is not configured."
                ) from None
            raise MalformedError(f"{self._name(request)}: {_NO_ADDRESS}") from None

    def _name(self, request: Request) -> str:
        """Method, host and path of a request, without its query."""
        name = f"{request.method} {shown(self.base, request.path)}"
        return f"{request.about}: {name}" if request.about else name


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as `auth` so that requests does not look for credentials in a .netrc file."""
    return request

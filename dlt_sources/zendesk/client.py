"""A Zendesk account, open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dlt_sources.base import Access, OnWait, Page, State, Stream, Usage, Window
from dlt_sources.checks import ceiling
from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    CredentialsError,
    CursorExpiredError,
    SourceError,
    UnavailableError,
)
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Budgets, Limit
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.retry import Clock, Policy
from dlt_sources.zendesk.auth import Auth, Minted, auth
from dlt_sources.zendesk.config import account, base_address, start_time, validate
from dlt_sources.zendesk.exports import cursor_export, time_export
from dlt_sources.zendesk.failures import failure
from dlt_sources.zendesk.limits import ACCOUNT, EXPORTS, announcements
from dlt_sources.zendesk.lists import chosen, comments, first_page, ratings, schedules, whole
from dlt_sources.zendesk.reader import Reader
from dlt_sources.zendesk.streams import STREAMS
from dlt_sources.zendesk.streams.tickets import TICKETS

READERS: Mapping[str, Callable[[Reader, Stream, State, Window], Iterator[Page]]] = {
    "cursor_export": cursor_export,
    "time_export": time_export,
    "cursor_list": whole,
    "offset_list": whole,
    "whole_list": whole,
    "ratings": ratings,
    "schedules": schedules,
}
"""How each pagination family is read."""

BY_IDS = {"tickets": "/api/v2/tickets/show_many", "users": "/api/v2/users/show_many"}
"""Where chosen records of a stream are read."""

PROOFS = {"tickets": "/api/v2/tickets", "users": "/api/v2/users", "organizations": "/api/v2/organizations"}
"""Lists that prove the right to an export's records without taking one of its few requests."""


class Me(msgspec.Struct):
    """The user that the credentials stand for; an anonymous one has no id."""

    id: int | None = None
    role: str | None = None


class Myself(msgspec.Struct):
    """Answer of /users/me."""

    user: Me


class Zendesk:
    """The dialect of Zendesk (see `dlt_sources.http.Dialect`)."""

    def __init__(self, host: str, now: Callable[[], float]) -> None:
        self.auth: Auth | None = None
        self.session: Session | None = None
        self._host, self._now = host, now

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {} if self.auth is None else {"Authorization": self.auth.header()}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        """See `Dialect.renew`."""
        return self.auth is not None and self.auth.renew()

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`."""
        return announcements(headers)

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        known = self.session is not None and self.session.answered
        return failure(request, self._host, answer, self._now(), known=known)


class ZendeskClient:
    """Reads one account (see `dlt_sources.base.Client`). Not thread-safe."""

    def __init__(self, session: Session, reader: Reader) -> None:
        self._session = session
        self._reader = reader
        self.usage: Usage = session.usage

    @property
    def on_wait(self) -> OnWait | None:
        """Called before each wait."""
        return self._session.on_wait

    @on_wait.setter
    def on_wait(self, value: OnWait | None) -> None:
        self._session.on_wait = value

    def check(self) -> list[Access]:
        """Proves the credentials, then each stream by its cheapest read; takes no request of the export budget.

        Raises:
            CredentialsError: Zendesk refuses the credentials, or answers as to an anonymous visitor.
            ConfigurationError: The address is not a Zendesk account's.
        """
        request = Request("/api/v2/users/me", limits=self._reader.limits(), about="credentials")
        me = self._session.fetch(request, msgspec.json.Decoder(Myself).decode)[0].user
        if me.id is None:
            # with wrong credentials Zendesk may answer 200 and an anonymous user
            raise CredentialsError(
                "Zendesk takes these credentials for an anonymous visitor's. Check that they belong to this account "
                "and still exist."
            )
        return [self._access(stream, me.role or "unknown") for stream in STREAMS]

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """Reads a stream (see `Client.pages`).

        Raises:
            UnavailableError: The stream is read by ids only.
        """
        if stream.on_demand:
            raise UnavailableError(f"stream {stream.name}: read by ids only.")
        return READERS[stream.paging](self._reader, stream, state, window or Window())

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Reads chosen tickets or users, or the comments of chosen tickets (see `Client.by_ids`).

        Zendesk gives such tickets without `generated_timestamp`; their pages are `partial`.

        Raises:
            ConfigurationError: An id is not a number.
            UnavailableError: Zendesk cannot give this stream by id.
        """
        if any(not each.isdecimal() for each in ids):
            raise ConfigurationError(f"stream {stream.name}: Zendesk's ids are whole numbers.")
        if stream.paging == "by_ticket":
            return comments(self._reader, stream, ids)
        if stream.name not in BY_IDS:
            raise UnavailableError(f"stream {stream.name}: Zendesk does not give its records by id.")
        return chosen(self._reader, stream, BY_IDS[stream.name], ids)

    def probe(self, states: Mapping[str, State]) -> bool:
        """Asks the ticket export, with one request, whether any ticket has changed.

        Every change of a ticket, comments and ratings among them, moves that export. What touches no ticket (people,
        set-up, metric clocks) it cannot show: a desk needs a whole sync now and then, whatever the probe says. A probe
        moves no position, so nothing is lost by it.
        """
        cursor = states.get(TICKETS.name, {}).get("cursor")
        if not cursor:
            return True
        params = {"support_type_scope": "all", "per_page": "1", "cursor": cursor}
        try:
            body, _ = self._reader.page(TICKETS, params)
        except CursorExpiredError:
            return True
        return bool(body.records) or not body.end_of_stream

    def close(self) -> None:
        """Frees the connections."""
        self._session.close()

    def _access(self, stream: Stream, role: str) -> Access:
        if stream.limit == EXPORTS and role != "admin":
            return Access(stream.name, readable=False, reason=f"needs {stream.plan}; these are of role {role}")
        listed = _listed(stream)
        try:
            self._reader.page(listed, first_page(listed, size=1))
        except (AccessError, UnavailableError) as error:
            return Access(stream.name, readable=False, reason=str(error))
        return Access(stream.name, readable=True)


def _listed(stream: Stream) -> Stream:
    """The list that proves the right to read a stream; for exports one that takes nothing of their budget."""
    if stream.limit != EXPORTS and not stream.on_demand:
        return stream
    name = stream.name if stream.name in PROOFS else TICKETS.name
    return replace(stream, path=PROOFS[name], records=name, paging="cursor_list", params={}, limit=ACCOUNT)


def open_client(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    budgets: Budgets,
    *,
    clock: Clock | None = None,
    policy: Policy | None = None,
    tokens: TokenStore = SHARED,
) -> ZendeskClient:
    """Opens an account; makes no request.

    Args:
        config: Configuration of the desk (`config.CONFIG_KEYS`, and `max_requests_per_minute`).
        credentials: One of `config.CREDENTIAL_FORMS`.
        budgets: Where the account's requests are counted.
        clock: Time, for tests and demos.
        policy: Patience, for tests.
        tokens: Where access tokens are kept.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form.
    """
    validate(config, credentials)
    clock = clock or Clock()
    base = base_address(config)
    dialect = Zendesk(urlsplit(base).netloc, clock.now)
    session = dialect.session = Session(base, account(config), dialect, budgets, clock=clock, policy=policy)

    def send(request: Request) -> Minted:
        return session.fetch(request, msgspec.json.Decoder(Minted).decode, authorized=False)[0]

    dialect.auth = auth(base, credentials, send, clock.now, tokens)
    own = ceiling(config)
    reader = Reader(session, start_time(config), None if own is None else Limit("ceiling", own))
    return ZendeskClient(session, reader)

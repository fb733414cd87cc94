"""A QContact tenant, open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from dlt_sources.base import Access, OnWait, Page, State, Stream, Usage, Window
from dlt_sources.checks import ceiling
from dlt_sources.errors import AccessError, SourceError, UnavailableError
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import Announcement, Budgets, Limit
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.qcontact import cases
from dlt_sources.qcontact.auth import Tokens
from dlt_sources.qcontact.config import CASE, account, address, choices, validate
from dlt_sources.qcontact.events import Events
from dlt_sources.qcontact.failures import failure
from dlt_sources.qcontact.feed import Feed
from dlt_sources.qcontact.reader import Reader
from dlt_sources.qcontact.streams import entity_of, streams_of
from dlt_sources.retry import Clock, Policy

PATIENCE = Policy(connect=10.0, read=30.0, request=60.0, attempts=3)
"""Contract, section 5.8."""


class QContact:
    """The dialect of QContact (see `dlt_sources.http.Dialect`)."""

    def __init__(self, host: str, tokens: Tokens, now: Callable[[], float]) -> None:
        self._host, self._tokens, self._now = host, tokens, now

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return self._tokens.headers()

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        """See `Dialect.renew`."""
        return self._tokens.renew()

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`: nothing is announced, but a new token may have come."""
        self._tokens.adopt(headers)
        return ()

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        return failure(request, self._host, answer, self._now())


class QContactClient:
    """Reads one tenant (see `dlt_sources.base.Client`). Not thread-safe.

    Attributes:
        reader: Reads single answers, for those who write.
    """

    def __init__(self, reader: Reader, tokens: Tokens) -> None:
        self.reader = reader
        self._tokens = tokens
        self._feed, self._events = Feed(reader), Events(reader)
        self.usage: Usage = reader.session.usage
        # sign-ins count as the client's own
        tokens.session.usage = self.usage

    @property
    def on_wait(self) -> OnWait | None:
        """Called before each wait."""
        return self.reader.session.on_wait

    @on_wait.setter
    def on_wait(self, value: OnWait | None) -> None:
        self.reader.session.on_wait = self._tokens.session.on_wait = value

    def streams(self) -> tuple[Stream, ...]:
        """The streams of the desk's entities (see `dlt_sources.base.Discovery`)."""
        return streams_of(self.reader.choices.entities)

    def check(self) -> list[Access]:
        """Proves the credentials by the user's own record, then each stream by its cheapest read.

        Raises:
            CredentialsError: QContact refuses the credentials.
            ConfigurationError: The address is no QContact.
        """
        self.reader.me()
        return [self._access(stream) for stream in self.streams()]

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """Reads a stream (see `Client.pages`)."""
        if stream.paging == "events":
            return self._events.changed(self._feed, stream, state, window)
        if stream.paging == "columns":
            return self._columns(stream)
        return cases.records(self.reader, self._feed, stream, state, window)

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Reads chosen records, or what happened to chosen cases (see `Client.by_ids`).

        Raises:
            UnavailableError: QContact cannot give this stream by id.
        """
        if stream.paging == "events":
            return self._events.chosen(stream, ids)
        if stream.paging == "records":
            return cases.chosen(self.reader, stream, ids)
        raise UnavailableError(f"stream {stream.name}: its records are not read by id.")

    def probe(self, states: Mapping[str, State]) -> bool:  # noqa: ARG002
        """Always true: no single request of QContact says whether anything changed."""
        return True

    def close(self) -> None:
        """Frees the connections."""
        self.reader.session.close()
        self._tokens.close()

    def _columns(self, stream: Stream) -> Iterator[Page]:
        listed, cleaned = self.reader.listed(CASE, 1, 1)
        records = [msgspec.Raw(msgspec.json.encode(column)) for column in listed.columns]
        yield Page(stream.name, records, {}, last=True, cleaned=cleaned)

    def _access(self, stream: Stream) -> Access:
        try:
            listed, _ = self.reader.listed(entity_of(stream), 1, 1)
            if stream.paging == "events" and listed.results:
                key = msgspec.json.decode(listed.results[0], type=dict[str, Any]).get("id")
                self.reader.events(CASE, str(key), 1)
        except (AccessError, UnavailableError) as error:
            return Access(stream.name, readable=False, reason=str(error))
        return Access(stream.name, readable=True)


def open_client(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    budgets: Budgets,
    tokens: TokenStore = SHARED,
    *,
    clock: Clock | None = None,
    policy: Policy | None = None,
) -> QContactClient:
    """Opens a tenant; makes no request.

    Args:
        config: Configuration of the desk (`config.CONFIG_KEYS`, and `max_requests_per_minute`).
        credentials: email and password, or uid, access_token and client.
        budgets: Where the tenant's requests are counted.
        tokens: Where tokens are kept.
        clock: Time, for tests and demos.
        policy: Patience, for tests.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form.
    """
    validate(config, credentials)
    clock = clock or Clock()
    name = account(config)
    auth = Tokens(address(config), credentials, budgets, tokens, clock)
    dialect = QContact(name, auth, clock.now)
    session = Session(address(config), name, dialect, budgets, clock=clock, policy=policy or PATIENCE)
    own = ceiling(config)
    return QContactClient(Reader(session, choices(config), None if own is None else Limit("ceiling", own)), auth)

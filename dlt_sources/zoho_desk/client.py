"""A Zoho Desk organization, open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from dlt_sources.abilities import Recall
from dlt_sources.base import Access, OnWait, Page, State, Stream, Usage, Window
from dlt_sources.checks import ceiling
from dlt_sources.errors import AccessError, ConfigurationError, SourceError, UnavailableError
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import CREDITS, Announcement, Budgets, Limit
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.retry import Clock, Policy
from dlt_sources.zoho.auth import RefreshToken
from dlt_sources.zoho.config import accounts_address
from dlt_sources.zoho_desk import children, lists, tickets
from dlt_sources.zoho_desk.bodies import Brief, brief
from dlt_sources.zoho_desk.config import account, base_address, choices, org_id, validate
from dlt_sources.zoho_desk.failures import failure
from dlt_sources.zoho_desk.feed import PATH, Feed
from dlt_sources.zoho_desk.limits import Credits
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.search import MODIFIED, Search
from dlt_sources.zoho_desk.streams import STREAMS
from dlt_sources.zoho_desk.streams.tickets import TICKETS
from dlt_sources.zoho_desk.times import millis
from dlt_sources.zoho_desk.windows import AHEAD, Span

PARTS = frozenset(("threads",))
"""Streams read by ticket whose old records come without their content, so that their pages are parts."""


class ZohoDesk:
    """The dialect of Zoho Desk (see `dlt_sources.http.Dialect`)."""

    def __init__(self, host: str, organization: str, auth: RefreshToken, now: Callable[[], float]) -> None:
        self.credits = Credits()
        self._host, self._organization, self._auth, self._now = host, organization, auth, now

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {"Authorization": self._auth.header(), "orgId": self._organization}

    def renew(self, answer: Answer) -> bool:  # noqa: ARG002
        """See `Dialect.renew`."""
        return self._auth.renew()

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`: what is left of the day's credits."""
        self.credits.tell(headers)
        if self.credits.remaining is not None:
            yield Announcement(CREDITS.name, None, self.credits.remaining, None)

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        return failure(request, self._host, answer, self._now())


class ZohoDeskClient:
    """Reads one organization (see `dlt_sources.base.Client`, `abilities.Rechecks`). Not thread-safe."""

    def __init__(self, session: Session, auth: RefreshToken, reader: Reader) -> None:
        self._session, self._auth, self._reader = session, auth, reader
        self._feed = Feed(reader)
        self.usage: Usage = session.usage
        auth.session.usage = session.usage

    @property
    def on_wait(self) -> OnWait | None:
        """Called before each wait."""
        return self._session.on_wait

    @on_wait.setter
    def on_wait(self, value: OnWait | None) -> None:
        self._session.on_wait = self._auth.session.on_wait = value

    @property
    def recall(self) -> Recall | None:
        """Tells which threads are stored, and so need not be fetched one by one again."""
        return self._reader.recall

    @recall.setter
    def recall(self, value: Recall | None) -> None:
        self._reader.recall = value

    def check(self) -> list[Access]:
        """Proves the credentials, then each stream by its cheapest read.

        Raises:
            CredentialsError: Zoho refuses the credentials.
            ConfigurationError: The token does not belong to this organization, or the address is no Zoho Desk.
        """
        self._auth.token()
        some = self._some_ticket()
        return [self._access(stream, some) for stream in STREAMS]

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """Reads a stream (see `Client.pages`)."""
        if stream.paging == "tickets":
            return tickets.tickets(self._reader, self._feed, stream, state, window)
        if stream.paging == "people":
            return lists.people(self._reader, stream, state, window)
        if stream.paging == "by_ticket":
            return self._by_ticket(stream, state, window)
        return lists.fields(self._reader, stream) if stream.paging == "fields" else lists.whole(self._reader, stream)

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Reads chosen tickets, or what belongs to chosen tickets (see `Client.by_ids`).

        Raises:
            ConfigurationError: An id is not a number.
            UnavailableError: Zoho cannot give this stream by id.
        """
        if any(not each.isdecimal() for each in ids):
            raise ConfigurationError(f"stream {stream.name}: Zoho's ids are whole numbers.")
        if stream.paging == "tickets":
            return tickets.by_ids(self._reader, stream, ids)
        if stream.paging == "by_ticket":
            return children.of_chosen(self._reader, stream, ids, children.READ[stream.name])
        raise UnavailableError(f"stream {stream.name}: its records are not read by id.")

    def listed(self, stream: Stream, state: State) -> Iterator[Page]:
        """Records with their times of change (see `abilities.Lists`); of tickets, those in the archive too."""
        if stream.paging == "tickets":
            return tickets.listed(self._reader, self._feed, stream, state)
        return self.pages(stream, state, Window())

    @property
    def gone(self) -> set[str]:
        """Tickets that turned out to be missing (see `Rechecks.gone`)."""
        return self._feed.gone

    def vanished(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Tickets that are deleted (see `Rechecks.vanished`)."""
        return tickets.vanished(self._reader, self._feed, stream, ids)

    def probe(self, states: Mapping[str, State]) -> bool:
        """Asks the search, with one request, whether any ticket changed since the newest one that was read.

        An answer of a contact that leaves `modifiedTime` alone, and what is no ticket, it cannot show: a desk needs a
        whole sync now and then, whatever the probe says. A probe moves no position, so nothing is lost by it.
        """
        newest = millis(states.get(TICKETS.name, {}).get("modified"))
        if newest is None:
            return True
        span = Span(newest // 1000 + 1, self._reader.now() + AHEAD)
        try:
            return Search(self._reader, TICKETS, PATH, MODIFIED).count(span) > 0
        except (AccessError, UnavailableError):
            return True

    def close(self) -> None:
        """Frees the connections."""
        self._session.close()
        self._auth.close()

    def _by_ticket(self, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
        found = children.of_changed(self._reader, self._feed, stream, state, window, children.READ[stream.name])
        for page in children.pages(stream, found, partial=stream.name in PARTS):
            if stream.name == "ticket_history":
                self._feed.gone |= children.deletions(page.records)
            yield page

    def _some_ticket(self) -> Brief | None:
        """A ticket to prove with what may be read of tickets; None where there is none, or none may be read."""
        try:
            rows = self._reader.page(TICKETS, TICKETS.path, {}, most=1)
        except (AccessError, UnavailableError):
            return None
        return next((some for some in map(brief, rows.records) if some.key), None)

    def _access(self, stream: Stream, some: Brief | None) -> Access:
        try:
            if stream.paging == "tickets":
                self._reader.page(stream, stream.path, {}, most=1)
                return self._search_access(stream)
            if stream.paging == "by_ticket":
                if some is not None:
                    children.READ[stream.name](self._reader, stream, some, None)
            elif stream.paging == "people":
                self._reader.page(stream, stream.path, {}, most=1)
            else:
                next(self.pages(stream, {}))
        except (AccessError, UnavailableError) as error:
            return Access(stream.name, readable=False, reason=str(error))
        return Access(stream.name, readable=True)

    def _search_access(self, stream: Stream) -> Access:
        try:
            now = self._reader.now()
            Search(self._reader, TICKETS, PATH, MODIFIED).count(Span(now, now))
        except (AccessError, UnavailableError):
            reason = "found in the list, since the scope Desk.search.READ is missing; archived tickets need it"
            return Access(stream.name, readable=True, reason=reason)
        return Access(stream.name, readable=True)


def open_client(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    budgets: Budgets,
    *,
    clock: Clock | None = None,
    policy: Policy | None = None,
    tokens: TokenStore = SHARED,
) -> ZohoDeskClient:
    """Opens an organization; makes no request.

    Args:
        config: Configuration of the desk (`config.CONFIG_KEYS`, and `max_requests_per_minute`).
        credentials: client_id, client_secret and refresh_token.
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
    auth = RefreshToken(accounts_address(config), credentials, budgets, tokens, clock)
    dialect = ZohoDesk(urlsplit(base).netloc, org_id(config), auth, clock.now)
    session = Session(base, account(config), dialect, budgets, clock=clock, policy=policy)
    own = ceiling(config)
    limit = None if own is None else Limit("ceiling", own)
    return ZohoDeskClient(session, auth, Reader(session, dialect.credits, choices(config), limit))

"""A Zoho CRM account, open for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from dlt_sources.base import Access, OnWait, Page, Refresh, State, Stream, Usage, Window
from dlt_sources.checks import ceiling
from dlt_sources.errors import AccessError, PermanentError, SourceError, UnavailableError
from dlt_sources.http import Answer, Request, Session
from dlt_sources.limits import CREDITS, Announcement, Budgets, Limit
from dlt_sources.oauth import SHARED, TokenStore, fingerprint
from dlt_sources.retry import Clock, Policy
from dlt_sources.zoho.auth import RefreshToken
from dlt_sources.zoho_crm import walks
from dlt_sources.zoho_crm.account import Account
from dlt_sources.zoho_crm.bulk import BULK_FROM, began_at, export
from dlt_sources.zoho_crm.config import account, accounts_address, address, chosen_modules, validate
from dlt_sources.zoho_crm.failures import NoBulkError, failure, problem
from dlt_sources.zoho_crm.reader import Reader


class ZohoCrm:
    """The dialect of Zoho CRM (see `dlt_sources.http.Dialect`)."""

    def __init__(self, config: Mapping[str, Any], auth: RefreshToken, now: Callable[[], float]) -> None:
        self.session: Session | None = None
        self._config, self._auth, self._now = config, auth, now

    def headers(self) -> Mapping[str, str]:
        """See `Dialect.headers`. The token's answer also says where the API is (contract, section 1)."""
        header = self._auth.header()
        if self.session is not None:
            self.session.base = address(self._config, self._auth.token().api_domain)
        return {"Authorization": header}

    def renew(self, answer: Answer) -> bool:
        """See `Dialect.renew`: a 401 may also mean a scope that another token would lack as well."""
        return problem(answer.body).code != "OAUTH_SCOPE_MISMATCH" and self._auth.renew()

    def announcements(self, headers: Mapping[str, str]) -> Iterable[Announcement]:
        """See `Dialect.announcements`: what is left of the day's credits."""
        left = {name.lower(): value for name, value in headers.items()}.get("x-api-credits-remaining", "").strip()
        if left.isdecimal():
            yield Announcement(CREDITS.name, None, int(left), None)

    def failure(self, request: Request, answer: Answer) -> SourceError:
        """See `Dialect.failure`."""
        return failure(request, account(self._config), answer, self._now())


class ZohoCrmClient:
    """Reads one account (see `dlt_sources.base.Client`). Not thread-safe."""

    def __init__(self, reader: Reader, account: Account, auth: RefreshToken) -> None:
        self._reader, self._account, self._auth = reader, account, auth
        self.usage: Usage = reader.session.usage
        # minting counts as the client's own
        auth.session.usage = self.usage

    @property
    def on_wait(self) -> OnWait | None:
        """Called before each wait."""
        return self._reader.session.on_wait

    @on_wait.setter
    def on_wait(self, value: OnWait | None) -> None:
        self._reader.session.on_wait = self._auth.session.on_wait = value

    def streams(self, wanted: Sequence[str] = ()) -> tuple[Stream, ...]:
        """The streams of the account (see `dlt_sources.base.Discovery`)."""
        return self._account.streams(wanted)

    def check(self) -> list[Access]:
        """Proves the credentials by the list of modules, then each module by one record of it.

        Raises:
            CredentialsError: Zoho refuses the credentials.
            ConfigurationError: The address is no Zoho CRM.
        """
        return [self._access(stream) for stream in self._account.streams() if not stream.parent]

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """Reads a stream (see `Client.pages`).

        State of a module: `clock` (newest change seen), `deleted` (newest deletion seen), and while its first file is
        read `bulk` (see `bulk.py`).

        Raises:
            UnavailableError: The rows of a subform come with its module.
        """
        if stream.parent:
            raise UnavailableError(f"stream {stream.name}: its rows come with those of {stream.parent}.")
        if stream.paging == "users":
            return self._account.users(stream)
        if stream.paging == "fields":
            return self._account.fields(stream)
        target = walks.Target.of(stream.name, self._account.description(stream))
        if stream.refresh is Refresh.SNAPSHOT:
            return self._whole(target)
        return self._changes(target, state, window)

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Reads chosen records of a module (see `Client.by_ids`).

        Raises:
            UnavailableError: The stream is no module.
        """
        if stream.parent or stream.paging != "module":
            raise UnavailableError(f"stream {stream.name}: Zoho does not give its records by id.")
        return walks.chosen(self._reader, walks.Target.of(stream.name, self._account.description(stream)), list(ids))

    def listed(self, stream: Stream, state: State) -> Iterator[Page]:
        """Records with their times of change and nothing else (see `abilities.Lists`): 200 a request."""
        if stream.paging != "module" or stream.refresh is Refresh.SNAPSHOT:
            yield from self.pages(stream, state, Window())
            return
        target = walks.Target.of(stream.name, self._account.description(stream)).brief()
        for page in walks.changes(self._reader, target, state, Window()):
            state = page.state
            yield page
        yield Page(stream.name, [], state, last=True)

    def is_gone(self, stream: Stream, key: str) -> bool:
        """Whether Zoho has no such record (see `abilities.Confirms`)."""
        module = self._account.description(stream).module
        body, _ = self._reader.get(f"/crm/v8/{module}/{key}", {"fields": "id"}, f"module {module}")
        return not body.data

    def probe(self, states: Mapping[str, State]) -> bool:  # noqa: ARG002
        """Always true: no single request of Zoho CRM says whether anything changed in any module."""
        return True

    def close(self) -> None:
        """Frees the connections."""
        self._reader.session.close()
        self._auth.close()

    def _changes(self, target: walks.Target, state: State, window: Window | None) -> Iterator[Page]:
        """A module with a time of change: all of it the first time, then what changed; then what was deleted."""
        bounds = window or Window()
        unbounded = bounds.since is None and bounds.until is None
        if "bulk" in state or ("clock" not in state and unbounded and self._is_for_bulk(target)):
            try:
                for page in export(self._reader, target, state):
                    state = page.state
                    yield page
                # what changed while the file was written and read
                state = began_at(state)
            except NoBulkError:
                state = {}
        for page in walks.changes(self._reader, target, state, bounds):
            state = page.state
            yield page
        if unbounded:
            for page in walks.deletions(self._reader, target, state):
                state = page.state
                yield page
        yield Page(target.stream, [], state, last=True)

    def _whole(self, target: walks.Target) -> Iterator[Page]:
        """A module without a time of change."""
        if self._is_for_bulk(target):
            try:
                for page in export(self._reader, target, {}):
                    yield Page(page.stream, page.records, {}, cleaned=page.cleaned)
                yield Page(target.stream, [], {}, last=True)
                return
            except NoBulkError:
                pass
        yield from walks.whole(self._reader, target)

    def _is_for_bulk(self, target: walks.Target) -> bool:
        """Whether a module is so large that a file is cheaper, and a file would hold all of it."""
        if not target.shape.carried:
            return False
        try:
            return self._reader.count(target.module) > BULK_FROM
        except PermanentError:
            return False

    def _access(self, stream: Stream) -> Access:
        try:
            if stream.paging == "module":
                module = self._account.description(stream).module
                self._reader.get(f"/crm/v8/{module}", {"fields": "id", "per_page": "1"}, f"module {module}")
            elif stream.paging == "users":
                next(iter(self._account.users(stream, size=1)))
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
) -> ZohoCrmClient:
    """Opens an account; makes no request.

    Args:
        config: Configuration of the desk (`config.CONFIG_KEYS`, and `max_requests_per_minute`).
        credentials: client_id, client_secret and refresh_token.
        budgets: Where the account's requests are counted.
        tokens: Where access tokens are kept.
        clock: Time, for tests and demos.
        policy: Patience, for tests.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form.
    """
    validate(config, credentials)
    clock = clock or Clock()
    auth = RefreshToken(accounts_address(config), credentials, budgets, tokens, clock)
    dialect = ZohoCrm(config, auth, clock.now)
    # a host serves many organisations, and only the credentials know which one: limits are counted per refresh token
    name = f"{account(config)}/{fingerprint(credentials['client_id'], credentials['refresh_token'])[:16]}"
    session = Session(address(config), name, dialect, budgets, clock=clock, policy=policy)
    dialect.session = session
    own = ceiling(config)
    reader = Reader(session, None if own is None else Limit("ceiling", own))
    return ZohoCrmClient(reader, Account(reader, chosen_modules(config)), auth)

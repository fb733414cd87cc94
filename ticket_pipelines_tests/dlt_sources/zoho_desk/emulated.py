"""The emulated organization as tests use it: a clock that goes with ours, clients that share budgets and tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zoho_desk import ZOHO_DESK
from dlt_sources.zoho_desk.client import ZohoDeskClient, open_client
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

TICKETS, THREADS, COMMENTS = (ZOHO_DESK.stream(name) for name in ("tickets", "threads", "comments"))
CONTACTS = ZOHO_DESK.stream("contacts")
HISTORY, METRICS = (ZOHO_DESK.stream(name) for name in ("ticket_history", "ticket_metrics"))

Start = Callable[..., Listening]
Open = Callable[..., ZohoDeskClient]
Record = dict[str, Any]


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def organization(make_sandbox: MakeSandbox, moving: Moving) -> Start:
    """Starts an organization whose clock goes with ours; takes its settings."""

    def start(tickets: int = 40, same_second: int | None = None, **settings: Any) -> Listening:
        options = {"tickets": tickets, "same_second": same_second, "now": moving.time, "frozen": True}
        moving.vendor = make_sandbox(**options, zoho_desk=settings).zoho_desk
        return moving.vendor

    return start


@pytest.fixture
def opened(moving: Moving) -> Iterator[Open]:
    """Opens clients that are closed with the test; without `details` unless asked for."""
    clients: list[ZohoDeskClient] = []
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()

    def open_one(account: Listening, login: str = "oauth", **config: Any) -> ZohoDeskClient:
        given = {**account.config, "details": False, **config}
        clients.append(open_client(given, account.logins[login], budgets, clock=moving.clock, tokens=tokens))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


class UnexpectedError(Exception):
    """Stands for no failure at all."""


class Read:
    """What a reading gave: records by key, each with the fields of all its parts; position, pages, failure."""

    def __init__(self, stream: Stream, pages: Iterator[Page], *, failing: type[Exception] = UnexpectedError) -> None:
        self.records: dict[str, Record] = {}
        self.state: State = {}
        self.pages: list[Page] = []
        self.rows = 0
        self.error: Exception | None = None
        try:
            for page in pages:
                self.pages.append(page)
                self.state = page.state
                for record in values(page.records):
                    self.rows += 1
                    key = record[stream.key]
                    before = self.records.get(key, {}) if page.partial else {}
                    self.records[key] = {**before, **record}
        except failing as error:
            self.error = error


def read(
    client: ZohoDeskClient,
    stream: Stream,
    state: State | None = None,
    window: Window | None = None,
    failing: type[Exception] = UnexpectedError,
) -> Read:
    return Read(stream, client.pages(stream, state or {}, window), failing=failing)


def asked(account: Listening, part: str) -> list[Entry]:
    """The requests so far whose path has that part."""
    return [entry for entry in account.control.log() if part in entry.path]


def listed(account: Listening) -> set[str]:
    """Ids of the tickets that search and list show."""
    rows = account.control.records("tickets")
    return {row["id"] for row in rows if not row["isTrashed"] and not row["isArchived"]}


def repeated(account: Listening, part: str) -> dict[str, int]:
    """The requests that were made more than once, query included."""
    counts = Counter(f"{entry.path}?{sorted(entry.query.items())}" for entry in asked(account, part))
    return {request: count for request, count in counts.items() if count > 1}

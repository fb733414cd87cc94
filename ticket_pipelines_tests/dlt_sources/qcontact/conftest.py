"""The emulated tenant as tests use it: a clock that goes with ours, clients that share budgets and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dlt_sources.base import Page, State, Window
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.qcontact import QCONTACT
from dlt_sources.qcontact.client import QContactClient, open_client
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

Start = Callable[..., Listening]
Open = Callable[..., QContactClient]
CASES, EVENTS = QCONTACT.stream("cases"), QCONTACT.stream("case_events")


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def tenant(make_sandbox: MakeSandbox, moving: Moving) -> Start:
    """Starts a tenant whose clock goes with ours; takes its settings."""

    def start(tickets: int = 24, **settings: Any) -> Listening:
        moving.vendor = make_sandbox(tickets=tickets, now=moving.time, frozen=True, qcontact=settings).qcontact
        return moving.vendor

    return start


@pytest.fixture
def opened(moving: Moving) -> Iterator[Open]:
    """Opens clients that are closed with the test."""
    clients: list[QContactClient] = []
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()

    def open_one(account: Listening, login: str = "token", **config: Any) -> QContactClient:
        client = open_client({**account.config, **config}, account.logins[login], budgets, tokens, clock=moving.clock)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


class Read:
    """What a reading gave: records in order, and the last position; stops at the failure that is expected."""

    def __init__(self, pages: Iterator[Page], failing: type[Exception] | None = None) -> None:
        self.records: list[dict[str, Any]] = []
        self.state: State = {}
        self.last = False
        self.error: Exception | None = None
        try:
            for page in pages:
                self.records += values(page.records)
                self.state, self.last = page.state, page.last
        except Exception as error:
            if failing is None or not isinstance(error, failing):
                raise
            self.error = error

    @property
    def ids(self) -> list[int]:
        return [record["id"] for record in self.records]


def read(
    client: QContactClient,
    name: str = "cases",
    state: State | None = None,
    window: Window | None = None,
    failing: type[Exception] | None = None,
) -> Read:
    return Read(client.pages(QCONTACT.stream(name), state or {}, window), failing)


def asked(account: Listening, end: str = "") -> list[Entry]:
    """The requests so far whose path ends so."""
    return [entry for entry in account.control.log() if entry.path.endswith(end)]

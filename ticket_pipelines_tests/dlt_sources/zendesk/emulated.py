"""The emulated account as tests use it: a clock that goes with ours, clients that share a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dlt_sources.base import State, Stream
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient, open_client
from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines_tests.dlt_sources.scripted import Still, values

READ = [stream for stream in ZENDESK.streams if not stream.on_demand]
EXPORTS = [stream for stream in READ if stream.limit == "incremental"]
TICKETS = ZENDESK.stream("tickets")
EVENTS = ZENDESK.stream("ticket_events")

MakeSandbox = Callable[..., SandboxServer]
Open = Callable[..., ZendeskClient]


class Moving(Still):
    """Time that passes at the vendor as well when we wait."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor: Listening | None = None

    def _pass(self, seconds: float) -> None:
        super()._pass(seconds)
        if self.vendor is not None:
            self.vendor.control.clock(advance=seconds)

    def advance(self, seconds: float) -> None:
        self._pass(seconds)
        self.slept.pop()


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def zendesk(make_sandbox: MakeSandbox, moving: Moving) -> Callable[..., Listening]:
    """Starts an account whose clock goes with ours; takes its settings."""

    def start(tickets: int = 60, same_second: int | None = None, **settings: Any) -> Listening:
        options = {"tickets": tickets, "same_second": same_second, "now": moving.time, "frozen": True}
        moving.vendor = make_sandbox(**options, settings=settings).zendesk
        return moving.vendor

    return start


@pytest.fixture
def opened(moving: Moving) -> Iterator[Open]:
    """Opens clients that are closed with the test; all share one budget."""
    clients: list[ZendeskClient] = []
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()

    def open_one(account: Listening, login: str = "oauth", **config: Any) -> ZendeskClient:
        credentials = account.logins[login]
        client = open_client({**account.config, **config}, credentials, budgets, clock=moving.clock, tokens=tokens)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


def read(client: ZendeskClient, stream: Stream, state: State | None = None) -> tuple[dict[Any, Any], State, int]:
    """Records by key (the last version of each), position, and the number of rows."""
    found: dict[Any, Any] = {}
    position: State = state or {}
    count = 0
    for page in client.pages(stream, position):
        records = values(page.records)
        count += len(records)
        found.update({record[stream.key]: record for record in records})
        position = page.state
    return found, position, count


def statuses(account: Listening) -> set[int]:
    return {entry.status for entry in account.control.log()}


def requests(account: Listening, part: str = "/api/") -> int:
    return sum(part in entry.path for entry in account.control.log())

"""The emulated account as tests use it: a clock that goes with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dlt_sources.base import State, Stream
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zoho_crm.client import ZohoCrmClient, open_client
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

Start = Callable[..., Listening]
Open = Callable[..., ZohoCrmClient]


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def crm(make_sandbox: MakeSandbox, moving: Moving) -> Start:
    """Starts an account whose clock goes with ours; takes rows by module, and its settings."""

    def start(rows: dict[str, int] | None = None, same_second: int | None = None, **settings: Any) -> Listening:
        options = {"same_second": same_second, "now": moving.time, "frozen": True}
        moving.vendor = make_sandbox(**options, zoho_crm={"rows": rows or {}, **settings}).zoho_crm
        return moving.vendor

    return start


@pytest.fixture
def opened(moving: Moving) -> Iterator[Open]:
    """Opens clients that are closed with the test; all share budgets and tokens."""
    clients: list[ZohoCrmClient] = []
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()

    def open_one(account: Listening, login: str = "oauth", **config: Any) -> ZohoCrmClient:
        client = open_client({**account.config, **config}, account.logins[login], budgets, tokens, clock=moving.clock)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


def stream(client: ZohoCrmClient, name: str) -> Stream:
    """The stream of that name, as the account shows it."""
    return next(one for one in client.streams([name]) if one.name == name)


def read(client: ZohoCrmClient, name: str, state: State | None = None) -> tuple[list[dict[str, Any]], State]:
    """All records of a stream in the order in which they came, and the position."""
    found: list[dict[str, Any]] = []
    position: State = state or {}
    for page in client.pages(stream(client, name), position):
        found += values(page.records)
        position = page.state
    return found, position


def alive(records: list[dict[str, Any]]) -> list[str]:
    """Ids of records that are no deletions, as often as they came."""
    return [record["id"] for record in records if "$deletion_type" not in record]

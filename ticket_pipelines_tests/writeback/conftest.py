"""A QContact desk that may be written, on a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dlt_sources.limits import MemoryBudgets
from dlt_sources.retry import Clock, Policy
from dlt_sources.writes import Writer, open_writer
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines.sync.result import SyncResult
from ticket_pipelines.writeback.drain import Drain
from ticket_pipelines.writeback.entry import Entry, drafts
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.push import PushRequest, push_desk, written

CLOCK, POLICY = Clock(sleep=lambda _: None), Policy(first_wait=0.0, longest_wait=0.0)
"""Time and patience of a client that waits for nothing."""
HURRY = PushRequest(clock=CLOCK, policy=POLICY)


@dataclass(frozen=True)
class Writable:
    """A desk that may be written, and the emulated tenant behind it."""

    project: Project
    key: str
    vendor: Listening

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.project.control, self.project.vault)

    def push(self) -> SyncResult:
        return push_desk(self.project, self.key, HURRY)

    def add(self, ticket: str, fields: dict[str, Any], base: dict[str, Any] | None = None) -> Entry:
        """One entry; without a base nothing is known of the ticket."""
        (entry,) = self.outbox.add(self.key, drafts(ticket, fields, base=base))
        return entry

    def add_note(self, ticket: str, text: str, *, public: bool = False) -> Entry:
        (entry,) = self.outbox.add(self.key, drafts(ticket, {}, text, public=public))
        return entry

    def pushed(self, entry: Entry) -> Entry:
        """The entry after a push."""
        self.push()
        return self.outbox.get(entry.id)

    def change(self, ticket: str, **fields: Any) -> None:
        """Somebody else changes a case at the vendor."""
        self.vendor.control.mutate("update", id=ticket, by=self.somebody, **fields)

    @property
    def somebody(self) -> int:
        """Id of a user who is not ours."""
        users = self.vendor.control.records("users")
        return next(int(one["id"]) for one in users if one["fields"].get("email") != self.user)

    @property
    def user(self) -> str:
        return self.vendor.logins["token"]["uid"]

    def cases(self) -> list[str]:
        return [str(one["id"]) for one in self.vendor.control.records("cases")]

    def fields(self, ticket: str) -> dict[str, Any]:
        """What the vendor holds of a case."""
        found = next(one for one in self.vendor.control.records("cases") if str(one["id"]) == ticket)
        fields: dict[str, Any] = found["fields"]
        return fields

    def events(self, ticket: str) -> list[dict[str, Any]]:
        """What happened to a case, oldest first."""
        found = [one for one in self.vendor.control.records("case_events") if str(one["case_id"]) == ticket]
        return sorted(found, key=lambda one: int(one["id"]))

    def notes(self, ticket: str, text: str) -> int:
        return sum(one.get("subtitle") == text for one in self.events(ticket))

    def sent(self, method: str) -> int:
        """How many requests of that method came in."""
        return sum(entry.method == method for entry in self.vendor.control.log())

    def drain(self, wrapped: Callable[[Writer], Writer], pause: Callable[[int], None] = lambda _: None) -> Drain:
        """The inside of a push, with a writer that a test may break."""
        desk = self.project.desks.get(self.key)
        credentials = self.project.desks.credentials(self.key)
        writer = open_writer(desk.vendor, desk.config, credentials, MemoryBudgets(), clock=CLOCK, policy=POLICY)
        return Drain(self.outbox, wrapped(writer), written(desk), check=lambda: None, pause=pause)


MakeWritable = Callable[..., Writable]


@pytest.fixture(scope="module")
def tenant() -> Iterator[Listening]:
    """A tenant that all tests of a module share."""
    with SandboxServer(Options(tickets=12)) as server:
        yield server.qcontact


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An installation that all tests of a module share."""
    with open_project({"TICKETS_HOME": str(tmp_path_factory.mktemp("home"))}) as project:
        yield project


@pytest.fixture
def make_writable(installation: Project, tenant: Listening) -> Iterator[MakeWritable]:
    """Registers a desk on fresh data: `make_writable(login="token", settings={…}, credentials={…}, **config)`."""

    def make(
        login: str = "token",
        settings: dict[str, Any] | None = None,
        credentials: dict[str, str] | None = None,
        **config: Any,
    ) -> Writable:
        tenant.control.seed(settings=settings or {})
        key = f"fibre_{len(installation.desks.list())}"
        given = {**tenant.config, "write_enabled": True, **config}
        installation.desks.add(key, "qcontact", given, {**tenant.logins[login], **(credentials or {})})
        return Writable(installation, key, tenant)

    yield make
    tenant.control.heal()
    with installation.control.begin() as connection:
        # an account that a test's vendor closed
        connection.exec_driver_sql("DELETE FROM budgets")

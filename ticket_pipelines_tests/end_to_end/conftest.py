"""A Zendesk desk on a sandbox, on each engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject, not_due
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

PAST = {"now": "2025-06-01T12:00:00Z", "frozen": True}
"""A vendor whose clock only moves when told to. Behind ours, so that no start of an export is too recent for us."""


@dataclass(frozen=True)
class ZendeskDesk:
    """A registered desk and the emulated account behind it."""

    project: Project
    key: str
    sandbox: SandboxServer

    def sync(self, *, progress: Progress = quiet, bounds: Bounds | None = None, **request: Any) -> SyncResult:
        return sync_desk(self.project, self.key, SyncRequest(**request), progress, bounds)

    def synced(self, **request: Any) -> SyncResult:
        """A sync that has to succeed."""
        result = self.sync(**request)
        assert (result.status, result.error_message) == (Status.SUCCESS, None)
        return result

    def change(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Changes the account, and lets the time pass for which exports withhold it."""
        changed = self.sandbox.zendesk.control.mutate(op, **arguments)
        self.sandbox.zendesk.control.clock(advance=120)
        return changed

    def held(self, stream: str) -> list[dict[str, Any]]:
        """The records that the vendor holds."""
        return self.sandbox.zendesk.control.records(stream)

    def requests(self, part: str = "/api/") -> list[Entry]:
        """The requests so far whose path has that part."""
        return [entry for entry in self.sandbox.zendesk.control.log() if part in entry.path]

    def row(self, table: str, key: Any, columns: str = "*") -> dict[str, Any]:
        """The one row of that id."""
        where = f"desk = '{self.key}' AND id = '{key}'"
        (found,) = self.ask(f"SELECT {columns} FROM helpdesk.{table} WHERE {where}")
        return found

    def ask(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project.warehouse.query(sql).to_pylist()
        return found

    def count(self, table: str, condition: str = "true") -> int:
        sql = f"SELECT count(*) AS n FROM helpdesk.{table} WHERE desk = '{self.key}' AND {condition}"
        return int(self.ask(sql)[0]["n"])


MakeDesk = Callable[..., ZendeskDesk]


@pytest.fixture
def make_desk(make_project: MakeProject, make_sandbox: MakeSandbox) -> MakeDesk:
    """Registers a desk: `make_desk(warehouse_url, key="acme", config={…}, **sandbox_options)`."""
    projects: dict[str, Project] = {}

    def make(
        warehouse_url: str, key: str = "acme", config: dict[str, Any] | None = None, **options: Any
    ) -> ZendeskDesk:
        if warehouse_url not in projects:
            projects[warehouse_url] = make_project(warehouse_url)
        project = projects[warehouse_url]
        sandbox = make_sandbox(**options)
        project.desks.add(key, "zendesk", {**sandbox.zendesk.config, **(config or {})}, sandbox.zendesk.credentials)
        not_due(project, key)
        return ZendeskDesk(project, key, sandbox)

    return make

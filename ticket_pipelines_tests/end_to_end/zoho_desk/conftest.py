"""A Zoho Desk desk on a sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject, not_due
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox


@dataclass(frozen=True)
class DeskDesk:
    """A registered desk and the emulated organization behind it."""

    project: Project
    key: str
    vendor: Listening

    def sync(self, *, progress: Progress = quiet, bounds: Bounds | None = None, **request: Any) -> SyncResult:
        return sync_desk(self.project, self.key, SyncRequest(**request), progress, bounds)

    def synced(self, **request: Any) -> SyncResult:
        """A sync that has to succeed."""
        result = self.sync(**request)
        assert (result.status, result.error_message) == (Status.SUCCESS, None)
        return result

    def change(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Changes the organization."""
        return self.vendor.control.mutate(op, **arguments)

    def held(self, stream: str) -> list[dict[str, Any]]:
        """The records that the vendor holds."""
        return self.vendor.control.records(stream)

    def living(self) -> dict[str, dict[str, Any]]:
        """The tickets that are neither trashed nor archived, by id."""
        rows = self.held("tickets")
        return {row["id"]: row for row in rows if not row["isTrashed"] and not row["isArchived"]}

    def requests(self, part: str = "/api/") -> list[Entry]:
        """The requests so far whose path has that part."""
        return [entry for entry in self.vendor.control.log() if part in entry.path]

    def ask(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project.warehouse.query(sql).to_pylist()
        return found

    def row(self, table: str, key: Any, columns: str = "*") -> dict[str, Any]:
        """The one row of that id."""
        (found,) = self.ask(f"SELECT {columns} FROM helpdesk.{table} WHERE desk = '{self.key}' AND id = '{key}'")
        return found

    def ids(self, table: str, condition: str = "deleted_at IS NULL") -> set[str]:
        """Ids of the desk's rows, of those alive unless another condition is given."""
        rows = self.ask(f"SELECT id FROM helpdesk.{table} WHERE desk = '{self.key}' AND {condition}")
        return {row["id"] for row in rows}


MakeDeskDesk = Callable[..., DeskDesk]


@pytest.fixture
def make_desk_desk(make_project: MakeProject, make_sandbox: MakeSandbox) -> MakeDeskDesk:
    """Registers a desk: `make_desk_desk(key="desk", config={…}, login="oauth", settings={…}, **sandbox_options)`."""
    projects: dict[str, Project] = {}

    def make(
        key: str = "desk",
        config: dict[str, Any] | None = None,
        login: str = "oauth",
        warehouse_url: str = "",
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> DeskDesk:
        if warehouse_url not in projects:
            projects[warehouse_url] = make_project(warehouse_url)
        project = projects[warehouse_url]
        vendor = make_sandbox(zoho_desk=settings or {}, **options).zoho_desk
        project.desks.add(key, "zoho_desk", {**vendor.config, **(config or {})}, vendor.logins[login])
        not_due(project, key)
        return DeskDesk(project, key, vendor)

    return make

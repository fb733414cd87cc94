"""A Zoho CRM desk on a sandbox."""

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

READABLE = ["Cases", "Deals", "Contacts", "Leads", "Accounts", "Notes", "Price_Lists", "Order", "Wide_Surveys"]
"""Modules of the emulated account that are not refused."""


@dataclass(frozen=True)
class CrmDesk:
    """A registered desk and the emulated account behind it."""

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
        """Changes the account; a minute passes."""
        changed = self.vendor.control.mutate(op, **arguments)
        self.vendor.control.clock(advance=60)
        return changed

    def held(self, module: str) -> list[dict[str, Any]]:
        """The records that the vendor holds."""
        return self.vendor.control.records(module)

    def requests(self, part: str = "/crm/") -> list[Entry]:
        """The requests so far whose path has that part."""
        return [entry for entry in self.vendor.control.log() if part in entry.path]

    def forget(self) -> None:
        """Empties the request log."""
        self.vendor.control.clear_log()

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


MakeCrmDesk = Callable[..., CrmDesk]


@pytest.fixture
def make_crm(make_project: MakeProject, make_sandbox: MakeSandbox) -> MakeCrmDesk:
    """Registers a desk: `make_crm(key="crm", modules=[…], login="oauth", settings={…}, **sandbox_options)`."""
    projects: dict[str, Project] = {}

    def make(
        key: str = "crm",
        modules: list[str] | None = None,
        login: str = "oauth",
        warehouse_url: str = "",
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> CrmDesk:
        if warehouse_url not in projects:
            projects[warehouse_url] = make_project(warehouse_url)
        project = projects[warehouse_url]
        vendor = make_sandbox(zoho_crm=settings or {}, **options).zoho_crm
        config = {**vendor.config, **({"modules": modules} if modules else {})}
        project.desks.add(key, "zoho_crm", config, vendor.logins[login])
        not_due(project, key)
        return CrmDesk(project, key, vendor)

    return make

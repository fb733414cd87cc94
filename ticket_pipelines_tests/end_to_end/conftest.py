"""A Zendesk desk on a sandbox, on each engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import SyncRequest, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox


@dataclass(frozen=True)
class ZendeskDesk:
    """A registered desk and the emulated account behind it."""

    project: Project
    key: str
    sandbox: SandboxServer

    def sync(self, **request: Any) -> SyncResult:
        return sync_desk(self.project, self.key, SyncRequest(**request))

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
        return ZendeskDesk(project, key, sandbox)

    return make

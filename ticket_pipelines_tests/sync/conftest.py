"""A desk at the paper vendor, on each engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dlt_sources import VENDORS
from ticket_pipelines.project import Project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.result import SyncRequest, SyncResult
from ticket_pipelines_tests.sync.paper import MAPPING_MODULE, OPENED, PAPER, Account


@dataclass(frozen=True)
class PaperDesk:
    """A registered desk and the account behind it."""

    project: Project
    key: str
    account: Account

    def sync(self, *, progress: Progress = quiet, bounds: Bounds | None = None, **request: Any) -> SyncResult:
        return sync_desk(self.project, self.key, SyncRequest(**request), progress, bounds)

    def table(self, name: str, columns: str = "*") -> list[dict[str, Any]]:
        """The desk's rows of a table, by id."""
        sql = f"SELECT {columns} FROM helpdesk.{name} WHERE desk = '{self.key}' ORDER BY id"
        found: list[dict[str, Any]] = self.project.warehouse.query(sql).to_pylist()
        return found


MakeDesk = Callable[..., PaperDesk]


@pytest.fixture
def make_desk(make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDesk]:
    """Registers desks: `make_desk(warehouse_url, key="acme", **records)`, all in one installation."""
    monkeypatch.setitem(VENDORS, "paper", PAPER)
    monkeypatch.setitem(sys.modules, MAPPING_MODULE.__name__, MAPPING_MODULE)
    projects: dict[str, Project] = {}

    def make(warehouse_url: str = "", key: str = "acme", **records: list[Any]) -> PaperDesk:
        if warehouse_url not in projects:
            projects[warehouse_url] = make_project(warehouse_url)
        project = projects[warehouse_url]
        account = OPENED[key] = Account(dict(records))
        project.desks.add(key, "paper", {"account": key}, {"token": "a-token-of-paper"})
        return PaperDesk(project, key, account)

    yield make
    OPENED.clear()

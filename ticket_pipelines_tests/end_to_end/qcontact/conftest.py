"""A QContact desk on a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.fixtures.project import MakeProject, not_due
from ticket_pipelines_tests.fixtures.sandbox import SELDOM, MakeSandbox


@dataclass(frozen=True)
class QContactDesk:
    """A registered desk and the emulated tenant behind it."""

    project: Project
    key: str
    vendor: Listening

    def sync(self, bounds: Bounds | None = None, **request: Any) -> SyncResult:
        return sync_desk(self.project, self.key, SyncRequest(**request), bounds=bounds)

    def synced(self, **request: Any) -> SyncResult:
        """A sync that has to succeed."""
        result = self.sync(**request)
        assert (result.status, result.error_message) == (Status.SUCCESS, None)
        return result

    def change(self, op: str, **arguments: Any) -> dict[str, Any]:
        return self.vendor.control.mutate(op, **arguments)

    def held(self, stream: str = "cases") -> list[dict[str, Any]]:
        """The records that the vendor holds."""
        return self.vendor.control.records(stream)

    def some(self, status: str) -> str:
        """Id of the first case with that status."""
        return next(str(case["id"]) for case in self.held() if case["fields"]["status"] == status)

    def requests(self, part: str) -> list[Entry]:
        """The requests so far whose path has that part at its end."""
        return [entry for entry in self.vendor.control.log() if entry.path.endswith(part)]

    def forget(self) -> None:
        """Empties the request log."""
        self.vendor.control.clear_log()

    def half_a_minute_passes(self) -> None:
        """Another sign-in is allowed."""
        budgets = ControlBudgets(self.project.control)
        with self.project.control.connect() as connection:
            accounts = connection.exec_driver_sql("SELECT DISTINCT account FROM budgets").scalars().all()
        for account in accounts:
            budgets.advance(account, 30.0)

    def ask(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.project.warehouse.query(sql).to_pylist()
        return found

    def row(self, table: str, key: Any, columns: str = "*") -> dict[str, Any]:
        """The one row of that id."""
        (found,) = self.ask(f"SELECT {columns} FROM helpdesk.{table} WHERE desk = '{self.key}' AND id = '{key}'")
        return found

    def rows(self, table: str, condition: str, columns: str = "*") -> list[dict[str, Any]]:
        """The rows that fulfil a condition, by id."""
        where = f"desk = '{self.key}' AND {condition}"
        return self.ask(f"SELECT {columns} FROM helpdesk.{table} WHERE {where} ORDER BY id")

    def ids(self, table: str, condition: str = "deleted_at IS NULL") -> set[str]:
        """Ids of the desk's rows, of those alive unless another condition is given."""
        return {row["id"] for row in self.rows(table, condition, "id")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QContactDesk]:
    """A desk that was synced once, for all tests of a module."""
    home = tmp_path_factory.mktemp("qcontact")
    project = open_project(read_settings({"TICKETS_HOME": str(home)}))
    with SandboxServer(Options(tickets=48)) as server:
        vendor = server.qcontact
        project.desks.add("fibre", "qcontact", {**vendor.config, "schedule": SELDOM}, vendor.logins["token"])
        not_due(project, "fibre")
        desk = QContactDesk(project, "fibre", vendor)
        desk.synced()
        yield desk
    project.close()


@pytest.fixture
def desk(shared: QContactDesk) -> Iterator[QContactDesk]:
    """The module's desk, as the last test left its rows, with an empty log; what a test breaks is whole afterwards."""
    shared.forget()
    yield shared
    shared.vendor.control.heal()
    shared.vendor.control.fail("restore_access")


MakeQContactDesk = Callable[..., QContactDesk]


@pytest.fixture
def make_qcontact(make_project: MakeProject, make_sandbox: MakeSandbox) -> MakeQContactDesk:
    """Registers a desk: `make_qcontact(login="token", config={…}, settings={…}, **sandbox_options)`."""

    def make(
        key: str = "fibre",
        login: str = "token",
        warehouse_url: str = "",
        config: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> QContactDesk:
        project = make_project(warehouse_url)
        vendor = make_sandbox(**{"tickets": 24, "qcontact": settings or {}, **options}).qcontact
        project.desks.add(key, "qcontact", {**vendor.config, **(config or {})}, vendor.logins[login])
        not_due(project, key)
        return QContactDesk(project, key, vendor)

    return make

"""A visit: one request where there is nothing new, a sync where there is, and what failures and stops leave behind."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.database import cursors
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.control.status import runs
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import UsageError
from ticket_pipelines.loop.claims import claim_due
from ticket_pipelines.loop.clients import Clients
from ticket_pipelines.loop.visit import Visit, Visitor
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.lease import acquire
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Status, SyncRequest, Trigger
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox


@pytest.fixture
def sandbox(make_sandbox: MakeSandbox) -> SandboxServer:
    return make_sandbox(now="2025-06-01T12:00:00Z", frozen=True)


@pytest.fixture
def acme(project: Project, sandbox: SandboxServer) -> Desk:
    config = {**sandbox.zendesk.config, "streams": ["tickets", "users"]}
    return project.desks.add("acme", "zendesk", config, sandbox.zendesk.credentials)


def change(project: Project, **values: object) -> None:
    with project.control.begin() as connection:
        connection.execute(sa.update(table).values(**values))


def visit(project: Project) -> Visit:
    """A visit of the desk, once it is due."""
    change(project, next_due_at=datetime.now(UTC) - timedelta(seconds=1))
    ((desk, lease),) = claim_due(project.control, "the test", 1, datetime.now(UTC))
    with closing(Visitor(project)) as visitor:
        found = visitor(desk, lease)
    assert not lease.prolong(), "it is given back"
    return found


def requests(sandbox: SandboxServer) -> int:
    return len([entry for entry in sandbox.zendesk.control.log() if "/api/" in entry.path])


@pytest.mark.usefixtures("acme")
def test_where_nothing_is_new_a_visit_is_one_request_and_no_row(project: Project, sandbox: SandboxServer) -> None:
    assert visit(project).status is Status.SUCCESS
    before, checked = requests(sandbox), project.desks.get("acme").last_checked_at
    found = visit(project)
    assert (found.status, found.result) == (Status.SKIPPED, None)
    assert requests(sandbox) - before == 1
    assert len(runs(project.control)) == 1
    desk = project.desks.get("acme")
    assert checked
    assert desk.last_checked_at
    assert desk.last_checked_at > checked
    assert desk.next_due_at
    assert desk.next_due_at > datetime.now(UTC)
    sandbox.zendesk.control.mutate("create_ticket")
    sandbox.zendesk.control.clock(advance=120)
    result = visit(project).result
    assert result
    assert result.details["streams"]["tickets"]["rows"]["created"] == 1


@pytest.mark.usefixtures("acme")
def test_a_probe_stands_for_a_sync_only_where_it_is_safe(project: Project) -> None:
    assert visit(project).status is Status.SUCCESS
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for values in ({"synced_whole_at": hour_ago, "updated_at": hour_ago}, {"failures": 1}, {"synced_whole_at": None}):
        change(project, **values)
        assert visit(project).status is Status.SUCCESS, values
    project.desks.update("acme", {"streams": ["tickets"]})
    assert visit(project).status is Status.SUCCESS, "its configuration is new"
    with project.control.begin() as connection:
        connection.execute(sa.update(cursors).values(warehouse="another"))
    assert visit(project).status is Status.SUCCESS, "the copy of the position is of another warehouse"
    assert visit(project).status is Status.SKIPPED
    sync_desk(project, "acme", SyncRequest(streams=("tickets",)))
    assert visit(project).status is Status.SKIPPED, "a sync of chosen streams changes nothing about that"


@pytest.mark.usefixtures("acme")
def test_refused_credentials_park_a_desk_with_the_reason(project: Project) -> None:
    good = project.desks.credentials("acme")
    project.desks.update("acme", credentials={**good, "client_secret": "wrong-secret"})
    found = visit(project)
    desk = project.desks.get("acme")
    assert (found.status, found.error) == (Status.FAILED, desk.parked)
    assert (desk.failures, desk.next_due_at) == (1, None)
    assert "wrong-secret" not in (desk.parked or "")
    assert claim_due(project.control, "the test", 1, datetime.now(UTC) + timedelta(days=9)) == []
    project.desks.update("acme", credentials=good)
    assert visit(project).status is Status.SUCCESS


def test_a_stopped_sync_ends_behind_its_package_and_the_desk_stays_due(project: Project, acme: Desk) -> None:
    request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
    stopped = sync_desk(project, acme.key, request, bounds=Bounds(rows=10, read=10), stopping=lambda: True)
    assert (stopped.status, stopped.error_code) == (Status.PARTIAL, "interrupted")
    assert stopped.rows_created
    desk = project.desks.get(acme.key)
    assert (desk.next_due_at, desk.failures) == (acme.next_due_at, 0)
    rest = visit(project).result
    assert rest
    assert rest.status is Status.SUCCESS
    held = project.warehouse.query("SELECT count(*) AS n FROM helpdesk.zendesk_tickets").to_pylist()[0]["n"]
    assert held == 40


@pytest.mark.usefixtures("acme")
def test_a_stop_cuts_off_a_wait_that_has_begun(project: Project) -> None:
    """Otherwise a worker that is told to end asks the vendor again first, a minute later."""
    account, told = project.desks.get("acme").account, list[float]()
    ControlBudgets(project.control).close_until(account, "account", time.time() + 20)

    class Watcher(Quiet):
        def wait(self, seconds: float, why: str) -> None:  # noqa: ARG002
            told.append(seconds)

    stopped = sync_desk(project, "acme", progress=Watcher(), stopping=lambda: bool(told))
    assert (stopped.status, stopped.error_code, stopped.api_requests) == (Status.PARTIAL, "interrupted", 0)
    (seconds,) = told
    assert stopped.api_wait_seconds < seconds
    acquire(project.control, "acme", "the next one")


@pytest.mark.usefixtures("acme")
def test_a_failure_before_the_sync_began_counts_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "vault", None)
    monkeypatch.setattr(project.desks, "_vault", None)
    assert visit(project).status is Status.FAILED
    assert project.desks.get("acme").failures == 1


def test_clients_are_kept_until_their_desk_changes(project: Project, acme: Desk) -> None:
    with closing(Clients(project, most=1)) as clients:
        with clients.client(acme) as first:
            pass
        with clients.client(acme) as again:
            assert again is first
        changed = project.desks.update("acme", {"priority": 3})
        with clients.client(changed) as new:
            assert new is not first
        other = replace(changed, key="other", config=acme.config)
        with pytest.raises(UsageError), clients.client(other):
            pass
        with pytest.raises(ConnectionFailedError), clients.client(changed) as failing:
            raise ConnectionFailedError("no answer")
        with clients.client(changed) as after:
            assert after is not failing


@pytest.mark.usefixtures("acme")
def test_a_desk_whose_account_has_no_request_left_is_looked_at_later(project: Project, sandbox: SandboxServer) -> None:
    assert visit(project).status is Status.SUCCESS
    before, checked = requests(sandbox), project.desks.get("acme").last_checked_at
    until = time.time() + 200
    account = project.desks.get("acme").account
    ControlBudgets(project.control).close_until(account, "incremental", until)
    assert visit(project).status is Status.SKIPPED
    desk = project.desks.get("acme")
    assert desk.next_due_at
    assert abs(desk.next_due_at.timestamp() - until) < 1
    assert (requests(sandbox), desk.last_checked_at, desk.failures) == (before, checked, 0)

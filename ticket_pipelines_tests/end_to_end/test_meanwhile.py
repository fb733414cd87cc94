"""What changes at the vendor while a page is held, or while a record waits, is never undone by what was read before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync import engine, quarantine
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.replay import replay_desk
from ticket_pipelines.sync.result import Mode, Status, SyncRequest, SyncResult
from ticket_pipelines.unified import Mapped, qcontact, zoho_crm
from ticket_pipelines_tests.fixtures.project import MakeProject, not_due
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

PAST = {"now": "2026-06-01T12:00:00Z", "frozen": True}


class Desk:
    """A desk with one stream of records, and the account behind it, whose clock goes on an hour with each change."""

    def __init__(self, project: Project, account: Listening, vendor: str, stream: str, **config: Any) -> None:
        self.project, self.account, self.stream = project, account, stream
        self.table = f"{vendor}_{stream}"
        project.desks.add("acme", vendor, {**account.config, **config}, next(iter(account.logins.values())))
        not_due(project, "acme")

    def sync(self, bounds: Bounds | None = None, **request: Any) -> SyncResult:
        return sync_desk(self.project, "acme", SyncRequest(streams=(self.stream,), **request), bounds=bounds)

    def change(self, op: str, **arguments: Any) -> str:
        module = {"module": "Contacts"} if self.table.startswith("zoho_crm") else {}
        changed = self.account.control.mutate(op, **module, **arguments)
        self.account.control.clock(advance=3_600)
        return str(changed.get("id"))

    def alive(self, key: str) -> list[str]:
        """In which of its tables a record is alive."""
        names = (self.table, "tickets" if self.stream == "cases" else "contacts")
        sql = "SELECT id FROM helpdesk.{} WHERE id = '{}' AND deleted_at IS NULL"
        return [name for name in names if self.project.warehouse.query(sql.format(name, key)).num_rows]


MakeDesk = Callable[[str], Desk]


@pytest.fixture
def make_desk(make_project: MakeProject, make_sandbox: MakeSandbox) -> MakeDesk:
    def make(vendor: str) -> Desk:
        if vendor == "qcontact":
            return Desk(make_project(), make_sandbox(tickets=60, **PAST).qcontact, vendor, "cases")
        account = make_sandbox(zoho_crm={"rows": {"Contacts": 450}}, **PAST).zoho_crm
        return Desk(make_project(), account, vendor, "contacts", modules=["Contacts"])

    return make


@pytest.mark.parametrize("vendor", ["qcontact", "zoho_crm"])
def test_a_page_that_was_read_before_a_deletion_does_not_undo_it(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    """The sync that is due goes first between two packages of a full one, which holds a page of its own by then."""
    desk = make_desk(vendor)
    desk.sync()
    records = desk.account.control.records("cases" if vendor == "qcontact" else "Contacts")
    if vendor == "qcontact":
        key = str(sorted(int(record["id"]) for record in records)[30])
    else:
        key = sorted((record["Modified_Time"], record["id"]) for record in records)[250][1]
    deleted: list[str] = []

    def due(_: object) -> bool:
        if deleted:
            return False
        deleted.append(desk.change("delete", id=int(key)))
        return True

    monkeypatch.setattr(engine._Sync, "_is_due", due)
    monkeypatch.setattr("dlt_sources.qcontact.feed.FRESH", -1.0)

    size = 25 if vendor == "qcontact" else 150
    desk.sync(Bounds(rows=size, read=size), mode=Mode.FULL)

    assert deleted
    desk.sync()
    assert desk.alive(key) == []


def _spoilt(monkeypatch: pytest.MonkeyPatch, module: Any, stream: str, column: str) -> None:
    """A release whose mapping fails where that column says "unmappable"."""
    good = module.MAPPINGS

    def rows(table: pa.Table, *more: Any) -> Mapped:
        if pc.any(pc.equal(table[column], "unmappable")).as_py():
            raise ValueError("?")
        found: Mapped = good[stream].rows(table, *more)
        return found

    spoilt = replace(good[stream], rows=rows, **({"by_status": None} if stream == "cases" else {}))
    monkeypatch.setattr(module, "MAPPINGS", {**good, stream: spoilt})


@pytest.mark.parametrize("vendor", ["qcontact", "zoho_crm"])
def test_a_record_that_waited_and_was_deleted_meanwhile_does_not_come_back(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    desk = make_desk(vendor)
    desk.sync()
    with monkeypatch.context() as patched:
        if vendor == "qcontact":
            _spoilt(patched, qcontact, "cases", "description")
            key = str(desk.account.control.records("cases")[0]["id"])
            desk.change("update", id=int(key), description="unmappable")
        else:
            _spoilt(patched, zoho_crm, "contacts", "last_name")
            key = desk.change("create", Last_Name="unmappable")
        assert desk.sync().rows_failed == 1
        desk.change("delete", id=int(key))
        desk.sync()
        other = desk.account.control.records("cases" if vendor == "qcontact" else "Contacts")[3]["id"]
        desk.change("delete", id=int(other))
        desk.sync()
    assert len(quarantine.waiting(desk.project.control, "acme")) == 1

    replay_desk(desk.project, "acme")

    assert desk.alive(key) == []
    assert quarantine.waiting(desk.project.control, "acme") == []
    assert desk.sync().status is Status.SUCCESS
    assert desk.alive(key) == []


def test_a_rebuild_calls_nobody_deleted_whom_no_case_names_any_more(make_desk: MakeDesk) -> None:
    desk = make_desk("qcontact")
    desk.sync()
    cases = [case for case in desk.account.control.records("cases") if case["fields"]["contact"]]
    contact = cases[0]["fields"]["contact"]
    other = next(case["fields"]["contact"] for case in cases if case["fields"]["contact"] != contact)
    for case in cases:
        if case["fields"]["contact"] == contact:
            desk.change("update", id=case["id"], contact=other)
    desk.sync()
    people = f"SELECT name, phone, deleted_at FROM helpdesk.contacts WHERE id = '{contact}'"
    before = desk.project.warehouse.query(people).to_pylist()

    rebuild_desk(desk.project, "acme")

    assert desk.project.warehouse.query(people).to_pylist() == before
    assert before[0]["deleted_at"] is None

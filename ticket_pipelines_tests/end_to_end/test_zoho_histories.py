"""Accounts at Zoho that change between syncs which are cut off anywhere: what one sync at the end finds is there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticket_pipelines.sandbox.control import Control
from ticket_pipelines.sync import recheck
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.result import Status, SyncRequest
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

PAST = {"now": "2026-06-01T12:00:00Z", "frozen": True}
STREAMS = {
    "zoho_desk": ("tickets", "threads", "comments", "ticket_history", "contacts"),
    "zoho_crm": ("cases", "contacts", "price_lists", "users"),
}
MODULES = ["Cases", "Contacts", "Price_Lists"]
CUT_OFF = ((2, 5), (7,))
"""Pages after which the syncs of each round are cut off."""
NUMBERS = count()
COUNTED = ("version", "synced_at", "desk", "deleted_at", "id", "from_desk", "to_desk", "unparsed", "content_hash")
"""Columns that tell how often a row was read, or name the desk; but for links, ids are compared beside them."""


class Cut(Quiet):
    """Ends a sync after so many pages, as a signal does."""

    def __init__(self, pages: int) -> None:
        self.left = pages

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def change_desk(control: Control, turn: int) -> None:
    """Some of all that happens at a helpdesk; tickets that are closed are not deleted, which Zoho would not tell."""
    alive = [row for row in control.records("tickets") if not row["isTrashed"] and not row["isArchived"]]
    opened = [row["id"] for row in alive if row["statusType"] != "Closed"]
    one, two, three, four, five = opened[turn::3][:5]
    control.mutate("create_ticket", count=3)
    control.mutate("update_ticket", id=one, subject=f"Turn {turn}")
    control.mutate("reply", id=two)
    control.mutate("customer_reply", id=three)
    control.mutate("comment", id=two, body="noted")
    control.mutate("tag_ticket", id=one, tags=[f"turn{turn}"])
    control.mutate("close_ticket", id=four)
    control.mutate("trash_ticket", id=five)


def change_crm(control: Control, turn: int) -> None:
    """Some of all that happens in a CRM."""
    for module in ("Cases", "Contacts", "Price_Lists"):
        first, second = (row["id"] for row in control.records(module)[:2])
        control.mutate("create", module=module)
        control.mutate("delete", module=module, id=second, permanently=turn == 1)
        if module == "Contacts":
            control.mutate("update", module=module, id=first, Email=f"turn{turn}@customers.example")
    case = next(row for row in control.records("Cases") if len(row["Items"] or ()) > 1)
    control.mutate("update", module="Cases", id=case["id"], Items=case["Items"][:1], Subject=f"Turn {turn}")


CHANGES = {"zoho_desk": change_desk, "zoho_crm": change_crm}
CONFIG: dict[str, dict[str, Any]] = {"zoho_desk": {}, "zoho_crm": {"modules": MODULES}}


def check(
    vendor: str,
    make_project: MakeProject,
    make_sandbox: MakeSandbox,
    monkeypatch: pytest.MonkeyPatch,
    history: Sequence[Sequence[int]],
) -> None:
    """Syncs of which each round's are cut off after so many pages, then another desk's only one, then a rebuild."""
    number = next(NUMBERS)
    project, account = make_project(""), make_sandbox(tickets=20, **PAST).vendors[vendor]
    often, once = f"often_{number}", f"once_{number}"
    streams = STREAMS[vendor]
    # a day passes before each sync
    monkeypatch.setattr(recheck, "stream_due", lambda *_: True)
    request = SyncRequest(streams=streams)

    def add(key: str) -> None:
        project.desks.add(key, vendor, {**account.config, **CONFIG[vendor]}, account.credentials)

    def alive(key: str, tables: Sequence[str]) -> dict[str, list[str]]:
        found = {}
        tickets = f"SELECT id FROM helpdesk.tickets WHERE desk = '{key}' AND deleted_at IS NULL"
        living = project.warehouse.query(tickets)["id"].to_pylist()
        for table in tables:
            rows = project.warehouse.query(
                f"SELECT * FROM helpdesk.{table} WHERE desk = '{key}' AND deleted_at IS NULL"
            ).to_pylist()
            # a ticket that is deleted before it is read shows nothing that belongs to it
            rows = [row for row in rows if (row.get("ticket_id") or living[0]) in living]
            named = [("" if table == "record_links" else row["id"], row) for row in rows]
            found[table] = sorted(
                f"{name} {sorted((column, str(value)) for column, value in row.items() if column not in COUNTED)}"
                for name, row in named
            )
        return found

    add(often)
    for turn, cuts in enumerate(history):
        for pages in cuts:
            # a sync of fewer pages is not cut off
            with suppress(KeyboardInterrupt):
                sync_desk(project, often, request, Cut(pages), Bounds(rows=80))
        assert sync_desk(project, often, request, bounds=Bounds(rows=80)).status is Status.SUCCESS
        account.control.clock(advance=3_600)
        CHANGES[vendor](account.control, turn)
    account.control.clock(advance=86_400)
    assert sync_desk(project, often, request).status is Status.SUCCESS

    add(once)
    assert sync_desk(project, once, request).status is Status.SUCCESS
    tables = [*(f"{vendor}_{stream}" for stream in streams), *TABLES]
    expected = alive(once, tables)
    assert expected[f"{vendor}_{streams[0]}"]
    assert alive(often, tables) == expected
    rebuild_desk(project, often)
    assert alive(often, tables) == expected


@pytest.mark.parametrize("vendor", sorted(STREAMS))
def test_syncs_that_are_cut_off_while_the_account_changes_end_like_one_sync_and_like_a_rebuild(
    vendor: str, make_project: MakeProject, make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(vendor, make_project, make_sandbox, monkeypatch, CUT_OFF)


@pytest.mark.torture
@pytest.mark.parametrize("vendor", sorted(STREAMS))
@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(st.lists(st.integers(1, 12), max_size=3), min_size=2, max_size=3))
def test_syncs_that_are_cut_off_anywhere(
    vendor: str,
    make_project: MakeProject,
    make_sandbox: MakeSandbox,
    monkeypatch: pytest.MonkeyPatch,
    history: list[list[int]],
) -> None:
    check(vendor, make_project, make_sandbox, monkeypatch, history)

"""Whatever happens to cases: what incremental syncs end with is what a first sync of a new desk finds."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.result import Mode
from ticket_pipelines_tests.end_to_end.qcontact.conftest import MakeQContactDesk, QContactDesk

TICKETS = (
    "id, number, subject, status_raw, status, assignee_id, requester_id, location_ref, description_text, created_at"
)
EVENTS = "id, ticket_id, occurred_at, actor_id, field, old_value, new_value, event_type"
COMMENTS = "id, ticket_id, kind, is_public, author_id, body_text, body_html, created_at"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "truncate", "stream": "case", "skip": 3},
    {"preset": "bad_gateway", "stream": "case_events", "skip": 5},
)
"""What each round meets, and what heals."""


def alive(desk: QContactDesk, table: str, columns: str, also: str = "true") -> list[dict[str, Any]]:
    return desk.rows(table, f"deleted_at IS NULL AND {also}", columns)


def check(make_qcontact: MakeQContactDesk, seed: int) -> None:
    """Two rounds of random changes, each with a fault, then another desk's only sync, then a rebuild."""
    desk = make_qcontact(tickets=20, seed=seed, settings={"list_order": "updated", "events_page": 4})
    desk.synced()
    for fault in FAULTS:
        desk.change("random", count=30)
        desk.vendor.control.fail(**fault)
        assert desk.sync(bounds=Bounds(rows=60)).status == "success"
    fresh = QContactDesk(desk.project, "fresh", desk.vendor)
    desk.project.desks.add("fresh", "qcontact", desk.vendor.config, desk.vendor.credentials)
    fresh.synced()

    assert alive(desk, "tickets", TICKETS) == alive(fresh, "tickets", TICKETS)
    gone = {one["id"] for one in desk.vendor.control.state("cases")["records"] if one["deleted"]}
    deleted = desk.ids("tickets", "deleted_at IS NOT NULL")
    # one that came and went between two syncs was never there
    assert deleted
    assert deleted <= gone

    # what was said of closed cases, the list does not tell
    desk.synced(mode=Mode.FULL)
    still = "ticket_id IN (SELECT id FROM helpdesk.tickets WHERE desk = 'fresh')"
    live = {}
    for table, columns in (("ticket_events", EVENTS), ("ticket_comments", COMMENTS)):
        live[table] = alive(desk, table, columns, still)
        assert live[table] == alive(fresh, table, columns)

    rebuild_desk(desk.project, desk.key)
    assert alive(desk, "tickets", TICKETS) == alive(fresh, "tickets", TICKETS)
    for table, columns in (("ticket_events", EVENTS), ("ticket_comments", COMMENTS)):
        assert alive(desk, table, columns, still) == live[table]


def test_incremental_syncs_end_where_a_first_sync_begins_and_where_a_rebuild_ends(
    make_qcontact: MakeQContactDesk,
) -> None:
    check(make_qcontact, 7)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(100, 120))
def test_incremental_syncs_of_any_account_end_where_a_first_sync_begins(
    make_qcontact: MakeQContactDesk, seed: int
) -> None:
    check(make_qcontact, seed)

"""Zoho Desk against the warehouse: tickets by search and archive, without a request a ticket."""

from __future__ import annotations

from ticket_pipelines_tests.end_to_end.zoho_desk.conftest import MakeDeskDesk
from ticket_pipelines_tests.fixtures.handwork import drop
from ticket_pipelines_tests.fixtures.reconciling import named, of, prove, reconcile
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture

STREAMS = ("tickets", "contacts", "agents")


@others_in_torture
def test_what_is_spoilt_is_found_and_repaired(make_desk_desk: MakeDeskDesk, warehouse_url: str) -> None:
    desk = make_desk_desk(warehouse_url=warehouse_url)
    desk.synced(streams=STREAMS)
    lost, old = sorted(desk.living())[:2]
    desk.vendor.control.clear_log()
    prove(desk, "tickets", "zoho_desk_tickets", lost, old, "999")
    # what was dropped, what was put back, and what was invented; all else by search and archive
    own = {entry.path for entry in desk.requests("/tickets/") if entry.path.rpartition("/")[2].isdecimal()}
    assert {path.rpartition("/")[2] for path in own} == {lost, old, "999"}


def test_people_are_counted_about(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced(streams=STREAMS)
    person, agent = min(desk.ids("zoho_desk_contacts")), min(desk.ids("zoho_desk_agents"))
    drop(desk.project.warehouse, "zoho_desk_contacts", person)
    drop(desk.project.warehouse, "zoho_desk_agents", agent)

    done = reconcile(desk, "contacts", "agents", repair=True)

    assert named(of(done, "contacts")) == [(person, "missing", "lost")]
    assert named(of(done, "agents")) == [(agent, "missing", "lost")]
    assert (of(done, "contacts").approximate, of(done, "agents").approximate) == (True, False)
    assert {found.outcome for found in reconcile(desk, *STREAMS).found} == {"equal"}


def test_a_ticket_that_may_not_be_seen_is_not_called_deleted(make_desk_desk: MakeDeskDesk) -> None:
    desk = make_desk_desk()
    desk.synced(streams=("tickets",))
    key = min(desk.living())
    desk.vendor.control.mutate("trash_ticket", id=key)
    desk.vendor.control.fail(status=403, match=f"/tickets/{key}", times=None, body={"errorCode": "FORBIDDEN"})

    done = of(reconcile(desk, "tickets", repair=True), "tickets")

    assert (done.outcome, named(done)) == ("equal", [(key, "extra", "no permission")])
    assert key in desk.ids("zoho_desk_tickets")

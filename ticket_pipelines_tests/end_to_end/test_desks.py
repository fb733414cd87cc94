"""Several desks, processes and time zones: no desk meets another, no instant moves, no sync runs twice at once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ticket_pipelines.errors import DeskBusyError
from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.crash.process import sync_in_process
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture

ZONES = ("Asia/Kolkata", "America/New_York", "UTC")
INSTANTS = ("created_at", "updated_at")


def instants(row: dict[str, Any]) -> list[float]:
    return [row[name].timestamp() for name in INSTANTS]


@others_in_torture
def test_instants_are_those_of_the_vendor_whatever_the_zone_of_the_process(
    warehouse_url: str, make_desk: MakeDesk
) -> None:
    desk = make_desk(warehouse_url, tickets=12, **PAST)
    project, account = desk.project, desk.sandbox.zendesk
    desks = {zone: f"desk_{number}" for number, zone in enumerate(ZONES)}
    environ = {"TICKETS_HOME": str(project.settings.home), "TICKETS_WAREHOUSE": warehouse_url}
    for zone, key in desks.items():
        project.desks.add(key, "zendesk", account.config, account.credentials)
        assert sync_in_process(environ, key, zone=zone).result is not None

    held = {str(ticket["id"]): [epoch(ticket[name]) for name in INSTANTS] for ticket in desk.held("tickets")}
    for table in ("tickets", "zendesk_tickets"):
        rows = desk.ask(f"SELECT desk, id, {', '.join(INSTANTS)} FROM helpdesk.{table}")
        for key in desks.values():
            assert {row["id"]: instants(row) for row in rows if row["desk"] == key} == held
    texts = desk.ask("SELECT DISTINCT id, CAST(created_at AS varchar) AS text FROM helpdesk.tickets")
    assert len(texts) == len(held)


class Held(Quiet):
    """Holds a sync at its first page until it is let go; hears of waits."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.notes: list[str] = []

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self.reached.set()
        assert self.go.wait(120)


class Listening(Quiet):
    """Lets another sync go once this one says that it waits."""

    def __init__(self, other: Held) -> None:
        self.other = other

    def note(self, text: str) -> None:
        self.other.notes.append(text)
        self.other.go.set()


def test_the_same_desk_twice_at_once_is_refused_with_the_holders_name_or_waits(make_desk: MakeDesk) -> None:
    desk = make_desk("", tickets=12, **PAST)
    first = Held()
    with ThreadPoolExecutor() as threads:
        running = threads.submit(desk.sync, progress=first, streams=("tickets",))
        assert first.reached.wait(120)
        try:
            with pytest.raises(DeskBusyError, match=rf"being synced by .*process {os.getpid()} since"):
                desk.sync(streams=("tickets",))
            second = desk.sync(progress=Listening(first), streams=("tickets",), wait=True)
        finally:
            first.go.set()

    assert f"process {os.getpid()}" in first.notes[0]
    assert (running.result().status, second.status) == (Status.SUCCESS, Status.SUCCESS)
    assert (running.result().rows_created > 0, second.rows_created) == (True, 0)
    assert desk.count("tickets") == 12


def names(desk: ZendeskDesk) -> dict[str, tuple[str | None, str | None]]:
    """Name of requester and assignee by ticket, at the vendor."""
    users = {user["id"]: user["name"] for user in desk.held("users")}
    return {
        str(ticket["id"]): (users.get(ticket["requester_id"]), users.get(ticket["assignee_id"]))
        for ticket in desk.held("tickets")
    }


def test_two_desks_with_the_same_ids_never_cross(warehouse_url: str, make_desk: MakeDesk) -> None:
    one, two = (make_desk(warehouse_url, key=key, seed=seed, **PAST) for seed, key in enumerate(("one", "two")))
    streams = ("tickets", "ticket_events", "users", "organizations", "groups")
    for desk in (one, two, one):
        for user in desk.held("users"):
            desk.sandbox.zendesk.control.mutate("update_user", id=user["id"], name=f"{user['id']} of {desk.key}")
        desk.sandbox.zendesk.control.clock(advance=120)
        desk.synced(streams=streams)
    shared = {ticket["id"] for ticket in one.held("tickets")} & {ticket["id"] for ticket in two.held("tickets")}
    assert len(shared) == 40

    for desk in (one, two):
        rows = desk.ask(f"SELECT * FROM helpdesk.ticket_details WHERE desk = '{desk.key}'")
        assert {row["id"]: (row["requester_name"], row["assignee_name"]) for row in rows} == names(desk)
        assert all(row["requester_name"].endswith(f"of {desk.key}") for row in rows)
        comments = [str(comment["ticket_id"]) for comment in desk.held("ticket_comments")]
        assert {row["id"]: row["comment_count"] or 0 for row in rows} == {
            key: comments.count(key) for key in names(desk)
        }
        assert desk.count("contacts") == len(desk.held("users"))
        values = desk.ask(
            "SELECT count(*) AS n FROM helpdesk.ticket_field_values AS value JOIN helpdesk.tickets AS ticket"
            f" ON ticket.desk = value.desk AND ticket.id = value.record_id WHERE value.desk = '{desk.key}'"
            " AND value.entity = 'ticket'"
        )
        filled = [entry for ticket in desk.held("tickets") for entry in ticket["custom_fields"]]
        assert values == [{"n": sum(entry["value"] is not None for entry in filled)}]

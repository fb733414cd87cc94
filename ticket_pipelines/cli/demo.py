"""`ticket-pipelines demo`: the main job against the sandbox, from nothing to changed rows in the warehouse.

Flow: sandbox -> one desk per vendor -> sync -> the vendor's data changes, its clock moves on -> sync -> what came in.
The sandbox keeps the vendors' default limits and delays; nothing is switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ticket_pipelines.cli.output import called, duration, json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.errors import TicketPipelinesError

if TYPE_CHECKING:
    from ticket_pipelines.project import Project
    from ticket_pipelines.sandbox.control import Control
    from ticket_pipelines.sandbox.server import Listening, SandboxServer
    from ticket_pipelines.settings import Settings
    from ticket_pipelines.sync.result import SyncResult

PASSING_SECONDS = 300
"""By how much the vendors' clocks move on: past the export delay and the limits' minute."""

SHOWN_TICKETS = """
    SELECT id, status, priority, requester_name, assignee_name, subject
    FROM helpdesk.ticket_details WHERE desk = '{desk}' AND deleted_at IS NULL ORDER BY updated_at DESC, id LIMIT 5
"""

CHANGED_TICKETS = """
    SELECT t.id, t.status, t.priority, t.deleted_at IS NOT NULL AS deleted, count(c.id) AS comments
    FROM helpdesk.tickets t LEFT JOIN helpdesk.ticket_comments c ON c.desk = t.desk AND c.ticket_id = t.id
    WHERE t.desk = '{desk}' AND t.id IN ({ids}) GROUP BY 1, 2, 3, 4
"""


@click.command(short_help="Runs everything against an emulated vendor.")
@click.option("--tickets", type=click.IntRange(min=20), default=60, show_default=True, help="Tickets to invent.")
@click.option("--vendor", "chosen", multiple=True, metavar="NAME", help="Only this vendor; may be given again.")
@json_option
def demo(tickets: int, chosen: Sequence[str], as_json: bool) -> None:
    """Runs the main job against the sandbox and prints what came in.

    Starts the sandbox, registers one desk per vendor, syncs, changes things at the vendor, and syncs again.
    """
    settings = start()
    names = _chosen(chosen)
    with _sandbox(tickets) as server, opened(settings) as project:
        told = [_one_vendor(settings, project, listening, as_json) for listening in _served(server, names)]
    if as_json:
        print_json(told)
    else:
        click.echo(_next_steps(settings))


def _one_vendor(settings: Settings, project: Project, listening: Listening, as_json: bool) -> dict[str, Any]:
    key = f"demo_{listening.vendor}"
    note(f"{listening.vendor}: an emulated account on {listening.url}, desk {key}")
    account = _register(settings, project, key, listening)
    first = _synced(settings, key)
    before = _counts(project, key)
    done = CHANGES[listening.vendor](listening.control) if listening.vendor in CHANGES else {}
    tickets_before = _tickets(project, key, done)
    _time_passes(project, account, listening)
    second = _synced(settings, key)
    after = _counts(project, key)
    tickets_after = _tickets(project, key, done)
    shown = project.warehouse.query(SHOWN_TICKETS.format(desk=key)).to_pylist()
    if not as_json:
        _print_syncs((first, second))
        _print_counts(key, before, after)
        _print_changes(done, tickets_before, tickets_after)
        click.echo("\nA few tickets (helpdesk.ticket_details):\n")
        print_table(list(shown[0]) if shown else [], (row.values() for row in shown))
    changes = [{"ticket": ticket, "done": what, "now": tickets_after.get(ticket)} for ticket, what in done.items()]
    return {"desk": key, "syncs": [first, second], "rows": after, "changes": changes, "tickets": shown}


def _change_zendesk(control: Control) -> dict[str, str]:
    """Changes of every kind; the last one in a way that moves no `updated_at`, as the vendor's automations do."""
    alive = [t for t in control.records("tickets") if t["status"] in {"new", "open", "pending"}]
    # first one whose priority can be raised at all
    alive.sort(key=lambda ticket: ticket["priority"] == "urgent")
    urgent, answered, solved, deleted, automated = (str(ticket["id"]) for ticket in alive[:5])
    opened = control.mutate("create_ticket", subject="The parcel arrived open", body="Two of five are missing.")
    control.mutate("update_ticket", id=int(urgent), priority="urgent")
    control.mutate("comment", id=int(answered), body="It is on its way.", public=True)
    control.mutate("solve_ticket", id=int(solved))
    control.mutate("delete_ticket", id=int(deleted))
    control.mutate("automate_ticket", id=int(automated), status="solved")
    return {
        str(opened["id"]): "opened",
        urgent: "priority raised",
        answered: "answered",
        solved: "solved by an agent",
        deleted: "deleted",
        automated: "solved by an automation",
    }


def _change_zoho_desk(control: Control) -> dict[str, str]:
    """Changes of every kind that a search tells at once."""
    out = ("isTrashed", "isSpam", "isDeleted", "isArchived")
    listed = [t for t in control.records("tickets") if not any(t.get(mark) for mark in out)]
    alive = [str(t["id"]) for t in listed if t.get("statusType") == "Open"]
    urgent, answered, closed, escalated = alive[:4]
    opened = control.mutate("create_ticket", subject="The parcel arrived open", body="Two of five are missing.")
    control.mutate("update_ticket", id=urgent, priority="High")
    control.mutate("reply", id=answered, body="It is on its way.")
    control.mutate("close_ticket", id=closed)
    control.mutate("escalate_ticket", id=escalated)
    return {
        str(opened["id"]): "opened",
        urgent: "priority raised",
        answered: "answered",
        closed: "closed by an agent",
        escalated: "escalated by a rule",
    }


def _change_zoho_crm(control: Control) -> dict[str, str]:
    """Changes of cases and deals: both are tickets in the unified tables."""
    cases = [str(case["id"]) for case in control.records("Cases")]
    urgent, closed, deleted = cases[:3]
    opened = control.mutate("create", module="Cases", Subject="The parcel arrived open", Status="New", Priority="Low")
    control.mutate("update", module="Cases", id=urgent, Priority="High")
    control.mutate("update", module="Cases", id=closed, Status="Closed")
    control.mutate("delete", module="Cases", id=deleted)
    return {
        str(opened["id"]): "opened",
        urgent: "priority raised",
        closed: "closed by an agent",
        deleted: "deleted",
    }


def _change_qcontact(control: Control) -> dict[str, str]:
    """Changes of every kind, those among them that the system before us never brought in."""
    cases = {case["fields"]["status"]: str(case["id"]) for case in control.records("cases")}
    noted, assigned, closed, deleted = (cases[status] for status in ("Open", "New", "In Progress", "Escalated"))
    user = control.records("users")[1]
    opened = control.mutate("create", title="No signal at the ONT", description="Since this morning.")
    control.mutate("note", id=noted, text="Technician is on the way.")
    control.mutate("update", id=assigned, status="Assigned", assigned_to=user["id"])
    control.mutate("close", id=closed)
    control.mutate("delete", id=deleted)
    return {
        str(opened["id"]): "opened",
        noted: "noted by an agent",
        assigned: "assigned",
        closed: "closed by an agent",
        deleted: "deleted",
    }


CHANGES: Mapping[str, Callable[[Control], dict[str, str]]] = {
    "zendesk": _change_zendesk,
    "zoho_desk": _change_zoho_desk,
    "zoho_crm": _change_zoho_crm,
    "qcontact": _change_qcontact,
}
"""What happens at each vendor between the two syncs; gives ticket ids with what was done."""


def _register(settings: Settings, project: Project, key: str, listening: Listening) -> str:
    """Registers the desk anew: the sandbox of an earlier demo had another address, so it was another account."""
    from ticket_pipelines.defs.launch import add_partition
    from ticket_pipelines.desks.removal import purge_desk

    if earlier := project.desks.find(key):
        if earlier.removed_at is None:
            project.desks.remove(key)
        purge_desk(project, earlier)
    desk = project.desks.add(key, listening.vendor, listening.config, listening.credentials)
    # nobody serves this account once the demo has ended, so that no schedule may try
    project.desks.pause(key)
    add_partition(settings, desk.vendor, key)
    return desk.account


def _synced(settings: Settings, key: str) -> SyncResult:
    from ticket_pipelines.cli.progress import shown_progress
    from ticket_pipelines.defs.launch import run_sync
    from ticket_pipelines.sync.result import Status, SyncRequest

    with shown_progress(key) as progress:
        result = run_sync(settings, key, SyncRequest(), progress)
    if result.status is Status.FAILED:
        raise TicketPipelinesError(f"the demo's sync of {key} failed: {result.error_message}")
    return result


def _time_passes(project: Project, account: str, listening: Listening) -> None:
    from ticket_pipelines.control.budgets import ControlBudgets

    listening.control.clock(advance=PASSING_SECONDS)
    # our count of requests goes by our clock, which did not move with the vendor's
    ControlBudgets(project.control).advance(account, PASSING_SECONDS)


def _counts(project: Project, key: str) -> dict[str, int]:
    """Rows of the desk by unified table."""
    from ticket_pipelines.unified.model import TABLES

    parts = [f"SELECT '{name}' AS name, count(*) AS n FROM helpdesk.{name} WHERE desk = '{key}'" for name in TABLES]  # noqa: S608
    rows = project.warehouse.query(" UNION ALL ".join(parts)).to_pylist()
    found = {row["name"]: int(row["n"]) for row in rows}
    return {name: found[name] for name in TABLES}


def _tickets(project: Project, key: str, ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Some tickets of the desk as the warehouse has them, by id."""
    if not ids:
        return {}
    wanted = ", ".join(f"'{ticket}'" for ticket in ids)
    rows = project.warehouse.query(CHANGED_TICKETS.format(desk=key, ids=wanted)).to_pylist()
    return {row["id"]: row for row in rows}


def _print_syncs(results: Sequence[SyncResult]) -> None:
    titles = ("First sync", "After changes at the vendor")
    columns = ("sync", "status", "took", "read", "created", "updated", "unchanged", "deleted", "requests")
    rows = [
        (
            title,
            result.status,
            duration(result.duration_seconds),
            result.rows_read,
            result.rows_created,
            result.rows_updated,
            result.rows_unchanged,
            result.rows_deleted,
            result.api_requests,
        )
        for title, result in zip(titles, results, strict=True)
    ]
    print_table(columns, rows)


def _print_counts(key: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    click.echo(f"\nRows of {key} in the unified tables (helpdesk.*):\n")
    rows = [(name, f"{before[name]:,}", f"{count:,}") for name, count in after.items()]
    print_table(("table", "first sync", "now"), rows)


def _print_changes(
    done: Mapping[str, str], before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> None:
    click.echo("\nWhat was done at the vendor, and what the second sync brought in:\n")
    rows = [(ticket, what, _said(before.get(ticket)), _said(after.get(ticket))) for ticket, what in done.items()]
    print_table(("ticket", "at the vendor", "before", "now"), rows)


def _said(ticket: Mapping[str, Any] | None) -> str | None:
    if ticket is None:
        return None
    state = "deleted" if ticket["deleted"] else ticket["status"]
    comments = "1 comment" if ticket["comments"] == 1 else f"{ticket['comments']} comments"
    return f"{state}, {ticket['priority'] or 'no priority'}, {comments}"


def _next_steps(settings: Settings) -> str:
    query = "SELECT status, count(*) AS tickets FROM helpdesk.tickets GROUP BY status"
    program = called()
    # `make demo WAREHOUSE=chdb` sets it for the demo alone
    embedded = f"  export TICKETS_WAREHOUSE={settings.warehouse}\n" if settings.warehouse.startswith("chdb:") else ""
    return (
        f"\nAll of it is in {settings.home}. Look around:\n{embedded}"
        f'  {program} query "{query}"\n'
        f"  {program} runs\n"
        f"  make dev        opens the Dagster UI on http://127.0.0.1:3000 (or: {program} dev)"
    )


@contextmanager
def _sandbox(tickets: int) -> Iterator[SandboxServer]:
    from ticket_pipelines.sandbox.emulator import Options
    from ticket_pipelines.sandbox.server import SandboxServer

    with SandboxServer(Options(tickets=tickets)) as server:
        yield server


def _chosen(names: Sequence[str]) -> Sequence[str]:
    """The vendors to show: all of them, unless some are named."""
    from ticket_pipelines.desks.registration import find_vendor, vendors

    return [find_vendor(name).name for name in names] or list(vendors())


def _served(server: SandboxServer, names: Sequence[str]) -> list[Listening]:
    return [listening for name, listening in server.vendors.items() if name in names]

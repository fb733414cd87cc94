"""`ticket-pipelines demo`: the main job against the sandbox, from nothing to changed rows in the warehouse.

Flow: sandbox -> one desk per vendor -> sync -> the vendor's data changes, its clock moves on -> sync -> what came in.
The sandbox keeps the vendors' default limits and delays; nothing is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ticket_pipelines.cli.output import json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.errors import TicketPipelinesError

if TYPE_CHECKING:
    from ticket_pipelines.project import Project
    from ticket_pipelines.sandbox.server import Listening, SandboxServer
    from ticket_pipelines.settings import Settings
    from ticket_pipelines.sync.result import SyncResult

CHANGES: Mapping[str, Sequence[Mapping[str, Any]]] = {"zendesk": ()}
"""What happens at each vendor between the two syncs, for its control plane."""

PASSING_SECONDS = 300
"""By how much the vendors' clocks move on: past the export delay and the limits' minute."""

SHOWN_TICKETS = """
    SELECT id, status, priority, requester_name, assignee_name, subject
    FROM helpdesk.ticket_details WHERE desk = '{desk}' AND deleted_at IS NULL ORDER BY updated_at DESC, id LIMIT 5
"""


@click.command(short_help="Runs everything against an emulated vendor.")
@click.option("--tickets", type=click.IntRange(min=10), default=200, show_default=True, help="Tickets to invent.")
@json_option
def demo(tickets: int, as_json: bool) -> None:
    """Runs the main job against the sandbox and prints what came in.

    Starts the sandbox, registers one desk per vendor, syncs, changes things at the vendor, and syncs again.
    """
    settings = start()
    with _sandbox(tickets) as server, opened(settings) as project:
        told = [_one_vendor(settings, project, listening, as_json) for listening in _served(server)]
    if as_json:
        print_json(told)
    else:
        click.echo(_next_steps(settings))


def _one_vendor(settings: Settings, project: Project, listening: Listening, as_json: bool) -> dict[str, Any]:
    key = f"demo_{listening.vendor}"
    note(f"{listening.vendor}: an emulated account on {listening.url}, desk {key}")
    account = _register(settings, project, key, listening)
    first = _synced(settings, key)
    counts = _counts(project, key)
    for change in CHANGES.get(listening.vendor, ()):
        listening.control.mutate(**change)
    _time_passes(project, account, listening)
    second = _synced(settings, key)
    after = _counts(project, key)
    shown = project.warehouse.query(SHOWN_TICKETS.format(desk=key))
    if not as_json:
        _print(key, first, second, counts, after)
        click.echo("\nA few tickets (helpdesk.ticket_details):\n")
        print_table(shown.column_names, (row.values() for row in shown.to_pylist()))
    return {"desk": key, "syncs": [first, second], "rows": after, "tickets": shown.to_pylist()}


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


def _print(
    key: str, first: SyncResult, second: SyncResult, before: Mapping[str, int], after: Mapping[str, int]
) -> None:
    for title, result in (("First sync", first), ("After changes at the vendor", second)):
        click.echo(
            f"{title}: {result.status}, {result.rows_read:,} rows read, {result.rows_created:,} created,"
            f" {result.rows_updated:,} updated, {result.rows_unchanged:,} unchanged, {result.rows_deleted:,} deleted,"
            f" {result.api_requests} requests"
        )
    click.echo(f"\nRows of {key} in the unified tables:\n")
    rows = [(name, f"{before[name]:,}", f"{count:,}") for name, count in after.items()]
    print_table(("table", "first sync", "now"), rows)


def _next_steps(settings: Settings) -> str:
    query = "SELECT status, count(*) AS tickets FROM helpdesk.tickets GROUP BY status"
    return (
        f"\nAll of it is in {settings.home}. Look around:\n"
        f'  ticket-pipelines query "{query}"\n'
        "  ticket-pipelines runs\n"
        "  make dev        opens the Dagster UI on http://127.0.0.1:3000 (or: ticket-pipelines dev)"
    )


@contextmanager
def _sandbox(tickets: int) -> Iterator[SandboxServer]:
    from ticket_pipelines.sandbox.emulator import Options
    from ticket_pipelines.sandbox.server import SandboxServer

    with SandboxServer(Options(tickets=tickets)) as server:
        yield server


def _served(server: SandboxServer) -> list[Listening]:
    from ticket_pipelines.desks.registration import vendors

    return [listening for name, listening in server.vendors.items() if name in vendors()]

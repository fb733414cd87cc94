"""`ticket-pipelines outbox …`: changes that wait to be written to the vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ticket_pipelines.cli.output import json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened
from ticket_pipelines.errors import UsageError

if TYPE_CHECKING:
    from ticket_pipelines.project import Project
    from ticket_pipelines.writeback.entry import Entry
    from ticket_pipelines.writeback.outbox import Outbox


@click.group()
def outbox() -> None:
    """Changes of tickets that wait to be written to the vendor; `push` writes them."""


@outbox.command()
@click.argument("key")
@click.option("--ticket", required=True, metavar="ID", help="The vendor's id of the ticket.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="A field; no value clears it (repeatable).")
@click.option("--note", "text", metavar="TEXT", help="A note on the ticket.")
@click.option("--public", is_flag=True, help="The customer sees the note.")
@json_option
def add(key: str, ticket: str, sets: tuple[str, ...], text: str | None, public: bool, as_json: bool) -> None:
    """Puts a change of a ticket into the outbox.

    Fields go by the vendor's names; a status may be a word of helpdesk.tickets. What the warehouse holds of the
    ticket is kept as the base: whoever changed the same at the vendor since then is seen by the push.
    """
    from ticket_pipelines.writeback.changes import add_change

    fields = dict(_parsed(one) for one in sets)
    if len(fields) < len(sets):
        raise UsageError("--set: a field is given twice")
    with opened() as project:
        made = add_change(project, key, ticket.strip(), fields, text, public=public)
        enabled = project.desks.get(key).config.get("write_enabled") is True
    if as_json:
        print_json([document(entry) for entry in made])
    else:
        for entry in made:
            click.echo(f"entry {entry.id}: {entry.operation.value} of ticket {entry.ticket} waits")
    if not enabled:
        note(f"nothing is written to desk {key} until its configuration says write_enabled: true")


@outbox.command("list")
@click.option("--desk", metavar="KEY", help="Only this desk.")
@json_option
def list_(desk: str | None, as_json: bool) -> None:
    """Shows all entries: those that wait, those that are parked and why, those that ended."""
    with opened() as project:
        if desk is not None:
            project.desks.get(desk)
        found = _outbox(project).entries(desk)
    if as_json:
        print_json([document(entry) for entry in found])
        return
    columns = ("id", "desk", "ticket", "operation", "change", "state", "tries", "since (UTC)", "reason")
    rows = [
        (e.id, e.desk, e.ticket, e.operation, change(e), _state(e), e.attempts, e.created_at, e.reason) for e in found
    ]
    print_table(columns, rows, empty="the outbox is empty")


@outbox.command()
@click.argument("number", type=int, metavar="ID")
@json_option
def retry(number: int, as_json: bool) -> None:
    """Lets a parked entry wait again. After a conflict this means: ours is to be written."""
    with opened() as project:
        entry = _outbox(project).retry(number)
    _print(entry, as_json, f"entry {number} waits")


@outbox.command()
@click.argument("number", type=int, metavar="ID")
@json_option
def cancel(number: int, as_json: bool) -> None:
    """Ends an entry that waits or is parked; the vendor's side stands."""
    with opened() as project:
        entry = _outbox(project).cancel(number)
    _print(entry, as_json, f"entry {number} is cancelled")


def document(entry: Entry) -> dict[str, Any]:
    """An entry as one JSON document."""
    payload = entry.payload
    return {
        "id": entry.id,
        "desk": entry.desk,
        "ticket": entry.ticket,
        "operation": entry.operation.value,
        "fields": dict(payload.fields),
        "base": dict(payload.base),
        "base_version": entry.base_version,
        "note": payload.note,
        "public": payload.public,
        "state": entry.state.value,
        "cause": entry.cause.value if entry.cause else None,
        "reason": entry.reason,
        "attempts": entry.attempts,
        "idempotency_key": entry.idempotency_key,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "finished_at": entry.finished_at,
    }


def change(entry: Entry) -> str:
    """What an entry changes, in one line."""
    if entry.payload.note is not None:
        return f"note: {entry.payload.note}"
    return ", ".join(f"{name}={'' if value is None else value}" for name, value in entry.payload.fields.items())


def _parsed(text: str) -> tuple[str, str | None]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise UsageError(f"--set {text[:60]!r}: write FIELD=VALUE, for example status=solved")
    return name.strip(), value or None


def _state(entry: Entry) -> str:
    return f"{entry.state.value}: {entry.cause.value}" if entry.cause else entry.state.value


def _outbox(project: Project) -> Outbox:
    from ticket_pipelines.writeback.outbox import Outbox

    return Outbox(project.control, project.vault)


def _print(entry: Entry, as_json: bool, text: str) -> None:
    if as_json:
        print_json(document(entry))
    else:
        click.echo(text)

"""`ticket-pipelines push`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ticket_pipelines.cli.output import duration, json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.logs import redact
from ticket_pipelines.sync.result import Status

if TYPE_CHECKING:
    from ticket_pipelines.settings import Settings
    from ticket_pipelines.sync.result import SyncResult

EXIT = {Status.SUCCESS: 0, Status.PARTIAL: 3}


@click.command(short_help="Writes waiting changes to the vendor.")
@click.argument("key")
@click.option("--dry-run", is_flag=True, help="Print what would be sent; send nothing.")
@json_option
def push(key: str, dry_run: bool, as_json: bool) -> None:
    """Writes the desk's waiting changes to the vendor now, recorded in Dagster's run history.

    Each ticket is read first, compared, written, and read again. Ends with 0 when nothing is left, 3 when an entry is
    parked or still waits, 1 when the push failed.
    """
    settings = start()
    if dry_run:
        _show(settings, key, as_json)
        return
    from ticket_pipelines.writeback.push import may_push

    with opened(settings) as project:
        may_push(project.desks.get(key))
    from ticket_pipelines.cli.progress import shown_progress
    from ticket_pipelines.defs.launch import run_push

    with shown_progress(key) as progress:
        result = run_push(settings, key, progress)
    if as_json:
        print_json(result)
    else:
        print_summary(result)
    click.get_current_context().exit(EXIT.get(result.status, 1))


def print_summary(result: SyncResult) -> None:
    """Prints what came of a push: a line, its entries, and what went wrong."""
    written = result.rows_created + result.rows_updated
    entries = "1 entry" if result.rows_read == 1 else f"{result.rows_read:,} entries"
    click.echo(
        f"{result.desk}: {result.status} in {duration(result.duration_seconds)}: {entries},"
        f" {written:,} written, {result.rows_unchanged:,} needed no write, {result.rows_failed:,} parked or waiting;"
        f" {result.api_requests:,} requests"
    )
    rows = [
        (one["entry"], one["ticket"], one["operation"], one["outcome"], redact(one["reason"] or "") or None)
        for one in result.details.get("entries", ())
    ]
    if rows:
        print_table(("entry", "ticket", "operation", "outcome", "reason"), rows)
    if result.error_message:
        click.echo(redact(f"error: {result.error_message}"), err=True)


def _show(settings: Settings, key: str, as_json: bool) -> None:
    from ticket_pipelines.writeback.preview import preview

    with opened(settings) as project:
        planned = preview(project, key)
        enabled = project.desks.get(key).config.get("write_enabled") is True
    if as_json:
        print_json(planned)
    else:
        rows = [
            (one.entry, one.ticket, one.operation, one.action, json.dumps(one.send, ensure_ascii=False), one.reason)
            for one in planned
        ]
        print_table(("entry", "ticket", "operation", "action", "send", "reason"), rows, empty="nothing waits")
    if not enabled:
        note(f"nothing is written to desk {key} until its configuration says write_enabled: true")

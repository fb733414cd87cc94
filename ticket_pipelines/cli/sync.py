"""`ticket-pipelines sync`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ticket_pipelines.cli.inputs import instant
from ticket_pipelines.cli.output import duration, json_option, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.logs import redact
from ticket_pipelines.sync.result import Mode, Status, SyncRequest

if TYPE_CHECKING:
    from ticket_pipelines.settings import Settings
    from ticket_pipelines.sync.result import SyncResult

EXIT = {Status.SUCCESS: 0, Status.SKIPPED: 0, Status.PARTIAL: 3}


@click.command(short_help="Syncs one desk now.")
@click.argument("key")
@click.option(
    "--mode", type=click.Choice(["incremental", "full", "backfill"]), default="incremental", show_default=True
)
@click.option("--since", metavar="ISO", help="Start of a backfill or a full sync, by the vendor's clock.")
@click.option("--until", metavar="ISO", help="End of it.")
@click.option("--stream", "streams", multiple=True, metavar="NAME", help="Only this stream (can be repeated).")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record, fetched anew (can be repeated).")
@click.option("--wait", is_flag=True, help="Wait for a desk that is being synced, instead of refusing.")
@json_option
def sync(
    key: str,
    mode: str,
    since: str | None,
    until: str | None,
    streams: tuple[str, ...],
    ids: tuple[str, ...],
    wait: bool,
    as_json: bool,
) -> None:
    """Syncs one desk now, in this process, recorded in Dagster's run history.

    Ends with 0 when all is in, 3 when some rows or streams failed and the rest is in, 1 when the sync failed.
    """
    settings = start()
    request = SyncRequest(
        mode=Mode(mode),
        since=instant("--since", since),
        until=instant("--until", until),
        streams=streams,
        ids=ids,
        wait=wait,
    )
    _refuse_what_cannot_be_done(settings, key, request)
    from ticket_pipelines.cli.progress import shown_progress
    from ticket_pipelines.defs.launch import run_sync

    with shown_progress(key) as progress:
        result = run_sync(settings, key, request, progress)
    if as_json:
        print_json(result)
    else:
        print_summary(result)
    click.get_current_context().exit(EXIT.get(result.status, 1))


def _refuse_what_cannot_be_done(settings: Settings, key: str, request: SyncRequest) -> None:
    """The engine would refuse it too, but only once Dagster is imported and has a failed run on record."""
    from ticket_pipelines.desks.registration import find_vendor
    from ticket_pipelines.sync.request import make_plan

    with opened(settings) as project:
        desk = project.desks.get(key)
        make_plan(request, find_vendor(desk.vendor), desk.streams)


def print_summary(result: SyncResult) -> None:
    """Prints what came of a sync: a line, the streams, and the reason where it did not end well."""
    took = duration(result.duration_seconds)
    click.echo(
        f"{result.desk}: {result.status} in {took}: {result.rows_read:,} rows read, {result.rows_created:,} created,"
        f" {result.rows_updated:,} updated, {result.rows_unchanged:,} unchanged, {result.rows_deleted:,} deleted,"
        f" {result.rows_failed:,} failed; {result.api_requests:,} requests, {duration(result.api_wait_seconds)} waited"
    )
    failed_by = redact(result.error_message or "") if result.status is Status.FAILED else None
    rows = [
        (
            name,
            one["outcome"],
            one["pages"],
            *(one["rows"][kind] for kind in ROW_KINDS),
            "" if failed_by == (reason := redact(one.get("reason") or "")) else reason,
        )
        for name, one in result.details.get("streams", {}).items()
    ]
    if rows:
        print_table(("stream", "outcome", "pages", *ROW_KINDS, "reason"), rows)
    if result.error_message and (result.status is Status.FAILED or not rows):
        # what made it partial stands beside its stream
        click.echo(redact(f"error: {result.error_message}"), err=True)


ROW_KINDS = ("read", "created", "updated", "unchanged", "deleted", "failed")

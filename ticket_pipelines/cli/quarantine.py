"""`ticket-pipelines quarantine …`: records that could not be loaded."""

from __future__ import annotations

import dataclasses

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.errors import TicketPipelinesError


@click.group()
def quarantine() -> None:
    """Records that could not be shaped, mapped or loaded, each with its reason; `replay` tries them again."""


@quarantine.command("list")
@click.option("--desk", metavar="KEY", help="Only this desk.")
@json_option
def list_(desk: str | None, as_json: bool) -> None:
    """Shows the records that wait, oldest first. What they hold is never shown: it may be of people."""
    from ticket_pipelines.sync.quarantine import waiting

    with opened() as project:
        if desk is not None:
            project.desks.get(desk)
        found = waiting(project.control, desk)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    columns = ("desk", "stream", "id", "version", "stage", "attempts", "since (UTC)", "reason")
    rows = [
        (one.desk, one.stream, one.record_id, one.version, one.stage, one.attempts, one.first_seen_at, one.reason)
        for one in found
    ]
    print_table(columns, rows, empty="the quarantine is empty")


@quarantine.command()
@click.option("--desk", metavar="KEY", help="Only this desk.")
@json_option
def replay(desk: str | None, as_json: bool) -> None:
    """Tries the records again, without a sync: from what was kept of them, or fetched anew by their ids.

    Ends with 0 when none is left of those that were tried, 3 when some failed again (they stay), 1 when it failed.
    """
    from ticket_pipelines.cli.progress import shown_progress
    from ticket_pipelines.cli.sync import EXIT, print_summary
    from ticket_pipelines.sync.quarantine import waiting

    settings = start()
    with opened(settings) as project:
        asked = [project.desks.get(desk)] if desk else project.desks.list(removed=True)
        held = [one for one in asked if waiting(project.control, one.key)]
    keys = [one.key for one in held if one.removed_at is None]
    for one in held:
        if one.removed_at is not None:
            forget = f"`ticket-pipelines desks remove {one.key} --purge` deletes what it left"
            click.echo(f"{one.key}: left out, since the desk was removed; {forget}", err=True)
    results, failed = [], False
    for key in keys:
        from ticket_pipelines.defs.launch import run_replay

        try:
            with shown_progress(key) as progress:
                results.append(run_replay(settings, key, progress))
        except TicketPipelinesError as error:
            if desk:
                raise
            # the other desks do not wait for it
            failed = True
            click.echo(f"{key}: {error}", err=True)
    if as_json:
        print_json(results)
    else:
        for result in results:
            print_summary(result)
        if not held:
            click.echo("the quarantine is empty")
    statuses = {EXIT.get(result.status, 1) for result in results}
    click.get_current_context().exit(1 if failed or 1 in statuses else max(statuses, default=0))

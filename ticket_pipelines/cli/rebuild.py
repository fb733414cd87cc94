"""`ticket-pipelines rebuild`."""

from __future__ import annotations

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import opened, start


@click.command(short_help="Derives the unified tables again.")
@click.option("--desk", metavar="KEY", help="Only this desk.")
@json_option
def rebuild(desk: str | None, as_json: bool) -> None:
    """Derives the unified tables again from the vendor tables, without an API call."""
    settings = start()
    with opened(settings) as project:
        keys = [one.key for one in ([project.desks.get(desk)] if desk else project.desks.list())]
    from ticket_pipelines.cli.progress import shown_progress
    from ticket_pipelines.defs.launch import run_rebuild

    rows: dict[str, dict[str, int]] = {}
    for key in keys:
        with shown_progress(key) as progress:
            rows[key] = run_rebuild(settings, key, progress)
    if as_json:
        print_json(rows)
        return
    lines = [(key, table, f"{count:,}") for key, tables in rows.items() for table, count in tables.items()]
    print_table(("desk", "table", "rows"), lines, empty="no desk yet: nothing to rebuild")

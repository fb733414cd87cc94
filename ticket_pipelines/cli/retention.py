"""`ticket-pipelines retention`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import opened


@click.command(short_help="Deletes old syncs, notes of old loads, and what waits in the quarantine too long.")
@json_option
def retention(as_json: bool) -> None:
    """Deletes what is too old.

    Syncs (TICKETS_KEEP_RUNS_DAYS), dlt's notes of loads (TICKETS_KEEP_LOADS_DAYS), and records in the quarantine that
    no sync has seen since (TICKETS_KEEP_QUARANTINE_DAYS).

    The Dagster job `maintenance` does this every day, and clears Dagster's own history too: this is for installations
    without it.
    """
    from ticket_pipelines.control.retention import Ages, purge_history

    with opened() as project:
        settings = project.settings
        ages = Ages(settings.keep_runs_days, settings.keep_loads_days, settings.keep_quarantine_days)
        gone = purge_history(project, ages, datetime.now(UTC))
    if as_json:
        print_json(gone)
    else:
        names = {"control": "sync_runs (control database)", "quarantine": "quarantine (control database)"}
        rows = [(names.get(name, name), count) for name, count in gone.items() if count]
        print_table(("table", "deleted rows"), rows, empty="nothing is old enough")

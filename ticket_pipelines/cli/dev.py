"""`ticket-pipelines dev`."""

from __future__ import annotations

import os
import signal
import sys

import click

from ticket_pipelines.cli.output import note
from ticket_pipelines.cli.start import start
from ticket_pipelines.settings import environment


@click.command(short_help="Opens the Dagster UI and daemon.")
@click.option("--port", type=click.IntRange(1, 65_535), default=3000, show_default=True, help="Port of the UI.")
def dev(port: int) -> None:
    """Opens the Dagster UI and daemon on 127.0.0.1, on the embedded home; until stopped."""
    from ticket_pipelines.defs.launch import prepare_home

    settings = start()
    prepare_home(settings)
    note(f"Dagster UI: http://127.0.0.1:{port} (it has no login: keep it on this machine)")
    # absolute, since Dagster starts its processes in folders of their own
    named = {"DAGSTER_HOME": str(settings.dagster_home), "TICKETS_HOME": str(settings.home)}
    command = [sys.executable, "-m", "dagster", "dev", "-m", "ticket_pipelines.definitions", "-h", "127.0.0.1"]
    # a shell that starts a job in the background has it ignore SIGINT, and what is ignored stays so across exec
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_DFL)
    os.execve(sys.executable, [*command, "-p", str(port)], {**environment(), **named})  # noqa: S606

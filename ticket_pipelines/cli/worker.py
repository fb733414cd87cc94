"""`ticket-pipelines worker`."""

from __future__ import annotations

import signal
import threading

import click

from ticket_pipelines.cli.output import json_option, note, print_json
from ticket_pipelines.cli.start import opened


@click.command(short_help="Syncs desks when they are due.")
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True, help="Desks synced at once.")
@click.option("--until-idle", is_flag=True, help="End when no desk is due.")
@json_option
def worker(threads: int, until_idle: bool, as_json: bool) -> None:
    """Syncs desks when they are due, until stopped (SIGTERM, Ctrl-C); syncs that have begun are finished."""
    from ticket_pipelines.control.loop import LoopOptions, run_loop
    from ticket_pipelines.sync.engine import sync_desk
    from ticket_pipelines.sync.result import SyncRequest, Trigger

    request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
    stop = threading.Event()
    with opened() as project:
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, lambda *_: stop.set())
        note(f"worker: {threads} desks at once, until {'nothing is due' if until_idle else 'stopped'}")
        outcomes = run_loop(
            project.desks,
            lambda desk: sync_desk(project, desk.key, request).status,
            stop,
            LoopOptions(threads=threads, until_idle=until_idle),
        )
    if as_json:
        print_json({outcome.value: count for outcome, count in outcomes.items()})
    else:
        counted = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items())
        click.echo(f"worker ended; syncs: {counted or 'none'}")

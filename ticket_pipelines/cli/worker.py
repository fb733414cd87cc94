"""`ticket-pipelines worker`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from ticket_pipelines.cli.output import json_option, note, print_json
from ticket_pipelines.cli.start import opened

if TYPE_CHECKING:
    from ticket_pipelines.loop.visit import Visit
    from ticket_pipelines.project import Project


@click.command(short_help="Syncs desks when they are due.")
@click.option("--threads", type=click.IntRange(1, 64), help="Desks synced at once; default TICKETS_THREADS.")
@click.option("--until-idle", is_flag=True, help="End when no desk is due.")
@click.option("--no-dagster", is_flag=True, help="Tell Dagster nothing; starts faster and needs less memory.")
@json_option
def worker(threads: int | None, until_idle: bool, no_dagster: bool, as_json: bool) -> None:
    """Syncs desks when they are due, until stopped (SIGTERM, Ctrl-C).

    Several workers share the desks. A stopped one ends its syncs behind their next load package.
    """
    from ticket_pipelines.loop.pulse import Kind
    from ticket_pipelines.loop.run import LoopOptions, run_loop
    from ticket_pipelines.loop.visit import Visitor

    stop = threading.Event()
    with opened() as project, _set_by_signals(stop):
        options = LoopOptions(
            kind=Kind.BATCH if until_idle else Kind.WORKER, threads=threads or project.settings.threads
        )
        note(f"worker: {options.threads} desks at once, until {'nothing is due' if until_idle else 'stopped'}")
        with _told(project, quiet=no_dagster) as told, closing(Visitor(project, stop.is_set)) as visitor:
            outcomes = run_loop(project.control, visitor, stop, options, told)
    if as_json:
        print_json({outcome.value: count for outcome, count in outcomes.items()})
    else:
        counted = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items())
        click.echo(f"worker ended; syncs: {counted or 'none'}")


@contextmanager
def _set_by_signals(stop: threading.Event) -> Iterator[None]:
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextmanager
def _told(project: Project, *, quiet: bool) -> Iterator[Callable[[Visit], None]]:
    """Who is told of visits: Dagster, unless it is to be left out."""
    if quiet:
        yield lambda _visit: None
        return
    from ticket_pipelines.defs.launch import instance_of
    from ticket_pipelines.defs.told import Teller

    with instance_of(project.settings) as instance:
        yield Teller(project, instance, instance.report_runless_asset_event)

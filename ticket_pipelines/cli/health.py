"""`ticket-pipelines health`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import start


@click.command(short_help="Gives one verdict for probes.")
@click.option(
    "--require",
    "required",
    multiple=True,
    type=click.Choice(["loop_heartbeat", "dagster_daemons"]),
    help="Fail also where this part is silent, or has never run.",
)
@json_option
def health(required: tuple[str, ...], as_json: bool) -> None:
    """Gives one verdict for probes, with its parts: ok, warning or failed.

    Ends with 1 when the verdict is failed: control database or warehouse away, or a desk late by over an hour. The
    loop (a worker, or Dagster's job) and the Dagster daemons beat in the control database; one that fell silent is a
    warning, unless it is required.
    """
    from ticket_pipelines.control.health import Grade, check_health

    found = check_health(start(), datetime.now(UTC), required)
    if as_json:
        parts = {part.name: {"status": part.grade.name.lower(), "detail": part.detail} for part in found.parts}
        print_json({"status": found.verdict.name.lower(), "parts": parts})
    else:
        click.echo(found.verdict.name.lower())
        print_table(("part", "status", "detail"), [(p.name, p.grade.name.lower(), p.detail) for p in found.parts])
    click.get_current_context().exit(1 if found.verdict is Grade.FAILED else 0)

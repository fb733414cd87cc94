"""`ticket-pipelines keys …`."""

from __future__ import annotations

import click

from ticket_pipelines.cli.output import json_option, print_json
from ticket_pipelines.cli.start import opened


@click.group()
def keys() -> None:
    """The keys that encrypt credentials."""


@keys.command()
@json_option
def rotate(as_json: bool) -> None:
    """Encrypts everything anew: with a new key in the key file, or with the first of TICKETS_SECRET_KEY."""
    with opened() as project:
        count = project.vault.rotate(project.control)
    if as_json:
        print_json({"encrypted_anew": count})
    else:
        click.echo(f"{count} values encrypted anew; the former first key is not needed for them any more")

"""`ticket-pipelines alerts …`."""

from __future__ import annotations

import click

from ticket_pipelines.cli.output import json_option, print_json
from ticket_pipelines.cli.start import start


@click.group()
def alerts() -> None:
    """Alerts and the channels that they go through."""


@alerts.command()
@click.argument("channel")
@json_option
def test(channel: str, as_json: bool) -> None:
    """Sends a test message through CHANNEL: log or webhook (TICKETS_ALERT_WEBHOOK)."""
    from ticket_pipelines.control.alerts import send

    send(channel, "Ticket Pipelines: this is a test message", start())
    if as_json:
        print_json({"channel": channel, "sent": True})
    else:
        click.echo(f"sent through {channel}")

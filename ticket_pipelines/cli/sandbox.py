"""`ticket-pipelines sandbox`."""

from __future__ import annotations

import click

from ticket_pipelines.cli.inputs import read_text


@click.command(short_help="Serves the vendor emulators.")
@click.option(
    "--port", type=click.IntRange(0, 65_000), default=8700, show_default=True, help="First port; 0: free ones."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the invented data.")
@click.option("--tickets", type=click.IntRange(min=0), default=200, show_default=True, help="Tickets to invent.")
@click.option("--data", metavar="FILE.csv[.gz]", help="Real ticket histories in the place of invented ones.")
def sandbox(port: int, seed: int, tickets: int, data: str | None) -> None:
    """Serves the vendor emulators on 127.0.0.1 until stopped, and prints how to reach them."""
    from ticket_pipelines.errors import UsageError
    from ticket_pipelines.sandbox.emulator import Options
    from ticket_pipelines.sandbox.server import describe, serve

    if data is not None and not data.endswith(".gz"):
        read_text(data)
    try:
        options = Options(seed=seed, tickets=tickets, data=data)
        serve(port, options, announce=lambda server: click.echo("\n".join(describe(server))))
    except OSError as error:
        raise UsageError(f"the sandbox cannot start: {error.strerror or error}; see --port and --data") from error

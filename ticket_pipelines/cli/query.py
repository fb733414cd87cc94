"""`ticket-pipelines query`."""

from __future__ import annotations

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import opened


@click.command(short_help="Runs read-only SQL on the warehouse.")
@click.argument("sql")
@json_option
def query(sql: str, as_json: bool) -> None:
    """Runs read-only SQL on the warehouse, whichever engine it is; tables are in the schema helpdesk."""
    with opened() as project:
        found = project.warehouse.query(sql)
    if as_json:
        print_json(found.to_pylist())
    else:
        # by column: a result may have two columns of one name
        print_table(found.column_names, zip(*(column.to_pylist() for column in found.columns), strict=True))

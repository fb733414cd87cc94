"""`ticket-pipelines reconcile`."""

from __future__ import annotations

from typing import Any

import click

from ticket_pipelines.cli.output import json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.logs import redact

WHOLE = ("equal", "repaired")
PARTIAL = 3


@click.command(short_help="Compares source and warehouse, by id and version.")
@click.argument("key")
@click.option("--stream", "streams", multiple=True, metavar="NAME", help="Only this stream (can be repeated).")
@click.option("--repair", is_flag=True, help="Fetch what is missing or stale; mark what is gone as deleted.")
@click.option("--wait", is_flag=True, help="Wait for a desk that is being synced, instead of refusing.")
@json_option
def reconcile(key: str, streams: tuple[str, ...], repair: bool, wait: bool, as_json: bool) -> None:
    """Compares what the vendor shows with what the warehouse holds, by id and version.

    Ends with 0 when nothing differs that is not explained or repaired, 3 when something does or a stream could not be
    compared, 1 when it failed. One that was cut off goes on where it was. Every row that differs stands with its
    reason in helpdesk.reconciliations.
    """
    from ticket_pipelines.cli.progress import shown_progress

    settings = start()
    with opened(settings) as project:
        project.desks.get(key)
    from ticket_pipelines.defs.launch import run_reconcile

    with shown_progress(key) as progress:
        rows = run_reconcile(settings, key, streams, progress, repair=repair, wait=wait)
    if as_json:
        print_json({"desk": key, "outcome": _outcome(rows), "streams": rows})
    else:
        _print(rows)
    click.get_current_context().exit(0 if all(row["outcome"] in WHOLE for row in rows) else PARTIAL)


def _outcome(rows: list[dict[str, Any]]) -> str:
    outcomes = {row["outcome"] for row in rows}
    return next((one for one in ("different", "not compared", "repaired") if one in outcomes), "equal")


def _print(rows: list[dict[str, Any]]) -> None:
    numbers = ("warehouse_rows", "missing", "stale", "extra", "newer", "repaired", "marked_deleted")
    lines = [
        (row["stream"], row["outcome"], _source(row), *(row[name] for name in numbers), redact(row["reason"] or ""))
        for row in rows
    ]
    headings = ("stream", "outcome", "source", "warehouse", *numbers[1:], "reason")
    print_table(headings, lines, empty="the desk has no stream that can be compared")
    differing = [(row["stream"], *each.values()) for row in rows for each in row["differences"]]
    if differing:
        click.echo("")
        print_table(("stream", "id", "version", "difference", "reason"), differing[:100])
    if len(differing) > 100:
        note(f"and {len(differing) - 100:,} more, in helpdesk.reconciliations")


def _source(row: dict[str, Any]) -> str:
    if row["source_rows"] is None:
        return "-"
    return f"{'about ' if row['approximate'] else ''}{row['source_rows']:,}"

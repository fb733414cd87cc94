"""`ticket-pipelines status` and `ticket-pipelines runs`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ticket_pipelines.cli.output import duration, json_option, print_json, print_table
from ticket_pipelines.cli.start import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ticket_pipelines.control.backfill import Backfill
    from ticket_pipelines.control.budgets import Left
    from ticket_pipelines.control.status import DeskStatus


@click.command(short_help="Shows how each desk is doing.")
@json_option
def status(as_json: bool) -> None:
    """Shows per desk: last run, last success, data as of, lateness, failures in a row, rows, next due (UTC).

    Also what is left of its account's budget, how far a backfill has come, and why a desk is parked.
    """
    from ticket_pipelines.control import status as control_status

    with opened() as project:
        found = control_status.status(project.control, project.desks.list(), datetime.now(UTC))
    if as_json:
        print_json(found)
        return
    columns = (
        *("desk", "state", "last run", "last success", "data as of", "late", "failures"),
        *("rows", "today", "budget left", "next due"),
    )
    rows = [
        (
            one.desk,
            _state(one),
            one.last_run_at,
            one.last_success_at,
            one.data_as_of,
            duration(one.late_seconds) if one.late_seconds else None,
            one.consecutive_failures,
            f"{one.rows:,}",
            f"{one.rows_today:,}",
            _budget(one.budget),
            one.next_due_at,
        )
        for one in found
    ]
    print_table(columns, rows, empty="no desk yet: register one with `ticket-pipelines desks add`")
    for one in found:
        if one.backfill:
            click.echo(f"{one.desk}: {_walk(one.backfill)}")
        if one.parked:
            click.echo(f"{one.desk}: parked: {one.parked}\nThen: ticket-pipelines desks resume {one.desk}")
        elif one.last_error:
            click.echo(f"{one.desk}: {one.last_error}")


def _budget(budget: Sequence[Left]) -> str | None:
    """The limit class of which the least is left."""
    known = [(one.left / one.total if one.total else 1.0, one.left, one) for one in budget if one.left is not None]
    if not known:
        return None
    _, count, one = min(known, key=lambda each: each[:2])
    return f"{count:,} of {one.total:,} {one.limit}" if one.total else f"{count:,} {one.limit}"


def _walk(walk: Backfill) -> str:
    """A full sync or backfill in words."""
    parts = [f"{walk.mode} sync" if walk.mode == "full" else walk.mode, f"of {walk.stream}"]
    parts += [f"is {walk.fraction:.0%} through"] if walk.fraction is not None else ["is under way"]
    parts += [f"(at {walk.reached:%Y-%m-%d %H:%M} UTC)"] if walk.reached is not None else []
    said = " ".join(parts)
    return f"{said}, about {duration(walk.seconds_left)} left" if walk.seconds_left is not None else said


def _state(one: DeskStatus) -> str:
    if one.running:
        return "running"
    if one.paused or one.parked:
        return "paused" if one.paused else "parked"
    return one.last_status or "new"


@click.command()
@click.option("--desk", metavar="KEY", help="Only this desk.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@json_option
def runs(desk: str | None, limit: int, as_json: bool) -> None:
    """Shows the sync history, newest first."""
    from ticket_pipelines.control import status as control_status

    with opened() as project:
        if desk is not None and project.desks.find(desk) is None:
            project.desks.get(desk)
        found = control_status.runs(project.control, desk, limit)
    if as_json:
        print_json(found)
        return
    columns = (
        "started (UTC)",
        "desk",
        "mode",
        "status",
        "took",
        "read",
        "new",
        "upd",
        "same",
        "del",
        "fail",
        "requests",
    )
    rows = [
        (
            run.started_at,
            run.desk,
            run.mode,
            run.status,
            duration(run.duration_seconds),
            run.rows_read,
            run.rows_created,
            run.rows_updated,
            run.rows_unchanged,
            run.rows_deleted,
            run.rows_failed,
            run.api_requests,
        )
        for run in found
    ]
    print_table(columns, rows, empty="no sync yet")

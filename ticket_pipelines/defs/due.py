"""The job over all due desks, in one run: a batch that ends when nothing is due, or a live run of a given length."""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from ticket_pipelines.defs.catalog import vendor_key
from ticket_pipelines.defs.planned import plan_partition
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.defs.told import Teller, known
from ticket_pipelines.loop.news import EVERY
from ticket_pipelines.loop.pulse import Kind
from ticket_pipelines.loop.run import LoopOptions, run_loop
from ticket_pipelines.loop.visit import Visitor
from ticket_pipelines.sync.result import Status

DUE_JOB = "sync_due_desks"
DUE_OP = "due_desks_op"
LIVE_TAG = "tickets/live"

NAMED = 20
"""Failed desks that the run's own failure names; all have their own partition."""


class LoopConfig(dg.Config):
    """How the loop runs."""

    live: bool = Field(default=False, description="go on when nothing is due, until the run's time is up")
    seconds: int = Field(default=0, description="length of a live run in seconds; 0: TICKETS_LIVE_SECONDS")
    threads: int = Field(default=0, description="desks that are synced at once; 0: TICKETS_THREADS")
    report_seconds: int = Field(
        default=int(EVERY.total_seconds()),
        description="a desk whose rows changed is materialized at most once in so many seconds",
    )


@dg.op(name=DUE_OP, description="Claims due desks, probes each, and syncs those that have something new.")
def sync_due(context: dg.OpExecutionContext, config: LoopConfig, tickets: dg.ResourceParam[Tickets]) -> None:
    """Runs the loop and tells of its desks; fails at its end if a desk did."""
    with tickets.open() as project:
        stop = threading.Event()
        # it takes checks too; its annotation does not say so
        tell: Callable[[Any], None] = context.log_event
        teller = Teller(project, context.instance, tell, timedelta(seconds=config.report_seconds))
        options = LoopOptions(
            kind=Kind.LIVE if config.live else Kind.BATCH,
            threads=config.threads or project.settings.threads,
            seconds=config.seconds or project.settings.live_seconds,
            id=context.run_id,
        )
        try:
            with closing(Visitor(project, stop.is_set, context.run_id)) as visitor:
                outcomes = run_loop(project.control, visitor, stop, options, teller)
        finally:
            for key, visit in teller.failed.items():
                catalog = known()[visit.desk.vendor]
                asset = vendor_key(catalog.name, catalog.main.name)
                plan_partition(context, asset, key, visit.error or "failed")
    context.log.info(summary(outcomes))
    if teller.failed or outcomes[Status.FAILED]:
        raise dg.Failure(
            description=failures({key: visit.error or "failed" for key, visit in teller.failed.items()}),
            metadata={"failed": len(teller.failed), **{status.value: count for status, count in outcomes.items()}},
            allow_retries=False,
        )


def summary(outcomes: Counter[Status]) -> str:
    """One line on what came of the visits."""
    told = {Status.SKIPPED: "with nothing new"}
    counted = ", ".join(f"{count} {told.get(status, status.value)}" for status, count in sorted(outcomes.items()))
    return f"{outcomes.total()} visits of desks: {counted or 'none was due'}"


def failures(reasons: dict[str, str]) -> str:
    """The failure of the run, in words: which desks, and why."""
    lines = [f"{key}: {reason}" for key, reason in sorted(reasons.items())[:NAMED]]
    more = [f"and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
    if not reasons:
        return "Desks failed, and of none it could be recorded why; the log says what is away."
    return "\n".join([f"{len(reasons)} desks failed; the others are in.", *lines, *more])


@dg.job(
    name=DUE_JOB,
    description="Syncs all desks that are due, in one run. With `live`, goes on for the run's length.",
    executor_def=dg.in_process_executor,
)
def sync_due_desks() -> None:
    """One step."""
    sync_due()

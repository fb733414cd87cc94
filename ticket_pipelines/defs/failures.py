"""How our errors end a Dagster step: told once, in one line, and tried again only where that can help."""

from __future__ import annotations

import dagster as dg

from dlt_sources.errors import SourceError
from ticket_pipelines.errors import ControlUnavailableError, TicketPipelinesError, WarehouseUnavailableError

INFRASTRUCTURE = frozenset({WarehouseUnavailableError.code, ControlUnavailableError.code})
"""Codes of failures of our own databases. What a vendor fails with is tried again inside the sync, then at the next
due time."""

TRIES = 2
PAUSE_SECONDS = 30.0


def step_failure(message: str, code: str | None, *, scheduled: bool) -> dg.Failure | dg.RetryRequested:
    """The exception that ends a step.

    Args:
        message: What happened, where and what to do.
        code: `sync_runs.error_code`.
        scheduled: Nobody waits for the answer, so a database that is away is given time to come back.
    """
    if scheduled and code in INFRASTRUCTURE:
        return dg.RetryRequested(max_retries=TRIES, seconds_to_wait=PAUSE_SECONDS)
    return dg.Failure(description=message, metadata={"error_code": code or "failed"}, allow_retries=False)


def failure_of(error: TicketPipelinesError | SourceError, *, scheduled: bool) -> dg.Failure | dg.RetryRequested:
    """The exception that ends a step which our own error stopped."""
    return step_failure(str(error), error.code, scheduled=scheduled)

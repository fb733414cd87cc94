"""How our errors end a step: at once, unless nobody waits and it is our own database that is away."""

from __future__ import annotations

import dagster as dg
import pytest

from dlt_sources.errors import ConnectionFailedError, CredentialsError, SourceError
from ticket_pipelines.defs.failures import TRIES, failure_of
from ticket_pipelines.errors import ControlUnavailableError, TicketPipelinesError, UsageError, WarehouseUnavailableError


@pytest.mark.parametrize(
    ("error", "scheduled"),
    [
        (WarehouseUnavailableError("the warehouse is away"), False),
        (CredentialsError("refused"), True),
        (ConnectionFailedError("no answer"), True),
        (UsageError("no such stream"), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else f"scheduled={value}",
)
def test_fails_at_once_with_the_message(error: TicketPipelinesError | SourceError, scheduled: bool) -> None:
    failure = failure_of(error, scheduled=scheduled)
    assert isinstance(failure, dg.Failure)
    assert (failure.description, failure.allow_retries) == (str(error), False)
    assert failure.metadata["error_code"].value == error.code


@pytest.mark.parametrize("error", [WarehouseUnavailableError("away"), ControlUnavailableError("away")], ids=repr)
def test_a_database_that_is_away_is_waited_for_when_nobody_else_waits(error: TicketPipelinesError) -> None:
    retry = failure_of(error, scheduled=True)
    assert isinstance(retry, dg.RetryRequested)
    assert (retry.max_retries, retry.seconds_to_wait) == (TRIES, 30.0)

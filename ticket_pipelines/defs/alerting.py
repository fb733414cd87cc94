"""The sensor that looks at all desks and tells people what started and what ended."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from ticket_pipelines.alerts.tick import tick
from ticket_pipelines.defs.resources import Tickets


@dg.sensor(
    name="alerts",
    description="Looks at all desks by the alert rules; tells once when a condition starts and once when it ends.",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def alerts(context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]) -> dg.SkipReason:  # noqa: ARG001
    """One tick; it never starts a run."""
    with tickets.open() as project:
        turned = tick(project.control, project.settings, datetime.now(UTC))
    told = ", ".join(f"{turn.rule} {turn.state} for {turn.desk}" for turn in turned[:20])
    return dg.SkipReason(told or "Nothing started or ended.")

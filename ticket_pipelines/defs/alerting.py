"""The sensor that looks at all desks and tells people what started and what ended."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from ticket_pipelines.alerts.tick import tick
from ticket_pipelines.control import heartbeat
from ticket_pipelines.defs.resources import Tickets


@dg.sensor(
    name="alerts",
    description="Looks at all desks by the alert rules; tells once when a condition starts and once when it ends.",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def alerts(context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]) -> dg.SkipReason:
    """One tick; it never starts a run. It also passes the daemons' heartbeats on, for `ticket-pipelines health`."""
    with tickets.open() as project:
        for daemon, at in daemon_beats(context.instance).items():
            heartbeat.beat(project.control, f"{heartbeat.DAEMON}{daemon}", at)
        turned = tick(project.control, project.settings, datetime.now(UTC))
    told = ", ".join(f"{turn.rule} {turn.state} for {turn.desk}" for turn in turned[:20])
    return dg.SkipReason(told or "Nothing started or ended.")


def daemon_beats(instance: dg.DagsterInstance) -> dict[str, datetime]:
    """Last heartbeats of the daemons that this instance needs, by type. A probe that asked Dagster would import it."""
    return {
        status.daemon_type.lower(): datetime.fromtimestamp(status.last_heartbeat.timestamp, UTC)
        for status in instance.get_daemon_statuses().values()
        if status.required and status.last_heartbeat
    }

"""Once a day, at night: reference streams whole and checks for every desk, and old history cleared away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ticket_pipelines.defs.catalog import Catalog
from ticket_pipelines.defs.jobs import daily_job_name
from ticket_pipelines.defs.maintenance import clickhouse_optimize, maintenance
from ticket_pipelines.defs.resources import Tickets

DAILY = "0 3 * * *"
MAINTENANCE = "30 4 * * *"
OPTIMIZE = "0 5 * * 0"


def daily_schedule(catalog: Catalog, job: Any) -> dg.ScheduleDefinition:
    """Asks for the daily run of every desk of a vendor that is neither paused nor parked."""

    @dg.schedule(
        name=daily_job_name(catalog.name),
        description=f"Reads the reference streams of every {catalog.vendor.title} desk whole and checks its tables.",
        job=job,
        cron_schedule=DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def daily(
        context: dg.ScheduleEvaluationContext, tickets: dg.ResourceParam[Tickets]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with tickets.open() as project:
            desks = [desk.key for desk in project.desks.list() if desk.vendor == catalog.name and not desk.resting]
        partitions = set(context.instance.get_dynamic_partitions(f"{catalog.name}_desks"))
        day = (context.scheduled_execution_time or datetime.now(UTC)).date()
        asked = [dg.RunRequest(run_key=f"{key} {day}", partition_key=key) for key in desks if key in partitions]
        if not asked:
            yield dg.SkipReason("There is no desk.")
        yield from asked

    return daily


maintenance_schedule = dg.ScheduleDefinition(
    name="maintenance",
    description="Deletes old Dagster runs, old syncs, and dlt's notes of old loads.",
    job=maintenance,
    cron_schedule=MAINTENANCE,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

optimize_schedule = dg.ScheduleDefinition(
    name="clickhouse_optimize",
    description="Merges tables in ClickHouse where it pays, on Sundays. Off until switched on.",
    job=clickhouse_optimize,
    cron_schedule=OPTIMIZE,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)

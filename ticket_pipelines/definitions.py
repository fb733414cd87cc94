"""The Dagster code location. Loads with an empty environment and opens nothing: settings are read when an op runs."""

from __future__ import annotations

import dagster as dg

from ticket_pipelines.defs.alerting import alerts
from ticket_pipelines.defs.assets import desk_assets
from ticket_pipelines.defs.catalog import catalogs, whole_tables
from ticket_pipelines.defs.controls import CONTROLS
from ticket_pipelines.defs.doubt import reconcile_job, reconcile_job_name, replay_job, weekly_schedule
from ticket_pipelines.defs.due import sync_due_desks
from ticket_pipelines.defs.jobs import daily_job_name, jobs_of
from ticket_pipelines.defs.maintenance import clickhouse_optimize, maintenance
from ticket_pipelines.defs.outbound import (
    outbound_asset,
    outbound_job,
    outbound_job_name,
    outbound_schedule,
    writable,
)
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.defs.schedules import daily_schedule, maintenance_schedule, optimize_schedule
from ticket_pipelines.defs.sensors import desk_partitions, due_desks, live_sync

_written = [catalog for catalog in catalogs() if writable(catalog)]
_jobs = {job.name: job for catalog in catalogs() for job in jobs_of(catalog)}
_jobs |= {job.name: job for job in map(outbound_job, _written)}
_jobs |= {job.name: job for make in (reconcile_job, replay_job) for job in map(make, catalogs())}

defs = dg.Definitions(
    assets=[*map(desk_assets, catalogs()), *map(outbound_asset, _written), *whole_tables()],
    jobs=[sync_due_desks, *_jobs.values(), *CONTROLS, maintenance, clickhouse_optimize],
    schedules=[
        *(daily_schedule(catalog, _jobs[daily_job_name(catalog.name)]) for catalog in catalogs()),
        *(weekly_schedule(catalog, _jobs[reconcile_job_name(catalog.name)]) for catalog in catalogs()),
        *(outbound_schedule(catalog, _jobs[outbound_job_name(catalog.name)]) for catalog in _written),
        maintenance_schedule,
        optimize_schedule,
    ],
    sensors=[desk_partitions, due_desks, live_sync, alerts],
    resources={"tickets": Tickets()},
    # one op a run: a process of its own for it would cost more than a small sync
    executor=dg.in_process_executor,
)

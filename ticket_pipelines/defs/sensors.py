"""What the daemon does by itself: partitions follow the registry, and due desks are synced.

Both ticks read the control database and nothing else. A due desk is claimed before its run is asked for, so that a
second daemon, or a loop that syncs desks without Dagster, never takes it too; a run that dies before it recorded
anything is asked for again when the claim ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from ticket_pipelines.defs.catalog import Catalog, catalogs
from ticket_pipelines.defs.config import config_of
from ticket_pipelines.defs.jobs import sync_job_name
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.sync.result import SyncRequest, Trigger

CLAIM = timedelta(minutes=10)
RUNS_A_TICK = 25

PARTITION_TAG = "dagster/partition"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

PartitionsRequest = dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest


@dg.sensor(
    name="desk_partitions",
    description="Keeps the partitions of every vendor equal to the registry of desks.",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def desk_partitions(
    context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]
) -> dg.SensorResult | dg.SkipReason:
    """Adds partitions of new desks, takes away those of removed ones."""
    with tickets.open() as project:
        desks = project.desks.list()
    requests: list[PartitionsRequest] = []
    for catalog in catalogs():
        there = set(context.instance.get_dynamic_partitions(f"{catalog.name}_desks"))
        wanted = {desk.key for desk in desks if desk.vendor == catalog.name}
        requests += partition_requests(catalog.name, there, wanted)
    if not requests:
        return dg.SkipReason("The partitions are those of the registry.")
    return dg.SensorResult(dynamic_partitions_requests=requests)


def partition_requests(vendor: str, there: Collection[str], wanted: Collection[str]) -> list[PartitionsRequest]:
    """What makes the partitions of a vendor equal to its desks."""
    new, gone = sorted(set(wanted) - set(there)), sorted(set(there) - set(wanted))
    requests: list[PartitionsRequest] = []
    if new:
        requests.append(desks_of(vendor).build_add_request(new))
    if gone:
        requests.append(desks_of(vendor).build_delete_request(gone))
    return requests


def due_desks_sensor(jobs: Sequence[Any]) -> dg.SensorDefinition:
    """The sensor that asks for one run per due desk.

    Args:
        jobs: The sync jobs of all vendors.
    """

    @dg.sensor(
        name="due_desks",
        description="Starts the sync of every desk that is due by its own schedule and time zone.",
        jobs=jobs,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def due_desks(
        context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]
    ) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        with tickets.open() as project:
            due = project.desks.due(now)
            busy = unfinished_desks(context.instance) if due else frozenset[str]()
            claimed = claim(project.desks, [desk for desk in due if desk.key not in busy], now)
        if not claimed:
            waiting = len(due)
            return dg.SkipReason(f"{waiting} due desks are in a run already." if waiting else "No desk is due.")
        return dg.SensorResult(
            run_requests=[scheduled_run(desk) for desk in claimed],
            dynamic_partitions_requests=[
                request for catalog in catalogs() for request in _missing(context.instance, catalog, claimed)
            ],
        )

    return due_desks


def claim(registry: Registry, due: Iterable[Desk], now: datetime) -> list[Desk]:
    """The desks that this tick may start, longest waiting first; nobody else starts them now."""
    known = {catalog.name for catalog in catalogs()}
    claimed: list[Desk] = []
    for desk in due:
        if len(claimed) == RUNS_A_TICK:
            break
        if desk.vendor in known and registry.claim(desk, now + CLAIM):
            claimed.append(desk)
    return claimed


def scheduled_run(desk: Desk) -> dg.RunRequest:
    """The run of a desk that is due."""
    request = SyncRequest(trigger=Trigger.SCHEDULE, due_only=True)
    return dg.RunRequest(
        run_key=f"{desk.key} {(desk.next_due_at or desk.created_at).isoformat()}",
        job_name=sync_job_name(desk.vendor),
        partition_key=desk.key,
        run_config=dg.RunConfig(ops={f"{desk.vendor}_desk": config_of(request)}),
    )


def unfinished_desks(instance: dg.DagsterInstance) -> frozenset[str]:
    """Desks that wait in Dagster's queue or are being run."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    tags = (record.dagster_run.tags.get(PARTITION_TAG) for record in records)
    return frozenset(tag for tag in tags if tag)


def _missing(instance: dg.DagsterInstance, catalog: Catalog, desks: Iterable[Desk]) -> list[PartitionsRequest]:
    there = set(instance.get_dynamic_partitions(f"{catalog.name}_desks"))
    new = {desk.key for desk in desks if desk.vendor == catalog.name} - there
    return partition_requests(catalog.name, there, there | new)

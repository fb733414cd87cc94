"""What is done where rows are in doubt: desks reconciled once a week, records in the quarantine tried again.

A week is divided into hours, and each desk has one of its own, so that they do not come all at once.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from dlt_sources.errors import SourceError
from ticket_pipelines.defs.catalog import Catalog, vendor_key
from ticket_pipelines.defs.failures import failure_of, step_failure
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.report import STATUS_TAG
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.errors import DeskBusyError, TicketPipelinesError
from ticket_pipelines.sync.reconcile import ReconcileRequest, reconcile_desk, status_of
from ticket_pipelines.sync.reconciled import Difference, Found, Reconciliation
from ticket_pipelines.sync.replay import replay_desk
from ticket_pipelines.sync.result import Status, SyncRequest, Trigger

HOURLY = "17 * * * *"
HOURS = 7 * 24


class ReplayConfig(dg.Config):
    """How to try again."""

    trigger: str = Field(default=Trigger.MANUAL.value, description="what sync_runs says of who asked")
    wait: bool = Field(default=True, description="wait for a desk that is busy, else fail with the holder's name")


class ReconcileConfig(ReplayConfig):
    """What is compared."""

    streams: list[str] = Field(default=[], description="chosen streams; empty: all that can be listed cheaply")
    repair: bool = Field(default=False, description="fetch what is missing or stale, mark what is gone as deleted")


def reconcile_job_name(vendor: str) -> str:
    """Name of the job, and of its schedule; renamed, they would lose their history."""
    return f"{vendor}_reconcile"


def reconcile_op_name(vendor: str) -> str:
    """Name of its op, under which run configuration stands."""
    return f"{vendor}_reconcile_desk"


def replay_job_name(vendor: str) -> str:
    """Name of the job that tries the quarantine again; renamed, it would lose its history."""
    return f"{vendor}_replay"


def replay_op_name(vendor: str) -> str:
    """Name of its op."""
    return f"{vendor}_replay_desk"


def reconcile_job(catalog: Catalog) -> dg.JobDefinition:
    """The job that compares a desk's source with the warehouse, and says so on the assets."""

    @dg.op(
        name=reconcile_op_name(catalog.name),
        description=f"Compares what {catalog.vendor.title} shows of one desk with the warehouse.",
    )
    def reconcile_one(
        context: dg.OpExecutionContext, config: ReconcileConfig, tickets: dg.ResourceParam[Tickets]
    ) -> None:
        scheduled = config.trigger == Trigger.SCHEDULE
        request = ReconcileRequest(
            tuple(config.streams), config.repair, Trigger(config.trigger), config.wait, context.run.run_id
        )
        try:
            with tickets.open() as project:
                done = reconcile_desk(project, str(context.partition_key), request, tickets.progress)
        except DeskBusyError as error:
            if not scheduled:
                raise failure_of(error, scheduled=False) from error
            context.log.info(str(error))
            context.instance.add_run_tags(context.run.run_id, {STATUS_TAG: Status.SKIPPED.value})
            return
        except (TicketPipelinesError, SourceError) as error:
            raise failure_of(error, scheduled=scheduled) from error
        context.instance.add_run_tags(context.run.run_id, {STATUS_TAG: status_of(done).value})
        for observation in observations(catalog, done):
            context.log_event(observation)

    @dg.job(
        name=reconcile_job_name(catalog.name),
        description=f"Compares {catalog.vendor.title} desks with the warehouse, by id and version; `repair` mends.",
        partitions_def=desks_of(catalog.name),
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        reconcile_one()

    return job


def replay_job(catalog: Catalog) -> dg.JobDefinition:
    """The job that tries the records of a desk again that wait in the quarantine."""

    @dg.op(
        name=replay_op_name(catalog.name),
        description=f"Tries the records of one {catalog.vendor.title} desk again that wait in the quarantine.",
    )
    def replay_one(context: dg.OpExecutionContext, config: ReplayConfig, tickets: dg.ResourceParam[Tickets]) -> None:
        scheduled = config.trigger == Trigger.SCHEDULE
        request = SyncRequest(trigger=Trigger(config.trigger), wait=config.wait, dagster_run_id=context.run.run_id)
        try:
            with tickets.open() as project:
                result = replay_desk(project, str(context.partition_key), request, tickets.progress)
        except (TicketPipelinesError, SourceError) as error:
            raise failure_of(error, scheduled=scheduled) from error
        status = Status.SKIPPED if result is None else result.status
        context.instance.add_run_tags(context.run.run_id, {STATUS_TAG: status.value})
        if result is not None and result.status is Status.FAILED:
            raise step_failure(result.error_message or "the replay failed", result.error_code, scheduled=scheduled)

    @dg.job(
        name=replay_job_name(catalog.name),
        description=f"Tries the quarantined records of {catalog.vendor.title} desks again.",
        partitions_def=desks_of(catalog.name),
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        replay_one()

    return job


def observations(catalog: Catalog, done: Reconciliation) -> Iterator[dg.AssetObservation]:
    """What was found, as an entry on the asset of each stream."""
    known = {*catalog.vendor_keys(), *catalog.group_keys()}
    for found in done.found:
        key = vendor_key(catalog.name, catalog.vendor.asset(found.stream))
        if key in known:
            yield dg.AssetObservation(key, partition=done.desk, metadata=_metadata(found, done))


def weekly_schedule(catalog: Catalog, job: Any) -> dg.ScheduleDefinition:
    """Asks once a week for a reconciliation of every desk that is neither paused nor parked, each at its own hour."""

    @dg.schedule(
        name=reconcile_job_name(catalog.name),
        description=f"Compares every {catalog.vendor.title} desk once a week, each at an hour of its own.",
        job=job,
        cron_schedule=HOURLY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def weekly(
        context: dg.ScheduleEvaluationContext, tickets: dg.ResourceParam[Tickets]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        at = context.scheduled_execution_time or datetime.now(UTC)
        with tickets.open() as project:
            desks = [desk.key for desk in project.desks.list() if desk.vendor == catalog.name and not desk.resting]
        partitions = set(context.instance.get_dynamic_partitions(f"{catalog.name}_desks"))
        config = ReconcileConfig(trigger=Trigger.SCHEDULE.value, wait=False)
        asked = [
            dg.RunRequest(
                run_key=f"{key} {at:%Y-%m-%d %H}",
                partition_key=key,
                run_config=dg.RunConfig(ops={reconcile_op_name(catalog.name): config}),
            )
            for key in desks
            if key in partitions and hour_of(key) == at.weekday() * 24 + at.hour
        ]
        if not asked:
            yield dg.SkipReason("No desk has its hour now.")
        yield from asked

    return weekly


def hour_of(key: str) -> int:
    """The hour of the week at which a desk is reconciled, 0 to 167 from Monday on (UTC)."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % HOURS


def _metadata(found: Found, done: Reconciliation) -> dict[str, Any]:
    return {
        "reconciliation": done.id,
        "stream": found.stream,
        "outcome": found.outcome,
        "source_rows": found.source_rows if found.source_rows is not None else "unknown",
        "source_rows_are_approximate": found.approximate,
        "warehouse_rows": found.warehouse_rows if found.warehouse_rows is not None else "unknown",
        **{how.value: found.of(how) for how in Difference},
        "newer": found.newer,
        "repaired": found.repaired,
        "marked_deleted": found.deleted,
        "reasons": json.dumps({f"{how.value}: {why.value}": count for (how, why), count in found.counts.items()}),
        **({"reason": found.reason} if found.reason else {}),
    }

"""Writing back: an asset, a check, a job and a schedule for each vendor that can be written.

The asset stands behind the vendor table that its changes are made on. A run for a desk is asked for only where
something waits, or where a mirror has to be looked at.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from dlt_sources.errors import SourceError
from ticket_pipelines.defs.assets import RETRY_RUN_TAG
from ticket_pipelines.defs.catalog import Catalog, vendor_key
from ticket_pipelines.defs.failures import failure_of, step_failure
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.report import STATUS_TAG
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.errors import DeskBusyError, TicketPipelinesError
from ticket_pipelines.project import Project
from ticket_pipelines.sync.result import Status, SyncResult, Trigger
from ticket_pipelines.writeback.entry import Entry, State
from ticket_pipelines.writeback.keys import WRITE_ENABLED
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.push import PushRequest, push_desk

OUTBOUND = "outbound"
NOTHING_PARKED = "nothing_parked"
EVERY = "*/15 * * * *"
SHOWN = 20


class PushConfig(dg.Config):
    """How to push."""

    trigger: str = Field(default=Trigger.MANUAL.value, description="what sync_runs says of who asked")
    wait: bool = Field(default=True, description="wait for a desk that is busy, else fail with the holder's name")


def writable(catalog: Catalog) -> bool:
    """Whether desks of this vendor can be written."""
    return WRITE_ENABLED in catalog.vendor.config_keys


def outbound_job_name(vendor: str) -> str:
    """Name of the job, and of its schedule; renamed, they would lose their history."""
    return f"{vendor}_{OUTBOUND}"


def outbound_op_name(vendor: str) -> str:
    """Name of the op, under which run configuration stands."""
    return f"{vendor}_push"


def outbound_asset(catalog: Catalog) -> dg.AssetsDefinition:
    """The changes of tickets that we write to a vendor, partitioned by its desks."""
    key, title = vendor_key(catalog.name, OUTBOUND), catalog.vendor.title
    with warnings.catch_warnings():
        # partitions_def is what makes a check speak of one desk; Dagster calls it a preview
        warnings.simplefilter("ignore", dg.PreviewWarning)
        check = dg.AssetCheckSpec(
            NOTHING_PARKED,
            asset=key,
            description="No change of the desk waits for a person to look at it.",
            blocking=False,
            partitions_def=desks_of(catalog.name),
        )

    @dg.multi_asset(
        name=outbound_op_name(catalog.name),
        description=f"One push of one {title} desk: its waiting changes are written, compared and read back.",
        specs=[
            dg.AssetSpec(
                key,
                deps=[vendor_key(catalog.name, catalog.main.name)],
                description=f"The changes of tickets that were written to {title}, from the outbox and the mirror.",
                # with the vendor's own, a choice of its group would write where it means to read
                group_name=OUTBOUND,
                kinds={"python"},
                partitions_def=desks_of(catalog.name),
                skippable=True,
            )
        ],
        check_specs=[check],
        partitions_def=desks_of(catalog.name),
    )
    def push(
        context: dg.AssetExecutionContext, config: PushConfig, tickets: dg.ResourceParam[Tickets]
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        scheduled = config.trigger == Trigger.SCHEDULE
        try:
            with tickets.open() as project:
                result = _pushed(project, context, config, tickets)
                parked = Outbox(project.control, project.vault).entries(str(context.partition_key), [State.PARKED])
        except (TicketPipelinesError, SourceError) as error:
            raise failure_of(error, scheduled=scheduled) from error
        failed = result is not None and result.status is Status.FAILED
        if result is not None and not failed:
            yield dg.MaterializeResult(asset_key=key, metadata=_metadata(result))
        yield _check(key, parked)
        if result is not None and failed:
            context.instance.add_run_tags(context.run.run_id, {RETRY_RUN_TAG: "false"})
            raise step_failure(result.error_message or "the push failed", result.error_code, scheduled=scheduled)

    return push


def outbound_job(catalog: Catalog) -> Any:
    """The job that pushes desks of a vendor."""
    return dg.define_asset_job(
        outbound_job_name(catalog.name),
        dg.AssetSelection.assets(vendor_key(catalog.name, OUTBOUND)),
        description=f"Writes what waits for {catalog.vendor.title} desks.",
        executor_def=dg.in_process_executor,
    )


def outbound_schedule(catalog: Catalog, job: Any) -> dg.ScheduleDefinition:
    """Asks for a push of every desk with something to write."""

    @dg.schedule(
        name=outbound_job_name(catalog.name),
        description=f"Pushes each {catalog.vendor.title} desk that may be written and has something waiting.",
        job=job,
        cron_schedule=EVERY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def outbound(
        context: dg.ScheduleEvaluationContext, tickets: dg.ResourceParam[Tickets]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with tickets.open() as project:
            desks = waiting_desks(project, catalog.name)
        partitions = set(context.instance.get_dynamic_partitions(f"{catalog.name}_desks"))
        config = PushConfig(trigger=Trigger.SCHEDULE.value, wait=False)
        at = context.scheduled_execution_time
        asked = [
            dg.RunRequest(
                run_key=f"{desk} {at.isoformat()}",
                partition_key=desk,
                run_config=dg.RunConfig(ops={outbound_op_name(catalog.name): config}),
            )
            for desk in desks
            if desk in partitions
        ]
        if not asked:
            yield dg.SkipReason("Nothing waits to be written.")
        yield from asked

    return outbound


def waiting_desks(project: Project, vendor: str) -> list[str]:
    """Desks of a vendor that may be written, are neither paused nor parked, and have an open entry or a mirror."""
    waiting = Outbox(project.control, project.vault).waiting_desks()
    return [
        desk.key
        for desk in project.desks.list()
        if desk.vendor == vendor
        and not desk.resting
        and desk.config.get(WRITE_ENABLED) is True
        and (desk.key in waiting or desk.config.get("mirror") is not None)
    ]


def _pushed(
    project: Project, context: dg.AssetExecutionContext, config: PushConfig, tickets: Tickets
) -> SyncResult | None:
    """One push; None where a scheduled one found the desk busy."""
    scheduled = config.trigger == Trigger.SCHEDULE
    request = PushRequest(Trigger(config.trigger), config.wait, context.run.run_id)
    status = Status.SKIPPED
    result = None
    try:
        result = push_desk(project, str(context.partition_key), request, tickets.progress)
        status = result.status
    except DeskBusyError as error:
        if not scheduled:
            raise
        context.log.info(str(error))
    context.instance.add_run_tags(context.run.run_id, {STATUS_TAG: status.value})
    return result


def _metadata(result: SyncResult) -> dict[str, Any]:
    return {
        "sync": result.id,
        "entries": result.rows_read,
        "written": result.rows_created + result.rows_updated,
        "needed_no_write": result.rows_unchanged,
        "parked_or_waiting": result.rows_failed,
        "duration_seconds": result.duration_seconds or 0.0,
        "api_requests": result.api_requests,
    }


def _check(key: dg.AssetKey, parked: list[Entry]) -> dg.AssetCheckResult:
    shown = {str(entry.id): f"{entry.cause}: {entry.reason}" for entry in parked[:SHOWN]}
    return dg.AssetCheckResult(
        passed=not parked,
        asset_key=key,
        check_name=NOTHING_PARKED,
        metadata={"parked": len(parked), **({"entries": shown} if shown else {})},
        severity=dg.AssetCheckSeverity.WARN,
        description="`ticket-pipelines outbox list` shows them; retry or cancel each." if parked else None,
    )

"""Jobs: what people start for chosen desks. One set a vendor, since a job has one partitions definition."""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

from collections.abc import Mapping
from typing import Any

import dagster as dg

from ticket_pipelines.defs.assets import op_name
from ticket_pipelines.defs.catalog import Catalog
from ticket_pipelines.defs.checks import complete_key, look, row_checks
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.report import MODE_TAG
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.sync.result import Mode, Trigger


def sync_job_name(vendor: str) -> str:
    """Name of the job that syncs desks of a vendor; renamed, it would lose its history."""
    return f"{vendor}_sync"


def rebuild_job_name(vendor: str) -> str:
    """Name of the job that makes the unified rows again."""
    return f"{vendor}_rebuild"


def daily_job_name(vendor: str) -> str:
    """Name of the job that reads reference streams whole and looks at all rows."""
    return f"{vendor}_daily"


def jobs_of(catalog: Catalog) -> list[Any]:
    """All jobs of a vendor."""
    every = (*catalog.vendor_keys(), *catalog.group_keys(), *catalog.unified_keys())
    assets = dg.AssetSelection.assets(*every).without_checks()
    unified = dg.AssetSelection.assets(*catalog.unified_keys()).without_checks()
    complete = dg.AssetSelection.checks(complete_key(catalog))
    checks = dg.AssetSelection.checks(complete_key(catalog), *row_checks(catalog))
    title = catalog.vendor.title
    return [
        _job(catalog, sync_job_name(catalog.name), assets | complete, f"Reads what is new of {title} desks."),
        _job(
            catalog,
            f"{catalog.name}_full_sync",
            assets | checks,
            f"Reads {title} desks from the start, then checks every table. Stored rows stay; unchanged ones are not"
            " written again.",
            mode=Mode.FULL,
        ),
        _job(
            catalog,
            f"{catalog.name}_backfill",
            assets | complete,
            f"Reads a range of dates of {title} desks again: set `since` and `until`. The live position does not move.",
            mode=Mode.BACKFILL,
            config={"since": "", "until": ""},
        ),
        _job(
            catalog,
            rebuild_job_name(catalog.name),
            unified,
            f"Makes the unified rows of {title} desks again from the vendor tables, without a request to the vendor.",
        ),
        _job(
            catalog,
            daily_job_name(catalog.name),
            assets | checks,
            f"Reads the reference streams of {title} desks whole, then checks every table.",
            config={
                "streams": list(catalog.reference_streams()),
                "trigger": Trigger.SCHEDULE.value,
                "wait": False,
            },
        ),
        _checks_job(catalog),
    ]


def _job(
    catalog: Catalog,
    name: str,
    selection: dg.AssetSelection,
    description: str,
    *,
    mode: Mode = Mode.INCREMENTAL,
    config: Mapping[str, Any] | None = None,
) -> Any:
    """A job whose mode is a tag: a configuration that somebody writes replaces that of the job, tags stay."""
    return dg.define_asset_job(
        name,
        selection,
        description=description,
        config={"ops": {op_name(catalog): {"config": dict(config or {})}}},
        tags={MODE_TAG: mode.value} if mode is not Mode.INCREMENTAL else None,
        executor_def=dg.in_process_executor,
    )


def _checks_job(catalog: Catalog) -> dg.JobDefinition:
    @dg.op(name=f"{catalog.name}_check_desk", description=f"Looks at the rows of one {catalog.vendor.title} desk.")
    def check_desk(context: dg.OpExecutionContext, tickets: dg.ResourceParam[Tickets]) -> None:
        with tickets.open() as project:
            for finding in look(
                catalog, project.warehouse, project.control, context.partition_key, row_checks(catalog)
            ):
                # it takes checks too; its annotation does not say so
                context.log_event(finding.event(context.partition_key))  # type: ignore[arg-type]

    @dg.job(
        name=f"{catalog.name}_checks",
        description=f"Checks every table of {catalog.vendor.title} desks, without a sync.",
        partitions_def=desks_of(catalog.name),
        executor_def=dg.in_process_executor,
    )
    def checks() -> None:
        check_desk()

    return checks

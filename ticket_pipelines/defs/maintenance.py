"""Upkeep: old Dagster runs are deleted, and tables in ClickHouse merged where it pays.

Dagster has no retention for runs of its own. `sync_runs` keeps the whole history of syncs; what goes here are Dagster's
event logs, about 40 KB a run.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.clickhouse_upkeep import Merged, Merging, merge_where_it_pays

PARTITION_TAG = "dagster/partition"
PAGE = 500

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class MaintenanceConfig(dg.Config):
    """How long Dagster remembers."""

    keep_days: int = Field(
        default=30, description="finished Dagster runs older than this are deleted, save the last of each job and desk"
    )


@dg.op(description="Deletes old Dagster runs and their events.")
def purge_runs(context: dg.OpExecutionContext, config: MaintenanceConfig) -> None:
    """Deletes finished runs that nobody looks at any more."""
    before = datetime.now(UTC) - timedelta(days=config.keep_days)
    ids = old_runs(context.instance, before)
    for run_id in ids:
        context.instance.delete_run(run_id)
    context.log.info(f"{len(ids)} Dagster runs from before {before:%Y-%m-%d} deleted")


@dg.job(
    name="maintenance",
    description="Deletes old Dagster runs. The history of syncs in sync_runs stays whole.",
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    """One step."""
    purge_runs()


class OptimizeConfig(dg.Config):
    """Which tables are merged."""

    superseded_percent: float = Field(default=10.0, description="superseded rows of a table from which it pays")
    parts: int = Field(default=20, description="active parts of a table from which it pays")
    rows: int = Field(default=100_000, description="smaller tables are left alone")
    tables: list[str] = Field(default=[], description="only these tables; empty: all")
    only_look: bool = Field(default=False, description="say what would be merged, and merge nothing")


@dg.op(description="Merges tables in ClickHouse where it pays, one after the other.")
def optimize_tables(
    context: dg.OpExecutionContext, config: OptimizeConfig, tickets: dg.ResourceParam[Tickets]
) -> dg.Output[None]:
    """Runs OPTIMIZE, and says of each table how it stood before and after."""
    rule = Merging(config.superseded_percent / 100, config.parts, config.rows)
    with tickets.open() as project:
        warehouse = project.warehouse
        if not isinstance(warehouse, ClickHouseWarehouse):
            context.log.info(f"The warehouse is {warehouse.engine}, which keeps no superseded rows: nothing to do.")
            return dg.Output(None, metadata={"merged": 0})
        found = merge_where_it_pays(warehouse, rule, config.tables, only_look=config.only_look)
    merged = [one for one in found if one.after]
    for one in merged:
        context.log.info(f"{one.before.table}: merged, since {one.reason}")
    return dg.Output(None, metadata={"merged": len(merged), **{one.before.table: _told(one) for one in found}})


@dg.job(
    name="clickhouse_optimize",
    description="Merges tables in ClickHouse where many rows are superseded or many parts stand. Writes a table anew: "
    "needs twice its size free, and the server's CPU meanwhile.",
    executor_def=dg.in_process_executor,
)
def clickhouse_optimize() -> None:
    """One step."""
    optimize_tables()


def _told(one: Merged) -> dict[str, Any]:
    """A table, as its metadata shows it."""
    states = {"before": one.before} | ({"after": one.after} if one.after else {})
    return {
        "reason": one.reason,
        **{
            name: {"parts": at.parts, "rows": at.rows, "superseded": at.rows - at.live, "bytes": at.size}
            for name, at in states.items()
        },
    }


def old_runs(instance: dg.DagsterInstance, before: datetime) -> list[str]:
    """Ids of the finished runs from before a time, without the newest of each job and partition."""
    return [run.run_id for run in superseded(_finished(instance), before)]


def superseded(newest_first: Iterable[dg.RunRecord], before: datetime) -> Iterator[dg.DagsterRun]:
    """The runs that ended long ago and have a newer one of the same job and partition."""
    seen: set[tuple[str, str | None]] = set()
    for record in newest_first:
        run = record.dagster_run
        kind = (run.job_name, run.tags.get(PARTITION_TAG))
        if kind in seen and record.create_timestamp < before:
            yield run
        seen.add(kind)


def _finished(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    cursor: str | None = None
    while records := instance.get_run_records(dg.RunsFilter(statuses=FINISHED), limit=PAGE, cursor=cursor):
        yield from records
        cursor = records[-1].dagster_run.run_id

"""Upkeep: old history is deleted, and tables in ClickHouse merged where it pays.

Dagster has no retention for runs of its own, and a run takes about 40 KB.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from ticket_pipelines.control.retention import Ages, purge_history
from ticket_pipelines.defs import event_log
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines.warehouse.clickhouse_upkeep import Merged, Merging, merge_where_it_pays

PARTITION_TAG = "dagster/partition"
PAGE = 500

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class MaintenanceConfig(dg.Config):
    """How long Dagster remembers."""

    keep_days: float | None = Field(
        default=None,
        description="finished Dagster runs older than this are deleted, save the last of each job and desk and those "
        "that hold the latest materialization of a partition; default TICKETS_KEEP_DAGSTER_DAYS",
    )


@dg.op(description="Deletes old Dagster runs, superseded events and ticks.")
def purge_runs(
    context: dg.OpExecutionContext, config: MaintenanceConfig, tickets: dg.ResourceParam[Tickets]
) -> dg.Output[None]:
    """Deletes what nobody looks at any more."""
    instance = context.instance
    if not event_log.can_delete(instance):
        context.log.warning("Dagster's storage is of a kind that is not known here: nothing is deleted.")
        return dg.Output(None)
    days = tickets.read().keep_dagster_days if config.keep_days is None else config.keep_days
    before = datetime.now(UTC) - timedelta(days=days)
    ids = old_runs(instance, before)
    event_log.delete_runs(instance, ids)
    gone = {
        "runs": len(ids),
        "events": event_log.delete_superseded(instance, before),
        "checks": event_log.delete_old_checks(instance, before),
    }
    purge_ticks(instance, before)
    context.log.info(f"Deleted from before {before:%Y-%m-%d}: {gone}")
    return dg.Output(None, metadata=gone)


def purge_ticks(instance: dg.DagsterInstance, before: datetime) -> None:
    """Deletes old ticks of all schedules and sensors, whatever `dagster.yaml` says of them."""
    for state in instance.all_instigator_state():
        instance.purge_ticks(state.instigator_origin_id, state.selector_id, before.timestamp())


class HistoryConfig(dg.Config):
    """How long syncs and loads are remembered."""

    keep_runs_days: float | None = Field(
        default=None,
        description="older rows of sync_runs are deleted, save the last of each desk; default TICKETS_KEEP_RUNS_DAYS",
    )
    keep_loads_days: float | None = Field(
        default=None,
        description="older rows of _dlt_loads, _dlt_pipeline_state and _dlt_version are deleted, save those that a "
        "restore needs; default TICKETS_KEEP_LOADS_DAYS",
    )
    keep_quarantine_days: float | None = Field(
        default=None,
        description="records in the quarantine that no sync has seen for longer are deleted; default "
        "TICKETS_KEEP_QUARANTINE_DAYS",
    )


@dg.op(name="purge_history", description="Deletes old syncs from sync_runs, and dlt's notes of old loads.")
def purge_old_history(
    context: dg.OpExecutionContext, config: HistoryConfig, tickets: dg.ResourceParam[Tickets]
) -> dg.Output[None]:
    """Deletes them in the control database and in the warehouse."""
    with tickets.open() as project:
        settings = project.settings
        ages = Ages(
            settings.keep_runs_days if config.keep_runs_days is None else config.keep_runs_days,
            settings.keep_loads_days if config.keep_loads_days is None else config.keep_loads_days,
            settings.keep_quarantine_days if config.keep_quarantine_days is None else config.keep_quarantine_days,
        )
        gone = purge_history(project, ages, datetime.now(UTC))
    context.log.info(f"Deleted rows: {gone}")
    return dg.Output(None, metadata=gone)


@dg.job(
    name="maintenance",
    description="Deletes old Dagster runs, events and ticks, old syncs, and dlt's notes of old loads.",
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    """Two steps, neither of which waits for the other."""
    purge_runs()
    purge_old_history()


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
    """Ids of the finished runs from before a time, without the newest of each job and partition.

    Nor those that hold the newest event of some asset and partition: without it the UI would take a desk that has not
    changed for long for one that was never synced.
    """
    needed = event_log.runs_of_newest(instance)
    return [run.run_id for run in superseded(_finished(instance), before) if run.run_id not in needed]


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

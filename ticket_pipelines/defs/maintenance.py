"""Keeps Dagster's storage bounded: it has no retention for runs of its own.

`sync_runs` keeps the whole history of syncs; what goes here are Dagster's event logs, about 40 KB a run.
"""

# no `from __future__ import annotations`: Dagster reads the annotations of an op's parameters as they are

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

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

"""What the daemon does by itself: partitions follow the registry, and due desks are synced.

The ticks read the control database and Dagster's runs, and claim nothing: in the run each desk is taken by its lease.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import dagster as dg

from ticket_pipelines.control.due import lateness
from ticket_pipelines.defs.catalog import catalogs
from ticket_pipelines.defs.due import DUE_JOB, DUE_OP, LIVE_TAG, LoopConfig
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.loop.claims import waiting
from ticket_pipelines.loop.pulse import needs_successor, read_loops, still_running

LIVE = {LIVE_TAG: "true"}

OVERDUE = 60.0
"""Seconds of lateness from which a loop that is at work does not get through."""
STARVING = 300.0
"""Seconds of lateness from which a second run is started beside one whose threads are all in long syncs."""
MOST_RUNS = 2

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


@dg.sensor(
    name="due_desks",
    description="Starts one run over all desks that are due by their own schedules and time zones.",
    job_name=DUE_JOB,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def due_desks(context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]) -> dg.RunRequest | dg.SkipReason:
    """Looks for due desks that nobody holds."""
    now = datetime.now(UTC)
    with tickets.open() as project:
        due = waiting(project.control, now)
        loops = read_loops(project.control) if due else []
    late = lateness(due[0].next_due_at or due[0].created_at, paused=False, now=now) if due else 0.0
    runs = still_running(_unfinished(context.instance, {}), loops, now) if due else 0
    reason = why_wait(len(due), late, runs, any(loop.alive(now) for loop in loops))
    if reason is not None:
        return dg.SkipReason(reason)
    return dg.RunRequest(run_key=None)


def why_wait(due: int, late: float, runs: int, at_work: bool) -> str | None:
    """Why no run is started now; None: one is.

    Args:
        due: Count of due desks that nobody holds.
        late: Seconds by which the first of them is late.
        runs: Count of runs of the job that wait or run.
        at_work: Whether a loop, in a run or a worker, gave a sign of life lately.
    """
    if not due:
        return "No desk is due."
    if runs and (late < STARVING or runs >= MOST_RUNS):
        return f"{due} due; a run is at it."
    if at_work and late < OVERDUE:
        return f"{due} due; a loop is at work."
    return None


@dg.sensor(
    name="live_sync",
    description="Keeps one live run going: desks are looked at every second. Off until switched on.",
    job_name=DUE_JOB,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.STOPPED,
)
def live_sync(context: dg.SensorEvaluationContext, tickets: dg.ResourceParam[Tickets]) -> dg.RunRequest | dg.SkipReason:
    """Starts the next live run shortly before the present one's time is up."""
    with tickets.open() as project:
        loops = read_loops(project.control)
    if not needs_successor(_unfinished(context.instance, LIVE), loops, datetime.now(UTC)):
        return dg.SkipReason("A live run is at work.")
    return dg.RunRequest(run_key=None, run_config=dg.RunConfig(ops={DUE_OP: LoopConfig(live=True)}), tags=LIVE)


def _unfinished(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> list[str]:
    """Ids of the runs over due desks that wait or run."""
    records = instance.get_run_records(dg.RunsFilter(job_name=DUE_JOB, statuses=UNFINISHED, tags=dict(tags)))
    return [record.dagster_run.run_id for record in records]

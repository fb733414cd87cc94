"""Runs Dagster jobs in this process, for the command line: the same job, run history and assets as from the UI.

settings -> DAGSTER_HOME prepared -> instance -> job in this process -> the sync that it recorded in sync_runs
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

from dlt_sources.errors import SourceError
from ticket_pipelines.control.status import runs
from ticket_pipelines.defs.config import SyncConfig, config_of
from ticket_pipelines.defs.doubt import (
    ReconcileConfig,
    ReplayConfig,
    reconcile_job_name,
    reconcile_op_name,
    replay_job_name,
    replay_op_name,
)
from ticket_pipelines.defs.jobs import rebuild_job_name, sync_job_name
from ticket_pipelines.defs.outbound import PushConfig, outbound_job_name, outbound_op_name
from ticket_pipelines.defs.partitions import desks_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.errors import TicketPipelinesError, UsageError
from ticket_pipelines.project import open_project
from ticket_pipelines.settings import Settings
from ticket_pipelines.sync.progress import Progress, quiet
from ticket_pipelines.sync.reconciled import kept_reconciliation
from ticket_pipelines.sync.result import SyncRequest, SyncResult

TEMPLATE = Path(__file__).parent / "dagster.yaml"

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The command that runs the job says itself what came of it."""


def prepare_home(settings: Settings) -> Path:
    """The folder of Dagster's instance, made where it is missing, with the project's dagster.yaml in it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copyfile(TEMPLATE, home / "dagster.yaml")
    return home


@contextmanager
def instance_of(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance, as a daemon and the UI see it too."""
    with dg.DagsterInstance.from_config(str(prepare_home(settings))) as instance:
        yield instance


def add_partition(settings: Settings, vendor: str, key: str) -> None:
    """Makes a desk a partition of its vendor's assets."""
    with instance_of(settings) as instance:
        instance.add_dynamic_partitions(_partitions(vendor), [key])


def remove_partition(settings: Settings, vendor: str, key: str) -> None:
    """Takes the partition of a desk away; its past runs stay."""
    with instance_of(settings) as instance:
        if instance.has_dynamic_partition(_partitions(vendor), key):
            instance.delete_dynamic_partition(_partitions(vendor), key)


def run_sync(settings: Settings, key: str, request: SyncRequest, progress: Progress = quiet) -> SyncResult:
    """One sync of a desk through the Dagster job of its vendor, in this process.

    Returns:
        The sync as `sync_runs` has it, a failed one too.

    Raises:
        TicketPipelinesError: The sync never began: unknown desk, desk busy, database away, wrong request.
        SourceError: The vendor stopped it before anything was recorded.
    """
    return _run_recorded(settings, key, lambda vendor: f"{vendor}_desk", sync_job_name, config_of(request), progress)


def run_push(settings: Settings, key: str, progress: Progress = quiet) -> SyncResult:
    """One push of a desk through the Dagster job of its vendor, in this process.

    Returns:
        The push as `sync_runs` has it, a failed one too.

    Raises:
        TicketPipelinesError: The push never began: unknown desk, desk busy, database away, writing is off.
    """
    return _run_recorded(settings, key, outbound_op_name, outbound_job_name, PushConfig(wait=False), progress)


def _run_recorded(
    settings: Settings,
    key: str,
    op: Callable[[str], str],
    job: Callable[[str], str],
    config: dg.Config,
    progress: Progress,
) -> SyncResult:
    run_id = str(uuid.uuid4())
    with open_project(settings) as project:
        vendor = project.desks.get(key).vendor
        run = _Run(settings, vendor, key, config, progress, run_id, op(vendor))
        try:
            run.execute(job(vendor))
        except (TicketPipelinesError, SourceError) as error:
            recorded = _recorded(project.control, key, run_id)
            if recorded is None or isinstance(error, UsageError):
                raise
            return recorded
        found = _recorded(project.control, key, run_id)
    if found is None:
        raise TicketPipelinesError(f"the Dagster run {run_id} of desk {key} recorded no sync; see its log in the UI")
    return found


def run_replay(settings: Settings, key: str, progress: Progress = quiet) -> SyncResult:
    """Tries the quarantined records of a desk again through the Dagster job of its vendor, in this process.

    Returns:
        The replay as `sync_runs` has it, a failed one too.

    Raises:
        TicketPipelinesError: It never began: unknown desk, desk busy, database away, nothing to try.
    """
    return _run_recorded(settings, key, replay_op_name, replay_job_name, ReplayConfig(wait=False), progress)


def run_reconcile(
    settings: Settings,
    key: str,
    streams: Sequence[str] = (),
    progress: Progress = quiet,
    *,
    repair: bool = False,
    wait: bool = False,
) -> list[dict[str, Any]]:
    """Compares a desk with the warehouse through the Dagster job of its vendor, in this process.

    Returns:
        Its rows in the table `reconciliations`, a stream each, their JSON decoded.

    Raises:
        TicketPipelinesError: Unknown desk or stream, desk busy, or the warehouse is away.
        SourceError: The account cannot be read.
    """
    run_id = str(uuid.uuid4())
    config = ReconcileConfig(streams=list(streams), repair=repair, wait=wait)
    with open_project(settings) as project:
        vendor = project.desks.get(key).vendor
        run = _Run(settings, vendor, key, config, progress, run_id, reconcile_op_name(vendor))
        run.execute(reconcile_job_name(vendor))
        return kept_reconciliation(project.warehouse, run_id)


def run_rebuild(settings: Settings, key: str, progress: Progress = quiet) -> dict[str, int]:
    """Makes the unified rows of a desk again through the Dagster job, in this process.

    Returns:
        Rows of the desk in each unified table.

    Raises:
        TicketPipelinesError: Unknown desk, desk busy, or the warehouse is away.
    """
    with open_project(settings) as project:
        vendor = project.desks.get(key).vendor
    run = _Run(settings, vendor, key, SyncConfig(wait=False), progress, str(uuid.uuid4()), f"{vendor}_desk")
    done = run.execute(rebuild_job_name(vendor))
    return {
        event.asset_key.path[-1]: int(str(event.materialization.metadata["dagster/partition_row_count"].value))
        for event in done.get_asset_materialization_events()
        if event.asset_key
    }


def _recorded(control: sa.Engine, key: str, run_id: str) -> SyncResult | None:
    """The sync that a Dagster run drove, if it came so far."""
    return next(iter(runs(control, key, limit=1, dagster_run_id=run_id)), None)


@dataclass(frozen=True)
class _Run:
    """One run of a job for one desk, in this process."""

    settings: Settings
    vendor: str
    key: str
    config: dg.Config
    progress: Progress
    run_id: str
    op: str

    def execute(self, job: str) -> dg.ExecuteInProcessResult:
        """Runs the job; an error of ours comes out as it went in."""
        from ticket_pipelines.definitions import defs

        ops = {self.op: {"config": self.config.model_dump()}}
        with instance_of(self.settings) as instance:
            instance.add_dynamic_partitions(_partitions(self.vendor), [self.key])
            try:
                return defs.resolve_job_def(job).execute_in_process(
                    instance=instance,
                    partition_key=self.key,
                    run_config={"ops": ops, **QUIET},
                    resources={"tickets": Tickets(self.settings, self.progress)},
                    run_id=self.run_id,
                )
            except dg.Failure as failure:
                if isinstance(failure.__cause__, (TicketPipelinesError, SourceError)):
                    raise failure.__cause__ from None
                raise TicketPipelinesError(failure.description or "the Dagster run failed") from failure
            except dg.DagsterExecutionInterruptedError:
                raise KeyboardInterrupt from None


def _partitions(vendor: str) -> str:
    name = desks_of(vendor).name
    assert name  # noqa: S101  (a dynamic definition without a function has a name)
    return name

"""An installation with a Dagster instance of its own, and jobs run on it in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs.launch import QUIET, add_partition, instance_of
from ticket_pipelines.defs.resources import Tickets
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer

EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


@dataclass(frozen=True)
class Daemon:
    """What a daemon has: the instance, the definitions, and the way to the project."""

    instance: dg.DagsterInstance
    project: Project

    @property
    def tickets(self) -> Tickets:
        return Tickets(self.project.settings)

    def run(self, job: str, desk: str = "acme", **config: Any) -> dg.ExecuteInProcessResult:
        """Runs a job for a desk; a failure is the result's."""
        ops = {"ops": {"zendesk_desk": {"config": config}}} if config else {}
        return self._execute(defs.resolve_job_def(job), desk, ops)

    def materialize(self, *keys: str, desk: str = "acme") -> dg.ExecuteInProcessResult:
        """Materializes chosen assets, as the UI does."""
        chosen = dg.define_asset_job("chosen", dg.AssetSelection.assets(*(key.split("/") for key in keys)))
        job = dg.Definitions(
            assets=defs.assets, jobs=[chosen], resources=defs.resources, executor=defs.executor
        ).resolve_job_def("chosen")
        return self._execute(job, desk, {})

    def evaluate(self, sensor: str) -> dg.SensorExecutionData | Any:
        """One tick of a sensor."""
        tickets = dg.ResourceDefinition.hardcoded_resource(self.tickets)
        with dg.SensorEvaluationContext(
            instance_ref=self.instance.get_ref(), definitions=defs, resources={"tickets": tickets}
        ) as context:
            return defs.resolve_sensor_def(sensor).evaluate_tick(context)

    def _execute(self, job: dg.JobDefinition, desk: str, config: Mapping[str, Any]) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            instance=self.instance,
            partition_key=desk,
            run_config={**config, **QUIET},
            resources={"tickets": self.tickets},
            raise_on_error=False,
        )


@pytest.fixture
def daemon(project: Project) -> Iterator[Daemon]:
    with instance_of(project.settings) as instance:
        yield Daemon(instance, project)


@pytest.fixture
def acme(project: Project, sandbox: SandboxServer) -> str:
    """A desk with its partition."""
    project.desks.add("acme", "zendesk", sandbox.zendesk.config, sandbox.zendesk.credentials)
    add_partition(project.settings, "zendesk", "acme")
    return "acme"


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Metadata of each asset that a run materialized, by its key."""
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key
    }


def checked(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """What each check of a run found, by `asset key:check`."""
    found = (event.asset_check_evaluation_data for event in result.all_events if event.event_type is EVALUATED)
    return {f"{check.asset_key.to_user_string()}:{check.check_name}": check for check in found}


def told(check: dg.AssetCheckEvaluation) -> dict[str, Any]:
    """The numbers of a check."""
    return {name: value.value for name, value in check.metadata.items()}

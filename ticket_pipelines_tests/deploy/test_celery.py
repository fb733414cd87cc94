"""Dagster runs on Celery workers with a real Redis, configured by the files of the deployment."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Iterator
from json import loads

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from ticket_pipelines.control.status import runs
from ticket_pipelines.definitions import defs
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.deploy.conftest import DATABASE_PASSWORD, Stack, until
from ticket_pipelines_tests.fixtures.redis import PASSWORD, RedisServer

# dagster-celery makes its task anew for each run, which Celery takes for a slip; the first one serves all
pytestmark = pytest.mark.filterwarnings("ignore:Task name")

DESKS = ("acme", "globex", "initech")
STARTED, SUCCESS, FAILURE = (dg.DagsterRunStatus[name] for name in ("STARTED", "SUCCESS", "FAILURE"))


@pytest.fixture
def instance(stack: Stack, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance as the daemon has it, and three desks with their partitions."""
    for name, value in stack.environment("daemon").items():
        if name.startswith(("DAGSTER_", "CELERY_")):
            monkeypatch.setenv(name, value)
    config = {**sandbox.zendesk.config, "streams": ["groups"]}
    for key in DESKS:
        stack.project.desks.add(key, "zendesk", config, sandbox.zendesk.credentials)
    with dg.DagsterInstance.from_config(str(stack.home)) as instance:
        instance.add_dynamic_partitions("zendesk_desks", list(DESKS))
        yield instance


def launch(instance: dg.DagsterInstance, desk: str) -> str:
    """A run of a desk, given to the launcher as the daemon does when its turn has come."""
    pointer = ModuleCodePointer("ticket_pipelines.definitions", "defs", None)
    code = RepositoryPythonOrigin(sys.executable, pointer, None, entry_point=["dagster"])
    run = instance.create_run_for_job(
        defs.resolve_job_def("zendesk_sync"),
        run_config={"ops": {"zendesk_desk": {"config": {"wait": True}}}},
        tags={"dagster/partition": desk},
        status=dg.DagsterRunStatus.STARTING,
        job_code_origin=JobPythonOrigin("zendesk_sync", code),
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def test_what_goes_through_redis_holds_no_secret(
    stack: Stack, instance: dg.DagsterInstance, redis_server: RedisServer, sandbox: SandboxServer
) -> None:
    import redis

    run_id = launch(instance, "acme")
    with redis.Redis.from_url(redis_server.url(0)) as broker:
        (message,) = broker.lrange("dagster", 0, -1)
    body = b64decode(loads(message)["body"]).decode()
    assert run_id in body
    secrets = {DATABASE_PASSWORD, PASSWORD, stack.given["TICKETS_SECRET_KEY"], *sandbox.zendesk.credentials.values()}
    assert [secret for secret in secrets if secret in body] == []


@pytest.mark.torture
def test_two_workers_share_runs_and_none_is_left_as_running(stack: Stack, instance: dg.DagsterInstance) -> None:
    control = stack.project.control
    workers = [stack.start("runs", "--concurrency", "1", "--hostname", f"{name}@%h") for name in ("one", "two")]
    with hold(control, "acme", "the test"), hold(control, "globex", "the test"):
        first, second = launch(instance, "acme"), launch(instance, "globex")
        # each waits for its desk, so each has a worker of its own: they have one process each
        until(lambda: {status(instance, first), status(instance, second)} == {STARTED})
        third = launch(instance, "initech")
        assert instance.run_launcher.terminate(first)
        # the one process that is free now takes the run that waits, though the other two desks are still held
        until(lambda: (status(instance, first), status(instance, third)) == (FAILURE, SUCCESS))
        assert status(instance, second) is STARTED
        # the workers are stopped, as a container is: what does not end in time is interrupted, and not left as running
        for worker in workers:
            stack.stop("runs", worker)
        until(lambda: status(instance, second) is FAILURE)
    for key in DESKS:
        with hold(control, key, "the next one"):
            pass
    assert {run.desk: run.status for run in runs(control)} == {"initech": Status.SUCCESS}
    rows = stack.project.warehouse.query("SELECT DISTINCT desk FROM helpdesk.zendesk_groups").to_pylist()
    assert [row["desk"] for row in rows] == ["initech"]

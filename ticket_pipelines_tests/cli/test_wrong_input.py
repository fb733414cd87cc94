"""Wrong input: one clear message, the right exit status, no stack trace, no secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ticket_pipelines_tests.fixtures.project import OAUTH, Cli, Result

CONFIG = '{"subdomain": "acme"}'
SECRET = "s3cret-of-the-client"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files to hand in, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("good.json").write_text(json.dumps(OAUTH))
    Path("form.json").write_text(json.dumps({"client_secret": SECRET}))
    Path("list.json").write_text(json.dumps([SECRET]))
    Path("broken.json").write_text('{"client_id": "tickets", "client_secret": "s3cret-of-the-client"')
    Path("binary.json").write_bytes(b"\xff\xfe\x00s3cret")
    Path("folder").mkdir()
    Path("broken.yaml").write_text("desks: [")
    return tmp_path


def add(key: str = "acme", vendor: str = "zendesk", config: str = CONFIG, credentials: str = "@good.json") -> list[str]:
    return ["desks", "add", key, "--vendor", vendor, "--config", config, "--credentials", credentials]


def refused(result: Result, exit_status: int, says: str) -> None:
    """Checks how a refusal looks."""
    assert (result.exit_status, result.stdout) == (exit_status, "")
    lines = result.stderr.strip().splitlines()
    assert lines
    assert says in result.stderr
    assert lines[0].startswith("error: ") or lines[0].startswith("warning: ")
    assert len(lines) <= 3
    assert "Traceback" not in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (add(key="Acme"), "desk key 'Acme' is not allowed"),
        (add(key="a__b"), "no double underscore"),
        (add(vendor="zendsk"), "did you mean 'zendesk'"),
        (add(credentials="@form.json"), "credentials of zendesk must be"),
        (add(credentials="@list.json"), "must hold a JSON object"),
        (add(credentials="@broken.json"), "file broken.json is not JSON"),
        (add(credentials="@binary.json"), "not UTF-8"),
        (add(credentials="@missing.json"), "file missing.json cannot be read: No such file"),
        (add(credentials="@folder"), "file folder cannot be read: Is a directory"),
        (add(credentials='{"client_secret": "s3cret-of-the-client"'), "--credentials: the value is not JSON"),
        (add(config="{"), "--config: the value is not JSON"),
        (add(config='{"subdomian": "acme"}'), "did you mean 'subdomain'"),
        (add(config='{"base_url": "http://helpdesk.example"}'), "http"),
        (["desks", "show", "acme"], "there is no desk 'acme'"),
        (["desks", "update", "acme"], "nothing to change"),
        (["desks", "remove", "acme"], "there is no desk 'acme'"),
        (["desks", "apply", "broken.yaml"], "not YAML"),
        (["desks", "apply", "missing.yaml"], "cannot be read"),
        (["sync", "acme"], "there is no desk 'acme'"),
        (["sync", "acme", "--mode", "backfil"], "incremental"),
        (["sync", "acme", "--since", "yesterday"], "--since: 'yesterday' is not a time"),
        (["runs", "--desk", "acme"], "there is no desk 'acme'"),
        (["runs", "--limit", "0"], "--limit"),
        (["rebuild", "--desk", "acme"], "there is no desk 'acme'"),
        (["query", "SELEKT 1"], "SELEKT"),
        (["query", "SELECT * FROM helpdesk.nothing"], "nothing"),
        (["query", "CREATE TABLE x (a int)"], ""),
        (["alerts", "test", "pigeon"], "write one of log, email, slack, teams, webhook"),
        (["keys", "turn"], "No such command"),
        (["no-such-command"], "See `ticket-pipelines --help`"),
        (["sandbox", "--data", "missing.csv"], "cannot be read"),
    ],
)
def test_wrong_usage_ends_with_two(cli: Cli, files: Path, args: Sequence[str], says: str) -> None:
    assert files
    refused(cli(*args), 2, says)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICKETS_WAREHOUSE", "oracle://u:s3cret@h/d"),
        ("TICKETS_CONTROL_DB", "postgresql://u:s3cret@h/d"),
        ("TICKETS_SECRET_KEY", "s3cret"),
        ("TICKETS_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_setting_ends_with_two_and_names_the_variable(cli: Cli, name: str, value: str) -> None:
    refused(cli("status", env={name: value}), 2, "TICKETS_")


def test_an_example_of_ours_is_shown_whole(cli: Cli) -> None:
    wrong = cli("status", env={"TICKETS_WAREHOUSE": "postgresql://u:s3cret@h"})
    refused(wrong, 2, "write postgresql://USER:PASSWORD@HOST/DATABASE")


def test_two_reads_of_the_same_desk_that_exclude_each_other(cli: Cli, files: Path) -> None:
    assert cli(*add()).exit_status == 0
    refused(cli("sync", "acme", "--since", "2026-01-01"), 2, "mode")
    refused(cli("sync", "acme", "--mode", "backfill"), 2, "since")
    refused(cli("sync", "acme", "--stream", "tikets"), 2, "no stream 'tikets'")
    refused(cli("sync", "acme", "--stream", "groups", "--id", "5"), 2, "stream 'groups' by id")
    refused(cli("sync", "acme", "--id", "abc"), 2, "'abc' is no id of Zendesk")
    assert cli("runs", "--json").json == []
    assert files


def test_a_taken_key_ends_with_two(cli: Cli, files: Path) -> None:
    assert cli(*add()).exit_status == 0
    refused(cli(*add()), 2, "exists already")
    refused(cli("desks", "update", "acme", "--config", '{"subdomain": "other"}'), 2, "cannot point at")
    assert files


@pytest.mark.parametrize("args", [["query", "SELECT 1"], ["health"]])
def test_a_warehouse_that_is_away_ends_with_one(cli: Cli, args: Sequence[str]) -> None:
    result = cli(*args, env={"TICKETS_WAREHOUSE": "postgresql://user:s3cret@127.0.0.1:1/tickets"})
    assert result.exit_status == 1
    assert "127.0.0.1" in result.stdout + result.stderr
    assert "s3cret" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_a_control_database_that_is_away_ends_with_one(cli: Cli) -> None:
    env = {
        "TICKETS_CONTROL_DB": "postgresql://user:s3cret@127.0.0.1:1/tickets",
        "TICKETS_SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }
    refused(cli("status", env=env), 1, "control database 127.0.0.1:1/tickets cannot be opened")


def test_a_host_that_is_away_ends_with_one(cli: Cli, files: Path) -> None:
    # with a fixed token, since one that is minted first is tried as often again for each try
    Path("token.json").write_text(json.dumps({"email": "a@b.example", "api_token": SECRET}))
    away = add(config='{"base_url": "http://127.0.0.1:1"}', credentials="@token.json")
    assert cli(*away).exit_status == 0
    refused(cli("desks", "check", "acme"), 1, "127.0.0.1:1")
    assert files


def test_a_key_file_that_is_lost_is_said(cli: Cli, files: Path, home: Path) -> None:
    assert cli(*add()).exit_status == 0
    (home / "control.key").unlink()
    refused(cli("desks", "check", "acme"), 2, "lacks the key")
    assert files


def test_a_stack_trace_is_shown_at_level_debug_only(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is made of cheese")

    monkeypatch.setattr("ticket_pipelines.desks.registry.Registry.list", broken)
    assert home
    quiet = cli("desks", "list")
    refused(quiet, 1, "unexpected RuntimeError: the disk is made of cheese")
    assert "TICKETS_LOG_LEVEL=debug" in quiet.stderr
    loud = cli("desks", "list", env={"TICKETS_LOG_LEVEL": "debug"})
    assert "Traceback" in loud.stderr
    assert loud.exit_status == 1


def test_statuses_hold_for_a_process_of_its_own(cli: Cli, files: Path) -> None:
    refused(cli.process(*add(vendor="zendsk", credentials=str(files / "good.json"))), 2, "--credentials")
    refused(cli.process("status", env={"TICKETS_LOG_LEVEL": "loud"}), 2, "TICKETS_LOG_LEVEL")

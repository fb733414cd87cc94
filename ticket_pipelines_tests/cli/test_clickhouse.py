"""The main job into ClickHouse: every command of it, and a server that breaks connections and is killed meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines_tests.cli.conftest import AddDesk
from ticket_pipelines_tests.fixtures.clickhouse import END_SECONDS, ClickHouseServer
from ticket_pipelines_tests.fixtures.project import Cli

STREAMS = ("--stream", "tickets", "--stream", "users")


def kill_within_an_insert(server: ClickHouseServer) -> None:
    """Kills the server when the first tickets have come and the users' insert is under way, and starts it again."""
    while not any("zendesk_tickets" in entry["query"] for entry in server.log("INSERT")):
        pass
    server.kill()
    server.start()


def test_syncs_through_broken_connections_and_a_killed_server_bring_each_row_once(
    own_clickhouse_server: ClickHouseServer, cli: Cli, add_desk: AddDesk, sandbox: SandboxServer
) -> None:
    server = own_clickhouse_server
    env = {"TICKETS_WAREHOUSE": server.url()}
    add_desk(env=env)
    server.fault('^INSERT INTO "helpdesk_storage"."zendesk_tickets"', "reset_after")
    server.fault('^INSERT INTO "helpdesk_storage"."zendesk_users"', "delay", arg=END_SECONDS)
    killer = threading.Thread(target=kill_within_an_insert, args=(server,))
    killer.start()
    first = cli("sync", "acme", *STREAMS, "--json", env=env)
    killer.join()
    assert first.exit_status in (0, 1), first.stderr

    server.fault("^INSERT INTO `helpdesk_storage`.`_dlt_loads`", "reset_after")
    server.fault('^INSERT INTO "helpdesk_storage"."sync_runs"', "reset_after")
    second = cli("sync", "acme", *STREAMS, "--json", env=env)
    third = cli("sync", "acme", *STREAMS, "--json", env=env) if second.exit_status else second
    assert third.exit_status == 0, third.stderr

    server.forget()
    for stream in ("tickets", "users"):
        held = sorted(str(record["id"]) for record in sandbox.zendesk.control.records(stream))
        found = server.execute(f"SELECT id FROM helpdesk.zendesk_{stream} ORDER BY id")
        assert [str(row_id) for (row_id,) in found] == held
    assert server.execute("SELECT count() FROM helpdesk.tickets") == [
        (len(sandbox.zendesk.control.records("tickets")),)
    ]
    assert server.execute("SELECT count() = uniqExact(id) FROM helpdesk.sync_runs") == [(1,)]


@pytest.mark.parametrize("engine", ["chdb", "clickhouse"])
def test_every_command_of_the_main_job(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, cli: Cli, add_desk: AddDesk, sandbox: SandboxServer
) -> None:
    url = f"chdb:///{tmp_path / 'warehouse'}" if engine == "chdb" else request.getfixturevalue("clickhouse_url")
    env = {"TICKETS_WAREHOUSE": url}
    add_desk(env=env)
    assert cli("desks", "check", "acme", env=env).exit_status in (0, 3)
    for more in ((), ("--id", "1"), ("--mode", "full")):
        assert cli("sync", "acme", "--stream", "tickets", *more, env=env).exit_status == 0
    (desk,) = cli("status", "--json", env=env).json
    assert desk["last_status"] == "success"
    assert len(cli("runs", "--json", env=env).json) == 3
    count = ("query", "SELECT count(*) AS n FROM helpdesk.tickets", "--json")
    (counted,) = cli(*count, env=env).json
    assert counted["n"] == len(sandbox.zendesk.control.records("tickets"))
    assert cli("rebuild", "--desk", "acme", env=env).exit_status == 0
    assert cli("keys", "rotate", env=env).exit_status == 0
    assert cli("desks", "update", "acme", "--config", '{"schedule": "every 1h"}', env=env).exit_status == 0
    assert cli("desks", "remove", "acme", "--purge", env=env).exit_status == 0
    assert cli(*count, env=env).json == [{"n": 0}]


def test_a_server_that_is_away_is_said_in_one_line(cli: Cli) -> None:
    refused = cli.process("query", "SELECT 1", env={"TICKETS_WAREHOUSE": "clickhouse://u:s3cret@127.0.0.1:1/"})
    assert refused.exit_status == 1
    assert refused.stderr == "error: Warehouse clickhouse://u@127.0.0.1:1 is not available: Connection refused\n"

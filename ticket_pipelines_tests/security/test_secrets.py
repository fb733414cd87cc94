"""No secret stands in the open: in no file, log, event, argument or message, after all that can go wrong."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.database import access_tokens
from ticket_pipelines.project import Project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import SyncRequest
from ticket_pipelines_tests.fixtures.project import Cli
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

OPEN = ("client_id", "email")
"""Parts of credentials that are no secrets."""
SPOILED = "sp0iled/secret+of=the client"


def forms(secret: str) -> dict[str, bytes]:
    """A secret as it may be written."""
    found = {
        "raw": secret.encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "URL": quote(secret, safe="").encode(),
        "form": quote_plus(secret).encode(),
        "hex": secret.encode().hex().encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for before in range(3):
        # within a longer text (`user:password`) base64 writes it in one of three ways; the edges belong to neighbours
        coded = base64.b64encode(b"\0" * before + secret.encode()).rstrip(b"=")
        found[f"base64 at {before}"] = coded[(0, 2, 3)[before] : -2]
    return found


def shown(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Which secrets a content shows, and how."""
    return [
        f"{name} ({how})" for name, value in secrets.items() for how, form in forms(value).items() if form in content
    ]


@pytest.mark.parametrize("text", ["{}", '{{"password": "{}"}}', "https://h/?token={}&x=1"])
def test_a_secret_that_stands_there_is_found(text: str) -> None:
    secret = 'a"secret/of+ours'
    for written in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)):
        assert shown(text.format(written).encode(), {"it": secret})
    for user in ("a", "ab", "abc"):
        assert shown(base64.b64encode(f"{user}:{secret}:{user}".encode()), {"it": secret})
    assert not shown(b"nothing of it", {"it": secret})


class Watched:
    """Runs the command line in processes, keeps what they say and the arguments of all that they start."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli
        self.said = bytearray()
        self.arguments = bytearray()

    def here(self, *args: str, exit_status: int) -> None:
        ended = self._cli(*args, env={"TICKETS_LOG_LEVEL": "debug"})
        self.said += f"{ended.stdout}{ended.stderr}".encode()
        assert ended.exit_status == exit_status, (args, ended.stderr)

    def process(self, *args: str, exit_status: int) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TICKETS_", "DAGSTER_"))}
        environ = {**clean, **self._cli.environ, "TICKETS_LOG_LEVEL": "debug", "TICKETS_LOG_FORMAT": "json"}
        command = [sys.executable, "-m", "ticket_pipelines.cli", *args]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ) as running:
            assert running.stdout is not None
            for line in running.stdout:
                self.said += line
                self.arguments += b"\n".join(arguments(running.pid))
        assert self.arguments
        assert running.returncode == exit_status


def arguments(pid: int) -> Iterator[bytes]:
    """Arguments of a process and of those that it started, as anybody on the machine can read them."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if pid in (int(folder.name), parent):
                yield (folder / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue


def minted(project: Project) -> dict[str, str]:
    """The access tokens that are kept now."""
    with project.control.connect() as connection:
        tokens = connection.execute(
            sa.select(access_tokens.c.token).where(access_tokens.c.token.is_not(None))
        ).scalars()
        opened = [json.loads(project.vault.decrypt(token)) for token in tokens]
    # named by themselves, so that those which they replace stay in the list
    return {f"access token {one['value'][:6]}": str(one["value"]) for one in opened}


@pytest.mark.parametrize("thorough", [False, pytest.param(True, marks=pytest.mark.torture)], ids=["sample", "whole"])
def test_no_secret_stands_in_the_open_after_all_that_can_go_wrong(
    cli: Cli, project: Project, home: Path, tmp_path: Path, make_sandbox: MakeSandbox, thorough: bool
) -> None:
    """The sample goes through Dagster where a sync succeeds and where it fails; the whole does so with each."""
    sandbox, watched = make_sandbox(tickets=6), Watched(cli)
    secrets = {"spoiled secret": SPOILED}
    for vendor, listening in sandbox.vendors.items():
        secrets |= {f"{vendor} {name}": value for name, value in listening.credentials.items() if name not in OPEN}
        (tmp_path / "given.json").write_text(json.dumps(listening.credentials))
        account = ("--config", json.dumps(listening.config), "--credentials", f"@{tmp_path / 'given.json'}")
        watched.here("desks", "add", vendor, "--vendor", vendor, *account, exit_status=0)
    (tmp_path / "spoiled.json").write_text(json.dumps({"client_id": "tickets", "client_secret": SPOILED}))
    control = sandbox.zendesk.control

    def sync(desk: str, stream: str, exit_status: int = 0) -> None:
        if thorough:
            watched.here("sync", desk, "--stream", stream, exit_status=exit_status)
        else:
            watched.said += repr(sync_desk(project, desk, SyncRequest(streams=(stream,)))).encode()
        secrets.update(minted(project))

    watched.process("sync", "zendesk", "--stream", "tickets", exit_status=0)
    for vendor, stream in (("zoho_desk", "departments"), ("zoho_crm", "users"), ("qcontact", "cases")):
        sync(vendor, stream)
    control.fail("expire_tokens")
    sync("zendesk", "groups")
    for fault in leading_elsewhere(secrets):
        control.fail(match="groups", **fault)
        sync("zendesk", "groups", 1)
        control.heal()
    watched.here("desks", "update", "zendesk", "--credentials", f"@{tmp_path / 'spoiled.json'}", exit_status=0)
    watched.process("sync", "zendesk", "--stream", "groups", exit_status=1)
    for command in (("desks", "list", "--json"), ("desks", "show", "zendesk"), ("runs", "--json"), ("status",)):
        watched.here(*command, exit_status=0)
    watched.here("desks", "check", "zendesk", exit_status=1)

    assert len(secrets) >= 10
    assert shown(bytes(watched.said), secrets) == []
    assert shown(bytes(watched.arguments), secrets) == []
    files = [path for path in home.rglob("*") if path.is_file()]
    places = {path.relative_to(home).parts[0] for path in files}
    assert {"control.db", "control.key", "dagster", "warehouse.duckdb"} <= places
    assert {path.name: found for path in files if (found := shown(path.read_bytes(), secrets))} == {}
    assert shown(everything(project), secrets) == []


def leading_elsewhere(secrets: Mapping[str, str]) -> list[dict[str, Any]]:
    """Answers that hold a secret in an address, a header and a body."""
    token = next(value for name, value in secrets.items() if name.startswith("access token"))
    return [
        {"status": 302, "headers": {"Location": f"https://evil.example/?access_token={token}"}},
        {"status": 400, "body": {"error": f"Bearer {token} is not welcome", "description": token}},
        {"status": 403, "body": f"<html>{token}</html>", "headers": {"WWW-Authenticate": f'Bearer token="{token}"'}},
    ]


def everything(project: Project) -> bytes:
    """All rows of the warehouse as text: its file packs them."""
    names = project.warehouse.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'helpdesk'")
    rows = [
        project.warehouse.query(f'SELECT * FROM helpdesk."{name}"').to_pylist() for name in names.column(0).to_pylist()
    ]
    return repr(rows).encode()

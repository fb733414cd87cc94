"""Serving: start, stop, ports, and the emulators as a process of their own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import VENDORS, SandboxServer, describe
from ticket_pipelines_tests.sandbox.asking import Asker, ask, authorization


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses."""
    for _ in range(100):
        with ExitStack() as opened, suppress(OSError):
            first = opened.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            for offset in range(1, count):
                opened.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            return port
    raise AssertionError("no ports in a row are free")


def test_stop_frees_the_port_and_ends_the_thread() -> None:
    with SandboxServer(Options(tickets=1)) as server:
        port = urlsplit(server.zendesk.url).port
        assert Asker(server.zendesk).get("groups").status == 200
        threads = [thread for thread in threading.enumerate() if thread.name == "sandbox"]
    assert not any(thread.is_alive() for thread in threads)
    server.stop()
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("127.0.0.1", port))


def test_stop_drops_open_connections() -> None:
    with SandboxServer(Options(tickets=1)) as server:
        address = ("127.0.0.1", urlsplit(server.zendesk.url).port)
        idle = socket.create_connection(address)
        assert Asker(server.zendesk).get("groups").status == 200
    with idle:
        assert idle.recv(1) == b""


def test_a_given_port_is_used_and_a_taken_one_refused() -> None:
    port = free_ports(len(VENDORS))
    with SandboxServer(Options(tickets=1), port=port) as server:
        assert server.zendesk.url == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"):
            SandboxServer(Options(tickets=1), port=port)


def test_config_and_credentials_are_those_of_a_desk(sandbox: SandboxServer) -> None:
    assert sandbox.zendesk.config["base_url"] == sandbox.zendesk.url
    assert set(sandbox.zendesk.credentials) == {"client_id", "client_secret"}
    lines = "\n".join(describe(sandbox))
    assert sandbox.zendesk.url in lines
    assert sandbox.zendesk.credentials["client_secret"] in lines


def test_two_sandboxes_are_apart(sandbox: SandboxServer, make_sandbox: type[SandboxServer]) -> None:
    other = make_sandbox()
    sandbox.zendesk.control.mutate("create_ticket")
    assert len(other.zendesk.control.records("tickets")) == 40
    assert Asker(other.zendesk).get("groups").status == 200


def test_process_of_its_own(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "ticket_pipelines.sandbox", "--ready-file", str(ready), "--tickets", "5"]
    command += ["--settings", '{"zendesk": {"plan": "team"}}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # the ready file is there before the first line
        said = process.stdout.readline()
        told = json.loads(ready.read_text())["zendesk"]
        headers = authorization(told["logins"]["access_token"])
        answer = ask(told["config"]["base_url"], "/api/v2/tickets", headers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert len(answer.json["tickets"]) <= 5
    assert answer.headers["ratelimit-limit"] == "200"
    assert told["url"] in said


def test_settings_go_by_vendor() -> None:
    with pytest.raises(ValueError, match="settings go by vendor"):
        SandboxServer(Options(tickets=1), settings={"plan": {}})

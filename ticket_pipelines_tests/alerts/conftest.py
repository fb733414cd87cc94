"""Servers of the test's own that take alerts: webhooks over HTTP, and mail over SMTP."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Hook(ThreadingHTTPServer):
    """Takes posts and answers with `answer`."""

    answer = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookRequest)
        self.bodies: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/T0/s3cret-path"


class _HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.server.answer == 200:
            self.server.bodies.append(body)
        self.send_response(self.server.answer)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail from whoever logs in with `login`, without TLS, as loopback allows."""

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Session)
        self.login = b"\0me\0s3cret-of-mail"
        self.refused = False
        self.mails: list[tuple[list[str], Message]] = []

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"smtp://me:s3cret-of-mail@{host!s}:{port}/?from=us@example.org&to=a@example.org,b@example.org"


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 ready")
        recipients: list[str] = []
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say("250-here\r\n250 AUTH PLAIN")
                case "AUTH":
                    known = base64.b64decode(rest.partition(" ")[2]) == self.server.login
                    self._say("235 welcome" if known else f"535 not {rest}")
                case "RCPT":
                    recipients.append(rest.partition("<")[2].partition(">")[0])
                    self._say("550 no such user" if self.server.refused else "250 ok")
                case "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.server.mails.append((recipients, message_from_bytes(b"".join(lines))))
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def served(server: Any) -> Iterator[Any]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with served(Hook()) as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with served(MailServer()) as server:
        yield server

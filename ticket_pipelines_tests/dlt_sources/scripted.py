"""A tiny HTTP server that answers as a test writes it down, and a clock that does not wait."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dlt_sources.retry import Clock


@dataclass(frozen=True)
class Reply:
    """One answer. `how`: whole, cut (ends early), reset (connection reset), stall (a byte, then
    nothing), drip (a byte at a time)."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "whole"

    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Seen:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Answerer = Callable[[Seen], Reply]


class Scripted:
    """Answers each path from its script: a list of replies (the last one again and again), or a function."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self._scripts: dict[str, list[Reply] | Answerer] = {}
        self._lock = threading.Lock()
        self.released = threading.Event()

    def on(self, path: str, *replies: Reply) -> None:
        self._scripts[path] = list(replies)

    def on_call(self, path: str, answerer: Answerer) -> None:
        self._scripts[path] = answerer

    def answer(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            script = self._scripts.get(seen.path)
            if script is None:
                return Reply({"error": "InvalidEndpoint", "description": "Not found"}, 404)
            if isinstance(script, list):
                return script.pop(0) if len(script) > 1 else script[0]
        return script(seen)

    def paths(self) -> list[str]:
        return [each.path for each in self.seen]

    def queries(self, path: str) -> list[dict[str, str]]:
        return [each.query for each in self.seen if each.path == path]


class Still:
    """Time that passes only when somebody waits."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self.time = start
        self.slept: list[float] = []
        self.clock = Clock(now=lambda: self.time, sleep=self._pass)

    def _pass(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@contextmanager
def serving() -> Iterator[Scripted]:
    """A scripted server on a free port of this machine."""
    scripted = Scripted()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"scripted": scripted}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield scripted
    finally:
        scripted.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    scripted: Scripted

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body)
        self._reply(self.scripted.answer(seen))

    do_POST = do_GET  # noqa: N815

    def _reply(self, reply: Reply) -> None:
        data = reply.data()
        self.close_connection = reply.how != "whole"
        if reply.how == "reset":
            # lingering for 0 seconds makes closing send a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self._write(data, reply.how)

    def _write(self, data: bytes, how: str) -> None:
        if how == "drip":
            with suppress(OSError):
                for start in range(len(data)):
                    self.wfile.write(data[start : start + 1])
                    self.scripted.released.wait(0.02)
            return
        self.wfile.write({"cut": data[: len(data) // 2], "stall": data[:1]}.get(how, data))
        if how == "stall":
            self.scripted.released.wait(30)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""


def values(records: Sequence[Any]) -> list[Any]:
    """Decoded records."""
    return [json.loads(bytes(record)) for record in records]

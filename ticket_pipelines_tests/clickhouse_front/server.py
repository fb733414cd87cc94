"""The HTTP side: one thread a connection, one statement a request."""

from __future__ import annotations

import base64
import socket
import struct
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ticket_pipelines_tests.clickhouse_front.engine import Engine
from ticket_pipelines_tests.clickhouse_front.errors import AUTHENTICATION_FAILED, raised_here
from ticket_pipelines_tests.clickhouse_front.faults import Control
from ticket_pipelines_tests.clickhouse_front.handler import Handler

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Front(ThreadingHTTPServer):
    """Listens on loopback; knows the engine, the one user, and the faults."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, folder: Path, user: str | None, password: str) -> None:
        self.engine = Engine(folder)
        self.control = Control()
        self._user, self._password = user, password
        super().__init__(("127.0.0.1", port), Handler)

    def admit(self, headers: Any, parameters: dict[str, str]) -> str:
        """The user's name, from wherever the vendor takes it; raises 516 unless name and password are right."""
        name, password = parameters.get("user", "default"), parameters.get("password", "")
        scheme, _, encoded = headers.get("Authorization", "").partition(" ")
        if "X-ClickHouse-User" in headers:
            # http.server takes header bytes for Latin-1, the vendor for UTF-8
            given = headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
            name, password = (text.encode("latin-1").decode() for text in given)
        elif scheme.lower() == "basic":
            name, _, password = base64.b64decode(encoded).decode().partition(":")
        if self._user is not None and (name, password) != (self._user, self._password):
            text = "password is incorrect, or there is no user with such name."
            raise raised_here(AUTHENTICATION_FAILED, f"{name}: Authentication failed: {text}")
        return str(name)

    def reset(self, connection: socket.socket) -> None:
        """Ends a connection by RST: what a crashed peer or a dropped NAT entry looks like, and not an orderly end."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        # the socket's own descriptor is shared with the handler's files; detaching closes it for all of them
        socket.close(connection.detach())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what these tests are about; anything else is a fault of the front, and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

"""What happens on the wire below HTTP: resets, truncated bodies, silence; and a server that stops at once.

An ASGI application cannot end a connection badly by itself. `Protocol` therefore puts the connection's transport into
the request's state, where `reset` and `hang_up` find it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_DISCARD_AND_RESET = struct.pack("ii", 1, 0)


class Protocol(H11Protocol):
    """HTTP/1.1 whose requests carry their transport in `scope["state"]["transport"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remembers the transport for the requests of this connection."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    """A server that another thread can stop without delay: connections are dropped, not drained."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ends `main_loop`; call it in the server's event loop."""
        self._stop.set()

    async def main_loop(self) -> None:
        """Waits to be stopped."""
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drops all connections and waits until their requests have noticed."""
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=5)


async def disconnected(receive: Receive) -> None:
    """Returns when the client (or we) ended the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pause(seconds: float, receive: Receive) -> None:
    """Waits, but no longer than the connection lives."""
    try:
        async with asyncio.timeout(seconds):
            await disconnected(receive)
    except TimeoutError:
        return


async def reset(scope: Scope, receive: Receive) -> None:
    """Ends the connection with a TCP reset; what was not yet sent is lost."""
    transport = _transport(scope)
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD_AND_RESET)
    transport.abort()
    await disconnected(receive)


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Ends the connection politely after what was sent, which may be less than was announced."""
    _transport(scope).close()
    await disconnected(receive)


def _transport(scope: Scope) -> Any:
    return scope["state"]["transport"]

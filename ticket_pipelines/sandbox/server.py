"""Serves the emulators on 127.0.0.1: one port a vendor, all in one event loop in a thread of its own.

Flow: `SandboxServer(options)` binds the ports -> `start()` -> use `.zendesk.url`, `.zendesk.config`,
`.zendesk.credentials` as a client would and `.zendesk.control` to change things -> `stop()`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import uvicorn

from ticket_pipelines.sandbox.control import Control
from ticket_pipelines.sandbox.emulator import Options, Vendor
from ticket_pipelines.sandbox.front import Front
from ticket_pipelines.sandbox.qcontact import QCONTACT
from ticket_pipelines.sandbox.wire import Protocol, Server
from ticket_pipelines.sandbox.zendesk import ZENDESK
from ticket_pipelines.sandbox.zoho_crm import ZOHO_CRM
from ticket_pipelines.sandbox.zoho_desk import ZOHO_DESK

VENDORS: Mapping[str, Vendor] = {
    "zendesk": ZENDESK,
    "zoho_desk": ZOHO_DESK,
    "zoho_crm": ZOHO_CRM,
    "qcontact": QCONTACT,
}
"""In the order of their ports."""
Settings = Mapping[str, Mapping[str, Any]]
"""Settings of the accounts: by vendor, then by name."""
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Listening:
    """One vendor that is being served.

    Attributes:
        vendor: Its name.
        url: Scheme, host and port.
        control: Its control plane, without HTTP.
        logins: Credentials by name: the first may read all, others are weaker or older ways in.
        config: Desk configuration that leads here.
    """

    vendor: str
    url: str
    control: Control
    logins: Mapping[str, Mapping[str, str]]
    config: dict[str, str]

    @property
    def credentials(self) -> dict[str, str]:
        """The credentials that the vendor recommends, allowed to read all."""
        return dict(next(iter(self.logins.values())))


class SandboxServer:
    """All emulators, served until stopped; a context manager.

    Args:
        options: What the emulators are made of.
        port: Port of the first vendor, the next vendors take the following ones; 0: free ports.
        settings: Settings of the accounts.

    Raises:
        OSError: A port is taken, or the data file cannot be read.
        ValueError: The data file or a setting does not fit.
    """

    def __init__(self, options: Options | None = None, *, port: int = 0, settings: Settings | None = None) -> None:
        given = _by_vendor(options or Options(), settings or {})
        controls = {name: Control(vendor.build, given[name]) for name, vendor in VENDORS.items()}
        self._sockets = _bound(port, len(controls))
        self.vendors = {
            name: Listening(name, _url(sock), control, VENDORS[name].logins, VENDORS[name].config(_url(sock)))
            for (name, control), sock in zip(controls.items(), self._sockets, strict=True)
        }
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Server] = []

    @property
    def zendesk(self) -> Listening:
        """The Zendesk emulator."""
        return self.vendors["zendesk"]

    @property
    def zoho_desk(self) -> Listening:
        """The Zoho Desk emulator."""
        return self.vendors["zoho_desk"]

    @property
    def zoho_crm(self) -> Listening:
        """The Zoho CRM emulator."""
        return self.vendors["zoho_crm"]

    @property
    def qcontact(self) -> Listening:
        """The QContact emulator."""
        return self.vendors["qcontact"]

    def start(self) -> Self:
        """Starts to serve; returns when requests are answered.

        Raises:
            TimeoutError: The server did not come up.
        """
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sandbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the sandbox did not start")
        return self

    def stop(self) -> None:
        """Stops to serve and frees the ports; harmless when stopped already."""
        if self._loop and self._thread and self._thread.is_alive():
            for server in self._servers:
                self._loop.call_soon_threadsafe(server.stop)
            self._thread.join()
        for sock in self._sockets:
            sock.close()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._servers = [vendor_server(listening.control) for listening in self.vendors.values()]
        serving = [
            asyncio.create_task(server.serve(sockets=[sock]))
            for server, sock in zip(self._servers, self._sockets, strict=True)
        ]
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0)
        self._ready.set()
        await asyncio.gather(*serving)


def serve(
    port: int = 0,
    options: Options | None = None,
    announce: Callable[[SandboxServer], None] | None = None,
    settings: Settings | None = None,
) -> None:
    """Serves the emulators until SIGINT or SIGTERM.

    Args:
        port: Port of the first vendor; 0: free ports.
        options: What the emulators are made of.
        announce: Called once requests are answered; `describe` gives the lines to print.
        settings: Settings of the accounts.
    """
    with _stop_signal() as stop, SandboxServer(options, port=port, settings=settings) as server:
        if announce:
            announce(server)
        stop.wait()


def describe(server: SandboxServer) -> list[str]:
    """Lines that say where each vendor listens and how to log in."""
    lines = []
    for vendor in server.vendors.values():
        lines.append(f"{vendor.vendor}: {vendor.url} (control plane: {vendor.url}/__sandbox/)")
        lines += [f"  {name}: {_flat(login)}" for name, login in vendor.logins.items()]
    return lines


def _by_vendor(options: Options, settings: Settings) -> dict[str, Options]:
    if unknown := set(settings) - set(VENDORS):
        raise ValueError(f"settings go by vendor ({', '.join(VENDORS)}), not by {', '.join(sorted(unknown))}")
    return {name: replace(options, settings={**options.settings, **settings.get(name, {})}) for name in VENDORS}


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; their former handlers come back afterwards."""
    stop = threading.Event()
    former = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler)


def vendor_server(control: Control) -> Server:
    """The server of one vendor, to be served on sockets that listen."""
    return Server(
        uvicorn.Config(
            Front(control),
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=600,
        )
    )


def _bound(port: int, count: int) -> list[socket.socket]:
    """Sockets on consecutive ports, or on free ones for port 0; all or none.

    The protocol is named since asyncio turns Nagle's delay (40 ms an answer) off only where it reads TCP there.
    """
    with ExitStack() as opened:
        sockets = []
        for offset in range(count):
            sock = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port + offset if port else 0))
            sockets.append(sock)
        opened.pop_all()
    return sockets


def _url(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


def _flat(login: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in login.items())

"""Zendesk accounts of the sandbox, many in one process.

Run: `python -m bench.accounts --accounts 1000 --data 1 --ready FILE`. Each account has a port of its own, hence budgets
and a token of its own; several may show the same data. The ready file holds their addresses as a JSON list once all are
answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import threading
from pathlib import Path

from ticket_pipelines.sandbox.control import Control
from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import VENDORS, vendor_server
from ticket_pipelines.sandbox.wire import Server

VENDOR = VENDORS["zendesk"]


def _listening() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    return sock


async def _serve(servers: list[Server], sockets: list[socket.socket], ready: Path) -> None:
    count = len(servers)
    serving = [
        asyncio.create_task(server.serve(sockets=sockets[number::count])) for number, server in enumerate(servers)
    ]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    ready.write_text(json.dumps([f"http://127.0.0.1:{sock.getsockname()[1]}" for sock in sockets]))
    await asyncio.gather(*serving)


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--accounts", type=int, required=True)
    parser.add_argument("--data", type=int, required=True, help="count of data sets, which the accounts show in turn")
    parser.add_argument("--tickets", type=int, default=10)
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--ready", type=Path, required=True)
    given = parser.parse_args()
    servers = [
        vendor_server(Control(VENDOR.build, Options(seed=seed, tickets=given.tickets, settings=given.settings)))
        for seed in range(1, given.data + 1)
    ]
    sockets = [_listening() for _ in range(given.accounts)]
    # not in the main thread: there each server would take the signals for itself
    threading.Thread(target=lambda: asyncio.run(_serve(servers, sockets, given.ready)), daemon=True).start()
    signal.pause()


if __name__ == "__main__":
    main()

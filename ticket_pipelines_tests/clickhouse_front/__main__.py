"""`python -m ticket_pipelines_tests.clickhouse_front`: serves until SIGTERM, or until stdin closes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path

from ticket_pipelines_tests.clickhouse_front.server import Front


def main() -> None:
    parser = argparse.ArgumentParser(description="The ClickHouse HTTP interface over chDB, for tests.")
    parser.add_argument("--path", type=Path, required=True, help="folder of the store; made if it is not there")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", help="the one user there is; without it everybody is let in")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    front = Front(options.port, options.path, options.user, options.password)
    threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    threading.Thread(target=wait_for_parent, args=(over,), daemon=True).start()
    print(json.dumps({"port": front.server_address[1]}), flush=True)  # noqa: T201 (this is its interface)
    over.wait()
    front.shutdown()
    front.engine.close()
    # requests may still be running in chDB's threads, and an interpreter that shuts down under them aborts
    os._exit(0)


def wait_for_parent(over: threading.Event) -> None:
    """Ends with whoever holds the other end of stdin, however that ended."""
    while os.read(0, 1024):
        pass
    over.set()


if __name__ == "__main__":
    main()

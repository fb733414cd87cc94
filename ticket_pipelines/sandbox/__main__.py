"""Runs the emulators as a process of their own: `python -m ticket_pipelines.sandbox --port 0 --ready-file FILE`.

The ready file appears once requests are answered, before the first line is printed. It holds JSON: per vendor `url`,
`config` and `logins`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer, describe, serve


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line and serves until stopped."""
    parser = argparse.ArgumentParser(prog="python -m ticket_pipelines.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tickets", type=int, default=200)
    parser.add_argument("--same-second", type=int)
    parser.add_argument("--data", help="CSV of real histories, may be gzipped")
    parser.add_argument("--now", help="where the clock starts: ISO 8601 or Unix seconds")
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON: settings by vendor and name")
    parser.add_argument("--ready-file", type=Path)
    given = parser.parse_args(arguments)
    options = Options(
        seed=given.seed,
        tickets=given.tickets,
        same_second=given.same_second,
        data=given.data,
        now=_instant(given.now),
    )

    def announce(server: SandboxServer) -> None:
        if given.ready_file:
            _write_ready(given.ready_file, server)
        sys.stdout.write("\n".join(describe(server)) + "\n")
        sys.stdout.flush()

    serve(given.port, options, announce, given.settings)


def _instant(text: str | None) -> float | str | None:
    return float(text) if text and text.replace(".", "", 1).isdigit() else text


def _write_ready(path: Path, server: SandboxServer) -> None:
    """Writes the file in one step, so that no reader sees half of it."""
    told = {
        name: {"url": vendor.url, "config": vendor.config, "logins": {key: dict(v) for key, v in vendor.logins.items()}}
        for name, vendor in server.vendors.items()
    }
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(told))
    beside.replace(path)


if __name__ == "__main__":
    main()

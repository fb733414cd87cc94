"""The engine as it is, from its imports to its last commit, on one stream of one desk.

Run: `python -m bench.ours add --url http://127.0.0.1:PORT` registers the desk (not measured), then
`python -m bench.ours sync [--mode full]` syncs its tickets; `add --desk JSON` registers another desk. Home and
warehouse come from `TICKETS_HOME` and `TICKETS_WAREHOUSE`, as everywhere.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

DESK = "bench"


def zendesk(url: str) -> dict[str, Any]:
    """A Zendesk desk whose tickets are read."""
    config = {"base_url": url, "streams": ["tickets"]}
    return {"vendor": "zendesk", "config": config, "credentials": {"access_token": "bench"}}


def add(desk: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
    """Registers the desk."""
    from ticket_pipelines.project import open_project

    with open_project(environ) as project:
        project.desks.add(DESK, desk["vendor"], desk["config"], desk["credentials"])


def sync(mode: str, environ: Mapping[str, str] | None = None, stream: str = "tickets") -> None:
    """Syncs the stream and prints the counts."""
    from ticket_pipelines.project import open_project
    from ticket_pipelines.sync.engine import sync_desk
    from ticket_pipelines.sync.result import Mode, Status, SyncRequest

    with open_project(environ) as project:
        result = sync_desk(project, DESK, SyncRequest(mode=Mode(mode), streams=(stream,)))
    print(f"read {result.rows_read} created {result.rows_created} updated {result.rows_updated}")
    if result.status is not Status.SUCCESS:
        raise SystemExit(f"{result.status}: {result.error_message or result.details}")


def main() -> None:
    """Registers or syncs."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add").add_mutually_exclusive_group(required=True)
    adding.add_argument("--url")
    adding.add_argument("--desk", type=json.loads)
    syncing = commands.add_parser("sync")
    syncing.add_argument("--mode", default="incremental", choices=("incremental", "full"))
    syncing.add_argument("--stream", default="tickets")
    options = parser.parse_args()
    if options.command == "add":
        add(options.desk or zendesk(options.url))
    else:
        sync(options.mode, stream=options.stream)


if __name__ == "__main__":
    main()

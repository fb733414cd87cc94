"""The engine as it is, from its imports to its last commit, on the tickets of one desk.

Run: `python -m bench.ours add --url http://127.0.0.1:PORT` registers the desk (not measured), then
`python -m bench.ours sync [--mode full]` syncs its tickets. Home and warehouse come from `TICKETS_HOME` and
`TICKETS_WAREHOUSE`, as everywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

DESK = "bench"


def add(url: str, environ: Mapping[str, str] | None = None) -> None:
    """Registers the desk."""
    from ticket_pipelines.project import open_project

    with open_project(environ) as project:
        project.desks.add(DESK, "zendesk", {"base_url": url, "streams": ["tickets"]}, {"access_token": "bench"})


def sync(mode: str, environ: Mapping[str, str] | None = None) -> None:
    """Syncs the tickets and prints the counts."""
    from ticket_pipelines.project import open_project
    from ticket_pipelines.sync.engine import sync_desk
    from ticket_pipelines.sync.result import Mode, Status, SyncRequest

    with open_project(environ) as project:
        result = sync_desk(project, DESK, SyncRequest(mode=Mode(mode), streams=("tickets",)))
    print(f"read {result.rows_read} created {result.rows_created} updated {result.rows_updated}")
    if result.status is not Status.SUCCESS:
        raise SystemExit(f"{result.status}: {result.error_message or result.details}")


def main() -> None:
    """Registers or syncs."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("add").add_argument("--url", required=True)
    commands.add_parser("sync").add_argument("--mode", default="incremental", choices=("incremental", "full"))
    options = parser.parse_args()
    if options.command == "add":
        add(options.url)
    else:
        sync(options.mode)


if __name__ == "__main__":
    main()

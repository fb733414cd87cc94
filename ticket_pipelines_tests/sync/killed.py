"""Syncs a desk and kills its own process at a chosen point: `python -m … HOME WAREHOUSE EVENT NUMBER`.

EVENT is `page` (a page came) or `loaded` (a package was committed); the process dies at the NUMBERth.
"""

from __future__ import annotations

import os
import signal
import sys

from ticket_pipelines.project import open_project
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet

SLICES = Bounds(rows=150)


class Killer(Quiet):
    """Kills this process at an event."""

    def __init__(self, event: str, number: int) -> None:
        self._event, self._left = event, number

    def page(self, _stream: str, _rows: int, _total_rows: int, _requests: int) -> None:
        self._count("page")

    def loaded(self, _rows: int) -> None:
        self._count("loaded")

    def _count(self, event: str) -> None:
        self._left -= event == self._event
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(home: str, warehouse: str, event: str, number: str) -> None:
    """Syncs until killed."""
    settings = read_settings({"TICKETS_HOME": home, "TICKETS_WAREHOUSE": warehouse})
    with open_project(settings) as project:
        sync_desk(project, "acme", progress=Killer(event, int(number)), bounds=SLICES)


if __name__ == "__main__":
    main(*sys.argv[1:])

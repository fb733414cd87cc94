"""Shows a sync while it goes on: one moving line on a terminal, plain lines otherwise. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ticket_pipelines.cli.output import duration
from ticket_pipelines.logs import redact
from ticket_pipelines.sync.progress import Progress


class Plain:
    """A line for each stream that begins, each package, each wait of over a second and each note."""

    def __init__(self, desk: str, write: Callable[[str], None]) -> None:
        self._desk = desk
        self._write = write
        self._stream = ""
        self._rows = 0

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        """Says which stream is being read."""
        if stream != self._stream:
            self._stream = stream
            self._say(f"reading {stream}")

    def wait(self, seconds: float, why: str) -> None:
        """Says how long and why."""
        if seconds >= 1:
            self._say(f"waiting {duration(seconds)}: {why}")

    def loaded(self, rows: int) -> None:
        """Says how many rows are in."""
        self._rows += rows
        self._say(f"{self._rows:,} rows loaded")

    def note(self, text: str) -> None:
        """Says it."""
        self._say(text)

    def _say(self, text: str) -> None:
        self._write(redact(f"{self._desk}: {text}"))


class Moving:
    """One line that shows stream, rows, pages, requests, rate and the present wait."""

    def __init__(self, desk: str, show: Callable[[str], None], write: Callable[[str], None]) -> None:
        self._desk = desk
        self._show = show
        self._write = write
        self._started = time.monotonic()
        self._pages = 0
        self._line = ""

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        """Counts the page."""
        self._pages += 1
        rate = total_rows / max(time.monotonic() - self._started, 0.001)
        self._line = (
            f"{stream} · {total_rows:,} rows · {self._pages:,} pages · {requests:,} requests · {rate:,.0f} rows/s"
        )
        self._update(self._line)

    def wait(self, seconds: float, why: str) -> None:
        """Shows the wait behind the counts."""
        self._update(f"{self._line} · waiting {duration(seconds)}: {why}")

    def loaded(self, rows: int) -> None:
        """Shows that rows went in."""
        self._update(f"{self._line} · {rows:,} loaded")

    def note(self, text: str) -> None:
        """Leaves a line above the moving one."""
        self._write(redact(f"{self._desk}: {text}"))

    def _update(self, text: str) -> None:
        self._show(redact(f"{self._desk}: {text}"))


@contextmanager
def shown_progress(desk: str) -> Iterator[Progress]:
    """Progress of one sync, shown while the block runs."""
    if not sys.stderr.isatty():
        yield Plain(desk, lambda line: click.echo(line, err=True))
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False)
    with console.status(escape(f"{desk}: starting")) as live:
        yield Moving(desk, lambda line: live.update(escape(line)), lambda line: console.print(line, markup=False))

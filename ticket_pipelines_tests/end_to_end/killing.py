"""Syncs in processes of their own, killed at a chosen point.

A point is a call of a method that reads pages or loads packages, counted over all threads: the n-th is the same place
in every run. All processes are forked from one that has imported everything, so that a start costs next to nothing.
"""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from dlt_sources.zendesk import reader
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.result import SyncRequest, SyncResult

STREAMS = ("tickets", "ticket_events", "users", "groups")
PAGE = 25
"""Rows of a page of an export."""
BOUNDS = Bounds(rows=120, read=90)
PAGES = 6
"""Pages that a killed sync can have read in vain: five of a package, and the one that did not fit into it."""

WATCHED = (
    "ticket_pipelines.sync.load",
    "ticket_pipelines.sync.reading",
    "ticket_pipelines.warehouse.clickhouse",
    "ticket_pipelines.warehouse.clickhouse_connections",
    "ticket_pipelines.warehouse.clickhouse_destination",
    "ticket_pipelines.warehouse.destination",
    "ticket_pipelines.warehouse.duckdb",
    "ticket_pipelines.warehouse.duckdb_destination",
    "ticket_pipelines.warehouse.loading",
    "ticket_pipelines.warehouse.postgres",
    "ticket_pipelines.warehouse.postgres_destination",
)
"""The modules whose methods are points."""


class Points:
    """Counts points, and kills the process at the chosen one."""

    def __init__(self, last: int) -> None:
        self.passed = 0
        self._last = last

    def watch(self, module: ModuleType) -> None:
        """Makes a point of each call of a method of the module's classes."""
        for kind in vars(module).values():
            if not isinstance(kind, type) or kind.__module__ != module.__name__:
                continue
            for name, method in list(vars(kind).items()):
                if isinstance(method, FunctionType) and not name.startswith("__"):
                    setattr(kind, name, self._counted(method))

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.passed += 1
            if self.passed == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **kwargs)

        return counted


def sync(environ: dict[str, str], key: str) -> SyncResult:
    """A sync of small pages and packages, in this process."""
    reader.EXPORT_PAGE = PAGE
    with open_project(environ) as project:
        return sync_desk(project, key, SyncRequest(streams=STREAMS), bounds=BOUNDS)


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        killed: By SIGKILL.
        points: Points that it passed; 0 for one that was killed.
        result: What its sync came to.
    """

    killed: bool
    points: int = 0
    result: SyncResult | None = None


def sync_in_process(environ: dict[str, str], key: str, last: int = 0, zone: str = "") -> Ended:
    """A sync in a process of its own.

    Args:
        environ: The installation's settings.
        key: Key of the desk.
        last: The point at which it is killed; 0: never.
        zone: Time zone of the process; empty: that of this one.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "dlt", "duckdb", "psycopg2", *WATCHED])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(environ, key, last, zone, theirs))
    process.start()
    theirs.close()
    try:
        points, result = ours.recv()
    except EOFError:
        points, result = 0, None
    ours.close()
    process.join()
    ended = Ended(process.exitcode == -signal.SIGKILL, points, result)
    process.close()
    return ended


def _child(environ: dict[str, str], key: str, last: int, zone: str, answer: Any) -> None:
    if zone:
        os.environ |= {"TZ": zone, "PGTZ": zone}
        time.tzset()
    points = Points(last)
    for name in WATCHED:
        points.watch(importlib.import_module(name))
    result = sync(environ, key)
    answer.send((points.passed, result))

"""Syncs in processes of their own, killed at a chosen point.

All processes are forked from one that has imported everything, so that a start costs next to nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlt.common.storages.load_package import PackageStorage

from ticket_pipelines.errors import TicketPipelinesError
from ticket_pipelines.project import open_project
from ticket_pipelines.sync import load
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import SyncRequest, SyncResult
from ticket_pipelines_tests.crash.cases import CASES, Case
from ticket_pipelines_tests.crash.points import MODULES, Point, Points

ZENDESK = CASES["zendesk"]


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        killed: By SIGKILL.
        points: Points that it passed, by phase; empty for one that was killed.
        result: What its sync came to.
        error: What it raised, in words.
    """

    killed: bool
    points: Mapping[str, int] = field(default_factory=dict)
    result: SyncResult | None = None
    error: str = ""


def sync_in_process(
    environ: dict[str, str],
    key: str,
    last: Point | None = None,
    zone: str = "",
    case: Case = ZENDESK,
    room: int = 0,
) -> Ended:
    """A sync of small pages and packages in a process of its own.

    Args:
        environ: The installation's settings.
        key: Key of the desk.
        last: The point at which it is killed; None: never.
        zone: Time zone of the process; empty: that of this one.
        case: What is synced.
        room: Bytes that a file may have before the disk is full; 0: any.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "dlt", "duckdb", "psycopg2", *MODULES])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(environ, key, last, zone, case.vendor, room, theirs))
    process.start()
    theirs.close()
    try:
        points, result, error = ours.recv()
    except EOFError:
        points, result, error = {}, None, ""
    ours.close()
    process.join()
    ended = Ended(process.exitcode == -signal.SIGKILL, points, result, error)
    process.close()
    return ended


def _child(
    environ: dict[str, str], key: str, last: Point | None, zone: str, vendor: str, room: int, answer: Any
) -> None:
    if zone:
        os.environ |= {"TZ": zone, "PGTZ": zone}
        time.tzset()
    if room:
        # Python ignores the signal that comes with it: a write beyond fails like one to a full disk
        load.DELAYS = (0.0,) * len(load.DELAYS)  # type: ignore[assignment]
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    # a file system may list them in any order; in memory it mostly is that in which they were made
    listed = PackageStorage.list_new_jobs
    PackageStorage.list_new_jobs = lambda self, load_id: listed(self, load_id)[::-1]  # type: ignore[method-assign]
    case, points = CASES[vendor], Points(last)
    case.shrink(setattr)
    points.watch()
    result, error = None, ""
    try:
        with open_project(environ) as project:
            result = sync_desk(project, key, SyncRequest(streams=case.streams), bounds=case.bounds)
    except TicketPipelinesError as raised:
        error = str(raised)
    answer.send((dict(points.passed), result, error))

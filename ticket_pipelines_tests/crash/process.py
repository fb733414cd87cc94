"""Syncs in processes of their own, killed at a chosen point.

All processes are forked from one that has imported everything, so that a start costs next to nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.project import open_project
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
    """

    killed: bool
    points: Mapping[str, int] = field(default_factory=dict)
    result: SyncResult | None = None


def sync_in_process(
    environ: dict[str, str], key: str, last: Point | None = None, zone: str = "", case: Case = ZENDESK
) -> Ended:
    """A sync of small pages and packages in a process of its own.

    Args:
        environ: The installation's settings.
        key: Key of the desk.
        last: The point at which it is killed; None: never.
        zone: Time zone of the process; empty: that of this one.
        case: What is synced.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "dlt", "duckdb", "psycopg2", *MODULES])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(environ, key, last, zone, case.vendor, theirs))
    process.start()
    theirs.close()
    try:
        points, result = ours.recv()
    except EOFError:
        points, result = {}, None
    ours.close()
    process.join()
    ended = Ended(process.exitcode == -signal.SIGKILL, points, result)
    process.close()
    return ended


def _child(environ: dict[str, str], key: str, last: Point | None, zone: str, vendor: str, answer: Any) -> None:
    if zone:
        os.environ |= {"TZ": zone, "PGTZ": zone}
        time.tzset()
    case, points = CASES[vendor], Points(last)
    case.shrink(setattr)
    points.watch()
    with open_project(environ) as project:
        result = sync_desk(project, key, SyncRequest(streams=case.streams), bounds=case.bounds)
    answer.send((dict(points.passed), result))

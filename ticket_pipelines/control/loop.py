"""The loop: claims due desks, longest waiting first, and syncs them in a bounded number of threads.

A desk is claimed by moving its due time in the control database, which one process alone can do; the sync itself takes
the desk's lease. A process that dies leaves a desk that is due again when the claim ends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dlt_sources.errors import SourceError
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.errors import DeskBusyError, TicketPipelinesError
from ticket_pipelines.logs import topic
from ticket_pipelines.sync.result import Status

log = topic("loop")

CLAIM = timedelta(minutes=2)
"""How long a claim holds. A longer sync keeps its desk by the lease, and ends with the next due time."""


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How the loop runs.

    Attributes:
        threads: Desks that are synced at once.
        until_idle: End when nothing is due and nothing runs; else go on until stopped.
        poll_seconds: Time between looks for due desks.
    """

    threads: int = 4
    until_idle: bool = False
    poll_seconds: float = 1.0


def run_loop(
    desks: Registry,
    sync: Callable[[Desk], Status],
    stop: threading.Event,
    options: LoopOptions,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Counter[Status]:
    """Runs until stopped or idle; syncs that have begun are finished first.

    Args:
        desks: The registry.
        sync: Syncs one desk and records it (`Registry.finished`).
        stop: Set it to end the loop.
        options: How it runs.
        now: The clock.

    Returns:
        Count of syncs by outcome; a desk that another process was syncing counts as skipped.
    """
    outcomes: Counter[Status] = Counter()
    running: set[Future[Status]] = set()
    with ThreadPoolExecutor(options.threads, thread_name_prefix="desk") as pool:
        while not stop.is_set():
            for desk in _claim(desks, options.threads - len(running), now()):
                running.add(pool.submit(_sync_one, desks, sync, desk, now))
            if running:
                done, running = wait(running, timeout=options.poll_seconds, return_when=FIRST_COMPLETED)
                outcomes.update(future.result() for future in done)
            elif options.until_idle:
                break
            else:
                stop.wait(options.poll_seconds)
        if running:
            log.info("stopping: waiting for %d syncs that have begun", len(running))
        outcomes.update(future.result() for future in running)
    return outcomes


def _claim(desks: Registry, count: int, now: datetime) -> list[Desk]:
    claimed: list[Desk] = []
    if count > 0:
        for desk in desks.due(now):
            if len(claimed) == count:
                break
            if desks.claim(desk, now + CLAIM):
                claimed.append(desk)
    return claimed


def _sync_one(desks: Registry, sync: Callable[[Desk], Status], desk: Desk, now: Callable[[], datetime]) -> Status:
    try:
        return sync(desk)
    except DeskBusyError as error:
        log.info("%s", error)
        return Status.SKIPPED
    except (TicketPipelinesError, SourceError) as error:
        log.warning("desk %s: %s", desk.key, error)
        desks.finished(desk.key, Status.FAILED, now())
        return Status.FAILED

"""Runs the loop: claims as many due desks as threads are free, visits them, and begins anew.

Memory is bounded by the number of threads: a sync holds one load package at most.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ticket_pipelines.control.connection import name_of
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.logs import topic
from ticket_pipelines.loop import pulse
from ticket_pipelines.loop.claims import claim_due
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.sync.lease import Lease, this_process
from ticket_pipelines.sync.result import Status

log = topic("loop")


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How the loop runs.

    Attributes:
        kind: Who runs it; a batch ends when nothing is due and nothing runs.
        threads: Desks that are visited at once.
        seconds: When a live run hands over, and a batch ends even if desks are due; None: never.
        poll_seconds: Time between looks for due desks: a change of a schedule takes effect within it.
        id: Names the loop; in a Dagster run the run's id.
    """

    kind: pulse.Kind = pulse.Kind.WORKER
    threads: int = 4
    seconds: float | None = None
    poll_seconds: float = 1.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


def run_loop(
    control: sa.Engine,
    visit: Callable[[Desk, Lease], Visit],
    stop: threading.Event,
    options: LoopOptions,
    told: Callable[[Visit], None] = lambda _visit: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], object] | None = None,
) -> Counter[Status]:
    """Runs until stopped, its time is up, or (a batch) nothing is due; visits that have begun are finished first.

    Args:
        control: The control database.
        visit: Visits a desk, records how that ended and gives its lease back; called in a thread.
        stop: Set it to end the loop; it is set when the loop ends in whatever way.
        options: How it runs.
        told: Is told of each visit, in this thread.
        now: The clock.
        pause: Waits so many seconds where there is nothing to do; None: until stopped at most.

    Returns:
        Count of visits by outcome; skipped: there was nothing new.
    """
    return _Loop(control, visit, stop, options, told, now, pause or stop.wait).run()


class _Loop:
    def __init__(
        self,
        control: sa.Engine,
        visit: Callable[[Desk, Lease], Visit],
        stop: threading.Event,
        options: LoopOptions,
        told: Callable[[Visit], None],
        now: Callable[[], datetime],
        pause: Callable[[float], object],
    ) -> None:
        self._control, self._visit, self._stop, self._options = control, visit, stop, options
        self._told, self._now, self._pause = told, now, pause
        self._running: set[Future[Visit]] = set()
        self._outcomes: Counter[Status] = Counter()
        began = now()
        ends = began + timedelta(seconds=options.seconds) if options.seconds else None
        self._me = pulse.Loop(options.id, this_process(), options.kind, began, began, ends)
        self._beat_at: datetime | None = None

    def run(self) -> Counter[Status]:
        with ThreadPoolExecutor(self._options.threads, thread_name_prefix="desk") as pool:
            try:
                while not self._stop.is_set() and self._turn(pool):
                    pass
            finally:
                # whatever ends the loop: syncs in their threads end behind their next package
                self._stop.set()
                self._finish()
        return self._outcomes

    def _turn(self, pool: ThreadPoolExecutor) -> bool:
        """One look for due desks; False: there is no more to do."""
        if self._is_over():
            return False
        for desk, lease in self._claim():
            self._running.add(pool.submit(self._visit, desk, lease))
        if self._running:
            self._collect(timeout=self._options.poll_seconds)
        elif self._options.kind is pulse.Kind.BATCH:
            return False
        else:
            self._pause(self._options.poll_seconds)
        return True

    def _claim(self) -> list[tuple[Desk, Lease]]:
        free = self._options.threads - len(self._running)
        if free <= 0:
            return []
        try:
            return claim_due(self._control, self._me.holder, free, self._now())
        except (DBAPIError, PoolTimeoutError) as error:
            if self._options.kind is pulse.Kind.BATCH:
                raise
            log.warning("the control database does not answer (%s); trying again", name_of(error))
            return []

    def _is_over(self) -> bool:
        """Gives a sign of life now and then, and looks whether somebody has taken over."""
        now = self._now()
        try:
            if self._beat_at is None or now - self._beat_at >= pulse.BEAT:
                pulse.beat(self._control, self._me, now)
                self._beat_at = now
            late = self._me.ends_at is not None and now >= self._me.ends_at
            return late and pulse.is_over(self._me, pulse.read_loops(self._control), now)
        except (DBAPIError, PoolTimeoutError) as error:
            log.warning("no sign of life could be given: %s", name_of(error))
            return False

    def _collect(self, timeout: float | None = None) -> None:
        done, self._running = wait(self._running, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            error = future.exception()
            if isinstance(error, Exception):
                # a database of ours is away: the desk stays due, and the others go on
                log.error("what came of a visit is lost; its desk is looked at again", exc_info=error)
                self._outcomes[Status.FAILED] += 1
                continue
            visit = future.result()
            self._outcomes[visit.status] += 1
            try:
                self._told(visit)
            except Exception:
                # who is told is away: the desk stays untold, which the next visit makes good
                log.exception("desk %s: nobody could be told what came of it", visit.desk.key)

    def _finish(self) -> None:
        if self._running:
            log.info("ending: waiting for %d visits that have begun", len(self._running))
        while self._running:
            self._collect()
        try:
            pulse.end(self._control, self._me)
        except (DBAPIError, PoolTimeoutError) as error:
            log.warning("the end of the loop is not recorded: %s", name_of(error))

"""Kills syncs of one vendor on one engine, and proves after each kill that the next sync makes everything good."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticket_pipelines.control.status import runs
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.position import Walk
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.crash.cases import Case
from ticket_pipelines_tests.crash.installations import KEY, Contents, Installation, Stored, contents, free, install
from ticket_pipelines_tests.crash.points import PHASES, Point
from ticket_pipelines_tests.crash.process import sync_in_process

DAY = 86_400
REACHED = 0.97
"""Part of a phase's points at which a process is killed: their number differs a little with what an engine merges."""


@dataclass(frozen=True)
class Whole:
    """An undisturbed sync.

    Attributes:
        points: Points that it passed, by phase.
        pages: Pages that it read.
        rounds: Pages of each stream that is read in rounds.
        seen: What the position of each such stream has seen afterwards.
        contents: What stands in the tables afterwards.
    """

    points: Mapping[str, int]
    pages: int
    rounds: Mapping[str, int]
    seen: Mapping[str, Any]
    contents: Contents


@dataclass
class Told:
    """What came of kills.

    Attributes:
        killed: How many.
        again: The most pages that were read again after one.
    """

    killed: int = 0
    again: int = 0


class Bench:
    """One account, and installations on one engine that read it."""

    def __init__(self, home: Path, stored: Stored, case: Case, account: Listening) -> None:
        self.case, self.account = case, account
        self._before = install(home, stored, case, account)

    def whole(self) -> tuple[Whole, Installation]:
        """An undisturbed sync, and the installation that it leaves."""
        made = self._before.copy()
        self.account.control.clear_log()
        ended = sync_in_process(made.environ, KEY, case=self.case)
        assert ended.result is not None
        assert (ended.result.status, ended.result.error_message) == (Status.SUCCESS, None)
        log = self.account.control.log()
        rounds = {stream: self.case.read(log, pages) for stream, pages in self.case.rounds.items()}
        with open_project(made.environ) as project:
            found = contents(project, self.case)
            return Whole(ended.points, self.case.read(log), rounds, self._seen(project), found), made

    def go_on(self, made: Installation) -> None:
        """Lets the account change after a sync; what follows begins at that installation."""
        self._before = made
        self.case.change(self.account.control)
        self.account.control.clock(advance=DAY)

    def _seen(self, project: Project) -> dict[str, Any]:
        """What the positions have seen of the streams whose round has ended."""
        with closing(project.warehouse.pipeline(self.case.vendor, KEY)) as pipeline:
            positions = pipeline.state().get(Walk.LIVE.value, {})
        return {
            stream: positions[stream]["seen"]
            for stream in self.case.rounds
            if stream in positions and "round" not in positions[stream]
        }

    def kill(self, whole: Whole, points: Sequence[Point], told: Told) -> None:
        """Kills a sync at each of these points, one after the other, and compares what the last one leaves."""
        made = self._before.copy()
        self.account.control.clear_log()
        with open_project(made.environ) as project:
            before = len(runs(project.control, KEY))
        allowed = self.case.most * len(points)
        for point in points:
            ended = sync_in_process(made.environ, KEY, point, case=self.case)
            # one that begins behind the last package may be done before it comes to its point
            assert ended.killed or ended.result is not None, point
            told.killed += ended.killed
            with open_project(made.environ) as project:
                free(project)
                # of a stream that was read to its end, what comes is another round
                for stream, seen in self._seen(project).items():
                    allowed += whole.rounds[stream] if seen == whole.seen[stream] else 0
        last = sync_in_process(made.environ, KEY, case=self.case).result
        assert last is not None, points
        again = self.case.read(self.account.control.log()) - whole.pages
        if allowed == self.case.most:
            told.again = max(told.again, again)
        with open_project(made.environ) as project:
            assert (last.status, last.error_message) == (Status.SUCCESS, None), points
            statuses = {run.status for run in runs(project.control, KEY)[: -before or None]}
            assert statuses <= {Status.SUCCESS, Status.FAILED}, points
            found = contents(project, self.case)
            differ = [name for name in {**whole.contents, **found} if found.get(name) != whole.contents.get(name)]
            assert not differ, (points, differ)
        assert again <= allowed, (points, again)
        made.remove()


def spread(whole: Whole, count: int, chance: random.Random) -> Iterator[Point]:
    """So many points, spread over all phases, and evenly over the calls of each."""
    for place, phase in enumerate(PHASES):
        share = count // len(PHASES) + (place < count % len(PHASES))
        reach = whole.points[phase] * REACHED
        for step in range(share):
            yield Point(phase, 1 + int((step + chance.random()) * reach / share))

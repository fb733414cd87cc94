"""A desk whose syncs meet faults, with a clock that goes with the vendor's: waits cost no time.

Each trial is a desk of its own. First its sync meets the faults, then everything is whole again and the next sync has
to make its tables equal to those of a desk that met none.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from ticket_pipelines.errors import TicketPipelinesError
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Status, SyncRequest, SyncResult
from ticket_pipelines_tests.crash.cases import Case
from ticket_pipelines_tests.crash.installations import free
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.equivalence.canonical import rows
from ticket_pipelines_tests.equivalence.following import HIDDEN, OF_SOME_ENGINES, RELATIONS, VIEWS
from ticket_pipelines_tests.faults.ills import Ill
from ticket_pipelines_tests.faults.outages import Outage
from ticket_pipelines_tests.fixtures.sandbox import SELDOM

HALF_A_DAY = 43_200
"""Longer than any limit closes, shorter than what is read once a day waits."""
MOST_AGAIN = 4
MOST_MORE = 150
"""A sync that meets faults makes at most so many times the requests of an undisturbed one, and so many more."""
LONGEST = 3 * 3_600
"""Seconds that all its waits take together at most."""

Tables = dict[str, list[str]]


class _Halfway(Quiet):
    """Lets something happen while the n-th page is read."""

    def __init__(self, happen: Sequence[tuple[int, Callable[[], object]]]) -> None:
        self._waiting = list(happen)
        self._pages = 0

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self._pages += 1
        for number, happen in self._waiting:
            if number == self._pages:
                happen()


@dataclass
class Ward:
    """Desks of one account in one installation.

    Attributes:
        project: The installation.
        case: What is synced.
        account: The account.
        moving: Time.
        wanted: What the tables hold of a desk that met no fault.
        requests: How many requests its sync made.
    """

    project: Project
    case: Case
    account: Listening
    moving: Moving
    wanted: Tables | None = None
    requests: int = 0
    number: int = 0

    def admit(self) -> str:
        """A new desk."""
        self.number += 1
        key = f"desk_{self.number}"
        credentials = dict(self.account.logins[self.case.login])
        config = {**self.account.config, **self.case.config, "schedule": SELDOM}
        self.project.desks.add(key, self.case.vendor, config, credentials)
        return key

    def sync(self, key: str, progress: Quiet | None = None) -> SyncResult:
        """One sync."""
        request = SyncRequest(streams=self.case.streams)
        return sync_desk(self.project, key, request, progress or Quiet(), Bounds(rows=30, read=40))

    def undisturbed(self) -> None:
        """Learns what a desk holds that meets no fault."""
        key = self.admit()
        self.account.control.clear_log()
        result = self.sync(key)
        assert (result.status, result.error_message) == (Status.SUCCESS, None)
        self.requests = len(self.account.control.log())
        self.wanted = self.held(key)

    def held(self, key: str) -> Tables:
        """The desk's rows of each table and view, in canonical form, whatever the desk is called."""
        found = {}
        warehouse = self.project.warehouse
        with warehouse.together():
            for name in warehouse.query(RELATIONS)["table_name"].to_pylist():
                if name.startswith(HIDDEN) or name in (*OF_SOME_ENGINES, *VIEWS, "sync_runs"):
                    continue
                kinds = dict(warehouse.columns(name))
                if name == "record_links":
                    # its ids are made of the desks' names
                    for column in ("id", "from_desk", "to_desk"):
                        kinds.pop(column, None)
                kinds.pop("desk", None)
                if name in self.case.named:
                    kinds = {"id": kinds["id"]}
                there = warehouse.query(f"SELECT * FROM helpdesk.{name} WHERE desk = '{key}'").to_pylist()
                found[name] = rows(name, there, kinds)
        return found

    def undergo(self, ills: Sequence[Ill], seed: str, outages: Sequence[Outage] = ()) -> str:
        """A sync that meets these faults, the proof that it told the truth, and the sync that makes all good.

        Returns:
            How the first one ended: a status.
        """
        assert self.wanted is not None
        chance = random.Random(seed)
        control, key = self.account.control, self.admit()
        control.clear_log()
        began = self.moving.time
        for ill in ills:
            if not ill.page:
                ill.inflict(control, self.account.vendor, chance)
        later = [(1 + chance.randrange(6), ill) for ill in ills if ill.page]
        with ExitStack() as until_its_end:
            halfway: list[tuple[int, Callable[[], object]]] = [
                (page, partial(ill.inflict, control, self.account.vendor, chance)) for page, ill in later
            ]
            for outage in outages:
                strike = partial(until_its_end.enter_context, outage.strike(self.project))
                halfway.append((1 + chance.randrange(6), strike))
            result = self._disturbed(key, _Halfway(halfway))
        log = control.log()
        if isinstance(result, TicketPipelinesError):
            assert outages, f"ended by an exception: {result}"
            free(self.project)
        elif result.status is Status.SUCCESS:
            assert differing(self.held(key), self.wanted) == [], "called success and not all is there"
        else:
            assert result.status in (Status.PARTIAL, Status.FAILED)
            assert result.error_code
            assert result.error_code != "unexpected"
            assert result.error_message
        assert len(log) <= MOST_AGAIN * self.requests + MOST_MORE
        assert self.moving.time - began <= LONGEST
        assert within_penalties(log) == []
        self._make_good(key)
        return Status.FAILED if isinstance(result, TicketPipelinesError) else result.status

    def _disturbed(self, key: str, progress: Quiet) -> SyncResult | TicketPipelinesError:
        """One sync, or the words in which it was given up."""
        try:
            return self.sync(key, progress)
        except TicketPipelinesError as error:
            return error

    def _make_good(self, key: str) -> None:
        control = self.account.control
        control.heal()
        control.fail("restore_access")
        self.moving.advance(HALF_A_DAY)
        result = self.sync(key)
        assert (result.status, result.error_message) == (Status.SUCCESS, None)
        assert differing(self.held(key), self.wanted or {}) == [], "the next sync did not make it good"


def differing(found: Tables, wanted: Tables) -> list[tuple[str, Any, Any]]:
    """Tables that differ, each with a row that only one has."""
    told = []
    for name in sorted(found.keys() | wanted.keys()):
        ours, theirs = found.get(name, []), wanted.get(name, [])
        if ours != theirs:
            more, less = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
            told.append((name, f"{len(more)} more: {more[:1]}", f"{len(less)} less: {less[:1]}"))
    return told


def within_penalties(log: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Requests that came before the time that an answer to the same kind of request had named."""
    found = []
    closed: dict[str, tuple[float, Entry]] = defaultdict(lambda: (0.0, log[0]))
    for entry in log:
        kind = _kind(entry.path)
        until, refused = closed[kind]
        if entry.at < until - 0.001:
            found.append((refused, entry))
        if entry.status in (429, 503) and (seconds := _seconds(entry)):
            closed[kind] = (max(until, entry.at + seconds), entry)
    return found


def _kind(path: str) -> str:
    """Requests that share a limit: of one stream."""
    return "/".join("*" if part.isdigit() else part for part in path.split("/"))


def _seconds(entry: Entry) -> float:
    try:
        seconds = float(entry.retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(entry.retry_after).timestamp() - entry.at
        except ValueError:
            return 0.0
    return seconds if 0.0 < seconds < float("inf") else 0.0

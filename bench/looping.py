"""The loop as a worker runs it, in a process of its own, measured: `python -m bench.looping FORM --server PID`.

Forms: `loop` visits due desks for `--warm` and then `--seconds`; `row` changes one ticket after the other of the only
desk and syncs each; `idle_sync` syncs it where nothing is new. What they cost goes to stdout as JSON. Home, warehouse
and control database come from the environment, as everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import sqlalchemy as sa

from bench.measure import cpu_of_tree
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.loop.claims import claim_due
from ticket_pipelines.loop.run import LoopOptions, run_loop
from ticket_pipelines.loop.visit import Visit, Visitor
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sync.lease import Lease
from ticket_pipelines.sync.result import Status

WITHHELD = 61
"""Seconds after which Zendesk's exports show a change."""


@dataclass(slots=True)
class Spent:
    """What a span of time cost.

    Attributes:
        seconds: Its length.
        client: CPU seconds of this process.
        server: CPU seconds of the database server.
        probes: Visits that found nothing new.
        syncs: Visits that were syncs.
        failed: Visits that failed or were partial.
        lateness: Seconds by which each desk was late when its visit began.
        sync_seconds: How long each sync took.
        peak: Most memory that this process had resident so far, bytes.
    """

    seconds: float = 0.0
    client: float = 0.0
    server: float = 0.0
    probes: int = 0
    syncs: int = 0
    failed: int = 0
    lateness: list[float] = field(default_factory=list)
    sync_seconds: list[float] = field(default_factory=list)
    peak: int = 0


class Recorder:
    """A visitor that takes notes from when it is told to."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.spent: Spent | None = None

    def __call__(self, desk: Desk, lease: Lease) -> Visit:
        """Visits a desk."""
        began, since = datetime.now(UTC), time.perf_counter()
        visit = self._visitor(desk, lease)
        if (spent := self.spent) is not None:
            spent.lateness.append((began - (desk.next_due_at or began)).total_seconds())
            if visit.status is Status.SKIPPED:
                spent.probes += 1
            else:
                spent.syncs += 1
                spent.sync_seconds.append(time.perf_counter() - since)
                spent.failed += visit.status is not Status.SUCCESS
        return visit


@contextmanager
def measured(server: int) -> Iterator[Spent]:
    """Measures the block."""
    spent = Spent()
    before = time.perf_counter(), time.process_time(), cpu_of_tree(server)
    yield spent
    spent.seconds = time.perf_counter() - before[0]
    spent.client = time.process_time() - before[1]
    spent.server = cpu_of_tree(server) - before[2]
    spent.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def loop(project: Project, options: argparse.Namespace) -> Spent:
    """Runs the loop; notes begin after the time to warm up."""
    stop, found = threading.Event(), [Spent()]
    with closing(Visitor(project, stop.is_set)) as visitor:
        recorder = Recorder(visitor)

        def watch() -> None:
            time.sleep(options.warm)
            with measured(options.server) as spent:
                recorder.spent = spent
                time.sleep(options.seconds)
                recorder.spent = None
            found[0] = spent
            stop.set()

        watching = threading.Thread(target=watch)
        watching.start()
        run_loop(project.control, recorder, stop, LoopOptions(threads=options.threads))
        watching.join()
    return found[0]


def changeable(address: str) -> list[int]:
    """Ids of the tickets of a sandbox account that can be changed."""
    records = requests.get(f"{address}/__sandbox/records?stream=tickets", timeout=30).json()
    return [record["id"] for record in records if record["status"] not in ("closed", "deleted")]


def row(project: Project, options: argparse.Namespace) -> Spent:
    """Syncs of one changed ticket each."""
    address = project.desks.list()[0].config["base_url"]
    plane, ids = f"{address}/__sandbox", changeable(address)

    def change(number: int) -> None:
        new = {"op": "update_ticket", "id": ids[number % len(ids)], "subject": f"changed {number}"}
        requests.post(f"{plane}/mutate", json=new, timeout=30).raise_for_status()
        requests.post(f"{plane}/clock", json={"advance": WITHHELD}, timeout=30).raise_for_status()

    return _one_by_one(project, options, change)


def idle_sync(project: Project, options: argparse.Namespace) -> Spent:
    """Syncs that find nothing new, as each desk has one an hour."""

    def stale(_: int) -> None:
        with project.control.begin() as connection:
            connection.execute(sa.update(table).values(synced_whole_at=None))

    return _one_by_one(project, options, stale)


def _one_by_one(project: Project, options: argparse.Namespace, before: Callable[[int], None]) -> Spent:
    whole = Spent()
    with closing(Visitor(project)) as visitor:
        # the first ones import, connect, and make what is missing
        for number in range(-3, options.count):
            before(number)
            with project.control.begin() as connection:
                past = datetime.now(UTC) - timedelta(seconds=1)
                connection.execute(sa.update(table).values(next_due_at=past))
            ((desk, lease),) = claim_due(project.control, "bench", 1, datetime.now(UTC))
            with measured(options.server) as spent:
                recorder = Recorder(visitor)
                recorder.spent = spent
                recorder(desk, lease)
            if number >= 0:
                for name, value in asdict(spent).items():
                    setattr(whole, name, getattr(whole, name) + value)
    return whole


def main() -> None:
    """Runs one form and prints what it cost."""
    forms: dict[str, Callable[[Project, Any], Spent]] = {"loop": loop, "row": row, "idle_sync": idle_sync}
    parser = argparse.ArgumentParser(prog="python -m bench.looping", description=__doc__)
    parser.add_argument("form", choices=forms)
    parser.add_argument("--server", type=int, required=True, help="first process of the database server")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--warm", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    with open_project(os.environ) as project:
        print(json.dumps(asdict(forms[options.form](project, options))))


if __name__ == "__main__":
    main()

"""What `bench.scale` measures as a process: a loop over all due desks in which a visit asks no vendor.

What is left of a visit is what each one costs: the claim, the lease with its heartbeat, and the desk's next due time.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.loop.pulse import Kind
from ticket_pipelines.loop.run import LoopOptions, run_loop
from ticket_pipelines.loop.visit import Visit
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.lease import Lease, kept
from ticket_pipelines.sync.result import Status


def main(threads: int) -> None:
    """Visits all due desks and prints how many they were."""
    with open_project() as project:

        def visit(desk: Desk, lease: Lease) -> Visit:
            with kept(lease) as held:
                project.desks.idle(desk, datetime.now(UTC), lease.release_with)
                held.given_back = True
            return Visit(desk, Status.SKIPPED)

        outcomes = run_loop(project.control, visit, threading.Event(), LoopOptions(kind=Kind.BATCH, threads=threads))
    print(outcomes.total())


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""What the bench of the loop claims to measure: desks that share a position are idle, and bounds are compared."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bench.loop import CREDENTIALS, Figure, register, share_position
from ticket_pipelines.control.database import desks
from ticket_pipelines.loop.claims import claim_due
from ticket_pipelines.loop.visit import Visitor
from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Status


def test_desks_that_were_given_a_position_are_found_idle_by_one_request(
    project: Project, sandbox: SandboxServer
) -> None:
    assert sandbox.zendesk.credentials == CREDENTIALS
    register(project, [sandbox.zendesk.url] * 3, "every 60s")
    sync_desk(project, "desk0000")
    share_position(project)
    with project.control.begin() as connection:
        connection.execute(sa.update(desks).values(next_due_at=datetime.now(UTC) - timedelta(seconds=1)))
    sandbox.zendesk.control.clear_log()
    with closing(Visitor(project)) as visitor:
        claimed = claim_due(project.control, "the test", 9, datetime.now(UTC))
        assert [visitor(desk, lease).status for desk, lease in claimed] == [Status.SKIPPED] * 3
    asked = [entry for entry in sandbox.zendesk.control.log() if entry.path.startswith("/api/")]
    assert len(asked) == 3


def test_a_figure_is_kept_up_to_its_bound() -> None:
    assert [Figure("CPU", value, "ms", 5).kept for value in (4.9, 5.0, 5.1)] == [True, True, False]
    assert Figure("CPU", 9.0, "ms", None).kept

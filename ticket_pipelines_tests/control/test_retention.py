"""Old syncs go, and what the desks' status and the alerts are made of stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.control.database import sync_runs
from ticket_pipelines.control.status import status
from ticket_pipelines.project import Project
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines_tests.control.runs import insert_run, lasting
from ticket_pipelines_tests.fixtures.project import OAUTH, Cli

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def test_the_last_of_each_kind_stays_however_old(project: Project, cli: Cli) -> None:
    for key in ("acme", "globex"):
        project.desks.add(key, "zendesk", {"subdomain": key}, OAUTH)
    for age in (200, 150):
        insert_run(project.control, "acme", NOW - age * DAY)
    insert_run(project.control, "acme", NOW - 140 * DAY, "partial", rows_read=0)
    insert_run(project.control, "acme", NOW - 130 * DAY, "failed", rows_read=0, rows_created=0)
    insert_run(project.control, "acme", NOW - 120 * DAY, "running", rows_created=0)
    for age in (100, 1):
        insert_run(project.control, "globex", NOW - age * DAY)
    before = [lasting(one) for one in status(project.control, project.desks.list(), NOW)]

    old = Rejected("tickets", "map", "cannot be mapped", b"{}")
    quarantine.save(project.control, project.vault, "acme", [old], NOW - 91 * DAY)
    quarantine.save(project.control, project.vault, "globex", [old], NOW - 89 * DAY)

    assert cli("retention", "--json").json == {"control": 3, "quarantine": 1}
    assert [one.desk for one in quarantine.waiting(project.control)] == ["globex"]

    with project.control.connect() as connection:
        left = {(row.desk, row.status) for row in connection.execute(sa.select(sync_runs.c.desk, sync_runs.c.status))}
    assert left == {("acme", "success"), ("acme", "failed"), ("acme", "running"), ("globex", "success")}
    assert [lasting(one) for one in status(project.control, project.desks.list(), NOW)] == before
    assert [one.rows for one in before] == [15, 10]
    assert "nothing is old enough" in cli("retention").stdout

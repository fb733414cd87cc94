"""Jobs and schedules for rows in doubt: reconciliations told on the assets, records in the quarantine tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ticket_pipelines.definitions import defs
from ticket_pipelines.defs import doubt
from ticket_pipelines.defs.catalog import catalogs
from ticket_pipelines.defs.checks import NOTHING_SET_ASIDE, complete_key, look
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines_tests.defs.conftest import Daemon
from ticket_pipelines_tests.fixtures.handwork import drop

MONDAY = datetime(2025, 6, 2, tzinfo=UTC)
ZENDESK = next(catalog for catalog in catalogs() if catalog.name == "zendesk")
BAD = Rejected("groups", "map", "cannot be mapped", b'{"id": 4711, "name": "private words"}', "4711", 5)


def test_a_reconciliation_stands_on_the_assets(daemon: Daemon, acme: str) -> None:
    daemon.run("zendesk_sync", streams=["groups", "macros"])
    warehouse = daemon.project.warehouse
    (row,) = warehouse.query("SELECT min(id) AS id FROM helpdesk.zendesk_groups").to_pylist()
    drop(warehouse, "zendesk_groups", row["id"])
    config = {
        "ops": {doubt.reconcile_op_name("zendesk"): {"config": {"streams": ["groups", "macros"], "repair": True}}}
    }

    done = daemon._execute(defs.resolve_job_def("zendesk_reconcile"), acme, config)

    assert done.success
    told = {
        event.asset_key.path[-1]: {
            name: value.value for name, value in event.asset_observation_data.asset_observation.metadata.items()
        }
        for event in done.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION and event.asset_key
    }
    assert {stream: (one["outcome"], one["missing"], one["repaired"]) for stream, one in told.items()} == {
        "groups": ("repaired", 1, 1),
        "macros": ("equal", 0, 0),
    }
    assert done.dagster_run.tags["tickets/status"] == "success"


def test_each_desk_has_its_hour_of_the_week(daemon: Daemon, acme: str) -> None:
    asked = []
    for hour in range(doubt.HOURS):
        if doubt.hour_of(acme) - 1 <= hour <= doubt.hour_of(acme) + 1:
            at = MONDAY + timedelta(hours=hour, minutes=17)
            context = dg.build_schedule_context(
                instance=daemon.instance, scheduled_execution_time=at, resources={"tickets": daemon.tickets}
            )
            ticks: Any = defs.resolve_schedule_def("zendesk_reconcile")(context)
            asked += [(hour, one.partition_key) for one in ticks if isinstance(one, dg.RunRequest)]
    assert asked == [(doubt.hour_of(acme), acme)]
    assert len({doubt.hour_of(f"desk_{number}") for number in range(200)}) > 80


def test_what_waits_fails_a_check_and_is_tried_again_by_a_job(daemon: Daemon, acme: str) -> None:
    project = daemon.project
    key = dg.AssetCheckKey(complete_key(ZENDESK).asset_key, NOTHING_SET_ASIDE)
    quarantine.save(project.control, project.vault, acme, [BAD], datetime.now(UTC))
    (bad,) = look(ZENDESK, project.warehouse, project.control, acme, [key])
    assert (bad.passed, bad.metadata["waiting"]) == (False, 1)
    assert "private" not in str(bad.metadata)

    assert daemon._execute(defs.resolve_job_def("zendesk_replay"), acme, {}).success

    (good,) = look(ZENDESK, project.warehouse, project.control, acme, [key])
    assert good.passed
    row = project.warehouse.query("SELECT name FROM helpdesk.zendesk_groups WHERE id = '4711'").to_pylist()
    assert row == [{"name": "private words"}]


@pytest.mark.parametrize("job", ["zendesk_reconcile", "zendesk_replay"])
def test_a_desk_that_is_not_registered_fails(daemon: Daemon, acme: str, job: str) -> None:
    daemon.project.desks.remove(acme)
    assert not daemon._execute(defs.resolve_job_def(job), acme, {}).success

"""The record of an idle visit: one transaction with the end of its lease, over the desk as it is by then."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import desks as table
from ticket_pipelines.control.database import leases
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.loop.claims import claim_due
from ticket_pipelines.sync.lease import Lease, revoke
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.loop.conftest import add

LATER = timedelta(seconds=5)


@pytest.fixture
def claimed(desks: Registry, control: sa.Engine) -> tuple[Desk, Lease]:
    """A desk that was synced before, claimed for a probe."""
    add(desks, "acme")
    desks.ended("acme", Ending(Status.SUCCESS, datetime.now(UTC), whole=True))
    later = datetime.now(UTC) + timedelta(seconds=31)
    ((desk, lease),) = claim_due(control, "one", 1, later)
    return desk, lease


def test_an_idle_visit_moves_the_due_time_and_gives_the_lease_back(
    desks: Registry, claimed: tuple[Desk, Lease]
) -> None:
    desk, lease = claimed
    at = datetime.now(UTC) + LATER
    desks.idle(desk, at, lease.release_with)
    after = desks.get("acme")
    assert (after.last_checked_at, after.next_due_at) == (at, at + timedelta(seconds=30))
    assert (after.failures, after.synced_whole_at) == (0, desk.synced_whole_at)
    assert not lease.prolong()


@pytest.mark.parametrize("change", ["schedule", "removed", "synced"])
def test_what_became_of_the_desk_meanwhile_stays(desks: Registry, claimed: tuple[Desk, Lease], change: str) -> None:
    desk, lease = claimed
    at = datetime.now(UTC) + LATER
    if change == "schedule":
        desks.update("acme", {"schedule": "every 1h"})
    elif change == "removed":
        desks.remove("acme")
    else:
        desks.ended("acme", Ending(Status.FAILED, datetime.now(UTC), "connection", "no answer", whole=True))
    desks.idle(desk, at, lease.release_with)
    after = desks.find("acme")
    assert after
    expected = {"schedule": at + timedelta(hours=1), "removed": None, "synced": at + timedelta(seconds=30)}
    assert (after.next_due_at, after.failures) == (expected[change], int(change == "synced"))


def test_neither_is_recorded_without_the_other(
    desks: Registry, claimed: tuple[Desk, Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, lease = claimed

    def broken(*_: object) -> dict[str, object]:
        raise OSError("away")

    monkeypatch.setattr("ticket_pipelines.desks.registry.after", broken)
    with pytest.raises(OSError, match="away"):
        desks.idle(desk, datetime.now(UTC) + LATER, lease.release_with)
    assert desks.get("acme").last_checked_at == desk.last_checked_at
    assert lease.prolong()


def test_a_visit_whose_lease_was_taken_away_counts_for_nothing(
    desks: Registry, control: sa.Engine, claimed: tuple[Desk, Lease]
) -> None:
    desk, lease = claimed
    revoke(control, "acme")
    desks.try_again("acme")
    due = desks.get("acme").next_due_at
    desks.idle(desk, datetime.now(UTC) + LATER, lease.release_with)
    assert desks.get("acme").next_due_at == due
    ((_, other),) = claim_due(control, "another", 1, datetime.now(UTC) + LATER)
    desks.idle(desk, datetime.now(UTC) + LATER, lease.release_with)
    assert desks.get("acme").next_due_at == due
    assert other.prolong()


@pytest.mark.parametrize("control_url", ["postgres"], indirect=True)
def test_a_claim_and_the_end_of_a_visit_never_wait_for_each_other(
    desks: Registry, control: sa.Engine, claimed: tuple[Desk, Lease]
) -> None:
    """A claim locks the desk, then writes its lease."""
    desk, lease = claimed
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor(1) as visitor:
        with control.connect() as other, other.begin():
            other.execute(sa.select(table.c.key).where(table.c.key == "acme").with_for_update())
            visit = visitor.submit(desks.idle, desk, datetime.now(UTC) + LATER, lease.release_with)
            until = time.monotonic() + 30
            with reading(control) as watcher:
                while not watcher.execute(waits).scalar_one():
                    assert time.monotonic() < until, "the visit waits for nothing"
                    time.sleep(0.01)
            other.execute(sa.update(leases).where(leases.c.desk == "acme").values(holder="another"))
        visit.result()
    assert not lease.prolong()

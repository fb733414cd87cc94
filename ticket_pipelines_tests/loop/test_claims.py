"""Claims: who gets which desk, on both control databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.control.connection import open_control
from ticket_pipelines.control.database import leases
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.registry import Registry
from ticket_pipelines.loop.claims import claim_due, waiting
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.loop.conftest import add, due_since


def test_desks_go_by_priority_and_then_by_how_long_they_waited(desks: Registry, control: sa.Engine) -> None:
    now = datetime.now(UTC)
    add(desks, "aa", "bb", "cc")
    add(desks, "dd", priority=1)
    for key, minutes in (("aa", 1), ("bb", 3), ("cc", 2), ("dd", 0)):
        due_since(control, key, now - timedelta(minutes=minutes))
    assert [desk.key for desk in waiting(control, now)] == ["bb", "cc", "aa", "dd"]
    assert [desk.key for desk, _ in claim_due(control, "one", 3, now)] == ["dd", "bb", "cc"]
    assert [desk.key for desk, _ in claim_due(control, "other", 3, now)] == ["aa"]
    assert claim_due(control, "other", 3, now) == []


def test_a_claim_is_the_lease_and_ends_with_it(desks: Registry, control: sa.Engine) -> None:
    add(desks, "aa")
    now = datetime.now(UTC)
    ((_, lease),) = claim_due(control, "one", 1, now)
    lease.check()
    later = now + timedelta(seconds=61)
    ((_, other),) = claim_due(control, "other", 1, later)
    assert other.token > lease.token
    with control.connect() as connection:
        assert connection.execute(sa.select(leases.c.holder)).scalar() == "other"


def test_what_nobody_wants_synced_is_not_claimed(desks: Registry, control: sa.Engine) -> None:
    add(desks, "aa", "bb", "cc", "dd")
    desks.pause("aa")
    desks.remove("bb")
    desks.ended("cc", Ending(Status.FAILED, datetime.now(UTC), "credentials", "refused"))
    desks.ended("dd", Ending(Status.SUCCESS, datetime.now(UTC)))
    assert claim_due(control, "one", 9, datetime.now(UTC)) == []


def test_many_claimers_at_once_share_the_desks(desks: Registry, control_url: str) -> None:
    keys = [f"desk{number:02}" for number in range(24)]
    add(desks, *keys)
    now, got = datetime.now(UTC), list[str]()

    def take() -> None:
        engine = open_control(control_url)
        while claimed := claim_due(engine, "one", 2, now):
            got.extend(desk.key for desk, _ in claimed)
        engine.dispose()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == keys


def test_a_desk_whose_sync_has_ended_since_is_not_claimed_again(desks: Registry, control: sa.Engine) -> None:
    """The list of due desks is older than the lock on the row: what counts is the row as it is now."""
    add(desks, "aa")
    now = datetime.now(UTC)
    if control.dialect.name == "postgresql":
        with control.begin() as connection:
            connection.execute(sa.text("SELECT 1 FROM desks WHERE key = 'aa' FOR UPDATE"))
            assert claim_due(control, "one", 1, now) == [], "one who is being written is left for the next look"
    desks.ended("aa", Ending(Status.SUCCESS, now))
    assert claim_due(control, "one", 1, now) == []

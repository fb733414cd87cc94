"""Heartbeats on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.control.heartbeat import beat, last

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def test_the_last_beat_counts_and_an_earlier_one_never_replaces_it(control: sa.Engine) -> None:
    assert last(control, "loop") is None
    beat(control, "loop", NOON)
    beat(control, "loop", NOON + timedelta(seconds=5))
    beat(control, "loop", NOON)
    beat(control, "other", NOON)
    assert last(control, "loop") == NOON + timedelta(seconds=5)

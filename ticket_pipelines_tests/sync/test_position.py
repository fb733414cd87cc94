"""The position: live, full and backfill walks that never move each other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from dlt_sources.base import Window
from ticket_pipelines.sync.position import RESUMABLE, Position, Walk, cursor

NOW = datetime(2025, 6, 1, tzinfo=UTC)
OPEN = Window()


def test_a_new_desk_starts_at_the_start() -> None:
    position = Position({})
    assert position.begin(Walk.LIVE, "tickets", OPEN, NOW) == {}
    assert position.snapshot() == {}


def test_a_full_walk_does_not_move_the_live_position() -> None:
    position = Position({"streams": {"tickets": {"cursor": "live"}}})
    position.begin(Walk.FULL, "tickets", OPEN, NOW)
    position.advance(Walk.FULL, "tickets", {"cursor": "old"}, False)
    assert position.begin(Walk.LIVE, "tickets", OPEN, NOW) == {"cursor": "live"}
    position.advance(Walk.FULL, "tickets", {"cursor": "end"}, True)
    position.end(Walk.FULL)
    assert position.snapshot() == {"streams": {"tickets": {"cursor": "live"}}}


def test_a_full_walk_leaves_its_end_where_there_was_no_live_position() -> None:
    position = Position({})
    position.begin(Walk.FULL, "tickets", OPEN, NOW)
    position.advance(Walk.FULL, "tickets", {"cursor": "mid"}, False)
    assert "streams" not in position.snapshot()
    position.advance(Walk.FULL, "tickets", {"cursor": "end"}, True)
    position.end(Walk.FULL)
    assert position.snapshot() == {"streams": {"tickets": {"cursor": "end"}}}


def test_a_walk_through_a_window_is_no_live_position() -> None:
    position = Position({})
    position.begin(Walk.BACKFILL, "tickets", Window(since=NOW), NOW)
    position.advance(Walk.BACKFILL, "tickets", {"cursor": "end"}, True)
    position.end(Walk.BACKFILL)
    assert position.snapshot() == {}


def test_a_walk_that_was_cut_off_goes_on_in_another_process() -> None:
    first = Position({})
    for name in ("tickets", "users"):
        first.begin(Walk.FULL, name, OPEN, NOW)
    first.advance(Walk.FULL, "tickets", {"cursor": "end"}, True)
    first.advance(Walk.FULL, "users", {"cursor": "mid"}, False)
    second = Position(json.loads(json.dumps(first.snapshot())))
    assert second.begin(Walk.FULL, "tickets", OPEN, NOW) is None
    assert second.begin(Walk.FULL, "users", OPEN, NOW) == {"cursor": "mid"}
    assert second.begin(Walk.FULL, "groups", OPEN, NOW) == {}


def test_another_window_or_a_week_begins_a_walk_anew() -> None:
    position = Position({})
    position.begin(Walk.BACKFILL, "tickets", Window(since=NOW), NOW)
    position.advance(Walk.BACKFILL, "tickets", {"cursor": "mid"}, False)
    assert position.begin(Walk.BACKFILL, "tickets", Window(since=NOW), NOW + RESUMABLE) == {"cursor": "mid"}
    assert position.begin(Walk.BACKFILL, "tickets", Window(since=NOW), NOW + RESUMABLE + timedelta(seconds=1)) == {}
    position.advance(Walk.BACKFILL, "tickets", {"cursor": "mid"}, False)
    assert position.begin(Walk.BACKFILL, "tickets", Window(until=NOW), NOW) == {}


def test_a_snapshot_is_not_moved_by_what_follows() -> None:
    position = Position({})
    position.advance(Walk.LIVE, "tickets", {"cursor": "a"}, False)
    taken = position.snapshot()
    position.advance(Walk.LIVE, "tickets", {"cursor": "b"}, False)
    assert taken == {"streams": {"tickets": {"cursor": "a"}}}
    assert cursor(taken, Walk.LIVE, "tickets") == {"cursor": "a"}


def test_what_is_kept_for_each_record_is_counted_in_the_record_of_a_sync() -> None:
    seen = {str(key): "mark" for key in range(500)}
    taken = {"streams": {"cases": {"seen": seen, "few": {"a": 1}}}}
    assert cursor(taken, Walk.LIVE, "cases") == {"seen": "500 records", "few": {"a": 1}}
    assert cursor(taken, Walk.LIVE, "others") is None

"""How far a walk has come and how long it will take, from made-up positions. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticket_pipelines.control.backfill import backfill
from ticket_pipelines.sync.position import RESUMABLE

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=10)


def entry(*, done: bool = False, window: tuple[str | None, str | None] = (None, None), **more: Any) -> dict[str, Any]:
    return {"state": {}, "window": list(window), "began": BEGAN.isoformat(), "done": done, **more}


def test_nothing_is_under_way_where_no_walk_is_open() -> None:
    assert backfill({}, ("clock",), NOW, NOW) is None
    assert backfill({"backfill": {"tickets": entry(done=True)}}, ("clock",), NOW, NOW) is None
    assert backfill({"full": {"tickets": entry()}}, ("clock",), NOW, NOW + RESUMABLE) is None


@pytest.mark.parametrize(
    "reached", ["2026-01-02T00:00:00Z", int(datetime(2026, 1, 2, tzinfo=UTC).timestamp())], ids=["iso", "unix"]
)
def test_the_rest_takes_as_long_as_the_speed_so_far_says(reached: str | int) -> None:
    window = ("2026-01-01T00:00:00+00:00", "2026-01-05T00:00:00+00:00")
    walks = {"users": entry(done=True), "tickets": entry(window=window, state={"cursor": "x", "clock": reached})}
    found = backfill({"backfill": walks}, ("clock",), NOW, NOW)
    assert found is not None
    assert (found.mode, found.stream, found.streams_done) == ("backfill", "tickets", 1)
    assert (found.fraction, found.seconds_left) == (0.25, 1800)


def test_a_walk_from_the_start_counts_from_the_first_page_to_the_last_commit() -> None:
    first, reached = NOW - timedelta(days=4), NOW - timedelta(days=1)
    one = entry(state={"clock": reached.isoformat()}, first={"clock": first.isoformat()})
    found = backfill({"full": {"tickets": one}}, ("clock",), NOW, NOW)
    assert found is not None
    assert (found.mode, found.fraction, found.seconds_left) == ("full", 0.75, 200)


def test_what_is_not_known_is_null() -> None:
    at = {"clock": "2026-01-02T00:00:00Z"}
    for clocks, one in (
        ((), entry(state=at)),
        (("clock",), entry(state={"clock": "soon"})),
        (("clock",), entry(state=at, first=at)),
    ):
        found = backfill({"full": {"tickets": one}}, clocks, NOW, NOW)
        assert found is not None
        assert found.seconds_left is None

"""Due times: intervals, crons in a time zone, the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.control.due import is_due, lateness, next_due, parse_schedule, parse_timezone, stream_due
from ticket_pipelines.errors import UsageError

NEW_YORK = "America/New_York"
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def following(schedule: str, timezone: str, after: str, count: int) -> list[str]:
    """The next due times, in the zone, as text."""
    moment, found = datetime.fromisoformat(after), []
    for _ in range(count):
        moment = next_due(schedule, timezone, moment)
        assert moment.tzinfo is UTC
        found.append(moment.astimezone(parse_timezone(timezone)).strftime("%m-%d %H:%M %z"))
    return found


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("every 30s", 30), ("every 5m", 300), ("every 2h", 7200), ("every 1d", 86400), ("every  90 s", 90)],
)
def test_an_interval_counts_from_the_last_sync(schedule: str, seconds: int) -> None:
    assert next_due(schedule, "UTC", NOON) == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("schedule", "timezone", "after", "times"),
    [
        ("*/15 * * * *", "UTC", "2026-01-15T12:07:00Z", ["01-15 12:15 +0000", "01-15 12:30 +0000"]),
        ("*/15 * * * *", "UTC", "2026-01-15T12:15:00Z", ["01-15 12:30 +0000"]),
        ("0 9-17 * * 1-5", "Europe/Rome", "2026-01-16T15:30:00Z", ["01-16 17:00 +0100", "01-19 09:00 +0100"]),
        ("0 0 * * *", "Asia/Kolkata", "2026-01-15T18:29:00Z", ["01-16 00:00 +0530"]),
    ],
    ids=["quarter-hours", "strictly-after", "business-hours", "half-hour-zone"],
)
def test_a_cron_is_meant_in_the_time_zone(schedule: str, timezone: str, after: str, times: list[str]) -> None:
    assert following(schedule, timezone, after, len(times)) == times


@pytest.mark.parametrize(
    ("schedule", "failures", "minutes"),
    [
        *(("every 10m", failures, minutes) for failures, minutes in enumerate([10, 10, 20, 40, 80, 80])),
        ("every 10m", 1000, 80),
        ("*/15 * * * *", 3, 60),
        ("0 9 * * *", 5, 21 * 60),
        ("every 6h", 5, 24 * 60),
        ("every 2d", 5, 2 * 24 * 60),
    ],
)
def test_failures_in_a_row_make_a_desk_wait_up_to_eight_intervals_or_a_day(
    schedule: str, failures: int, minutes: int
) -> None:
    assert next_due(schedule, "UTC", NOON, failures) == NOON + timedelta(minutes=minutes)


def test_a_time_that_does_not_exist_is_due_at_the_end_of_the_gap() -> None:
    assert following("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", 2) == ["03-08 03:00 -0400", "03-09 02:30 -0400"]


def test_fixed_hours_are_due_once_when_clocks_go_back() -> None:
    assert following("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", 2) == ["11-01 01:30 -0400", "11-02 01:30 -0500"]


def test_every_half_hour_is_due_in_both_hours_when_clocks_go_back() -> None:
    times = following("*/30 * * * *", NEW_YORK, "2026-11-01T04:45:00Z", 5)
    assert times == [
        "11-01 01:00 -0400",
        "11-01 01:30 -0400",
        "11-01 01:00 -0500",
        "11-01 01:30 -0500",
        "11-01 02:00 -0500",
    ]


@given(
    st.sampled_from(["*/7 * * * *", "0 */2 * * *", "30 2 * * *", "0 9-17 * * 1-5", "every 45s"]),
    st.sampled_from(["UTC", NEW_YORK, "Europe/Rome", "Australia/Lord_Howe", "America/Santiago"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
)
def test_due_times_always_move_forward(schedule: str, timezone: str, start: datetime) -> None:
    moments = [start.replace(tzinfo=UTC)]
    for _ in range(5):
        moments.append(next_due(schedule, timezone, moments[-1]))
    assert all(earlier < later for earlier, later in pairwise(moments))


@pytest.mark.parametrize(
    "schedule",
    ["", "often", "every 0s", "every 5", "every -5m", "* * * *", "* * * * * *", "61 * * * *", "@hourly", "0 0 30 2 *"],
)
def test_a_schedule_that_cannot_be_is_refused_with_the_forms(schedule: str) -> None:
    with pytest.raises(UsageError, match="write a cron of five fields"):
        parse_schedule(schedule)


@pytest.mark.parametrize("name", ["Rome", "", "../etc/passwd", "Europe/Atlantis"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="IANA"):
        parse_timezone(name)


def test_a_desk_is_due_when_its_time_has_come_unless_it_is_paused() -> None:
    assert is_due(None, paused=False, now=NOON)
    assert is_due(NOON, paused=False, now=NOON)
    assert not is_due(NOON + timedelta(seconds=1), paused=False, now=NOON)
    assert not is_due(NOON, paused=True, now=NOON)


def test_a_stream_is_due_when_its_seconds_are_over() -> None:
    assert stream_due(0, NOON, NOON)
    assert stream_due(3600, None, NOON)
    assert not stream_due(3600, NOON - timedelta(seconds=3599), NOON)
    assert stream_due(3600, NOON - timedelta(seconds=3600), NOON)


def test_lateness_counts_from_the_due_time() -> None:
    assert lateness(NOON - timedelta(seconds=90), paused=False, now=NOON) == 90
    assert lateness(NOON - timedelta(seconds=90), paused=True, now=NOON) == 0
    assert lateness(NOON + timedelta(seconds=90), paused=False, now=NOON) == 0
    assert lateness(None, paused=False, now=NOON) == 0

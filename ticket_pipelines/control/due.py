"""When a desk, or one of its streams, is due. Pure functions of times; nothing here reads a clock.

A cron is meant in the desk's time zone. Where clocks go forward, a time that does not exist that day is due at the end
of the gap. Where they go back, a cron with fixed hours is due once, one that runs every hour in both hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from croniter.croniter import CroniterBadDateError

from ticket_pipelines.errors import UsageError

_EVERY = re.compile(r"every\s+([1-9]\d{0,6})\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MOST_INTERVALS = 8
"""Intervals that a desk waits at most after failures in a row."""

LONGEST_WAIT = timedelta(days=1)
"""A desk whose interval is long as it is does not wait several of them if that is longer than this."""

_FORMS = "write a cron of five fields ('*/15 * * * *') or 'every 30s', 'every 5m', 'every 2h'"


@dataclass(frozen=True, slots=True)
class Every:
    """Due again this long after the last sync."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the times of a cron."""

    expression: str


@lru_cache(maxsize=1024)
def parse_schedule(text: str) -> Every | Cron:
    """Reads a schedule.

    Raises:
        UsageError: It is neither a cron of five fields nor `every <n>s|m|h|d`.
    """
    text = text.strip()
    if match := _EVERY.fullmatch(text):
        return Every(timedelta(seconds=int(match[1]) * _UNITS[match[2]]))
    if len(text.split()) != 5 or not croniter.is_valid(text):
        raise UsageError(f"schedule {text[:60]!r} cannot be read: {_FORMS}")
    try:
        croniter(text, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        raise UsageError(f"schedule {text[:60]!r} never comes: {_FORMS}") from None
    return Cron(text)


@lru_cache(maxsize=256)
def parse_timezone(name: str) -> ZoneInfo:
    """Reads the name of a time zone.

    Raises:
        UsageError: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"time zone {name[:60]!r} is not known: write an IANA name, for example 'Europe/Rome'"
        ) from None


def back_off(failures: int) -> int:
    """How many intervals a desk waits after so many failures in a row: 1, 1, 2, 4, then 8."""
    return min(MOST_INTERVALS, 1 << max(0, min(failures, MOST_INTERVALS) - 1))


def next_due(schedule: str, timezone: str, after: datetime, failures: int = 0) -> datetime:
    """When a desk of that schedule is due next, in UTC.

    Args:
        schedule: Cron, or `every 30s`.
        timezone: IANA name in which the cron is meant.
        after: An aware time; what is found is later.
        failures: Failed syncs in a row: the more, the more of its times are left out.
    """
    found = _next(schedule, timezone, after)
    for _ in range(back_off(failures) - 1):
        later = _next(schedule, timezone, found)
        if later - after > LONGEST_WAIT:
            break
        found = later
    return found


def _next(schedule: str, timezone: str, after: datetime) -> datetime:
    parsed = parse_schedule(schedule)
    if isinstance(parsed, Every):
        return (after + parsed.interval).astimezone(UTC)
    zone = parse_timezone(timezone)
    times = croniter(parsed.expression, after.astimezone(zone))
    while True:
        found = times.get_next(datetime)
        if not (_has_fixed_hours(parsed) and _is_second_pass(found, zone)):
            return found.astimezone(UTC)


def is_due(next_due_at: datetime | None, *, paused: bool, now: datetime) -> bool:
    """Whether a desk is to be synced now. One that never had a due time is."""
    return not paused and (next_due_at is None or next_due_at <= now)


def stream_due(scheduled_every: int, read_at: datetime | None, now: datetime) -> bool:
    """Whether a scheduled sync reads a stream that is to be read every so many seconds (0: each time)."""
    return scheduled_every == 0 or read_at is None or (now - read_at).total_seconds() >= scheduled_every


def lateness(next_due_at: datetime | None, *, paused: bool, now: datetime) -> float:
    """Seconds by which a desk is late; 0 while it is paused or not due."""
    if paused or next_due_at is None:
        return 0.0
    return max(0.0, (now - next_due_at).total_seconds())


def _has_fixed_hours(cron: Cron) -> bool:
    return not cron.expression.split()[1].startswith("*")


def _is_second_pass(moment: datetime, zone: ZoneInfo) -> bool:
    """Whether the same wall time was there before on that day (clocks went back between)."""
    wall = moment.replace(tzinfo=None)
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first != second and moment.utcoffset() == second and (first or timedelta()) > (second or timedelta())

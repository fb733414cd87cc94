"""Instants: from a vendor's text or Unix time, within the years that every warehouse can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2299, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""Bounds of what a timestamp column holds (`unified_model`: the range of ClickHouse's DateTime64)."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_milliseconds(version: int) -> datetime | None:
    """The instant of a version; None outside of the bounds."""
    try:
        return _bounded(EPOCH + timedelta(milliseconds=version))
    except OverflowError:
        return None


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, cut off."""
    return (instant - EPOCH) // _MILLISECOND


def parse(value: Any) -> datetime | None:
    """The instant that a vendor's value names: ISO text with a zone, or Unix seconds; None where it is neither."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return _bounded(found) if found.tzinfo is not None else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return _bounded(EPOCH + timedelta(seconds=value))
        except (OverflowError, ValueError):
            return None
    return None


def _bounded(instant: datetime) -> datetime | None:
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        return None
    return utc if FIRST <= utc <= LAST else None

"""The clock of an emulator: all that it says about time (timestamps, resets, Retry-After, expiry) is read from here."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate

Instant = int | float | str
"""Unix seconds, or ISO 8601 text (without a zone: UTC)."""


def epoch(instant: Instant) -> float:
    """Unix seconds of an instant."""
    if isinstance(instant, (int, float)):
        return float(instant)
    moment = datetime.fromisoformat(instant)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso(seconds: float) -> str:
    """ISO 8601 in UTC, whole seconds, with a Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def http_date(seconds: float) -> str:
    """The date form of HTTP headers."""
    return formatdate(seconds, usegmt=True)


class Clock:
    """Runs like the wall clock, but can be moved and frozen.

    Args:
        start: Where it starts; None: the wall clock's time.
        frozen: True when only `advance` and `set` move it.
    """

    def __init__(self, start: Instant | None = None, *, frozen: bool = False) -> None:
        self._base = time.time() if start is None else epoch(start)
        self._origin = time.monotonic()
        self.frozen = frozen

    def now(self) -> float:
        """Unix seconds."""
        return self._base if self.frozen else self._base + time.monotonic() - self._origin

    def set(self, instant: Instant) -> None:
        """Moves the clock to an instant."""
        self._base = epoch(instant)
        self._origin = time.monotonic()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward (or back)."""
        self._base += seconds

    def freeze(self, frozen: bool) -> None:
        """Stops the clock, or lets it run again."""
        self.set(self.now())
        self.frozen = frozen

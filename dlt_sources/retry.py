"""When to try again, and how long to wait before: pure decisions for `http.py`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

RETRIED = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524))
"""Statuses after which the same request may succeed."""

_jitter = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, for a test or a demo to put its own in.

    Attributes:
        now: Unix time.
        sleep: Waits for so many seconds.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Policy:
    """How much a session puts up with. All times in seconds.

    Attributes:
        connect: To open a connection.
        read: Between two pieces of an answer.
        request: For one request, from sending to the last byte.
        attempts: Tries of one request that meets broken answers and 5xx (a 429 is not counted, but bounded by `wait`).
        first_wait: Before the second try; doubles with each one.
        longest_wait: Before any try, unless the vendor names another time.
        wait: All waits for limits before one request; a longer one is reported as `LimitError` instead.
        largest: Bytes of an answer that is kept in memory, unpacked; a larger one is refused.
    """

    connect: float = 10.0
    read: float = 60.0
    request: float = 300.0
    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    wait: float = 300.0
    largest: int = 256 * 2**20

    def backoff(self, attempt: int, first: float | None = None) -> float:
        """Seconds before the try after `attempt` (from 1): doubling, with up to a quarter of it added by chance."""
        base = min(self.longest_wait, (self.first_wait if first is None else first) * 2.0 ** (attempt - 1))
        return base * (1.0 + _jitter() / 4)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a Retry-After header (a number or an HTTP date); None where it is absent, past or no time at all."""
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    # `nan` fails every comparison
    return seconds if 0.0 < seconds < float("inf") else None

"""Budgets: how many requests an account may still make, per limit class, shared by all that use the account.

The arithmetic is pure (`take`, `close`); a store keeps its inputs: `MemoryBudgets` for a source that runs alone, or a
database for many processes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

SKEW = 1.0
"""Seconds by which the clocks of those who share a budget may differ."""


class Budgets(Protocol):
    """Where the requests of an account are counted: in memory for a source run alone, else in the control database."""

    def reserve(self, account: str, limits: Sequence[Limit]) -> tuple[float, str]:
        """Takes one request from each of several budgets, or from none.

        Args:
            account: `Vendor.account` of the configuration.
            limits: The limit classes, each once.

        Returns:
            Seconds to wait before the caller may ask again, and the class that makes it wait; 0.0 and any class when
            the request is taken.
        """
        ...

    def observe(
        self, account: str, limit: str, *, total: int | None, remaining: int | None, resets_in: float | None
    ) -> None:
        """Takes over what the vendor's headers announce."""
        ...

    def close_until(self, account: str, limit: str, until: float) -> None:
        """Closes a budget until a Unix time (a 429 with Retry-After)."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit class as the vendor's documents state it.

    Attributes:
        name: Name of the class.
        total: Requests per period, until the vendor announces another total.
        period: Seconds.
    """

    name: str
    total: int
    period: float = 60.0


DAY = 86_400.0
CREDITS = Limit("credits", 0, DAY)
"""Credits of a vendor that counts what calls cost over a day, and tells what is left of them."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the headers of one answer say of one limit class; None: not said.

    Attributes:
        limit: Name of the class.
        total: Requests per period.
        remaining: Requests left in the vendor's current period.
        resets_in: Seconds until the vendor's next period.
    """

    limit: str
    total: int | None
    remaining: int | None
    resets_in: float | None


def take(
    taken: Sequence[float], now: float, total: int, period: float, closed_until: float = 0.0
) -> tuple[float, list[float]]:
    """Takes one request, if no span of `period` seconds then holds more than `total` of them.

    Args:
        taken: Unix times of the requests so far, in any order.
        now: Unix time.
        total: Requests per period; less than 1 counts as 1, so that a wrong announcement cannot stop a desk for ever.
        period: Seconds.
        closed_until: Unix time before which nothing is taken.

    Returns:
        Seconds to wait (0.0: taken), and the times to keep.
    """
    # a time from the future comes of a clock that was set back: it would close the budget for as long. A little of it
    # is the difference of two clocks
    recent = sorted(t for t in taken if now - period < t <= now + SKEW)
    wait = max(0.0, closed_until - now)
    if len(recent) >= max(1, total):
        wait = max(wait, recent[-max(1, total)] + period - now)
    if wait > 0.0:
        return wait, recent
    return 0.0, [*recent, now]


def take_all(
    budgets: Mapping[Limit, tuple[Sequence[float], int | None, float]], now: float
) -> tuple[float, str, dict[Limit, list[float]]]:
    """Takes one request from each budget, or from none.

    Args:
        budgets: Of each limit class the times of its requests, the total that was announced (None: none was), and the
            Unix time before which nothing is taken.
        now: Unix time.

    Returns:
        Seconds to wait (0.0: taken), the class that makes it wait, and, if taken, the times to keep.
    """
    taken: dict[Limit, list[float]] = {}
    longest, name = 0.0, ""
    for limit, (times, announced, closed_until) in budgets.items():
        total = limit.total if announced is None else announced
        wait, taken[limit] = take(times, now, total, limit.period, closed_until)
        if wait > longest or not name:
            longest, name = wait, limit.name
    return longest, name, {} if longest else taken


def close(announcement: Announcement, now: float, closed_until: float = 0.0) -> float:
    """The Unix time until which an announcement closes its budget (never earlier than it was)."""
    if announcement.remaining is not None and announcement.remaining <= 0 and announcement.resets_in:
        return max(closed_until, now + announcement.resets_in)
    return closed_until


@dataclass(slots=True)
class _Budget:
    taken: list[float] = field(default_factory=list)
    announced: int | None = None
    closed_until: float = 0.0


class MemoryBudgets:
    """Budgets of one process. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._budgets: dict[tuple[str, str], _Budget] = {}

    def reserve(self, account: str, limits: Sequence[Limit]) -> tuple[float, str]:
        """See `Budgets.reserve`."""
        with self._lock:
            budgets = {limit: self._budget(account, limit.name) for limit in limits}
            wait, name, taken = take_all(
                {limit: (one.taken, one.announced, one.closed_until) for limit, one in budgets.items()}, self._now()
            )
            for limit, times in taken.items():
                budgets[limit].taken = times
            return wait, name

    def observe(
        self, account: str, limit: str, *, total: int | None, remaining: int | None, resets_in: float | None
    ) -> None:
        """See `Budgets.observe`."""
        with self._lock:
            budget = self._budget(account, limit)
            if total is not None:
                budget.announced = total
            said = Announcement(limit, total, remaining, resets_in)
            budget.closed_until = close(said, self._now(), budget.closed_until)

    def close_until(self, account: str, limit: str, until: float) -> None:
        """See `Budgets.close_until`."""
        with self._lock:
            budget = self._budget(account, limit)
            budget.closed_until = max(budget.closed_until, until)

    def _budget(self, account: str, limit: str) -> _Budget:
        return self._budgets.setdefault((account, limit), _Budget())

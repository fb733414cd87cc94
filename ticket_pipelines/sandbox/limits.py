"""Rate limits in fixed windows that are aligned to the clock, as the `resets` of the vendors' headers show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ticket_pipelines.sandbox.clock import Clock


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit.

    Attributes:
        name: Bucket.
        total: Requests per window.
        period: Seconds of a window.
    """

    name: str
    total: int
    period: int = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit after a request.

    Attributes:
        rule: The limit.
        remaining: Requests left in this window.
        resets: Whole seconds until the next window, at least 1.
        granted: False when this limit refused the request.
    """

    rule: Rule
    remaining: int
    resets: int
    granted: bool


class Windows:
    """Counts requests per bucket and window."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[str, tuple[int, int]] = {}

    def take(self, rules: Sequence[Rule]) -> list[Allowance]:
        """Takes one request from all limits, or from none when one of them is used up."""
        now = self._clock.now()
        windows = [int(now // rule.period) for rule in rules]
        used = [self._count(rule, window) for rule, window in zip(rules, windows, strict=True)]
        granted = all(count < rule.total for rule, count in zip(rules, used, strict=True))
        allowances = []
        for rule, window, count in zip(rules, windows, used, strict=True):
            if granted:
                self._used[rule.name] = (window, count + 1)
            resets = max(1, math.ceil((window + 1) * rule.period - now))
            remaining = max(0, rule.total - count - int(granted))
            allowances.append(Allowance(rule, remaining, resets, granted or count < rule.total))
        return allowances

    def clear(self) -> None:
        """Forgets all requests."""
        self._used.clear()

    def _count(self, rule: Rule, window: int) -> int:
        counted_in, count = self._used.get(rule.name, (window, 0))
        return count if counted_in == window else 0

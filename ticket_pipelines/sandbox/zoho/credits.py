"""API credits: each call costs some, and a day has so many (contract, sections 2.6 and 3.2)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ticket_pipelines.sandbox.clock import Clock

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Credit:
    """What is left after a call.

    Attributes:
        granted: False when the call could not be paid.
        remaining: Credits left.
    """

    granted: bool
    remaining: int


class Credits:
    """Counts what was spent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0

    def spend(self, cost: int, total: int, since: float) -> Credit:
        """Pays for a call, or refuses it and takes nothing.

        Args:
            cost: Of the call.
            total: Credits of the window.
            since: Start of the window, Unix seconds; what was spent before is forgotten.
        """
        while self._spent and self._spent[0][0] < since:
            self._sum -= self._spent.popleft()[1]
        granted = self._sum + cost <= total
        if granted:
            self._spent.append((self._clock.now(), cost))
            self._sum += cost
        return Credit(granted, max(0, total - self._sum))

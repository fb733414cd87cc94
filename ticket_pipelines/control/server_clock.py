"""The clock of the database server, which workers share though their own clocks differ."""

from __future__ import annotations

import time

import sqlalchemy as sa

HOLDS = 60.0
"""Seconds for which the difference to the server's clock is taken for what it was."""

ADRIFT = 0.5
"""Seconds by which this machine's clocks may move apart (a sleep, a clock that is set) until the server is asked."""


class ServerClock:
    """Postgres' clock, told by this machine's steady one for a while: asking costs as much as what it is asked for."""

    def __init__(self, connection: sa.Connection) -> None:
        """Asks the server."""
        said = connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        self._asked_at, self._wall = time.monotonic(), time.time()
        self._ahead = float(said) - self._asked_at

    def now(self) -> float:
        """Unix time."""
        return time.monotonic() + self._ahead

    def is_doubtful(self) -> bool:
        """Whether the server is to be asked anew."""
        passed = time.monotonic() - self._asked_at
        return passed > HOLDS or abs(time.time() - self._wall - passed) > ADRIFT

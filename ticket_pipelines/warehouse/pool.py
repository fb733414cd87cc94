"""Idle connections, kept for the next use by any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

Connection = TypeVar("Connection", bound=Any)
KEPT = 4


class Pool(Generic[Connection]):
    """Gives a connection to one user at a time; one whose use failed is closed, not kept.

    Args:
        connect: Opens a connection.
        is_alive: Asks an idle one whether it still answers.
    """

    def __init__(self, connect: Callable[[], Connection], is_alive: Callable[[Connection], bool]) -> None:
        self._connect = connect
        self._is_alive = is_alive
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    @contextmanager
    def taken(self) -> Iterator[Connection]:
        """A connection for the time of the `with`."""
        connection = self._idle_one() or self._connect()
        try:
            yield connection
        except BaseException:
            _close(connection)
            raise
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        _close(connection)

    def _idle_one(self) -> Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if self._is_alive(connection):
                return connection
            _close(connection)

    def close(self) -> None:
        """Closes the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            _close(connection)


def _close(connection: Any) -> None:
    with suppress(Exception):  # a broken connection may fail in any way when it is closed, and nobody can act on it
        connection.close()

"""Faults to order, and the log of statements."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Action = Literal["reset_before", "reset_in_body", "reset_after", "delay", "status", "error", "truncate"]


@dataclass
class Fault:
    """What happens to the next `times` statements that `match`; `arg` belongs to the action.

    - `reset_before`: the connection is reset once the request has been read; nothing is executed.
    - `reset_in_body`: reset while the client still sends, after 256 KiB and `arg` more bytes; nothing is executed.
    - `reset_after`: executed, then reset without an answer.
    - `delay`: executed `arg` seconds late.
    - `status`: a bare HTTP status `arg`, as a proxy answers; nothing is executed.
    - `error`: the vendor's exception with code `arg`; nothing is executed.
    - `truncate`: executed, then reset in the middle of the answer.
    """

    match: str
    action: Action
    times: int = 1
    arg: float | None = None

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ValueError(f"no such action: {self.action!r}; there are {', '.join(get_args(Action))}")
        if self.arg is None and self.action in {"delay", "status", "error"}:
            raise ValueError(f"{self.action} needs an arg")
        re.compile(self.match)


@dataclass
class Entry:
    """A statement that arrived, in the order of completion."""

    query: str
    kind: str = ""
    user: str | None = None
    database: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    query_id: str = ""
    fault: Action | None = None
    executed: bool = False
    code: int = 0
    written_rows: int = 0


class Control:
    """The faults that wait and the statements that came; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._entries: list[Entry] = []
        self._released = threading.Event()

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def take(self, query: str) -> Fault | None:
        """The first waiting fault that matches; it is used up by one."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.match, query, re.IGNORECASE | re.DOTALL):
                    fault.times -= 1
                    return fault
        return None

    def wait(self, seconds: float) -> None:
        """Sleeps, but not beyond the next reset."""
        with self._lock:
            released = self._released
        released.wait(seconds)

    def note(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)

    def log(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(entry) for entry in self._entries]

    def reset(self) -> None:
        """Forgets faults and log, and wakes what a fault delays."""
        with self._lock:
            self._faults, self._entries = [], []
            self._released.set()
            self._released = threading.Event()

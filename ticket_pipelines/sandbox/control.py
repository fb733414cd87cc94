"""The control plane of one vendor: seed, mutate, fail, clock, configure, log and state.

The same functions serve tests in this process and, through `control_api`, other processes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from ticket_pipelines.sandbox.clock import Instant, iso
from ticket_pipelines.sandbox.emulator import Asked, Emulator, Options, Reply
from ticket_pipelines.sandbox.faults import Fault, Faults
from ticket_pipelines.sandbox.log import Entry


class Control:
    """Holds a vendor's emulator and all that is done to it; safe to use from any thread."""

    def __init__(self, build: Callable[[Options], Emulator], options: Options) -> None:
        self._build = build
        self._lock = threading.RLock()
        self._log: list[Entry] = []
        self._faults = Faults()
        self.options = options
        self.emulator = build(options)

    def seed(self, **changed: Any) -> dict[str, Any]:
        """Starts over with new data, a new clock, no faults and an empty log.

        Args:
            changed: Fields of `Options` that differ from the present ones.

        Returns:
            Counts per stream.
        """
        with self._lock:
            self.options = replace(self.options, **changed)
            self.emulator = self._build(self.options)
            self._faults.clear()
            self._log.clear()
            return self.emulator.counts()

    def mutate(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Changes the data; see the vendor's `changes` for its operations.

        Returns:
            Ids of what was changed.

        Raises:
            ValueError: The operation or its arguments are unknown.
        """
        with self._lock:
            return self.emulator.mutate(op, arguments)

    def fail(
        self, kind: str | None = None, *, preset: str | None = None, stream: str | None = None, **fields: Any
    ) -> None:
        """Lets the next requests go wrong, or takes access away.

        Args:
            kind: Kind of a `Fault`, or one of the vendor's afflictions (`expire_tokens`, `revoke_role`, …).
            preset: Name of one of the vendor's ready-made answers.
            stream: Only requests of this stream.
            fields: Fields of `Fault`, or arguments of the affliction.

        Raises:
            ValueError: Unknown kind, preset, stream or field.
        """
        with self._lock:
            if kind and self.emulator.afflict(kind, fields):
                return
            try:
                base = dict(self.emulator.presets[preset]) if preset else {}
                if stream:
                    base["match"] = self.emulator.stream_pattern(stream)
                self._faults.add(Fault(**{**base, **({"kind": kind} if kind else {}), **fields}))
            except (KeyError, TypeError, re.error) as error:
                raise ValueError(f"cannot fail so: {error}") from error

    def heal(self) -> None:
        """Drops all faults that have not struck yet."""
        with self._lock:
            self._faults.clear()

    def faults(self) -> list[dict[str, Any]]:
        """The faults that wait."""
        with self._lock:
            return [asdict(fault) for fault in self._faults.waiting()]

    def clock(
        self, *, advance: float | None = None, to: Instant | None = None, frozen: bool | None = None
    ) -> dict[str, Any]:
        """Moves the clock, and with it timestamps, the export delay, limit windows, Retry-After and expiry.

        Args:
            advance: Seconds to move by.
            to: Instant to move to.
            frozen: True to stop it, False to let it run.

        Returns:
            The time now: `{"now": seconds, "iso": text}`.
        """
        with self._lock:
            clock = self.emulator.clock
            if to is not None:
                clock.set(to)
            if advance is not None:
                clock.advance(advance)
            if frozen is not None:
                clock.freeze(frozen)
            return {"now": clock.now(), "iso": iso(clock.now())}

    def configure(self, **settings: Any) -> None:
        """Changes settings of the account, for example its plan or limits.

        Raises:
            ValueError: An unknown setting.
        """
        with self._lock:
            self.emulator.configure(settings)

    def log(self) -> list[Entry]:
        """The requests since the start, the last seed or the last `clear_log`."""
        with self._lock:
            return list(self._log)

    def clear_log(self) -> None:
        """Empties the log."""
        with self._lock:
            self._log.clear()

    def state(self, stream: str | None = None) -> dict[str, Any]:
        """Counts per stream; or id, version and deletion of each record of one stream.

        Raises:
            ValueError: No such stream.
        """
        with self._lock:
            now = self.emulator.clock.now()
            if stream is None:
                return {"now": now, "counts": self.emulator.counts()}
            return {"now": now, "records": _known(self.emulator.versions, stream)}

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream as the vendor holds them now; do not change them.

        Raises:
            ValueError: No such stream.
        """
        with self._lock:
            return _known(self.emulator.records, stream)

    def strike(self, target: str) -> Fault | None:
        """Takes the fault that waits for a request (the server's side)."""
        with self._lock:
            return self._faults.strike(target)

    def answer(self, asked: Asked) -> Reply:
        """Answers a request (the server's side)."""
        with self._lock:
            return self.emulator.answer(asked)

    def enter(self, entry: Entry) -> None:
        """Writes the log (the server's side)."""
        with self._lock:
            self._log.append(entry)


def _known(read: Callable[[str], list[dict[str, Any]]], stream: str) -> list[dict[str, Any]]:
    try:
        return read(stream)
    except KeyError as error:
        raise ValueError(f"no stream {stream!r}") from error

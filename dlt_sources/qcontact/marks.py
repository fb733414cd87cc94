"""Which records were read, and how their rows in the list stood then: the position of a stream.

State: `seen`, the mark of each record by id (`feed.py`), with a `*` while it is open; `closed`, since when (Unix
seconds) a case is closed, for those that were closed while we looked on. They are read for some time more: notes are
written on closed cases, too, and do not show in the list. `round`, when a record was read that is read in each sync,
until all of them are: a sync that was cut off is gone on with behind them. `refused`, the mark of each record that may
not be read, and when it was tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dlt_sources.base import State, Window
from dlt_sources.qcontact.config import CASE
from dlt_sources.qcontact.feed import OUTSIDE_CLOSED, OUTSIDE_OPEN, Brief, Walk

FOLLOWED = 7 * 86_400
"""Seconds for which a case is read after it was closed."""
ROUND = 3_600
"""Seconds for which a round that was cut off is gone on with; what was read longer ago is read again."""
PATIENCE = 86_400
"""Seconds after which a record that might not be read is tried again, unless it changes before."""
OPEN = "*"
"""End of the mark of a record that was open: so that a closed one that changes (a renamed user) is not followed."""


@dataclass(slots=True)
class Marks:
    """What was read of one stream.

    Attributes:
        seen: Mark by id.
        closed: Since when a case is closed, Unix seconds, by id.
        round: When a record was read in a round that has not ended, Unix seconds, by id.
        refused: Mark of each record that may not be read, and when it was tried, Unix seconds, by id.
    """

    seen: dict[str, str] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    round: dict[str, int] = field(default_factory=dict)
    refused: dict[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, now: float) -> Marks:
        """The marks of a position, without what need not be followed any more."""
        recent = {key: since for key, since in state.get("closed", {}).items() if now - since < FOLLOWED}
        # a time from the future comes of a clock that was set back
        lately = {key: at for key, at in state.get("round", {}).items() if 0 <= now - at < ROUND}
        refused = {key: (mark, at) for key, (mark, at) in state.get("refused", {}).items() if 0 <= now - at < PATIENCE}
        return cls(dict(state.get("seen", {})), recent, lately, refused)

    def state(self) -> State:
        """The position."""
        kept = {
            "closed": dict(self.closed),
            "round": dict(self.round),
            "refused": {key: list(one) for key, one in self.refused.items()},
        }
        return {"seen": dict(self.seen), **{name: part for name, part in kept.items() if part}}

    def ended(self) -> State:
        """The position behind a round that has read all."""
        self.round.clear()
        return self.state()

    def due(self, walk: Walk, window: Window | None) -> list[Brief]:
        """The rows whose records are to be read, oldest first.

        Live: those that changed, and those that are not closed, or were closed lately, but for those that were read
        just now, before the round was cut off, and those that may not be read. In a window: those made in it that were
        not read yet.
        """
        rows = sorted(walk.briefs.values(), key=lambda brief: (len(brief.key), brief.key))
        if window is not None:
            return [row for row in rows if row.key not in self.seen and within(row.created_at, window)]
        return [
            row
            for row in rows
            if not self.is_refused(row) and (self._changed(row) or (self._followed(row) and row.key not in self.round))
        ]

    def missing(self, walk: Walk) -> list[str]:
        """Ids of known records that a whole walk did not show; closed ones outside are asked for once."""
        return [key for key, mark in self.seen.items() if key not in walk.briefs and mark != OUTSIDE_CLOSED]

    def read(self, row: Brief, entity: str, now: float) -> None:
        """Takes note that the record of a row was read, or one that the list does not show."""
        self.refused.pop(row.key, None)
        if row.mark in (OUTSIDE_OPEN, OUTSIDE_CLOSED):
            self.outside(row.key, row.mark)
            return
        if not row.closed:
            self.closed.pop(row.key, None)
        elif entity == CASE and self.seen.get(row.key, "").endswith(OPEN):
            self.closed[row.key] = int(now)
        self.seen[row.key] = self._mark(row)
        self.round[row.key] = int(now)

    def outside(self, key: str, mark: str) -> None:
        """Takes note that a record was read that the list does not show."""
        self.closed.pop(key, None)
        self.seen[key] = mark

    def refuse(self, row: Brief, now: float) -> None:
        """Takes note that a record may not be read."""
        self.refused[row.key] = (row.mark, int(now))

    def is_refused(self, row: Brief) -> bool:
        """Whether that a record may not be read is known, and it did not change since."""
        return row.key in self.refused and self.refused[row.key][0] == row.mark

    def forget(self, keys: Iterable[str]) -> None:
        """Forgets records that are gone."""
        for key in keys:
            self.seen.pop(key, None)
            self.closed.pop(key, None)
            self.refused.pop(key, None)

    def _changed(self, row: Brief) -> bool:
        return self.seen.get(row.key) != self._mark(row)

    def _followed(self, row: Brief) -> bool:
        return not row.closed or row.key in self.closed

    @staticmethod
    def _mark(row: Brief) -> str:
        return row.mark if row.closed else f"{row.mark}{OPEN}"


def within(text: str | None, window: Window) -> bool:
    """Whether an instant lies in a window (its end excluded); one that cannot be read counts as inside."""
    if text is None or (window.since is None and window.until is None):
        return True
    try:
        at = datetime.fromisoformat(text)
        return (window.since is None or at >= window.since) and (window.until is None or at < window.until)
    except (ValueError, TypeError):
        return True


def groups(keys: list[str], size: int) -> Iterator[list[str]]:
    """The keys, so many at a time."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]

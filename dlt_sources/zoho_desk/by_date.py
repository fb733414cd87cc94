"""A reading by the time of creation: windows that stand still, whatever changes meanwhile.

State: `created`, the newest time of creation up to which all is read; `began`, when it began by our clock; `changed`,
the newest time of change among what it read.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlt_sources.base import State, Window
from dlt_sources.zoho_desk.bodies import Brief
from dlt_sources.zoho_desk.search import Found
from dlt_sources.zoho_desk.times import millis, stamp
from dlt_sources.zoho_desk.windows import AHEAD, DAWN, Span, live_from


class ByDate:
    """Such a reading, from its start or where it was cut off.

    Attributes:
        state: Where it goes on.
        span: What is left to be read.
    """

    def __init__(self, state: State, window: Window, now: int) -> None:
        """Makes no request.

        Args:
            state: Where it stands.
            window: What to read.
            now: Our clock, Unix seconds.
        """
        # an earlier release kept of people only from when on a live reading would have read again
        self.state = {**state, "began": state.get("began") or state.get("modified") or stamp(now * 1000)}
        since = DAWN if window.since is None else int(window.since.timestamp())
        until = now + AHEAD if window.until is None else int(window.until.timestamp())
        reached = millis(state.get("created"))
        first = since if reached is None else reached // 1000
        self.span = Span(first, max(first, until))
        self._newest = first

    def behind(self, found: Found, briefs: Sequence[Brief]) -> State:
        """The state behind some records, of which `briefs` are the times."""
        before = millis(self.state.get("changed"))
        times = [at for at in (before, *(millis(one.modified_time) for one in briefs)) if at is not None]
        self._newest = max([self._newest, *found.seconds])
        changed = {"changed": stamp(max(times))} if times else {}
        created = {"created": stamp(self._newest * 1000)} if found.whole else {}
        self.state = {**self.state, **changed, **created}
        return self.state

    def live(self, now: int) -> str | None:
        """The time from which a live reading goes on behind its end; None: from the start."""
        began = millis(self.state["began"]) or 0
        found = live_from(began, millis(self.state.get("changed")), now * 1000)
        return None if found is None else stamp(found)

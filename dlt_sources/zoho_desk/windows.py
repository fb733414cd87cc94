"""Windows of time for a search that gives only so many rows: pure (contract, section 2.7).

Zoho's times have whole seconds, and no document says whether a range holds its ends. So the ends of a window lie
between two seconds, one thousandth before the next: whatever the ends mean, each second is in exactly one window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlt_sources.zoho_desk.times import stamp

DAWN = 1_104_537_600
"""2005: before Zoho had customers. The first page of a search then says where the rows really begin."""
AHEAD = 3600
"""Seconds beyond our clock, for one that is slow."""


def live_from(began: int, newest: int | None, now: int) -> int | None:
    """The time from which a live reading goes on behind a reading by date; None: from the start.

    What changed while that was read has to be read again. The newest change that it has seen was made before it ended,
    so that Zoho's time at its beginning is proven, whatever our own clock says then; only how long it took is ours.

    Args:
        began: When it began, by our clock (milliseconds).
        newest: The newest time of change among what it read (milliseconds); None: it read nothing.
        now: Our clock (milliseconds).
    """
    return None if newest is None else min(began, newest - max(0, now - began))


@dataclass(frozen=True, slots=True)
class Span:
    """Whole seconds, the first and the last one included.

    Attributes:
        first: Unix second.
        last: Unix second.
    """

    first: int
    last: int

    @property
    def param(self) -> str:
        """As a search takes it."""
        return f"{stamp(self.first * 1000 - 1)},{stamp(self.last * 1000 + 999)}"

    @property
    def divisible(self) -> bool:
        """Whether it is longer than a second."""
        return self.last > self.first


def halves(span: Span) -> list[Span]:
    """The two halves of a window."""
    middle = span.first + (span.last - span.first) // 2
    return [Span(span.first, middle), Span(middle + 1, span.last)]


def parts(span: Span, seconds: Sequence[int]) -> list[Span]:
    """The windows that take the place of one with too many rows.

    Args:
        span: The window; divisible.
        seconds: Of the rows on its first page, in their order. Where they rise, nothing lies before the first of them,
            and a second that fills the page stands alone, so that a crowded second costs few questions.
    """
    inside = [second for second in seconds if span.first <= second <= span.last]
    if len(inside) < 2 or inside != sorted(inside):
        return halves(span)
    first = inside[0]
    if first == inside[-1]:
        # nothing proves that this page is the earliest
        found = [Span(span.first, first - 1), Span(first, first), Span(first + 1, span.last)]
        return [part for part in found if part.first <= part.last]
    return halves(Span(first, span.last)) if first < span.last else halves(span)

"""From conditions to messages: one when a condition starts, one when it ends. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

MANY = 10
"""Desks for which one rule starts (or ends) at once, from which they share one message."""


class State(StrEnum):
    """Where a condition stands."""

    STARTED = "started"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """A condition that has started.

    Attributes:
        since: When that was seen.
        detail: What was said of it.
    """

    since: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A condition that starts or ends.

    Attributes:
        rule: Name of the rule.
        desk: Key of the desk.
        state: Which of both.
        detail: What is to be said.
    """

    rule: str
    desk: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told.

    Attributes:
        text: One line, or a heading and a line a desk.
        rule: Name of the rule; empty for a test.
        state: started or ended; test for a test.
        desks: Keys of the desks.
        at: When the condition turned, ISO 8601.
    """

    text: str
    rule: str
    state: str
    desks: tuple[str, ...]
    at: str


Key = tuple[str, str]


def turns(
    held: Mapping[Key, str], standing: Mapping[Key, Standing], looked: Collection[Key], now: datetime
) -> list[Turn]:
    """What starts and what ends.

    Args:
        held: The conditions that hold now, with what is to be said.
        standing: Those that have started and not ended.
        looked: What is looked at, of rules that are on and desks that are neither paused nor removed.
        now: The time.
    """
    started = [
        Turn(rule, desk, State.STARTED, said) for (rule, desk), said in held.items() if (rule, desk) not in standing
    ]
    ended = [
        Turn(rule, desk, State.ENDED, _over(one, (rule, desk) in looked, now))
        for (rule, desk), one in standing.items()
        if (rule, desk) not in held
    ]
    return [*started, *ended]


def messages(turned: Collection[Turn], vendors: Mapping[str, str], now: datetime) -> list[Message]:
    """The messages of these turns; where many desks turn at once by one rule, they share one.

    Args:
        turned: What starts and ends.
        vendors: Vendor by key of the desk, as far as it is known.
        now: The time.
    """
    found: list[Message] = []
    ordered = sorted(turned, key=lambda turn: (turn.state, turn.rule, turn.desk))
    for (state, rule), group in groupby(ordered, key=lambda turn: (turn.state, turn.rule)):
        alike = list(group)
        lines = [f"{_named(turn.desk, vendors)}: {turn.detail}" for turn in alike]
        if len(alike) < MANY:
            found += [
                Message(f"[{rule} {state}] {line}", rule, state, (turn.desk,), now.isoformat())
                for turn, line in zip(alike, lines, strict=True)
            ]
            continue
        text = "\n".join([f"[{rule} {state}] {len(alike)} desks", *lines])
        found.append(Message(text, rule, state, tuple(turn.desk for turn in alike), now.isoformat()))
    return found


def _over(one: Standing, looked: bool, now: datetime) -> str:
    why = "over" if looked else "no longer looked at, since the desk is paused or removed, or the rule is off"
    return f"{why} after {_lasted(now - one.since)}; it was: {one.detail}"


def _named(desk: str, vendors: Mapping[str, str]) -> str:
    return f"{desk} ({vendors[desk]})" if desk in vendors else desk


def _lasted(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    return " ".join(f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (rest, "min")) if number)


def trial(now: datetime) -> Message:
    """A message that says of nothing but itself."""
    return Message("Ticket Pipelines: this is a test message", "", "test", (), now.isoformat())

"""Whether a change is sent: three values of each field (base, theirs, ours) and the desk's policy. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ticket_pipelines.writeback.entry import STATUS_FIELD
from ticket_pipelines.writeback.values import ends, same


class Policy(StrEnum):
    """Who wins where a field was changed on both sides."""

    THEIRS = "theirs"
    """The vendor, unless our change is the status that ends the case and theirs does not."""
    OURS = "ours"
    ASK = "ask"
    """Nobody: the entry is parked, and nothing of it is sent."""


class Choice(StrEnum):
    """What becomes of one field."""

    SEND = "send"
    ALREADY = "already"
    """The vendor shows our value: nothing to send. So an echo of a write ends here at the latest."""
    THEIRS = "theirs"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a desk decides by.

    Attributes:
        vendor: Name of the vendor.
        policy: Who wins a conflict.
        labels: The desk's own map of status labels to canonical statuses.
    """

    vendor: str
    policy: Policy = Policy.THEIRS
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the fields of one entry.

    Attributes:
        send: Values to send, by field.
        already: Fields that the vendor shows as we want them.
        theirs: Fields whose value at the vendor stands.
        asked: Fields that a person has to decide on.
    """

    send: Mapping[str, Any]
    already: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def decide(
    ours: Mapping[str, Any],
    base: Mapping[str, Any],
    theirs: Mapping[str, Any],
    rules: Rules,
    written: Mapping[str, Any] | None = None,
) -> Decision:
    """What becomes of an entry's fields.

    Args:
        ours: New values by field, as they are sent.
        base: What the vendor showed when the change was made; a field that is missing is unknown.
        theirs: What the vendor shows now.
        rules: What the desk decides by.
        written: What we ourselves wrote since the base was brought in: to find that there is no change of theirs.
    """
    made = {name: choose(name, ours[name], _bases(name, base, written), theirs.get(name), rules) for name in ours}
    return Decision(
        send={name: ours[name] for name, choice in made.items() if choice is Choice.SEND},
        already=_chosen(made, Choice.ALREADY),
        theirs=_chosen(made, Choice.THEIRS),
        asked=_chosen(made, Choice.ASK),
    )


def choose(field: str, ours: Any, bases: Sequence[Any], theirs: Any, rules: Rules) -> Choice:
    """What becomes of one field. Without a base nothing is known of a change at the vendor, so there is no conflict."""
    if same(field, theirs, ours):
        return Choice.ALREADY
    if not bases or any(same(field, theirs, base) for base in bases):
        return Choice.SEND
    if rules.policy is Policy.ASK:
        return Choice.ASK
    if rules.policy is Policy.OURS:
        return Choice.SEND
    labels = rules.labels or {}
    closing = field == STATUS_FIELD and ends(rules.vendor, ours, labels) and not ends(rules.vendor, theirs, labels)
    return Choice.SEND if closing else Choice.THEIRS


def _bases(field: str, base: Mapping[str, Any], written: Mapping[str, Any] | None) -> list[Any]:
    """What the vendor may show of a field without having changed it; empty: nobody knows."""
    if field not in base:
        return []
    return [base[field], *([written[field]] if written and field in written else [])]


def _chosen(made: Mapping[str, Choice], wanted: Choice) -> tuple[str, ...]:
    return tuple(name for name, choice in made.items() if choice is wanted)

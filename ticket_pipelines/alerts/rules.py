"""The rules of alerts, as data, and what they say of a desk. Pure: of facts and a time, nothing here reads either.

A rule is a condition of one desk. Its threshold can be changed, and it can be switched off, for all desks or for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ticket_pipelines.sync.result import Mode

ALL = ""
"""Stands for all desks where a rule is changed."""


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """What rules look at.

    Attributes:
        desk: Key of the desk.
        vendor: Its vendor.
        paused: Not synced by schedule.
        created_at: When it was registered.
        failures: Failed syncs in a row.
        error: Why its newest sync failed, or was partial.
        mode: Mode of its newest sync; None: there is none.
        sync_seconds: How long that took, or has taken until now.
        running: Whether it goes on.
        success_at: End of its last sync that succeeded, or of an idle visit since.
        rows_read: Rows that the newest sync that read any has read.
        rows_failed: Rows that it set aside.
        drift: What it found of the vendor's schema that was not so before, in words.
        quarantined: Records that wait in the quarantine.
        credentials_end_at: When its credentials stop working, where that is known.
        parked: Why it is not tried again until something changes; None: it is.
    """

    desk: str
    vendor: str
    paused: bool
    created_at: datetime
    failures: int = 0
    error: str | None = None
    mode: Mode | None = None
    sync_seconds: float = 0.0
    running: bool = False
    success_at: datetime | None = None
    rows_read: int = 0
    rows_failed: int = 0
    drift: tuple[str, ...] = ()
    quarantined: int = 0
    credentials_end_at: datetime | None = None
    parked: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Its name, for settings and messages.
        meaning: When it holds, with `{}` for the threshold.
        threshold: Its threshold where nobody changed it.
        holds: What is to be said of a desk at a threshold and a time; None where the condition does not hold.
    """

    name: str
    meaning: str
    threshold: float
    holds: Callable[[DeskFacts, float, datetime], str | None]

    def said(self, threshold: float) -> str:
        """When it holds, in words."""
        return self.meaning.format(f"{threshold:g}")


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed of a rule.

    Attributes:
        enabled: False: the rule is off.
        threshold: Another threshold; None: as it was.
    """

    enabled: bool = True
    threshold: float | None = None


Changes = Mapping[tuple[str, str], Change]
"""By rule and desk; `ALL` stands for all desks."""


def effective(rule: Rule, desk: str, changes: Changes) -> Change:
    """A rule as it is for a desk (or for `ALL`): what is said of the desk wins over what is said of all."""
    of_all = changes.get((rule.name, ALL), Change())
    of_desk = changes.get((rule.name, desk), of_all)
    threshold = next((one for one in (of_desk.threshold, of_all.threshold) if one is not None), rule.threshold)
    return Change(of_desk.enabled, threshold)


def watched(facts: Iterable[DeskFacts], changes: Changes) -> dict[tuple[str, str], tuple[DeskFacts, float]]:
    """What is looked at, by rule and desk: the desk's facts and the threshold. Nothing of a paused desk is."""
    found: dict[tuple[str, str], tuple[DeskFacts, float]] = {}
    for desk in facts:
        for rule in RULES.values() if not desk.paused else ():
            chosen = effective(rule, desk.desk, changes)
            if chosen.enabled and chosen.threshold is not None:
                found[rule.name, desk.desk] = desk, chosen.threshold
    return found


def conditions(looked: Mapping[tuple[str, str], tuple[DeskFacts, float]], now: datetime) -> dict[tuple[str, str], str]:
    """Those of what is looked at that hold now, with what is to be said."""
    said = {key: RULES[key[0]].holds(desk, threshold, now) for key, (desk, threshold) in looked.items()}
    return {key: text for key, text in said.items() if text is not None}


def _failed(desk: DeskFacts, threshold: float, _now: datetime) -> str | None:
    if desk.parked is not None:
        return f"it is not tried again until something changes: {desk.parked}"
    if desk.failures < max(threshold, 1):
        return None
    count = "the last sync failed" if desk.failures == 1 else f"the last {desk.failures} syncs failed"
    return f"{count}: {desk.error}" if desk.error else count


def _success_rate(desk: DeskFacts, threshold: float, _now: datetime) -> str | None:
    good = desk.rows_read - desk.rows_failed
    if not desk.rows_read or good * 100 >= threshold * desk.rows_read:
        return None
    percent = 100 * good / desk.rows_read
    return f"{percent:.3g} % of the {desk.rows_read} rows of a sync came through, less than {threshold:g} %"


def _no_success(desk: DeskFacts, threshold: float, now: datetime) -> str | None:
    since = desk.success_at or desk.created_at
    if (now - since).total_seconds() <= threshold * 3600:
        return None
    began = "no sync succeeded since" if desk.success_at else "no sync has ever succeeded; registered"
    return f"{began} {since:%Y-%m-%d %H:%M} UTC, over {threshold:g} h ago"


def _slow(desk: DeskFacts, threshold: float, _now: datetime) -> str | None:
    # a full sync or a backfill was asked for by somebody, and is long by nature
    if desk.mode in (None, Mode.FULL, Mode.BACKFILL) or desk.sync_seconds <= threshold * 60:
        return None
    verb = "has been running for" if desk.running else "took"
    return f"the last sync {verb} more than {threshold:g} min"


def _quarantine(desk: DeskFacts, threshold: float, _now: datetime) -> str | None:
    if desk.quarantined <= threshold:
        return None
    return f"records wait in the quarantine ({desk.quarantined} when this was seen)"


def _drift(desk: DeskFacts, threshold: float, _now: datetime) -> str | None:
    if len(desk.drift) <= threshold:
        return None
    more = f" and {len(desk.drift) - 5} more" if len(desk.drift) > 5 else ""
    return f"the vendor's schema changed: {', '.join(desk.drift[:5])}{more}"


def _credentials(desk: DeskFacts, threshold: float, now: datetime) -> str | None:
    end = desk.credentials_end_at
    if end is None or (end - now).total_seconds() > threshold * 86400:
        return None
    return f"its credentials {'end' if end > now else 'ended'} on {end:%Y-%m-%d}; give new ones by `desks update`"


_ALL_RULES = (
    Rule("sync_failed", "{} syncs in a row failed, or the desk is parked", 1, _failed),
    Rule("success_rate", "less than {} % of a sync's rows came through", 80, _success_rate),
    Rule("no_success", "no sync succeeded for {} h", 12, _no_success),
    Rule("slow_sync", "a scheduled sync took more than {} min", 10, _slow),
    Rule("quarantine", "more than {} records wait in the quarantine", 0, _quarantine),
    Rule("schema_drift", "more than {} changes of the vendor's schema in a sync", 0, _drift),
    Rule("credentials_end", "the credentials end within {} days", 30, _credentials),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL_RULES}
"""All rules by name."""

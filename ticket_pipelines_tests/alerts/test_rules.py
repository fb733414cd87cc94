"""What each rule says of a desk, at its threshold and just past it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticket_pipelines.alerts.messages import MANY, Standing, State, Turn, messages, turns
from ticket_pipelines.alerts.rules import Change, Changes, DeskFacts, conditions, watched
from ticket_pipelines.sync.result import Mode

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
WELL = DeskFacts("acme", "zendesk", paused=False, created_at=NOON - timedelta(days=9), success_at=NOON)


def held(facts: DeskFacts, changes: Changes | None = None) -> dict[str, str]:
    looked = watched([facts], changes or {})
    return {rule: said for (rule, _), said in conditions(looked, NOON).items()}


def test_a_desk_that_is_well_has_no_condition() -> None:
    assert held(WELL) == {}


@pytest.mark.parametrize(
    ("rule", "within", "past", "says"),
    [
        ("sync_failed", {"failures": 0}, {"failures": 1, "error": "no access"}, "the last sync failed: no access"),
        ("sync_failed", {"parked": None}, {"parked": "no access"}, "until something changes: no access"),
        (
            "success_rate",
            {"rows_read": 10, "rows_failed": 2},
            {"rows_read": 1000, "rows_failed": 201},
            "79.9 % of the 1000 rows",
        ),
        (
            "no_success",
            {"success_at": NOON - timedelta(hours=12)},
            {"success_at": NOON - timedelta(hours=12, seconds=1)},
            "no sync succeeded since 2026-01-14 23:59 UTC",
        ),
        ("no_success", {"created_at": NOON, "success_at": None}, {"success_at": None}, "has ever succeeded"),
        (
            "slow_sync",
            {"mode": Mode.INCREMENTAL, "sync_seconds": 600.0},
            {"mode": Mode.INCREMENTAL, "sync_seconds": 601.0},
            "took more than 10 min",
        ),
        (
            "slow_sync",
            {"mode": Mode.FULL, "sync_seconds": 9e9},
            {"mode": Mode.INCREMENTAL, "sync_seconds": 601.0, "running": True},
            "has been running",
        ),
        ("quarantine", {"quarantined": 0}, {"quarantined": 1}, "1 when this was seen"),
        ("schema_drift", {"drift": ()}, {"drift": ("new field tickets.mood",)}, "new field tickets.mood"),
        (
            "credentials_end",
            {"credentials_end_at": NOON + timedelta(days=30, seconds=1)},
            {"credentials_end_at": NOON + timedelta(days=30)},
            "end on 2026-02-14",
        ),
        ("credentials_end", {}, {"credentials_end_at": NOON}, "ended on 2026-01-15"),
    ],
)
def test_a_rule_at_its_threshold_and_past_it(
    rule: str, within: dict[str, Any], past: dict[str, Any], says: str
) -> None:
    assert held(replace(WELL, **within)) == {}
    found = held(replace(WELL, **past))
    assert list(found) == [rule]
    assert says in found[rule]


def test_a_threshold_is_changed_for_all_or_for_one_and_a_rule_switched_off() -> None:
    failing = replace(WELL, failures=2)
    of_all: Changes = {("sync_failed", ""): Change(threshold=3)}
    assert held(failing, of_all) == {}
    assert list(held(failing, {**of_all, ("sync_failed", "acme"): Change(threshold=2)})) == ["sync_failed"]
    assert held(failing, {**of_all, ("sync_failed", "acme"): Change()}) == {}
    assert list(held(failing, {("sync_failed", "other"): Change(enabled=False)})) == ["sync_failed"]
    assert held(failing, {("sync_failed", "acme"): Change(enabled=False)}) == {}
    assert list(held(failing, {("sync_failed", ""): Change(enabled=False), ("sync_failed", "acme"): Change()})) == [
        "sync_failed"
    ]


def test_a_paused_desk_has_no_condition() -> None:
    assert held(replace(WELL, paused=True, failures=9, quarantined=9)) == {}


def test_a_condition_starts_once_and_ends_once() -> None:
    key = ("sync_failed", "acme")
    standing = {key: Standing(NOON - timedelta(minutes=125), "it failed")}
    assert turns({key: "it failed"}, {}, {key}, NOON) == [Turn(*key, State.STARTED, "it failed")]
    assert turns({key: "it failed again"}, standing, {key}, NOON) == []
    (over,) = turns({}, standing, {key}, NOON)
    assert (over.state, over.detail) == (State.ENDED, "over after 2 h 5 min; it was: it failed")
    (gone,) = turns({}, standing, set(), NOON)
    assert "no longer looked at" in gone.detail


def test_many_desks_at_once_share_a_message_and_few_do_not() -> None:
    some = [Turn("sync_failed", f"d{n:02}", State.STARTED, "it failed") for n in range(MANY - 1)]
    assert [one.desks for one in messages(some, {}, NOON)] == [(turn.desk,) for turn in some]
    more = [
        *some,
        Turn("sync_failed", "d99", State.STARTED, "it failed"),
        Turn("quarantine", "d1", State.ENDED, "over"),
    ]
    ended, together = messages(more, {"d99": "zendesk"}, NOON)
    assert ended.text == "[quarantine ended] d1: over"
    assert together.text.splitlines()[0] == f"[sync_failed started] {MANY} desks"
    assert together.text.splitlines()[-1] == "d99 (zendesk): it failed"
    assert len(together.desks) == MANY

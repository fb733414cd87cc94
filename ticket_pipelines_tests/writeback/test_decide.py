"""The decisions: three values of a field, the desk's policy, the vendor's tokens."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.errors import UsageError
from ticket_pipelines.sandbox.qcontact.settings import STATUS_LABELS
from ticket_pipelines.unified.labels import CATEGORIES
from ticket_pipelines.writeback.config import writing_of
from ticket_pipelines.writeback.decide import Choice, Policy, Rules, choose
from ticket_pipelines.writeback.entry import Operation, drafts
from ticket_pipelines.writeback.values import EXACT, TOKENS, same, token_of

T, O, A = Policy.THEIRS, Policy.OURS, Policy.ASK  # noqa: E741
SEND, ALREADY, THEIRS, ASK = Choice


@pytest.mark.parametrize(
    ("field", "bases", "theirs", "ours", "policy", "expected"),
    [
        ("description", ["a"], "a", "b", T, SEND),
        ("description", ["a"], "b", "b", T, ALREADY),
        ("description", ["a"], "c", "b", T, THEIRS),
        ("description", ["a"], "c", "b", O, SEND),
        ("description", ["a"], "c", "b", A, ASK),
        ("description", ["a", "c"], "c", "b", T, SEND),
        ("description", [], "c", "b", A, SEND),
        ("description", [None], "", "b", A, SEND),
        ("description", ["a"], None, None, A, ALREADY),
        ("assigned_to", ["7"], 7, 8, A, SEND),
        ("status", ["In Progress"], "InProgress", "Assigned", A, SEND),
        ("status", ["Open"], "In Progress", "Assigned", T, THEIRS),
        ("status", ["Open"], "In Progress", "Solved", T, SEND),
        ("status", ["Open"], "Closed", "Solved", T, THEIRS),
        ("status", ["Open"], "Solved", "InProgress", T, THEIRS),
        ("status", ["Open"], "Solved", "InProgress", O, SEND),
        ("status", ["Open"], "In Progress", "Solved", A, ASK),
    ],
)
def test_what_becomes_of_a_field(
    field: str, bases: list[Any], theirs: Any, ours: Any, policy: Policy, expected: Choice
) -> None:
    assert choose(field, ours, bases, theirs, Rules("qcontact", policy)) is expected


def test_a_status_that_the_desk_calls_closed_wins_below_it() -> None:
    rules = Rules("qcontact", T, {"On Site": "closed"})
    assert choose("status", "Solved", ["Open"], "on site", rules) is THEIRS
    assert choose("status", "On Site", ["Open"], "Assigned", rules) is SEND


@pytest.mark.parametrize("status", CATEGORIES)
def test_each_canonical_status_has_an_exact_token_or_none(status: str) -> None:
    token = token_of("qcontact", status, {})
    assert token in STATUS_LABELS if status not in ("pending", "cancelled") else token is None


def test_tokens_are_those_that_the_vendor_takes() -> None:
    assert EXACT["qcontact"] == set(STATUS_LABELS)
    assert set(TOKENS["qcontact"].values()) <= EXACT["qcontact"]
    for near_miss in ("in progress", "In Progress", "inprogress", "SOLVED", "Closed", ""):
        assert token_of("qcontact", near_miss, {}) is None
    assert token_of("qcontact", "qa_approved", {"qa_approved": "Reviewed"}) == "Reviewed"
    assert token_of("qcontact", "Waiting", {"on_hold": "Waiting"}) == "Waiting"
    assert token_of("qcontact", "open", {"open": "Assigned"}) == "Assigned"


def test_values_are_the_same_where_the_vendor_means_the_same() -> None:
    assert same("assigned_to", 7, "7")
    assert same("c__ok", {"b": 1, "a": [2]}, {"a": [2], "b": 1})
    assert same("description", "a\r\nb ", "a\nb")
    assert not same("c__count", "7.0", 7)
    assert not same("c__ok", True, 1)


def test_one_change_is_an_entry_per_operation_with_the_base_of_its_own_fields() -> None:
    fields = {"c__a": 1, "status": "solved", "assigned_to": "7", "description": None}
    made = drafts("5", fields, "done", public=True, base={"status": "Open", "c__a": 0, "email": "x"}, base_version=3)
    assert [one.operation for one in made] == list(Operation)
    assert [dict(one.payload.fields) for one in made] == [
        {"status": "solved"},
        {"assigned_to": "7"},
        {"c__a": 1, "description": None},
        {},
    ]
    assert [dict(one.payload.base) for one in made] == [{"status": "Open"}, {}, {"c__a": 0}, {}]
    assert len({one.idempotency_key for one in made}) == 4


@pytest.mark.parametrize(
    "config",
    [
        {"conflict_policy": "mine"},
        {"write_status_map": {"resolved": 1}},
        {"mirror": {"relation": "tickets", "key": "id"}},
        {"mirror": {"relation": "a.b.c", "key": "id", "columns": {"status": "status"}}},
        {"mirror": {"relation": "tickets", "key": "id; drop", "columns": {"status": "status"}}},
        {"mirror": {"relation": "tickets", "key": "id", "columns": {"a": "status", "b": "status"}}},
    ],
)
def test_a_wrong_configuration_is_told_what_to_write(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="configuration: "):
        writing_of("qcontact", config)


def test_writing_is_off_unless_the_configuration_says_true() -> None:
    assert not writing_of("qcontact", {}).enabled
    assert writing_of("qcontact", {"write_enabled": True}).enabled
    assert writing_of("qcontact", {}).rules.policy is Policy.THEIRS

"""Criteria: of searches as text, `((A:equals:x)and(B:starts_with:y))`, of bulk reads as JSON (contract, section 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.table import Table

Test = Callable[[Record], bool]
_LEAF = re.compile(r"\(?(\w+):(\w+):([^()]*)\)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*")
MOST = 25


def parsed(text: str) -> Test:
    """The test that a search's criteria stand for: leaves joined by `and` or by `or`.

    Raises:
        Refusal: 400.
    """
    bare = text.removeprefix("(").removesuffix(")") if text.startswith("((") else text
    word = "or" if ")or(" in bare else "and"
    leaves = [_LEAF.fullmatch(part) for part in re.split(rf"(?<=\)){word}(?=\()", bare)]
    tests = [_leaf(match[1], match[2], match[3]) for match in leaves if match]
    if len(tests) < len(leaves):
        raise refused("INVALID_QUERY", param_name="criteria")
    return _joined(word, tests)


def compiled(criteria: Mapping[str, Any], table: Table) -> Test:
    """The test that a bulk read's criteria stand for.

    Raises:
        Refusal: 400.
    """
    if "group" in criteria:
        tests = [compiled(one, table) for one in criteria["group"]]
        if len(tests) > MOST:
            raise refused("CRITERIA_LIMIT_EXCEEDED", limit=MOST)
        return _joined(criteria.get("group_operator", "and"), tests)
    field = criteria.get("field", {}).get("api_name", criteria.get("api_name", ""))
    if field != "id" and field not in table.fields:
        raise refused("FIELD_IN_CRITERIA_NOT_AVAILABLE", api_name=field)
    return _leaf(field, str(criteria.get("comparator", "")), criteria.get("value"))


def _joined(word: str, tests: list[Test]) -> Test:
    if word == "or":
        return lambda row: any(test(row) for test in tests)
    return lambda row: all(test(row) for test in tests)


def _leaf(field: str, comparator: str, value: Any) -> Test:
    compare = _COMPARATORS.get(comparator)
    if compare is None:
        raise refused("INVALID_QUERY", operator=comparator)
    several = value.split(",") if isinstance(value, str) and comparator in ("in", "between", "not_in") else value
    wanted = [_plain(one) for one in several] if isinstance(several, list) else _plain(several)

    def test(row: Record) -> bool:
        held = row.get(field)
        held = held.get("id") if isinstance(held, dict) else held
        try:
            return held is not None and bool(compare(_plain(held), wanted))
        except (TypeError, IndexError):
            return False

    return test


def _plain(value: Any) -> Any:
    """A value that compares: times as seconds, numbers as numbers."""
    text = str(value)
    if _TIME.fullmatch(text):
        return epoch(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}(\.\d+)?", text) else text.lower()


_COMPARATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    # a search's equality on text is containment (contract: "equals on text acts like contains")
    "equals": lambda held, value: value in held if isinstance(held, str) else held == value,
    "equal": lambda held, value: held == value,
    "not_equal": lambda held, value: held != value,
    "starts_with": lambda held, value: str(held).startswith(str(value)),
    "contains": lambda held, value: str(value) in str(held),
    "in": lambda held, value: held in value,
    "not_in": lambda held, value: held not in value,
    "greater_than": lambda held, value: held > value,
    "greater_equal": lambda held, value: held >= value,
    "less_than": lambda held, value: held < value,
    "less_equal": lambda held, value: held <= value,
    "between": lambda held, value: value[0] <= held <= value[1],
}

"""The page on reliability numbers its rows and names tests that exist; they carry its numbers."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from ticket_pipelines_tests.fixtures.pains import PAGE, TESTS, named, rows

HEADS = ("| # |", "| guard |")
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith(HEADS)]


@cache
def _tests_in(path: str) -> set[str]:
    return {node.name for node in ast.parse((TESTS / path).read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0].removeprefix("| "))
def test_each_row_names_tests_that_exist(row: str) -> None:
    assert named(row)
    for path, name in named(row):
        assert name in _tests_in(path), path


def test_rows_are_numbered() -> None:
    assert list(rows()) == list(range(1, len(rows()) + 1))


def test_the_tests_of_a_row_carry_its_number(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> None:
    assert "pain_1: proves row 1 of docs/reliability.md" in pytestconfig.getini("markers")
    marked = {mark.name for item in request.session.items for mark in item.iter_markers("pain_12")}
    chosen = {item.originalname for item in request.session.items if isinstance(item, pytest.Function)}
    assert marked or not chosen & {name for _, name in rows()[12]}

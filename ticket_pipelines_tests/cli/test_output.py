"""What is printed: JSON that any reader takes, commands that can be typed."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from ticket_pipelines.cli.output import called, print_json


def test_numbers_that_json_cannot_write_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    nan, infinite = float("nan"), float("inf")
    print_json([{"a": nan, "b": [infinite, -infinite, 1.5]}, (nan,), Decimal("NaN")])

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found == [{"a": None, "b": [None, None, 1.5]}, [None], None]


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("{here}/.venv/bin/ticket-pipelines", ".venv/bin/ticket-pipelines"),
        (".venv/bin/ticket-pipelines", ".venv/bin/ticket-pipelines"),
        ("/opt/bin/ticket-pipelines", "/opt/bin/ticket-pipelines"),
        ("/opt/bin/pytest", "ticket-pipelines"),
    ],
)
def test_a_next_step_is_shown_as_it_was_called(argument: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [argument.format(here=Path.cwd())])
    assert called() == shown

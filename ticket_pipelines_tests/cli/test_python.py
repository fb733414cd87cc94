"""The functions of the package do what the commands do."""

from __future__ import annotations

from pathlib import Path

import pytest

import ticket_pipelines
from ticket_pipelines.errors import UsageError
from ticket_pipelines_tests.cli.conftest import AddDesk


@pytest.fixture(autouse=True)
def _environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETS_HOME", str(home))


def test_a_sync_and_what_is_known_of_it_afterwards(add_desk: AddDesk) -> None:
    add_desk()
    assert ticket_pipelines.last_run("acme") is None
    result = ticket_pipelines.sync_desk("acme", streams=["tickets"])
    assert (result.status, result.rows_read) == ("success", 40)
    assert ticket_pipelines.last_run("acme") == result
    assert ticket_pipelines.runs() == [result]
    (one,) = ticket_pipelines.status()
    assert (one.desk, one.last_status) == ("acme", "success")
    frame = ticket_pipelines.read_frame("SELECT id, status FROM helpdesk.tickets WHERE desk = 'acme' ORDER BY id")
    assert list(frame.columns) == ["id", "status"]
    assert len(frame) == 40


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="write incremental, full or backfill"):
        ticket_pipelines.sync_desk("acme", mode="everything")

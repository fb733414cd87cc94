"""What goes wrong around a sync: its databases are locked or away, or the disk is full."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ticket_pipelines.control import connection
from ticket_pipelines.control.status import runs
from ticket_pipelines.errors import ControlUnavailableError
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.crash.cases import CASES, PAST
from ticket_pipelines_tests.crash.installations import KEY, Embedded, contents, free, install
from ticket_pipelines_tests.crash.process import sync_in_process
from ticket_pipelines_tests.end_to_end.conftest import MakeDesk, make_desk
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

__all__ = ["make_desk"]
STREAMS = ("tickets", "users", "groups")
FULL = {"warehouse": 700_000, "control database": 8_000}
"""Bytes of a file with which the disk is full for whom."""


class Once(Quiet):
    """Does something after a page, or after a load."""

    def __init__(self, do: Callable[[], None], *, pages: int = 0, loads: int = 0) -> None:
        self._do, self._pages, self._loads = do, pages, loads

    def page(self, stream: str, rows: int, total_rows: int, requests: int) -> None:  # noqa: ARG002
        self._pages -= 1
        if self._pages == 0:
            self._do()

    def loaded(self, rows: int) -> None:  # noqa: ARG002
        self._loads -= 1
        if self._loads == 0:
            self._do()


@pytest.mark.parametrize("when", [{"pages": 1}, {"loads": 1}], ids=str)
def test_a_control_database_that_is_locked_in_the_middle_is_said_and_costs_nothing(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, when: dict[str, int]
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    desk = make_desk("", tickets=20, **PAST)
    file = desk.project.settings.control_file
    assert file is not None
    other = sqlite3.connect(file, isolation_level=None)

    with pytest.raises(ControlUnavailableError, match=r"control\.db does not answer: database is locked") as caught:
        desk.sync(
            progress=Once(lambda: other.execute("BEGIN IMMEDIATE").close(), **when),
            bounds=Bounds(rows=15),
            streams=STREAMS,
        )
    other.rollback()
    other.close()

    assert "INSERT" not in str(caught.value)
    free(desk.project)
    desk.synced(streams=STREAMS)
    assert [run.status for run in runs(desk.project.control, desk.key)] == [Status.SUCCESS, Status.FAILED]
    assert desk.count("tickets") == 20


@pytest.mark.parametrize("whom", ["warehouse", pytest.param("control database", marks=pytest.mark.torture)])
def test_a_disk_that_is_full_is_said_and_costs_nothing(whom: str, tmp_path: Path, make_sandbox: MakeSandbox) -> None:
    case = CASES["zendesk"]
    account = make_sandbox(tickets=case.tickets, **PAST).zendesk
    home = tmp_path / "begun"
    full = install(home, Embedded("duckdb", home), case, account)
    undisturbed = full.copy()
    assert sync_in_process(undisturbed.environ, KEY).result is not None

    ended = sync_in_process(full.environ, KEY, room=FULL[whom])
    said = ended.error or (ended.result.error_message if ended.result else "") or ""
    assert ended.result is None or ended.result.status is Status.FAILED
    assert whom in said.lower()
    assert "File too large" in said or "disk" in said

    with open_project(full.environ) as project:
        free(project)
    last = sync_in_process(full.environ, KEY).result
    assert last is not None
    assert (last.status, last.error_message) == (Status.SUCCESS, None)
    with open_project(full.environ) as project, open_project(undisturbed.environ) as other:
        assert contents(project, case) == contents(other, case)

"""What goes wrong: records, streams, the warehouse, the lease, the process. Nothing is lost, everything is recorded."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources.errors import (
    AccessError,
    ConnectionFailedError,
    CredentialsError,
    CursorExpiredError,
    SourceError,
    StalledError,
    UnavailableError,
)
from ticket_pipelines.control.database import cursors, leases, quarantine, sync_runs
from ticket_pipelines.desks.resetting import reset_desk
from ticket_pipelines.errors import DeskBusyError
from ticket_pipelines.sync import load
from ticket_pipelines.sync.lease import acquire
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines.sync.result import Mode, Status, SyncResult
from ticket_pipelines_tests.sync.conftest import MakeDesk, PaperDesk
from ticket_pipelines_tests.sync.paper import ticket


def set_aside(desk: PaperDesk) -> list[tuple[Any, ...]]:
    with desk.project.control.connect() as connection:
        query = sa.select(quarantine).where(quarantine.c.desk == desk.key).order_by(quarantine.c.record_id)
        return [(row.stream, row.record_id, row.stage, row.attempts) for row in connection.execute(query)]


def last_run(desk: PaperDesk) -> sa.RowMapping:
    with desk.project.control.connect() as connection:
        query = sa.select(sync_runs).order_by(sync_runs.c.started_at.desc())
        return connection.execute(query).mappings().first() or pytest.fail("no run is recorded")


def outcomes(result: SyncResult) -> dict[str, str]:
    return {name: stream["outcome"] for name, stream in result.details["streams"].items()}


@pytest.mark.parametrize(
    ("poison", "stage"),
    [
        pytest.param({"subject": "no id"}, "shape", id="no id"),
        pytest.param('{"id": 500, "clock": 1, "tags": ' + "[" * 5000 + "]" * 5000 + "}", "shape", id="too deep"),
        pytest.param(ticket(500, subject="unmappable"), "map", id="unmappable"),
    ],
)
def test_one_bad_record_of_a_thousand(make_desk: MakeDesk, warehouse_url: str, poison: Any, stage: str) -> None:
    good = [ticket(n) for n in range(1000) if n != 500]
    desk = make_desk(warehouse_url, tickets=[*good[:500], poison, *good[500:]])
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.PARTIAL, "rows_failed")
    assert (result.rows_read, result.rows_created, result.rows_failed, result.success_rate) == (1000, 999, 1, 0.999)
    assert (len(desk.table("paper_tickets", "id")), len(desk.table("tickets", "id"))) == (999, 999)
    assert [(name, at, attempts) for name, _, at, attempts in set_aside(desk)] == [("tickets", stage, 1)]
    desk.account.records["tickets"].append(ticket(500, 1_800_000_000))
    assert desk.sync().status is Status.SUCCESS
    assert len(desk.table("tickets", "id")) == 1000
    assert [name for name, record, *_ in set_aside(desk) if record == "500"] == []


def test_rows_that_the_warehouse_refuses(make_desk: MakeDesk, postgres_url: str) -> None:
    # a NUL in JSON is refused by Postgres; a client takes it out, this vendor's does not
    bad = [ticket(n, tags=["a\0b"]) for n in (3, 7)]
    good = [ticket(n, tags=["a"]) for n in range(10) if n not in (3, 7)]
    desk = make_desk(postgres_url, tickets=[*good[:4], *bad, *good[4:]], people=[{"id": 1}])
    result = desk.sync()
    assert (result.status, result.rows_created, result.rows_failed) == (Status.PARTIAL, 9, 2)
    assert set_aside(desk) == [("tickets", "3", "load", 1), ("tickets", "7", "load", 1)]
    assert len(desk.table("ticket_comments", "id")) == 8
    assert desk.sync(streams=("tickets",)).details["streams"]["tickets"]["cursor_before"] == {"seen": 10}


@pytest.mark.parametrize("engine", ["chdb", "clickhouse"])
def test_rows_that_clickhouse_refuses(
    make_desk: MakeDesk, tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("clickhouse_url") if engine == "clickhouse" else f"chdb:///{tmp_path / 'warehouse'}"
    # a number beyond a double is refused by its JSON alone
    bad = [json.dumps(ticket(n, tags=["?"])).replace('"?"', "1e400") for n in (3, 7)]
    good = [ticket(n, tags=["a"]) for n in range(10) if n not in (3, 7)]
    desk = make_desk(url, tickets=[*good[:4], *bad, *good[4:]])
    result = desk.sync()
    assert (result.status, result.rows_created, result.rows_failed) == (Status.PARTIAL, 8, 2)
    assert set_aside(desk) == [("tickets", "3", "load", 1), ("tickets", "7", "load", 1)]
    assert {row["id"] for row in desk.table("paper_tickets", "id")} == {str(one["id"]) for one in good}
    assert desk.sync().details["streams"]["tickets"]["cursor_before"] == {"seen": 10}


@pytest.mark.parametrize("bound", ["MOST_REFUSED", "MOST_REFUSED_OF_PACKAGE"])
def test_a_warehouse_that_refuses_everything(
    make_desk: MakeDesk, postgres_url: str, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(load, bound, 2)
    desk = make_desk(postgres_url, tickets=[ticket(n, tags=["a\0b"]) for n in range(8)])
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.FAILED, "warehouse_rejected")
    assert desk.sync().details["streams"]["tickets"]["cursor_before"] is None


def test_many_rows_that_the_warehouse_refuses_do_not_hold_up_the_others(
    make_desk: MakeDesk, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MOST_REFUSED", 4)
    tickets = [ticket(n, tags=["a\0b" if n % 4 == 0 else "a"]) for n in range(12)]
    desk = make_desk(postgres_url, tickets=tickets)
    result = desk.sync()
    assert (result.status, result.rows_created, result.rows_failed) == (Status.PARTIAL, 9, 3)
    assert desk.sync().details["streams"]["tickets"]["cursor_before"] is not None


@pytest.mark.parametrize(
    ("error", "outcome", "status", "code"),
    [
        pytest.param(UnavailableError("not on this plan"), "unavailable", Status.SUCCESS, None, id="not on the plan"),
        pytest.param(AccessError("needs an admin"), "failed", Status.PARTIAL, "access", id="no access"),
        pytest.param(StalledError("no progress"), "failed", Status.PARTIAL, "stalled", id="stalled"),
        pytest.param(ConnectionFailedError("no answer"), "failed", Status.PARTIAL, "connection", id="no answer"),
    ],
)
def test_a_failed_stream_leaves_the_others(
    make_desk: MakeDesk, error: SourceError, outcome: str, status: Status, code: str | None
) -> None:
    desk = make_desk(tickets=[ticket(1)], people=[{"id": 1}], colours=[{"name": "red"}])
    desk.account.failures["people", 0] = error
    result = desk.sync()
    assert (result.status, result.error_code) == (status, code)
    assert outcomes(result) == {"tickets": "success", "people": outcome, "colours": "success"}
    assert result.details["streams"]["people"]["reason"] == str(error)
    assert result.rows_created == 2


def test_pages_before_a_failure_stay(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(n) for n in range(30)])
    desk.account.page_size = 10
    desk.account.failures["tickets", 2] = ConnectionFailedError("no answer")
    assert desk.sync().rows_created == 20
    desk.account.reads.clear()
    assert desk.sync().rows_created == 10
    assert desk.account.reads[0] == ("tickets", {"seen": 20})


def test_refused_credentials_end_the_sync_at_once(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)], people=[{"id": 1}])
    desk.account.failures["tickets", 0] = CredentialsError("the token is refused")
    result = desk.sync()
    assert (result.status, result.error_code, result.error_message) == (
        Status.FAILED,
        "credentials",
        "the token is refused",
    )
    assert [name for name, _ in desk.account.reads] == ["tickets"]
    assert desk.project.desks.get("acme").failures == 1


def test_nobody_answers(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.account.failures["tickets", 0] = ConnectionFailedError("no answer")
    assert (desk.sync().status, [name for name, _ in desk.account.reads]) == (Status.FAILED, ["tickets"])


def test_an_expired_cursor_starts_anew(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.sync()
    desk.account.reads.clear()
    desk.account.failures["tickets", 0] = CursorExpiredError("the cursor is refused")
    assert desk.sync(streams=("tickets",)).status is Status.SUCCESS
    assert desk.account.reads == [("tickets", {"seen": 1}), ("tickets", {})]


class At(Quiet):
    """Does something when a page came, or when a package is loaded."""

    def __init__(self, *, page: int = 0, loaded: int = 0, do: Callable[[], None]) -> None:
        self._page, self._loaded, self._do = page, loaded, do

    def page(self, _stream: str, _rows: int, _total_rows: int, _requests: int) -> None:
        self._page -= 1
        if self._page == 0:
            self._do()

    def loaded(self, _rows: int) -> None:
        self._loaded -= 1
        if self._loaded == 0:
            self._do()


def test_a_sync_that_slept_past_its_lease_loads_nothing_more(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(n) for n in range(30)])
    desk.account.page_size = 10

    def sleep() -> None:
        with desk.project.control.begin() as connection:
            connection.execute(sa.update(leases).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        acquire(desk.project.control, desk.key, "somebody else")

    result = desk.sync(progress=At(loaded=1, do=sleep), bounds=Bounds(rows=10))
    assert (result.status, result.error_code) == (Status.FAILED, "lease_lost")
    assert result.details["streams"]["tickets"]["cursor_after"] == {"seen": 10}
    assert len(desk.table("paper_tickets", "id")) == 10
    with pytest.raises(DeskBusyError, match="by somebody else"):
        desk.sync()


def test_a_sync_from_which_its_desk_was_freed_says_nothing_of_the_desk(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(n) for n in range(30)])
    desk.account.page_size = 10

    def reset() -> None:
        reset_desk(desk.project, desk.key)

    result = desk.sync(progress=At(loaded=1, do=reset), bounds=Bounds(rows=10))
    assert result.error_code == "lease_lost"
    found = desk.project.desks.get(desk.key)
    assert found.failures == 0
    assert found.next_due_at is not None
    assert found.next_due_at <= datetime.now(UTC)


def test_an_interrupted_sync_is_recorded_and_gives_its_lease_back(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(n) for n in range(30)])
    desk.account.page_size = 10

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.sync(progress=At(loaded=2, do=interrupt), bounds=Bounds(rows=10))
    run = last_run(desk)
    assert (run["status"], run["error_code"], run["rows_created"]) == ("failed", "interrupted", 10)
    assert desk.sync().rows_created == 10


@pytest.fixture
def terminated_as_by_default() -> Iterator[None]:
    """SIGTERM as a fresh process has it: Dagster, where a test before this one ran a job, took it for good."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("terminated_as_by_default")
def test_a_terminated_sync_is_recorded(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    with pytest.raises(SystemExit) as ended:
        desk.sync(progress=At(page=1, do=lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert ended.value.code == 128 + signal.SIGTERM
    assert last_run(desk)["error_code"] == "interrupted"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_failure_that_nobody_foresaw_is_recorded_without_its_text(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])

    def fail() -> None:
        raise ZeroDivisionError("a secret stands here")

    with pytest.raises(ZeroDivisionError):
        desk.sync(progress=At(page=1, do=fail))
    run = last_run(desk)
    assert (run["status"], run["error_code"]) == ("failed", "unexpected")
    assert run["error_message"].startswith("ZeroDivisionError")
    assert "secret" not in run["error_message"]


def test_the_run_of_a_killed_process_is_closed_by_the_next_sync(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.sync()
    with desk.project.control.begin() as connection:
        connection.execute(sa.update(sync_runs).values(status="running", completed_at=None, in_warehouse=False))
    desk.sync()
    with desk.project.control.connect() as connection:
        rows = connection.execute(sa.select(sync_runs).order_by(sync_runs.c.started_at)).mappings().all()
    assert [(row["status"], row["error_code"]) for row in rows] == [("failed", "killed"), ("success", None)]
    assert sorted(row["status"] for row in desk.table("sync_runs")) == ["failed", "success"]


def test_a_warehouse_that_is_away(
    make_desk: MakeDesk, own_postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "DELAYS", ())
    url = own_postgres_server.url(own_postgres_server.create_database())
    desk = make_desk(url, tickets=[ticket(n) for n in range(20)])
    desk.account.page_size = 10
    failed = desk.sync(progress=At(loaded=1, do=own_postgres_server.stop), bounds=Bounds(rows=10))
    assert (failed.status, failed.error_code) == (Status.FAILED, "warehouse_unavailable")
    own_postgres_server.start()
    again = desk.sync()
    assert (again.status, again.rows_created) == (Status.SUCCESS, 10)
    assert sorted(row["status"] for row in desk.table("sync_runs")) == ["failed", "success"]


def test_a_warehouse_that_comes_back_in_time(
    make_desk: MakeDesk, own_postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "DELAYS", (0.0,))
    url = own_postgres_server.url(own_postgres_server.create_database())
    desk = make_desk(url, tickets=[ticket(n) for n in range(20)])
    desk.account.page_size = 10

    class Repair(At):
        def wait(self, _seconds: float, why: str) -> None:
            assert why == "the warehouse is away"
            own_postgres_server.start()

    result = desk.sync(progress=Repair(loaded=1, do=own_postgres_server.stop), bounds=Bounds(rows=10))
    assert (result.status, result.rows_created) == (Status.SUCCESS, 20)


def test_the_copy_of_the_position_names_its_warehouse(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.sync(mode=Mode.FULL)
    with desk.project.control.connect() as connection:
        copy = connection.execute(sa.select(cursors)).one()
    assert copy.warehouse == desk.project.warehouse.identity()
    assert copy.state["streams"]["tickets"] == {"seen": 1}

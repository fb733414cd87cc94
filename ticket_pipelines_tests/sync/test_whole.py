"""Which syncs count as one of the whole desk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.alerts.facts import read_facts
from ticket_pipelines.control.database import desks
from ticket_pipelines.control.status import status
from ticket_pipelines.sync import runs
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.result import Mode, Status
from ticket_pipelines_tests.sync.conftest import MakeDesk
from ticket_pipelines_tests.sync.paper import ticket

RED = {"name": "red"}


@pytest.mark.parametrize("some", [{"ids": ("1",)}, {"streams": ("colours",)}], ids=["records", "streams"])
def test_a_sync_of_some_says_nothing_of_the_others(make_desk: MakeDesk, some: dict[str, Any]) -> None:
    desk = make_desk(tickets=[ticket(1)], colours=[RED])

    def known() -> tuple[Any, ...]:
        (found,) = status(desk.project.control, [desk.project.desks.get(desk.key)], datetime.now(UTC))
        (facts,) = read_facts(desk.project.control, datetime.now(UTC))
        assert facts.success_at == found.last_success_at
        return found.data_as_of, found.last_success_at, found.consecutive_failures, found.next_due_at

    assert desk.sync().status is Status.SUCCESS
    desk.account.failures["tickets", 0] = ConnectionFailedError("nobody answers")
    assert desk.sync(streams=("tickets",)).status is Status.FAILED
    before = known()
    assert before[2] == 1
    assert desk.sync(**some).status is Status.SUCCESS
    assert known() == before
    assert desk.sync().status is Status.SUCCESS
    assert all(now != then for now, then in zip(known(), before, strict=True))


def test_the_sync_between_two_slices_of_a_backfill_counts_as_one_of_the_whole_desk(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tickets=[ticket(number) for number in range(300)], colours=[RED])
    first = desk.sync()
    with desk.project.control.begin() as connection:
        connection.execute(sa.update(desks).values(next_due_at=datetime(2020, 1, 1, tzinfo=UTC)))
    # each row is written again, so that there are slices
    monkeypatch.setattr("ticket_pipelines.sync.heads.SHAPE_VERSION", 2)
    since = datetime(2021, 1, 1, tzinfo=UTC)
    backfill = desk.sync(mode=Mode.BACKFILL, since=since, bounds=Bounds(rows=100))
    (found,) = status(desk.project.control, [desk.project.desks.get(desk.key)], datetime.now(UTC))
    assert found.data_as_of is not None
    assert first.started_at < backfill.started_at < found.data_as_of


def test_a_full_sync_that_is_gone_on_with_says_nothing_of_what_it_read_before_it_was_interrupted(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk(tickets=[ticket(number) for number in range(4)], colours=[RED])
    desk.account.page_size = 1
    whole = desk.sync()
    desk.account.failures["colours", 0] = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        desk.sync(mode=Mode.FULL, bounds=Bounds(rows=1, read=1))

    assert runs.unfinished(desk.project.control, desk.key)
    resumed = desk.sync(mode=Mode.FULL)

    assert not runs.unfinished(desk.project.control, desk.key)
    (found,) = status(desk.project.control, [desk.project.desks.get(desk.key)], datetime.now(UTC))
    assert (resumed.status, found.data_as_of) == (Status.SUCCESS, whole.started_at)
    last = desk.sync()
    (found,) = status(desk.project.control, [desk.project.desks.get(desk.key)], datetime.now(UTC))
    assert found.data_as_of == last.started_at

"""Lists that are read whole: when a row that one lacks is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlt_sources import VENDORS
from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.sync.reconcile import ReconcileRequest, reconcile_desk, status_of
from ticket_pipelines.sync.reconciled import Difference, Reason
from ticket_pipelines.sync.result import Status, Trigger
from ticket_pipelines_tests.sync.conftest import MakeDesk
from ticket_pipelines_tests.sync.paper import PAPER, ticket

RED, BLUE = {"name": "red"}, {"name": "blue"}


def test_a_listing_that_broke_off_is_read_again_in_the_next_sync(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tickets=[ticket(1)], colours=[RED, BLUE])
    seldom = replace(PAPER.stream("colours"), scheduled_every=3600)
    others = [stream for stream in PAPER.streams if stream.name != "colours"]
    monkeypatch.setitem(VENDORS, "paper", replace(PAPER, streams=(*others, seldom)))
    desk.account.broken_off = ("colours",)
    assert desk.sync(trigger=Trigger.SCHEDULE).status is Status.PARTIAL
    desk.account.broken_off = ()
    desk.account.records["colours"] = [RED]
    assert desk.sync(trigger=Trigger.SCHEDULE).status is Status.SUCCESS
    assert [row["deleted_at"] is None for row in desk.table("paper_colours")] == [False, True]


def test_a_deletion_between_two_pages_of_a_list_hides_none_of_the_living(make_desk: MakeDesk) -> None:
    colours = [{"name": name} for name in ("blue", "green", "red", "white", "yellow")]
    desk = make_desk(tickets=[ticket(1)], colours=colours)
    desk.account.page_size = 2
    desk.sync()
    # the first page is given, and its first record deleted: the first one of the second page moves into the first
    desk.account.removed["colours", 1] = 0
    assert desk.sync().status is Status.SUCCESS
    gone = "SELECT id FROM helpdesk.paper_colours WHERE deleted_at IS NOT NULL"
    assert desk.project.warehouse.query(gone).to_pylist() == []
    desk.sync()
    assert desk.project.warehouse.query(gone).to_pylist() == [{"id": "blue"}]


def test_a_deletion_between_two_pages_of_a_list_hides_none_of_the_living_from_a_reconciliation(
    make_desk: MakeDesk,
) -> None:
    colours = [{"name": name} for name in ("blue", "green", "red", "white", "yellow")]
    desk = make_desk(tickets=[ticket(1)], colours=colours)
    desk.account.page_size = 2
    desk.sync()
    desk.account.removed["colours", 1] = 0
    request = ReconcileRequest(streams=("colours",), repair=True)
    (found,) = reconcile_desk(desk.project, desk.key, request).found
    assert (found.outcome, dict(found.counts)) == ("equal", {})
    (found,) = reconcile_desk(desk.project, desk.key, request).found
    assert (found.outcome, [row["id"] for row in found.rows]) == ("repaired", ["blue"])
    gone = "SELECT id FROM helpdesk.paper_colours WHERE deleted_at IS NOT NULL"
    assert desk.project.warehouse.query(gone).to_pylist() == [{"id": "blue"}]


def test_rows_of_which_no_second_list_says_that_they_are_gone_stay(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)], colours=[RED, BLUE])
    desk.sync()
    desk.account.records["colours"] = [RED]

    def after_a_page() -> bool:
        desk.account.failures["colours", 0] = ConnectionFailedError("nobody answers")
        return False

    request = ReconcileRequest(streams=("colours",), repair=True)
    (found,) = reconcile_desk(desk.project, desk.key, request, stopping=after_a_page).found
    assert (found.outcome, dict(found.counts)) == ("not compared", {(Difference.EXTRA, Reason.NOT_ASKED): 1})
    assert "nobody answers" in str(found.reason)
    assert [row["deleted_at"] for row in desk.table("paper_colours")] == [None, None]


@pytest.mark.parametrize(
    ("shown", "said"),
    [pytest.param([], "came empty", id="empty"), pytest.param([RED, {"hue": 3}], "without an id", id="nameless")],
)
def test_a_list_that_proves_nothing_deletes_nothing_in_a_reconciliation(
    make_desk: MakeDesk, shown: list[dict[str, object]], said: str
) -> None:
    desk = make_desk(tickets=[ticket(1)], colours=[RED, BLUE])
    desk.sync()
    desk.account.records["colours"] = shown
    request = ReconcileRequest(streams=("colours",), repair=True)
    done = reconcile_desk(desk.project, desk.key, request)
    assert said in str(done.found[0].reason)
    assert status_of(done) is Status.PARTIAL
    assert [row["deleted_at"] for row in desk.table("paper_colours")] == [None, None]

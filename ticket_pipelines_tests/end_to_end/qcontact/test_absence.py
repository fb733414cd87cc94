"""What a list does not show is asked for before it is called deleted, and no status follows from it."""

from __future__ import annotations

from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.qcontact.conftest import QContactDesk

STATE = "status_raw, status, deleted_at IS NOT NULL AS deleted, deletion_kind"


def test_deleted_cases_are_marked_and_keep_their_content(desk: QContactDesk) -> None:
    open_, closed, soft = (desk.some(status) for status in ("Open", "Closed", "Escalated"))
    desk.change("delete", id=open_)
    desk.change("delete", id=closed)
    desk.change("delete", id=soft, soft=True)
    result = desk.synced()
    assert result.rows_deleted == 3
    gone = {"status": None, "deleted": True, "deletion_kind": "permanent"}
    assert desk.row("tickets", open_, STATE) == {"status_raw": "Open", **gone}
    assert desk.row("tickets", closed, STATE) == {"status_raw": "Closed", **gone}
    assert desk.row("tickets", soft, STATE)["deletion_kind"] == "soft"
    assert desk.row("tickets", open_, "number")["number"]
    desk.forget()
    assert desk.synced().rows_deleted == 0
    assert not desk.requests(f"/{open_}")


def test_a_case_that_is_restored_comes_back(desk: QContactDesk) -> None:
    key = desk.some("Open")
    desk.change("delete", id=key)
    desk.synced()
    desk.change("restore", id=key)
    desk.synced()
    assert desk.row("tickets", key, STATE) == {
        "status_raw": "Open",
        "status": "open",
        "deleted": False,
        "deletion_kind": None,
    }


def test_a_case_out_of_scope_is_followed_and_never_deleted_or_solved(desk: QContactDesk) -> None:
    open_, closed = desk.some("Open"), desk.some("Closed")
    desk.change("hide", id=open_)
    desk.change("hide", id=closed)
    assert desk.synced().rows_deleted == 0
    desk.change("update", id=open_, status="In Progress")
    note = desk.change("note", id=open_)["event_id"]
    desk.forget()
    desk.synced()
    assert desk.row("tickets", open_, STATE)["status"] == "in_progress"
    assert desk.row("tickets", closed, STATE) == {
        "status_raw": "Closed",
        "status": "closed",
        "deleted": False,
        "deletion_kind": None,
    }
    assert note in desk.ids("ticket_comments")
    # the closed one was asked for once, by the sync before
    assert not desk.requests(f"/{closed}")
    desk.change("show", id=closed)
    desk.change("update", id=closed, status="Open")
    desk.synced()
    assert desk.row("tickets", closed, STATE)["status"] == "open"


def test_a_filter_that_is_narrowed_deletes_nothing(desk: QContactDesk) -> None:
    user = desk.held("users")[0]["id"]
    conditions = [{"name": "assigned_to", "value": str(user), "operator": "equals"}]
    desk.project.desks.update(desk.key, {"filters": [{"operator": "all", "conditions": conditions}]}, None)
    before = desk.ids("tickets")
    assert desk.synced().rows_deleted == 0
    desk.project.desks.update(desk.key, {"filters": None}, None)
    assert desk.ids("tickets") == before


def test_a_list_that_comes_empty_deletes_nothing(desk: QContactDesk) -> None:
    body = {"columns": [], "results": [], "pagination": {"count": 0, "page": 1, "items": 50, "pages": 1}}
    desk.vendor.control.fail(status=200, body=body, stream="cases", times=None)
    before = desk.ids("tickets")
    result = desk.sync(streams=("cases", "case_events"))
    assert (result.status, result.rows_deleted) == (Status.SUCCESS, 0)
    assert desk.ids("tickets") == before


def test_a_list_that_shows_fewer_rows_than_it_counts_is_said_and_deletes_nothing(desk: QContactDesk) -> None:
    body = {"columns": [], "results": [], "pagination": {"count": 99, "page": 1, "items": 50, "pages": 1}}
    desk.change("delete", id=desk.some("Open"))
    desk.vendor.control.fail(status=200, body=body, stream="cases", times=None)
    result = desk.sync(streams=("cases", "case_events"))
    assert (result.status, result.error_code, result.rows_deleted) == (Status.FAILED, "stalled", 0)
    assert "says 99 records and shows 0" in str(result.error_message)
    desk.vendor.control.heal()
    assert desk.synced().rows_deleted == 1


def test_a_right_that_is_lost_deletes_nothing(desk: QContactDesk) -> None:
    desk.vendor.control.fail("revoke_role")
    before = desk.ids("tickets")
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.FAILED, "access")
    assert desk.ids("tickets") == before

"""Syncs of a whole desk, on each engine: rows, counts, deletions, drift, several desks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from dlt_sources.errors import ConnectionFailedError
from ticket_pipelines.control.database import sync_runs
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines.sync.reading import BROKEN_OFF
from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.sync.reconcile import ReconcileRequest, reconcile_desk
from ticket_pipelines.sync.result import Mode, Status, SyncResult, Trigger
from ticket_pipelines_tests.sync.conftest import MakeDesk, PaperDesk
from ticket_pipelines_tests.sync.paper import ticket

RED, BLUE = {"name": "red", "shade": "dark"}, {"name": "blue", "shade": "light"}


def counts(result: SyncResult) -> tuple[int, int, int, int, int, int]:
    """Read, created, updated, unchanged, deleted, failed."""
    return (
        result.rows_read,
        result.rows_created,
        result.rows_updated,
        result.rows_unchanged,
        result.rows_deleted,
        result.rows_failed,
    )


def test_a_second_sync_with_nothing_changed(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(n) for n in range(250)], people=[{"id": 1}], colours=[RED])
    first = desk.sync()
    assert (first.status, counts(first)) == (Status.SUCCESS, (252, 252, 0, 0, 0, 0))
    assert (first.success_rate, first.api_requests) == (1.0, 5)
    second = desk.sync()
    assert (second.status, counts(second)) == (Status.SUCCESS, (1, 0, 0, 1, 0, 0))
    assert second.details["streams"]["tickets"]["cursor_before"] == {"seen": 250}
    full = desk.sync(mode=Mode.FULL)
    assert counts(full) == (252, 0, 0, 252, 0, 0)
    assert len(desk.table("paper_tickets")) == len(desk.table("tickets")) == 250


def test_repeated_records_are_one_row(make_desk: MakeDesk) -> None:
    records = [ticket(1, 5), ticket(2, 5), ticket(1, 5), ticket(1, 7, subject="newer"), ticket(1, 6, subject="older")]
    desk = make_desk(tickets=records)
    desk.account.page_size = 2
    assert counts(desk.sync()) == (5, 2, 0, 3, 0, 0)
    assert [row["subject"] for row in desk.table("paper_tickets")] == ["newer", "Ticket 2"]


def test_an_older_copy_never_overwrites(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1, 9)])
    desk.sync()
    desk.account.records["tickets"].append(ticket(1, 5, subject="old"))
    assert counts(desk.sync(streams=("tickets",))) == (1, 0, 0, 1, 0, 0)
    assert desk.table("paper_tickets")[0]["subject"] == "Ticket 1"


def test_deleted_restored_and_scrubbed(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1, 10)])
    desk.sync()
    seen: list[tuple[Any, ...]] = []
    for change in (
        ticket(1, 20, status="deleted"),
        ticket(1, 30, status="open"),
        ticket(1, 40, status="deleted"),
        ticket(1, 50, status="deleted", subject="SCRUBBED"),
    ):
        desk.account.records["tickets"].append(change)
        result = desk.sync(streams=("tickets",))
        (row,) = desk.table("tickets")
        seen.append((result.rows_deleted, result.rows_updated, row["deleted_at"], row["subject"]))
    at = [datetime.fromtimestamp(second, UTC) for second in (20, 40, 50)]
    assert seen == [
        (1, 0, at[0], "Ticket 1"),
        (0, 1, None, "Ticket 1"),
        (1, 0, at[1], "Ticket 1"),
        (0, 1, at[2], "SCRUBBED"),
    ]


def test_a_listing_that_no_longer_holds_a_record(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, colours=[RED, BLUE])
    desk.sync()
    desk.account.records["colours"] = [RED]
    assert counts(desk.sync(streams=("colours",))) == (1, 0, 0, 1, 1, 0)
    swept, kept = desk.table("paper_colours")
    assert (swept["name"], swept["shade"], swept["version"]) == ("blue", "light", 2)
    assert swept["deleted_at"] is not None
    assert kept["deleted_at"] is None
    assert counts(desk.sync(streams=("colours",))) == (1, 0, 0, 1, 0, 0)
    desk.account.records["colours"] = [RED, BLUE]
    assert counts(desk.sync(streams=("colours",))) == (2, 0, 1, 1, 0, 0)
    assert [(row["version"], row["deleted_at"]) for row in desk.table("paper_colours")] == [(3, None), (1, None)]


def test_a_listing_cut_short_sweeps_nothing(make_desk: MakeDesk) -> None:

    desk = make_desk(tickets=[ticket(1)], colours=[RED, BLUE])
    desk.sync()
    desk.account.page_size = 1
    desk.account.records["colours"] = [RED, {"name": "green"}]
    desk.account.failures["colours", 1] = ConnectionFailedError("nobody answers")
    assert desk.sync().status is Status.PARTIAL
    assert [row["deleted_at"] for row in desk.table("paper_colours")] == [None, None]


def test_a_listing_that_breaks_off_without_a_word_sweeps_nothing_and_is_said(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)], colours=[RED, BLUE])
    desk.sync()
    desk.account.records["colours"] = [RED]
    desk.account.broken_off = ("colours",)
    result = desk.sync()
    assert result.status is Status.PARTIAL
    assert "broke off" in result.details["streams"]["colours"]["reason"]
    assert (result.error_code, result.error_message) == ("list_incomplete", f"colours: {BROKEN_OFF}")
    done = reconcile_desk(desk.project, desk.key, ReconcileRequest(streams=("colours",), repair=True))
    assert [(found.outcome, found.reason) for found in done.found] == [("not compared", BROKEN_OFF)]
    assert [row["deleted_at"] for row in desk.table("paper_colours")] == [None, None]


def test_a_position_that_moved_past_nothing_new_is_kept(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.sync()
    desk.account.records["tickets"].append(ticket(1))
    assert counts(desk.sync(streams=("tickets",))) == (1, 0, 0, 1, 0, 0)
    desk.account.reads.clear()
    desk.sync(streams=("tickets",))
    assert desk.account.reads == [("tickets", {"seen": 2})]


def test_a_change_without_a_higher_clock_counts_on(make_desk: MakeDesk) -> None:
    person = {"id": 1, "name": "Ada", "updated_at": "2024-01-01T00:00:00Z"}
    desk = make_desk(people=[person])
    desk.sync()
    desk.account.records["people"].append({**person, "name": "Ada L."})
    assert counts(desk.sync(streams=("people",))) == (1, 0, 1, 0, 0, 0)
    (row,) = desk.table("paper_people")
    assert (row["name"], row["version"]) == ("Ada L.", 1_704_067_200_001)


def test_drift_of_a_field_over_syncs(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[])
    seen = []
    for clock, value in enumerate([10, "n/a", ["a"], None, 11], start=1):
        desk.account.records["tickets"].append(ticket(1, clock, priority=value))
        desk.sync(streams=("tickets",))
        (row,) = desk.table("paper_tickets")
        seen.append((row["priority"], row["unparsed"] and json.loads(row["unparsed"])))
    assert seen == [(10, None), (None, {"priority": "n/a"}), (None, {"priority": ["a"]}), (None, None), (11, None)]


def test_a_new_field_is_a_column_at_once(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1)])
    desk.sync()
    desk.account.records["tickets"] += [
        {**ticket(2), "Order ID": 7, "order-id": ""},
        {**ticket(3), "Order ID": [1]},
    ]
    assert desk.sync().status is Status.SUCCESS
    columns = desk.project.warehouse.columns("paper_tickets")
    order = sorted(name for name in columns if name.startswith("order_id"))
    assert len(order) == 2
    values = [[row[name] for name in order] for row in desk.table("paper_tickets")]
    assert [
        sorted(json.loads(v) for v in row if v is not None) if i != 1 else None for i, row in enumerate(values)
    ] == [
        [],
        None,
        [[1]],
    ]


def test_empty_text_null_and_json_null(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1, subject="", tags=None), ticket(2, subject=None, tags="")])
    desk.sync()
    first, second = desk.table("paper_tickets")
    assert (first["subject"], first["tags"], second["subject"], second["tags"]) == ("", None, None, '""')


def test_two_desks_with_the_same_ids(make_desk: MakeDesk, warehouse_url: str) -> None:
    one = make_desk(warehouse_url, "one", tickets=[ticket(1, subject="of one", colour=5)])
    two = make_desk(warehouse_url, "two", tickets=[ticket(1, subject="of two", colour={"a": 1})])
    assert [desk.sync().status for desk in (one, two, one, two)] == [Status.SUCCESS] * 4
    assert [desk.table("tickets", "id, subject")[0]["subject"] for desk in (one, two)] == ["of one", "of two"]
    assert [json.loads(desk.table("paper_tickets")[0]["colour"]) for desk in (one, two)] == [5, {"a": 1}]


def test_children_that_are_no_longer_given_are_retracted(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1, 10, tags=["a", "b"]), ticket(2, 10, tags=["b"])])
    desk.sync()
    desk.account.records["tickets"].append(ticket(1, 20, tags=["b", "c"]))
    desk.sync()
    rows = desk.table("ticket_comments", "id, version, deleted_at, deletion_kind, body_text")
    assert [(r["id"], r["version"], r["deletion_kind"], r["body_text"]) for r in rows] == [
        ("1:a", 20_000, "soft", "a"),
        ("1:b", 20_000, None, "b"),
        ("1:c", 20_000, None, "c"),
        ("2:b", 10_000, None, "b"),
    ]
    assert rows[0]["deleted_at"] == datetime.fromtimestamp(20, UTC)


UNIFIED = "id, version, deleted_at, deletion_kind, synced_at"


def test_rebuild_makes_the_same_rows(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(n, 10, tags=["a", "b"]) for n in range(5)])
    desk.sync()
    desk.account.records["tickets"] += [ticket(1, 20, tags=["b"]), ticket(2, 20, status="deleted")]
    desk.sync()
    live = {table: desk.table(table, UNIFIED) for table in ("tickets", "ticket_comments")}
    rebuilt = rebuild_desk(desk.project, desk.key)
    assert {table: desk.table(table, UNIFIED) for table in live} == live
    assert (dict(rebuilt.retracted), dict(rebuilt.failed)) == ({}, {})
    position = desk.sync().details["streams"]["tickets"]["cursor_before"]
    assert position == {"seen": 7}


def test_rebuild_retracts_what_nothing_gives(
    make_desk: MakeDesk, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ticket_pipelines.unified import StreamMapping
    from ticket_pipelines_tests.sync.paper import MAPPING_MODULE, map_tickets

    desk = make_desk(warehouse_url, tickets=[ticket(1, 10, tags=["a"])])
    desk.sync()

    def without_comments(rows: Any) -> Any:
        mapped = map_tickets(rows)
        del mapped.tables["ticket_comments"]
        return mapped

    monkeypatch.setattr(MAPPING_MODULE, "MAPPINGS", {"tickets": StreamMapping(without_comments)})
    assert dict(rebuild_desk(desk.project, desk.key).retracted) == {"ticket_comments": 1}
    assert [row["deletion_kind"] for row in desk.table("ticket_comments")] == ["soft"]
    assert dict(rebuild_desk(desk.project, desk.key).retracted) == {}


def test_rebuild_refuses_an_unknown_table(make_desk: MakeDesk) -> None:
    with pytest.raises(UsageError, match="no unified table 'nope'"):
        rebuild_desk(make_desk().project, "acme", ["nope"])


def test_a_full_sync_goes_on_where_it_was_cut_off(make_desk: MakeDesk) -> None:
    from dlt_sources.errors import LimitError

    desk = make_desk(tickets=[ticket(n) for n in range(10)], people=[{"id": 1, "updated_at": None}])
    desk.account.page_size = 2
    desk.account.failures["tickets", 3] = LimitError("the limit is used up.", 4_000_000_000.0)
    stopped = desk.sync(mode=Mode.FULL, bounds=Bounds(rows=2))
    assert (stopped.status, stopped.error_code) == (Status.PARTIAL, "limit")
    assert "It can go on from 2096-10-02" in (stopped.error_message or "")
    assert stopped.details["streams"]["people"]["outcome"] == "stopped"
    desk.account.reads.clear()
    again = desk.sync(mode=Mode.FULL)
    assert again.status is Status.SUCCESS
    assert desk.account.reads[0] == ("tickets", {"seen": 6})
    desk.account.reads.clear()
    desk.sync()
    assert desk.account.reads[0] == ("tickets", {"seen": 10})
    desk.account.reads.clear()
    desk.sync(mode=Mode.FULL)
    assert desk.account.reads[0] == ("tickets", {})


def test_a_backfill_leaves_the_live_position(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(n, 1_700_000_000 + n) for n in range(10)])
    desk.sync()
    since = datetime.fromtimestamp(1_700_000_004, UTC)
    desk.account.records["tickets"].append(ticket(10, 1_800_000_000))
    filled = desk.sync(mode=Mode.BACKFILL, since=since, streams=("tickets",))
    assert counts(filled) == (7, 1, 0, 6, 0, 0)
    assert counts(desk.sync(streams=("tickets",))) == (1, 0, 0, 1, 0, 0)


def test_a_sync_that_is_due_comes_between_the_slices_of_a_walk(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(n) for n in range(10)])
    desk.sync()
    desk.account.page_size = 5
    desk.account.records["tickets"].append(ticket(99))
    with desk.project.control.begin() as connection:
        connection.execute(sa.text("UPDATE desks SET next_due_at = '2020-01-01 00:00:00.000000'"))
    full = desk.sync(mode=Mode.FULL, bounds=Bounds(rows=5, read=5))
    with desk.project.control.connect() as connection:
        rows = connection.execute(sa.select(sync_runs).order_by(sync_runs.c.started_at)).mappings().all()
    assert [(row["mode"], row["trigger"], row["status"]) for row in rows] == [
        ("incremental", "manual", "success"),
        ("full", "manual", "success"),
        ("incremental", "schedule", "success"),
    ]
    assert (rows[2]["rows_created"], full.rows_created) == (1, 0)
    assert full.rows_read == 11


def test_streams_that_were_read_lately_are_left_out_of_scheduled_syncs(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)], people=[{"id": 1}])
    desk.sync(due_only=True, trigger=Trigger.SCHEDULE)
    desk.account.reads.clear()
    result = desk.sync(due_only=True, trigger=Trigger.SCHEDULE)
    assert [name for name, _ in desk.account.reads] == ["tickets", "colours"]
    assert result.details["streams"]["people"]["outcome"] == "not_due"
    assert result.status is Status.SUCCESS


def test_a_paused_desk(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1)])
    desk.project.desks.pause(desk.key)
    skipped = desk.sync(trigger=Trigger.SCHEDULE)
    assert (skipped.status, skipped.error_code) == (Status.SKIPPED, "paused")
    assert desk.sync().status is Status.SUCCESS


def test_a_repair_by_id(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1, 5, priority=2, price=1.5), ticket(2, 5)])
    desk.sync()
    desk.account.partial = ("clock", "price")
    unchanged = desk.sync(ids=("1", "2", "404"))
    assert (unchanged.mode, counts(unchanged)) == (Mode.REPAIR, (2, 0, 0, 2, 0, 0))
    assert (unchanged.status, unchanged.error_code) == (Status.PARTIAL, "not_found")
    assert unchanged.error_message == "gone, or never there: id 404"
    assert unchanged.details["streams"]["tickets"]["outcome"] == "partial"
    desk.account.records["tickets"] += [ticket(1, 5, priority="high"), ticket(3, 9)]
    assert counts(desk.sync(ids=("1", "3"))) == (2, 1, 1, 0, 0, 0)
    first, _, third = desk.table("paper_tickets")
    assert (first["version"], first["clock"], first["price"], first["priority"]) == (5000, 5, 1.5, None)
    assert json.loads(first["unparsed"]) == {"priority": "high"}
    assert (third["version"], third["clock"]) == (1, None)


def test_a_chosen_id_is_missing_only_where_no_stream_gave_it(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1), ticket(2)], people=[{"id": 2}, {"id": 3}])
    both = ("tickets", "people")
    assert desk.sync(streams=both, ids=("1", "2", "3")).status is Status.SUCCESS
    result = desk.sync(streams=both, ids=("1", "4"))
    assert (result.status, result.error_message) == (Status.PARTIAL, "gone, or never there: id 4")
    only = desk.sync(ids=("4",))
    assert (only.status, only.rows_read) == (Status.PARTIAL, 0)


def test_a_deletion_that_is_said_of_an_unknown_id_does_not_make_it_known(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1, status="deleted")])
    desk.account.partial = ("clock",)
    result = desk.sync(ids=("1",))
    assert (result.status, result.error_code) == (Status.PARTIAL, "not_found")


def test_a_repair_that_brings_a_deletion(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1, 5)])
    desk.sync()
    desk.account.partial = ("clock",)
    desk.account.records["tickets"].append(ticket(1, 5, status="deleted"))
    assert counts(desk.sync(ids=("1",))) == (1, 0, 0, 0, 1, 0)
    assert desk.table("tickets")[0]["deleted_at"] is not None
    assert counts(desk.sync(ids=("1",))) == (1, 0, 0, 1, 0, 0)


def test_runs_are_recorded_in_both_places(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1)])
    result = desk.sync()
    (copy,) = desk.table("sync_runs")
    assert {name: copy[name] for name in ("id", "status", "rows_read", "duration_seconds")} == {
        "id": result.id,
        "status": "success",
        "rows_read": 1,
        "duration_seconds": result.duration_seconds,
    }
    assert json.loads(copy["details"]) == result.details
    assert desk.project.desks.get("acme").last_checked_at == result.completed_at


def test_an_unknown_desk(make_desk: MakeDesk) -> None:
    with pytest.raises(UsageError, match="there is no desk 'nope'"):
        PaperDesk(make_desk().project, "nope", make_desk(key="other").account).sync()

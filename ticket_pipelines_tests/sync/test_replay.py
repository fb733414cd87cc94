"""Records in the quarantine are tried again, without a sync, and nothing older overwrites anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from dlt_sources.base import Page
from dlt_sources.errors import UnavailableError
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines.sync.quarantine import Waiting
from ticket_pipelines.sync.replay import replay_desk
from ticket_pipelines.sync.result import Mode, Status, SyncResult
from ticket_pipelines.unified import Mapped, StreamMapping
from ticket_pipelines_tests.sync.conftest import MakeDesk, PaperDesk
from ticket_pipelines_tests.sync.paper import MAPPING_MODULE, PaperClient, map_tickets, raw, ticket

OLD, NEW = 1_700_000_000, 1_800_000_000


def waiting(desk: PaperDesk) -> list[Waiting]:
    return quarantine.waiting(desk.project.control, desk.key)


def replay(desk: PaperDesk) -> SyncResult:
    return replay_desk(desk.project, desk.key) or pytest.fail("nothing waits")


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose mapping takes the subject that none took before."""

    def mapped(rows: pa.Table) -> Mapped:
        subjects = ["mended" if subject == "unmappable" else subject for subject in rows["subject"].to_pylist()]
        place = rows.schema.get_field_index("subject")
        return map_tickets(rows.set_column(place, "subject", pa.array(subjects, pa.string())))

    mapping = StreamMapping(mapped, owns={"ticket_comments": "ticket_id"})
    monkeypatch.setattr(MAPPING_MODULE, "MAPPINGS", {"tickets": mapping})


def test_what_failed_is_loaded_from_what_was_kept(
    make_desk: MakeDesk, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(warehouse_url, tickets=[ticket(1), ticket(2, subject="unmappable", tags=["a"]), {"subject": "?"}])
    assert desk.sync().status is Status.PARTIAL
    before = desk.account.reads[:]

    failed = replay(desk)
    assert (failed.mode, failed.status, failed.rows_failed) == (Mode.REPLAY, Status.PARTIAL, 2)
    assert {(one.record_id, one.stage, one.attempts) for one in waiting(desk)} == {("2", "map", 2), (None, "shape", 2)}

    mend(monkeypatch)
    mended = replay(desk)
    assert (mended.status, mended.rows_created, mended.rows_failed) == (Status.PARTIAL, 1, 1)
    assert [(one.record_id, one.attempts) for one in waiting(desk)] == [(None, 3)]
    assert [row["subject"] for row in desk.table("tickets", "id, subject")] == ["Ticket 1", "mended"]
    assert [row["body_text"] for row in desk.table("ticket_comments", "id, body_text")] == ["a"]
    assert desk.account.reads == before
    assert desk.sync().details["streams"]["tickets"]["cursor_before"] == {"seen": 3}
    assert [row["mode"] for row in desk.table("sync_runs", "id, mode") if row["mode"] == "replay"] == ["replay"] * 2


def test_an_older_good_version_clears_nothing(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tickets=[ticket(1, NEW, subject="unmappable")])
    desk.sync()
    desk.account.records["tickets"].append(ticket(1, OLD))
    assert desk.sync().rows_created == 1
    assert [one.version for one in waiting(desk)] == [NEW * 1000]

    mend(monkeypatch)
    assert replay(desk).status is Status.SUCCESS
    assert waiting(desk) == []
    assert desk.table("tickets", "id, version, subject") == [{"id": "1", "version": NEW * 1000, "subject": "mended"}]


def test_what_was_kept_of_an_older_version_overwrites_nothing(make_desk: MakeDesk) -> None:
    people = [{"id": 1, "name": "Ada", "updated_at": "2025-06-01T00:00:00Z"}]
    desk = make_desk(tickets=[ticket(1, NEW)], people=people, colours=[{"name": "red", "shade": "dark"}])
    desk.sync()
    kept = [
        Rejected("tickets", "map", "?", bytes(raw(ticket(1, OLD, subject="older"))), "1", OLD * 1000),
        Rejected("people", "map", "?", b'{"id": 1, "name": "Eve", "updated_at": "2025-01-01T00:00:00Z"}', "1", 1),
        Rejected("colours", "load", "?", b'{"name": "red", "shade": "pale"}', "red"),
    ]
    quarantine.save(desk.project.control, desk.project.vault, desk.key, kept, datetime.now(UTC))

    replay(desk)

    assert desk.table("paper_tickets", "id, subject") == [{"id": "1", "subject": "Ticket 1"}]
    assert desk.table("paper_people", "id, name") == [{"id": "1", "name": "Ada"}]
    assert desk.table("paper_colours", "id, shade") == [{"id": "red", "shade": "dark"}]
    # nobody can say which of the two is older: the next sync reads the list whole
    assert [(one.stream, one.attempts) for one in waiting(desk)] == [("colours", 1)]


def test_a_part_is_asked_for_again_and_stays_a_part(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tickets=[ticket(1, OLD, priority=3)])
    desk.sync()
    desk.account.records["tickets"].append(ticket(1, NEW, subject="unmappable", priority=3))
    desk.account.partial = ("priority",)
    assert desk.sync(ids=("1",), streams=("tickets",)).rows_failed == 1
    assert [one.partial for one in waiting(desk)] == [True]

    mend(monkeypatch)
    assert replay(desk).status is Status.SUCCESS
    assert waiting(desk) == []
    found = desk.table("paper_tickets", "id, subject, priority")
    assert found == [{"id": "1", "subject": "unmappable", "priority": 3}]


def test_what_the_vendor_does_not_give_just_now_goes_on_waiting(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tickets=[ticket(1, NEW, subject="unmappable", priority=3)])
    desk.account.partial = ("priority",)
    assert desk.sync(ids=("1",), streams=("tickets",)).rows_failed == 1

    def refused(*_: object) -> Iterator[Page]:
        raise UnavailableError("not on this plan")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(PaperClient, "by_ids", refused)
        replay(desk)
    assert [one.record_id for one in waiting(desk)] == ["1"]


def test_nothing_waits(make_desk: MakeDesk) -> None:
    desk = make_desk()
    assert replay_desk(desk.project, desk.key) is None

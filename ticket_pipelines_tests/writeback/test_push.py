"""Pushes against the emulated tenant: what is sent, what is believed, what is parked."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.errors import DeskBusyError, UsageError
from ticket_pipelines.sync.lease import hold
from ticket_pipelines.sync.result import Direction, Mode, Status
from ticket_pipelines.writeback.changes import add_change
from ticket_pipelines.writeback.entry import Cause, State
from ticket_pipelines.writeback.push import push_desk
from ticket_pipelines_tests.writeback.conftest import MakeWritable


def test_a_change_of_each_kind_reaches_the_vendor(make_writable: MakeWritable) -> None:
    desk = make_writable()
    ticket, other = desk.cases()[:2]
    person = desk.somebody
    fields = {"status": "in_progress", "assignee_id": str(person), "c__dr_location": "DR77", "description": None}
    made = add_change(desk.project, desk.key, ticket, fields, "please call back", public=True)
    before = desk.fields(other)
    run = desk.push()
    assert (run.status, run.direction, run.mode) == (Status.SUCCESS, Direction.OUTBOUND, Mode.PUSH)
    assert (run.rows_read, run.rows_updated, run.rows_created, run.rows_failed) == (4, 3, 1, 0)
    assert [desk.outbox.get(entry.id).state for entry in made] == [State.DONE] * 4
    after = desk.fields(ticket)
    assert (after["status"], after["assigned_to"]) == ("In Progress", person)
    assert (after["c__dr_location"], after["description"]) == ("DR77", None)
    assert desk.events(ticket)[-1]["public_note"] is True
    assert desk.notes(ticket, "please call back") == 1
    assert desk.fields(other) == before
    assert desk.push().rows_read == 0


def test_nothing_is_written_unless_the_desk_says_so(make_writable: MakeWritable) -> None:
    desk = make_writable(write_enabled=False)
    entry = desk.add(desk.cases()[0], {"status": "solved"})
    with pytest.raises(UsageError, match="write_enabled"):
        desk.push()
    assert desk.outbox.get(entry.id).state is State.WAITING
    assert desk.sent("PATCH") == 0


def test_a_vendor_without_writing_back_is_refused(make_writable: MakeWritable) -> None:
    desk = make_writable()
    desk.project.desks.add("acme", "zendesk", {"subdomain": "acme"}, {"client_id": "a", "client_secret": "b"})
    with pytest.raises(UsageError, match="no writing back to Zendesk"):
        push_desk(desk.project, "acme")


def test_a_write_that_the_vendor_ignores_is_found_by_the_read_back(make_writable: MakeWritable) -> None:
    desk = make_writable(settings={"bad_status": "ignore"}, write_status_map={"on_site": "On Site"})
    ticket = desk.cases()[0]
    entry = desk.pushed(desk.add(ticket, {"status": "on_site"}))
    assert (entry.state, entry.cause) == (State.PARKED, Cause.IGNORED)
    assert desk.fields(ticket)["status"] in (entry.reason or "")
    unknown = desk.pushed(desk.add(ticket, {"no_such_field": "x"}))
    assert (unknown.state, unknown.cause) == (State.PARKED, Cause.IGNORED)
    assert "no_such_field is 'None'" in (unknown.reason or "")


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        ({"status": "pending"}, Cause.UNMAPPED, "write_status_map"),
        ({"status": "in progress"}, Cause.UNMAPPED, "'in progress' has no token"),
        ({"assigned_to": 1}, Cause.REFUSED, "(422): assigned_to must exist"),
    ],
)
def test_what_cannot_be_written_is_parked_and_says_why(
    make_writable: MakeWritable, change: dict[str, Any], cause: Cause, words: str
) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    before = desk.fields(ticket)
    entry = desk.add(ticket, change)
    run = desk.push()
    entry = desk.outbox.get(entry.id)
    assert (entry.state, entry.cause) == (State.PARKED, cause)
    assert words in (entry.reason or "")
    assert (run.status, run.error_code, run.rows_failed) == (Status.PARTIAL, "parked", 1)
    assert desk.fields(ticket) == before
    desk.push()
    assert desk.sent("PATCH") <= 1


def test_a_note_of_a_limited_user_is_parked_as_denied(make_writable: MakeWritable) -> None:
    desk = make_writable(login="limited")
    entry = desk.pushed(desk.add_note(desk.cases()[0], "hello"))
    assert (entry.state, entry.cause) == (State.PARKED, Cause.DENIED)
    assert "You are not authorized" in (entry.reason or "")


def test_a_case_that_is_gone_is_parked(make_writable: MakeWritable) -> None:
    desk = make_writable()
    ticket, soft = desk.cases()[:2]
    entries = [desk.add(ticket, {"status": "solved"}), desk.add_note(soft, "hello")]
    desk.vendor.control.mutate("delete", id=ticket)
    desk.push()
    assert [desk.outbox.get(entry.id).cause for entry in entries] == [Cause.GONE, None]


def test_a_conflict_is_decided_by_the_policy_of_the_desk(make_writable: MakeWritable) -> None:
    desk = make_writable()
    for policy, state in (("theirs", State.OVERRULED), ("ours", State.DONE), ("ask", State.PARKED)):
        desk.project.desks.update(desk.key, {"conflict_policy": policy})
        ticket = desk.cases()[0]
        desk.change(ticket, description="before")
        entry = desk.add(ticket, {"description": "ours"}, base={"description": "before"})
        desk.change(ticket, description="theirs")
        entry = desk.pushed(entry)
        assert entry.state is state
        assert desk.fields(ticket)["description"] == ("ours" if state is State.DONE else "theirs")
    assert entry.cause is Cause.CONFLICT
    assert "description is 'theirs'" in (entry.reason or "")
    desk.outbox.retry(entry.id)
    assert desk.pushed(entry).state is State.DONE
    assert desk.fields(ticket)["description"] == "ours"


def test_a_conflict_that_was_asked_about_is_asked_again_where_the_vendor_moved_on(make_writable: MakeWritable) -> None:
    desk = make_writable(conflict_policy="ask")
    ticket = desk.cases()[0]
    entry = desk.add(ticket, {"description": "ours"}, base={"description": "long ago"})
    desk.change(ticket, description="one")
    assert desk.pushed(entry).cause is Cause.CONFLICT
    desk.outbox.retry(entry.id)
    desk.change(ticket, description="two")
    assert desk.pushed(entry).cause is Cause.CONFLICT
    assert desk.outbox.cancel(entry.id).state is State.CANCELLED
    assert desk.push().rows_read == 0
    assert desk.fields(ticket)["description"] == "two"
    with pytest.raises(UsageError, match="only a parked one"):
        desk.outbox.retry(entry.id)


def test_two_changes_of_one_field_before_a_push_are_no_conflict(make_writable: MakeWritable) -> None:
    desk = make_writable(conflict_policy="ask")
    ticket = desk.cases()[0]
    base = {"description": desk.fields(ticket)["description"]}
    entries = [desk.add(ticket, {"description": text}, base=base) for text in ("one", "two", "three")]
    assert desk.push().status is Status.SUCCESS
    assert [desk.outbox.get(entry.id).state for entry in entries] == [State.DONE] * 3
    assert desk.fields(ticket)["description"] == "three"


def test_what_the_vendor_shows_already_is_not_sent(make_writable: MakeWritable) -> None:
    desk = make_writable(conflict_policy="ask")
    ticket = desk.cases()[0]
    desk.change(ticket, status="In Progress")
    entry = desk.pushed(desk.add(ticket, {"status": "InProgress"}, base={"status": "Open"}))
    assert (entry.state, entry.reason) == (State.DONE, "the vendor shows it already")
    assert desk.sent("PATCH") == 0


def test_a_desk_that_is_busy_is_not_pushed(make_writable: MakeWritable) -> None:
    desk = make_writable()
    with hold(desk.project.control, desk.key), pytest.raises(DeskBusyError):
        desk.push()


def test_an_entry_that_is_cancelled_under_our_hands_is_not_sent(make_writable: MakeWritable) -> None:
    desk = make_writable()
    first, second = (desk.add_note(ticket, "hello") for ticket in desk.cases()[:2])
    steps = desk.drain(lambda writer: writer).run(desk.key)
    assert next(steps).entry.id == first.id
    desk.outbox.cancel(second.id)
    assert [step.entry.state for step in steps] == [State.CANCELLED]
    assert desk.notes(second.ticket, "hello") == 0


def test_a_vendor_that_takes_no_more_for_now_leaves_the_rest_waiting(make_writable: MakeWritable) -> None:
    desk = make_writable()
    entries = [desk.add_note(ticket, "hello") for ticket in desk.cases()[:2]]
    desk.vendor.control.fail("status", status=429, retry_after=4_000, skip=3, times=None)
    run = desk.push()
    assert (run.status, run.error_code, run.rows_created) == (Status.PARTIAL, "limit", 1)
    assert [desk.outbox.get(entry.id).state for entry in entries] == [State.DONE, State.WAITING]
    assert desk.notes(entries[1].ticket, "hello") == 0


def test_an_idempotency_key_is_taken_once(make_writable: MakeWritable) -> None:
    from ticket_pipelines.writeback.entry import drafts

    desk = make_writable()
    made = drafts(desk.cases()[0], {}, "hello")
    first, again = desk.outbox.add(desk.key, made), desk.outbox.add(desk.key, made)
    assert [entry.id for entry in first] == [entry.id for entry in again]


def test_what_waits_is_encrypted_and_survives_a_rotation_of_keys(make_writable: MakeWritable) -> None:
    desk = make_writable()
    entry = desk.add_note(desk.cases()[0], "a secret of the customer")
    file = desk.project.settings.control_file
    assert file is not None
    held = b"".join(path.read_bytes() for path in file.parent.glob("control.db*"))
    assert b"a secret of the customer" not in held
    desk.project.vault.rotate(desk.project.control)
    assert desk.outbox.get(entry.id).payload.note == "a secret of the customer"


def test_the_record_of_a_push_holds_no_text_that_people_wrote(make_writable: MakeWritable) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    desk.add_note(ticket, "a secret of the customer")
    desk.add(ticket, {"description": "another secret"})
    desk.add(ticket, {"status": "solved"})
    run = desk.push()
    assert "secret" not in str(run.details)
    assert [one["request"] for one in run.details["entries"]] == [
        {"note_characters": 24, "public_note": False},
        {"fields": ["description"]},
        {"fields": {"status": "Solved"}},
    ]


def test_wrong_credentials_fail_the_push_and_leave_what_waits(make_writable: MakeWritable) -> None:
    desk = make_writable()
    entry = desk.add_note(desk.cases()[0], "hello")
    desk.vendor.control.fail("refuse_credentials")
    run = desk.push()
    assert (run.status, run.error_code) == (Status.FAILED, "credentials")
    assert desk.outbox.get(entry.id).state is State.WAITING
    desk.vendor.control.fail("restore_access")

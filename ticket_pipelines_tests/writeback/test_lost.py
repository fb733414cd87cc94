"""Answers that are lost, vendors that stumble, processes that die: each change takes effect once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

import pytest

from dlt_sources.qcontact.writing import QContactWriter
from ticket_pipelines.project import open_project
from ticket_pipelines.sync.result import Status
from ticket_pipelines.writeback.entry import State
from ticket_pipelines.writeback.push import push_desk
from ticket_pipelines_tests.writeback.conftest import HURRY, MakeWritable, Writable

LOST = ("reset_body", "truncate")
"""Faults that lose the answer of a request that took effect."""


def written(desk: Writable, ticket: str, value: str) -> int:
    """How often a field was set to a value."""
    return sum(
        change["new_value"] == value
        for event in desk.events(ticket)
        for change in (event.get("changes") or event.get("formatted_changes") or {}).values()
    )


@pytest.mark.parametrize("fault", LOST)
def test_a_note_whose_answer_is_lost_is_not_sent_again(make_writable: MakeWritable, fault: str) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    entry = desk.add_note(ticket, "only once")
    desk.vendor.control.fail(fault, match="/entities/Note")
    entry = desk.pushed(entry)
    assert (entry.state, entry.attempts) == (State.DONE, 1)
    assert desk.notes(ticket, "only once") == 1
    assert desk.sent("POST") == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_note_that_was_not_taken_is_sent_again(make_writable: MakeWritable, status: int) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    entry = desk.add_note(ticket, "only once")
    desk.vendor.control.fail("status", status=status, match="/entities/Note", times=2)
    assert desk.pushed(entry).attempts == 3
    assert desk.notes(ticket, "only once") == 1


def test_a_note_like_an_earlier_one_is_sent_all_the_same(make_writable: MakeWritable) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    for _ in range(2):
        assert desk.pushed(desk.add_note(ticket, "still open")).state is State.DONE
    assert desk.notes(ticket, "still open") == 2


@pytest.mark.parametrize("settings", [{}, {"events_page": 2, "events_body": "results"}], ids=["one page", "pages"])
def test_a_change_whose_answer_is_lost_does_not_undo_what_came_after_it(
    make_writable: MakeWritable, settings: dict[str, Any]
) -> None:
    """The case alone would mislead: our value was there, and somebody else has changed it since."""
    desk = make_writable(settings=settings, conflict_policy="ours")
    ticket = desk.cases()[0]
    entry = desk.add(ticket, {"c__dr_location": "ours"}, base={"c__dr_location": desk.fields(ticket)["c__dr_location"]})
    with pytest.raises(Killed):
        list(desk.drain(Dying).run(desk.key))
    assert desk.outbox.get(entry.id).state is State.SENDING
    for text in ("one", "two", "three", "four", "theirs"):
        desk.change(ticket, c__dr_location=text)
    assert desk.pushed(entry).state is State.DONE
    assert desk.fields(ticket)["c__dr_location"] == "theirs"
    assert written(desk, ticket, "ours") == 1


def test_an_assignment_whose_answer_is_lost_is_known_by_who_made_it(make_writable: MakeWritable) -> None:
    """Events show an assignee by name, and the field holds an id."""
    desk = make_writable(conflict_policy="ours")
    ticket = desk.cases()[0]
    people = [int(one["id"]) for one in desk.vendor.control.records("users")]
    before, ours, theirs = people[:3]
    desk.change(ticket, assigned_to=before)
    entry = desk.add(ticket, {"assigned_to": str(ours)}, base={"assigned_to": str(before)})
    with pytest.raises(Killed):
        list(desk.drain(Dying).run(desk.key))
    desk.change(ticket, assigned_to=theirs)
    entry = desk.pushed(entry)
    assert (entry.state, entry.attempts) == (State.DONE, 1)
    assert desk.fields(ticket)["assigned_to"] == theirs


def test_a_vendor_that_is_away_leaves_all_waiting(make_writable: MakeWritable) -> None:
    desk = make_writable()
    entries = [desk.add_note(ticket, "hello") for ticket in desk.cases()[:5]]
    desk.vendor.control.fail("status", status=503, times=None)
    run = desk.push()
    assert (run.status, run.error_code) == (Status.FAILED, "connection")
    assert {desk.outbox.get(entry.id).state for entry in entries} == {State.WAITING}
    desk.vendor.control.heal()
    assert desk.push().status is Status.SUCCESS


def test_entries_of_a_ticket_keep_their_order_behind_one_that_waits(make_writable: MakeWritable) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    first, second = desk.add_note(ticket, "first"), desk.add(ticket, {"status": "solved"})
    desk.vendor.control.fail("status", status=500, match="/entities/Note", times=3)
    run = desk.push()
    assert (run.status, run.rows_read) == (Status.PARTIAL, 1)
    assert desk.outbox.get(second.id).attempts == 0
    assert desk.push().status is Status.SUCCESS
    assert desk.outbox.get(first.id).state is desk.outbox.get(second.id).state is State.DONE
    assert desk.fields(ticket)["status"] == "Solved"


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class Dying:
    """A writer whose process dies when a change was sent."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def change(self, ticket: str, fields: Any) -> None:
        self._writer.change(ticket, fields)
        raise Killed


def push_and_die(environ: dict[str, str], key: str, method: str, after: bool) -> None:
    """A push whose process is killed just before or after it sends."""
    send = getattr(QContactWriter, method)

    def dying(*args: Any, **kwargs: Any) -> None:
        if after:
            send(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(QContactWriter, method, dying)
    with open_project(environ) as project:
        push_desk(project, key, HURRY)


@pytest.mark.parametrize("after", [False, True], ids=["before it sent", "after it sent"])
@pytest.mark.parametrize("method", ["change", "note"])
def test_a_push_that_is_killed_is_gone_on_with(make_writable: MakeWritable, method: str, after: bool) -> None:
    desk = make_writable()
    ticket = desk.cases()[0]
    entry = desk.add_note(ticket, "once") if method == "note" else desk.add(ticket, {"c__dr_location": "once"})
    environ = {"TICKETS_HOME": str(desk.project.settings.home)}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=push_and_die, args=(environ, desk.key, method, after))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert desk.outbox.get(entry.id).state is State.SENDING
    release(desk)
    assert desk.pushed(entry).state is State.DONE
    assert (desk.notes(ticket, "once") if method == "note" else written(desk, ticket, "once")) == 1
    assert desk.outbox.get(entry.id).attempts == (1 if after else 2)
    with desk.project.control.connect() as connection:
        query = f"SELECT status, error_code FROM sync_runs WHERE desk = '{desk.key}' ORDER BY started_at"
        ended = connection.exec_driver_sql(query).all()
    assert [tuple(row) for row in ended] == [("failed", "killed"), ("success", None)]


def release(desk: Writable) -> None:
    """The lease of the dead process ends, as it does by itself after a minute."""
    with desk.project.control.begin() as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = '2020-01-01 00:00:00.000000'")

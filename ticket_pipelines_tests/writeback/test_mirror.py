"""The mirror: changed rows of a table of the user's own reach the vendor, and what comes back is not sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ticket_pipelines.project import Project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Status
from ticket_pipelines.writeback.config import writing_of
from ticket_pipelines.writeback.entry import Entry
from ticket_pipelines.writeback.mirror import shows
from ticket_pipelines.writeback.preview import preview
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.writeback.conftest import HURRY, Writable

FIBREFLOW = {
    "assigned": "Assigned",
    "in_progress": "InProgress",
    "qa_rejected": "InProgress",
    "pending_qa": "InReview",
    "qa_approved": "Reviewed",
    "resolved": "Solved",
}
READS = {"Pending Customer Response": "open", "In Review": "pending_qa", "Solved": "resolved"}
MIRROR = {
    "relation": "app.tickets",
    "key": "qcontact_id",
    "columns": {"state": "status", "handled_by": "assigned_to", "dr": "c__dr_location"},
    "status_words": READS,
}


@dataclass(frozen=True)
class Mirrored:
    """A desk with a mirror, and the table."""

    desk: Writable
    run: Callable[[str], list[tuple[Any, ...]]]
    cases: Iterator[str]

    def set(self, ticket: str, **values: Any) -> None:
        sets = ", ".join(f"{name} = {'NULL' if value is None else repr(value)}" for name, value in values.items())
        self.run(f"UPDATE app.tickets SET {sets} WHERE qcontact_id = '{ticket}'")

    def sync(self) -> None:
        assert sync_desk(self.desk.project, self.desk.key).status is Status.SUCCESS

    def pushed(self) -> dict[str, Any]:
        """What the push found in the mirror; nothing may be left over."""
        run = self.desk.push()
        assert (run.status, run.error_message) == (Status.SUCCESS, None)
        found: dict[str, Any] = run.details["mirror"]
        return found

    def entries(self) -> list[Entry]:
        return self.desk.outbox.entries(self.desk.key)


@pytest.fixture(scope="module")
def mirrored(installation: Project, tenant: Listening, postgres_server: PostgresServer) -> Iterator[Mirrored]:
    """The table holds all cases as they are, and was seen once. Each test takes a case of its own."""
    name = postgres_server.create_database()
    config = {
        **tenant.config,
        "write_enabled": True,
        "conflict_policy": "ask",
        "write_status_map": FIBREFLOW,
        "mirror": MIRROR,
    }
    credentials = {**tenant.logins["token"], "mirror_url": postgres_server.url(name)}
    installation.desks.add("fibre", "qcontact", config, credentials)
    desk = Writable(installation, "fibre", tenant)

    def run(sql: str) -> list[tuple[Any, ...]]:
        return postgres_server.execute(sql, name)

    table = Mirrored(desk, run, iter(desk.cases()))
    run("CREATE SCHEMA app; CREATE TABLE app.tickets (qcontact_id text, state text, handled_by bigint, dr text)")
    for ticket in desk.cases():
        desk.change(ticket, status="Open", assigned_to=None, c__dr_location=None)
        run(f"INSERT INTO app.tickets VALUES ('{ticket}', 'open', NULL, NULL)")
    table.sync()
    found = table.pushed()
    assert found["remembered"] == found["rows"] == len(desk.cases())
    yield table
    postgres_server.drop_database(name)


def test_changed_rows_are_written_once(mirrored: Mirrored) -> None:
    desk, one, two = mirrored.desk, next(mirrored.cases), next(mirrored.cases)
    mirrored.set(one, state="qa_approved", dr="DR1")
    mirrored.set(two, handled_by=desk.somebody)
    assert mirrored.pushed()["entries"] == 3
    assert (desk.fields(one)["status"], desk.fields(one)["c__dr_location"]) == ("Reviewed", "DR1")
    assert desk.fields(two)["assigned_to"] == desk.somebody
    patches = desk.sent("PATCH")
    assert mirrored.pushed()["entries"] == 0
    assert desk.sent("PATCH") == patches


def test_what_comes_back_is_an_echo_and_settles_in_one_hop(mirrored: Mirrored) -> None:
    desk, ticket = mirrored.desk, next(mirrored.cases)
    mirrored.set(ticket, state="resolved")
    mirrored.pushed()
    patches = desk.sent("PATCH")
    mirrored.sync()
    # the application takes over what the copy says, in the words of the copy
    (row,) = desk.project.warehouse.query(
        f"SELECT status, status_raw FROM helpdesk.tickets WHERE desk = '{desk.key}' AND id = '{ticket}'"
    ).to_pylist()
    assert row == {"status": "solved", "status_raw": "Solved"}
    for word in ("solved", "Solved", "resolved"):
        mirrored.set(ticket, state=word)
        assert mirrored.pushed()["entries"] == 0
    assert desk.sent("PATCH") == patches


def test_a_change_of_the_vendor_that_the_table_takes_over_is_not_sent_back(mirrored: Mirrored) -> None:
    desk, ticket = mirrored.desk, next(mirrored.cases)
    desk.change(ticket, status="In Review", assigned_to=desk.somebody, c__dr_location="DR9")
    mirrored.sync()
    mirrored.set(ticket, state="pending_qa", handled_by=desk.somebody, dr="DR9")
    found = mirrored.pushed()
    assert (found["entries"], found["echoes"]) == (0, 3)
    assert desk.fields(ticket)["status"] == "In Review"
    # and it is the base of what is changed next
    mirrored.set(ticket, state="in_progress")
    assert mirrored.pushed()["entries"] == 1
    assert desk.fields(ticket)["status"] == "In Progress"


def test_an_application_that_lags_behind_the_vendor_sends_nothing_back(mirrored: Mirrored) -> None:
    """It says what the vendor showed a while ago: solved by now, and opened again since."""
    desk, ticket = mirrored.desk, next(mirrored.cases)
    desk.project.desks.update(desk.key, {"conflict_policy": "theirs"})
    desk.change(ticket, status="In Review")
    mirrored.sync()
    mirrored.set(ticket, state="pending_qa")
    mirrored.pushed()
    desk.change(ticket, status="Solved")
    desk.change(ticket, status="Open")
    mirrored.sync()
    mirrored.set(ticket, state="resolved")
    found = mirrored.pushed()
    desk.project.desks.update(desk.key, {"conflict_policy": "ask"})
    assert (found["entries"], found["echoes"]) == (0, 1)
    assert desk.fields(ticket)["status"] == "Open"


def test_a_change_on_both_sides_is_a_conflict(mirrored: Mirrored) -> None:
    desk, ticket = mirrored.desk, next(mirrored.cases)
    mirrored.set(ticket, dr="ours")
    desk.change(ticket, c__dr_location="theirs")
    run = desk.push()
    assert (run.status, run.rows_failed) == (Status.PARTIAL, 1)
    assert desk.fields(ticket)["c__dr_location"] == "theirs"


def test_a_dry_run_shows_the_mirror_too_and_remembers_nothing(mirrored: Mirrored) -> None:
    desk, ticket = mirrored.desk, next(mirrored.cases)
    patches = desk.sent("PATCH")
    mirrored.set(ticket, state="pending_qa")
    for _ in range(2):
        (planned,) = preview(desk.project, desk.key, HURRY)
        assert (planned.entry, planned.action, planned.send) == (None, "send", {"status": "InReview"})
    assert [entry for entry in mirrored.entries() if entry.ticket == ticket] == []
    assert desk.sent("PATCH") == patches
    assert mirrored.pushed()["entries"] == 1


def test_rows_that_name_no_case_or_one_twice_are_counted(mirrored: Mirrored) -> None:
    ticket = next(mirrored.cases)
    mirrored.run(f"INSERT INTO app.tickets VALUES ('none', 'open'), (NULL, 'open'), ('{ticket}', 'resolved')")
    assert mirrored.pushed()["unusable"] == 2
    mirrored.run(
        f"DELETE FROM app.tickets WHERE qcontact_id = 'none' OR (qcontact_id, state) = ('{ticket}', 'resolved')"
    )


def test_a_table_that_cannot_be_read_stops_nothing_else_and_shows_no_password(mirrored: Mirrored) -> None:
    desk, ticket = mirrored.desk, next(mirrored.cases)
    entry = desk.add_note(ticket, "goes out all the same")
    mirrored.run("ALTER TABLE app.tickets RENAME TO elsewhere")
    run = desk.push()
    mirrored.run("ALTER TABLE app.elsewhere RENAME TO tickets")
    assert (run.status, run.error_code, run.rows_created) == (Status.PARTIAL, "mirror", 1)
    assert "app.tickets" in (run.error_message or "")
    assert desk.notes(ticket, "goes out all the same") == 1
    assert desk.outbox.get(entry.id).finished_at is not None


def test_the_address_of_the_mirror_never_reaches_the_vendor(mirrored: Mirrored) -> None:
    registry = mirrored.desk.project.desks
    assert "mirror_url" not in registry.credentials(mirrored.desk.key)
    assert (registry.mirror_url(mirrored.desk.key) or "").startswith("postgresql://")


@pytest.mark.parametrize(
    ("word", "label", "expected"),
    [
        ("in_progress", "In Progress", True),
        ("InProgress", "in progress", True),
        ("in_progress", "In Review", False),
        ("in_progress", "Escalated", False),
        ("escalated", "Escalated", True),
        ("pending_qa", "In Review", True),
        ("open", "Pending Customer Response", True),
        ("open", "Pending Company Response", False),
        ("assigned", "Open", False),
        (None, "Open", False),
    ],
)
def test_what_a_word_of_the_table_shows(word: str | None, label: str, expected: bool) -> None:
    writing = writing_of("qcontact", {"mirror": MIRROR, "write_status_map": FIBREFLOW})
    assert shows("status", word, label, writing) is expected

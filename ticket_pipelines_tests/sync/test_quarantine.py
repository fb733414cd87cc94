"""The quarantine: encrypted, one entry a record, cleared by a good version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.control.database import quarantine as table
from ticket_pipelines.project import Project
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.heads import Rejected

NOW = datetime(2025, 6, 1, tzinfo=UTC)
BAD = Rejected("tickets", "map", "cannot be mapped", b'{"id": 7, "subject": "private words"}', "7", 5000)


def entries(project: Project) -> list[sa.RowMapping]:
    with project.control.connect() as connection:
        return list(connection.execute(sa.select(table).order_by(table.c.desk, table.c.stream)).mappings())


def test_saved_encrypted_with_its_reason(project: Project) -> None:
    quarantine.save(project.control, project.vault, "acme", [BAD], NOW)
    (entry,) = entries(project)
    assert (entry["stage"], entry["reason"], entry["record_id"], entry["version"]) == (
        "map",
        "cannot be mapped",
        "7",
        5000,
    )
    assert "private" not in entry["payload"]
    assert project.vault.decrypt(entry["payload"]) == BAD.payload


def test_seen_again_counts_attempts(project: Project) -> None:
    later = NOW + timedelta(hours=1)
    quarantine.save(project.control, project.vault, "acme", [BAD, BAD], NOW)
    quarantine.save(project.control, project.vault, "acme", [BAD], later)
    (entry,) = entries(project)
    assert (entry["attempts"], entry["first_seen_at"], entry["last_seen_at"]) == (2, NOW, later)


def test_desks_and_streams_have_their_own(project: Project) -> None:
    other = Rejected("users", "shape", "no id", BAD.payload)
    quarantine.save(project.control, project.vault, "acme", [BAD, other], NOW)
    quarantine.save(project.control, project.vault, "beta", [BAD], NOW)
    assert quarantine.count(project.control) == 3
    assert quarantine.count(project.control, "acme") == 2


def test_a_good_version_clears_older_entries(project: Project) -> None:
    nameless = Rejected("tickets", "shape", "no id", b"{}")
    newer = Rejected("tickets", "map", "cannot be mapped", b'{"id": 7, "v": 9}', "7", 9000)
    quarantine.save(project.control, project.vault, "acme", [BAD, nameless, newer], NOW)
    quarantine.save(project.control, project.vault, "beta", [BAD], NOW)
    assert quarantine.clear(project.control, "acme", {"tickets": {"7": 6000}, "users": {"7": 9999}}) == 1
    assert sorted(entry["payload_hash"] for entry in entries(project) if entry["desk"] == "acme") == sorted(
        quarantine.payload_hash(one.payload) for one in (nameless, newer)
    )
    assert quarantine.count(project.control, "beta") == 1


def test_many_at_once(project: Project) -> None:
    many = [Rejected("tickets", "shape", "no id", b"[%d]" % number) for number in range(1200)]
    quarantine.save(project.control, project.vault, "acme", many, NOW)
    quarantine.save(project.control, project.vault, "acme", many, NOW)
    assert {entry["attempts"] for entry in entries(project)} == {2}
    assert quarantine.count(project.control) == 1200


def test_what_nobody_saw_for_long_goes(project: Project) -> None:
    quarantine.save(project.control, project.vault, "acme", [BAD], NOW)
    quarantine.save(project.control, project.vault, "beta", [BAD], NOW)
    quarantine.save(project.control, project.vault, "beta", [BAD], NOW + timedelta(days=2))
    assert quarantine.purge_old(project.control, NOW + timedelta(days=1)) == 1
    assert [one.desk for one in quarantine.waiting(project.control)] == ["beta"]

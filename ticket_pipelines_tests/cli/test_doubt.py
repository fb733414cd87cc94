"""`quarantine list|replay` and `reconcile`, as a user calls them."""

from __future__ import annotations

from datetime import UTC, datetime

from ticket_pipelines.project import open_project
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync import quarantine
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines_tests.cli.conftest import AddDesk
from ticket_pipelines_tests.fixtures.handwork import drop
from ticket_pipelines_tests.fixtures.project import Cli

GOOD = Rejected("groups", "map", "cannot be mapped", b'{"id": 4711, "name": "private words"}', "4711", 5)
BAD = Rejected("groups", "shape", "no id", b'{"name": "nobody"}')


def test_the_quarantine_is_listed_and_tried_again(cli: Cli, add_desk: AddDesk) -> None:
    assert cli("quarantine", "replay").stdout == "the quarantine is empty\n"
    add_desk()
    with open_project(read_settings(cli.environ)) as project:
        quarantine.save(project.control, project.vault, "acme", [GOOD, BAD], datetime.now(UTC))

    listed = cli("quarantine", "list", "--desk", "acme", "--json")
    found = {(one["record_id"], one["stage"], one["attempts"]) for one in listed.json}
    assert found == {("4711", "map", 1), (None, "shape", 1)}
    assert "private" not in listed.stdout + cli("quarantine", "list").stdout

    done = cli("quarantine", "replay", "--desk", "acme", "--json")
    assert (done.exit_status, done.json[0]["mode"], done.json[0]["rows_failed"]) == (3, "replay", 1)
    (left,) = cli("quarantine", "list", "--json").json
    assert (left["reason"].startswith("no id"), left["attempts"]) == (True, 2)
    assert cli("quarantine", "list", "--desk", "nobody").exit_status == 2


def test_a_removed_desk_does_not_keep_the_others_from_being_tried_again(cli: Cli, add_desk: AddDesk) -> None:
    add_desk("aaa")
    add_desk("bbb")
    with open_project(read_settings(cli.environ)) as project:
        for key in ("aaa", "bbb"):
            quarantine.save(project.control, project.vault, key, [GOOD], datetime.now(UTC))
        project.desks.remove("aaa")
    done = cli("quarantine", "replay", "--json")
    assert (done.exit_status, [one["desk"] for one in done.json]) == (0, ["bbb"])
    assert "aaa: left out" in done.stderr
    assert [one["desk"] for one in cli("quarantine", "list", "--json").json] == ["aaa"]
    assert "is empty" not in cli("quarantine", "replay").stdout


def test_source_and_warehouse_are_compared_and_repaired(cli: Cli, add_desk: AddDesk) -> None:
    add_desk()
    assert cli("sync", "acme", "--stream", "groups").exit_status == 0
    with open_project(read_settings(cli.environ)) as project:
        (row,) = project.warehouse.query("SELECT min(id) AS id FROM helpdesk.zendesk_groups").to_pylist()
        drop(project.warehouse, "zendesk_groups", row["id"])

    seen = cli("reconcile", "acme", "--stream", "groups", "--json")
    assert (seen.exit_status, seen.json["outcome"]) == (3, "different")
    (groups,) = seen.json["streams"]
    assert [(one["id"], one["difference"], one["reason"]) for one in groups["differences"]] == [
        (row["id"], "missing", "lost")
    ]
    mended = cli("reconcile", "acme", "--stream", "groups", "--repair")
    assert mended.exit_status == 0, mended.stderr
    assert "repaired" in mended.stdout
    assert cli("reconcile", "acme", "--stream", "groups", "--json").json["outcome"] == "equal"
    wrong = cli("reconcile", "acme", "--stream", "nonsense")
    assert (wrong.exit_status, "no stream 'nonsense'" in wrong.stderr) == (2, True)

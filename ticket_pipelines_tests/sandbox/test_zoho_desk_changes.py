"""What the control plane can do to an emulated Zoho Desk account, and how its API shows it."""

from __future__ import annotations

from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.zoho_desk import ZohoDeskEmulator
from ticket_pipelines.sandbox.zoho_desk.changes import OPERATIONS
from ticket_pipelines_tests.sandbox.zoho_asking import NOW, Open, Zoho, some_ticket


def change(asker: Zoho, op: str, **arguments: Any) -> dict[str, Any]:
    """Does something a minute later."""
    asker.control.clock(advance=60)
    return asker.control.mutate(op, **arguments)


def detail(asker: Zoho, key: str) -> dict[str, Any]:
    return dict(asker.get(f"tickets/{key}").json)


def last_event(asker: Zoho, key: str) -> dict[str, Any]:
    return dict(asker.get(f"tickets/{key}/History").json["data"][0])


def test_life_of_a_ticket(desk_account: Zoho) -> None:
    key = change(desk_account, "create_ticket", subject="Hello", body="<b>World</b>", cf={"cf_warranty": "true"})["id"]
    change(desk_account, "assign_ticket", id=key)
    change(desk_account, "reply", id=key)
    change(desk_account, "customer_reply", id=key)
    change(desk_account, "comment", id=key, body="note")
    change(desk_account, "tag_ticket", id=key, tags=["new one"])
    change(desk_account, "close_ticket", id=key, status="Won't fix")
    row = detail(desk_account, key)
    assert (row["status"], row["statusType"], row["closedTime"]) == ("Won't fix", "Closed", row["modifiedTime"])
    assert (row["threadCount"], row["commentCount"], row["tagCount"]) == ("3", "1", "1")
    assert row["description"] == "<b>World</b>"
    assert row["cf"]["cf_warranty"] == "true"
    assert desk_account.get(f"tickets/{key}/tags").json["data"][0]["name"] == "new one"
    names = [event["eventName"] for event in desk_account.get(f"tickets/{key}/History").json["data"]]
    assert names[0] == "TicketUpdated"
    assert {"TicketCreated", "ThreadAdded", "CommentAdded", "TagsAdded"} <= set(names)
    assert change(desk_account, "reopen_ticket", id=key)
    assert desk_account.get(f"tickets/{key}/metrics").json["reopenCount"] == 1


@pytest.mark.parametrize("bumps", [True, False])
def test_whether_replies_bump_is_a_setting(open_desk: Open, bumps: bool) -> None:
    """Section 2.7."""
    asker = open_desk(replies_bump=bumps)
    key = some_ticket(asker)
    before = detail(asker, key)
    change(asker, "customer_reply", id=key)
    after = detail(asker, key)
    assert (after["modifiedTime"] > before["modifiedTime"]) == bumps
    assert after["customerResponseTime"] > before["customerResponseTime"]


@pytest.mark.parametrize("shown", [True, False])
def test_trash(open_desk: Open, shown: bool) -> None:
    """Section 0, fact 6."""
    asker = open_desk(trashed_detail=shown, recycle_bin=shown)
    key = some_ticket(asker)
    change(asker, "trash_ticket", id=key)
    answer = asker.get(f"tickets/{key}")
    assert answer.status == (200 if shown else 404)
    assert not shown or answer.json["isTrashed"] is True
    assert last_event(asker, key)["eventName"] == "TicketDeleted"
    assert key not in {row["id"] for row in asker.get("tickets", limit=100).json["data"]}
    assert asker.get("tickets/search", id=key).status == 204
    assert asker.get("recycleBin").status == (200 if shown else 404)
    change(asker, "restore_ticket", id=key)
    assert detail(asker, key)["isTrashed"] is False
    assert last_event(asker, key)["eventName"] == "TicketRestored"
    change(asker, "erase_ticket", id=key)
    assert {asker.get(f"tickets/{key}{path}").status for path in ("", "/threads", "/History")} == {404}


def test_merge_moves_threads_and_trashes(desk_account: Zoho) -> None:
    loser, winner = (change(desk_account, "create_ticket")["id"] for _ in range(2))
    change(desk_account, "merge_tickets", loser=loser, winner=winner)
    assert desk_account.get(f"tickets/{loser}").status == 404
    assert detail(desk_account, winner)["threadCount"] == "2"
    assert last_event(desk_account, winner)["eventName"] == "TicketMergedMaster"


def test_archiving_leaves_modified_time_alone(desk_account: Zoho) -> None:
    key = some_ticket(desk_account)
    before = detail(desk_account, key)["modifiedTime"]
    change(desk_account, "archive_ticket", id=key)
    after = detail(desk_account, key)
    assert (after["modifiedTime"], after["isArchived"]) == (before, True)


def test_comments_change(desk_account: Zoho) -> None:
    key = some_ticket(desk_account)
    comment = change(desk_account, "comment", id=key, body="first")["comment"]
    change(desk_account, "edit_comment", id=key, comment=comment, body="second")
    (row,) = desk_account.get(f"tickets/{key}/comments").json["data"]
    assert (row["content"], row["modifiedTime"] > row["commentedTime"]) == ("second", True)
    change(desk_account, "delete_comment", id=key, comment=comment)
    assert desk_account.get(f"tickets/{key}/comments").status == 204


def test_people_and_fields_change(desk_account: Zoho) -> None:
    contact = change(desk_account, "create", stream="contacts", lastName="New", email="new@customers.example")["id"]
    before = desk_account.get(f"contacts/{contact}").json["modifiedTime"]
    change(desk_account, "update", stream="contacts", id=contact, phone="1")
    assert desk_account.get(f"contacts/{contact}").json["modifiedTime"] > before
    change(desk_account, "remove", stream="contacts", id=contact)
    assert desk_account.get(f"contacts/{contact}").status == 404
    change(desk_account, "add_field", api_name="cf_colour", label="Colour", kind="Picklist", options=["red"])
    assert detail(desk_account, some_ticket(desk_account))["cf"]["cf_colour"] is None


def test_patch_leaves_the_clock_alone(desk_account: Zoho) -> None:
    key = some_ticket(desk_account)
    before = detail(desk_account, key)["modifiedTime"]
    change(desk_account, "patch", stream="tickets", id=key, fields={"subject": "a\x00b lone \ud83d"})
    after = detail(desk_account, key)
    assert (after["subject"], after["modifiedTime"]) == ("a\x00b lone \ud83d", before)


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("nonsense", {}),
        ("update_ticket", {"id": "1"}),
        ("close_ticket", {"id": "1", "status": "Open"}),
        ("trash_ticket", {}),
        ("create", {"stream": "nope"}),
    ],
)
def test_unknown_change_is_refused(desk_account: Zoho, op: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no operation|there is no|argument"):
        desk_account.control.mutate(op, **arguments)


@pytest.mark.parametrize(
    "settings", [{"plan": "x"}, {"edition": "x"}, {"history_path": "x"}, {"unavailable": {"a": "b"}}]
)
def test_unknown_setting_is_refused(desk_account: Zoho, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown|history_path"):
        desk_account.control.configure(**settings)


def test_random_changes_are_repeatable() -> None:
    first, second = (ZohoDeskEmulator(Options(tickets=60, now=NOW, frozen=True)) for _ in range(2))
    assert first.mutate("random", {"count": 80}) == second.mutate("random", {"count": 80})
    assert first.records("tickets") == second.records("tickets")
    assert first.records("threads") == second.records("threads")


def test_state_tells_versions(desk_account: Zoho) -> None:
    told = desk_account.control.state("tickets")["records"]
    assert len(told) == desk_account.control.state()["counts"]["tickets"]
    assert sum(row["deleted"] for row in told) == desk_account.control.state()["counts"]["trashed_tickets"]
    assert all(isinstance(row["version"], int) for row in told)


def test_every_operation_has_a_description() -> None:
    assert [name for name, operation in OPERATIONS.items() if not operation.__doc__] == []

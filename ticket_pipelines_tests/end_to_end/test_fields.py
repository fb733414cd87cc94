"""Fields that appear, change their type, or are called like others: no value is lost, moved or doubled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.crash.process import sync_in_process
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk

TICKETS = ("tickets", "ticket_fields")
MOST_BYTES = 63


def field_ids(desk: ZendeskDesk) -> dict[str, int]:
    """Custom ticket fields of the account: title to id."""
    return {field["title"]: field["id"] for field in desk.held("ticket_fields") if field["removable"]}


def values(desk: ZendeskDesk, ticket: int) -> dict[str, tuple[Any, ...]]:
    """Custom field values of a ticket: field id to text, number, JSON and label."""
    rows = desk.ask(
        "SELECT field_id, value_text, value_num, value_json, label FROM helpdesk.ticket_field_values"
        f" WHERE desk = '{desk.key}' AND entity = 'ticket' AND record_id = '{ticket}'"
    )
    return {
        row["field_id"]: (row["value_text"], row["value_num"], read(row["value_json"]), row["label"]) for row in rows
    }


def read(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def own_columns(desk: ZendeskDesk, ticket: int, before: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of `zendesk_tickets` that are not among those of before, with the ticket's values."""
    row = desk.row("zendesk_tickets", ticket)
    return {name: read(value) for name, value in row.items() if name not in before}


def test_values_of_another_type_keep_the_columns(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, tickets=12, **PAST)
    field = field_ids(desk)["order_id"]
    desk.synced(streams=TICKETS)
    kinds = desk.project.warehouse.columns("zendesk_tickets")
    seen = []
    for value in (10, "n/a", ["a"], None):
        desk.sandbox.zendesk.control.mutate("set_custom_field", id=1, field=field, value=value)
        desk.change("patch", stream="tickets", id=1, fields={"forum_topic_id": value})
        desk.synced(streams=("tickets",))
        row = desk.row("zendesk_tickets", 1, "forum_topic_id, unparsed")
        seen.append((values(desk, 1).get(str(field)), row["forum_topic_id"], read(row["unparsed"])))

    assert seen == [
        (("10", 10.0, None, None), 10, None),
        (("n/a", None, None, None), None, {"forum_topic_id": "n/a"}),
        ((None, None, ["a"], None), None, {"forum_topic_id": ["a"]}),
        (None, None, None),
    ]
    assert desk.project.warehouse.columns("zendesk_tickets") == kinds


def test_titles_that_collide_or_equal_a_column_stay_apart(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, tickets=12, **PAST)
    ids = field_ids(desk)
    given = {"Order ID": "A-1", "order-id": "", "order_id": 7, "Priority": "gold"}
    desk.change(
        "update_ticket", id=1, priority="low", custom_fields={ids[title]: value for title, value in given.items()}
    )
    desk.synced(streams=TICKETS)

    found = values(desk, 1)
    assert [found[str(ids[title])] for title in given] == [
        ("A-1", None, None, None),
        ("", None, None, None),
        ("7", 7.0, None, None),
        ("gold", None, None, "Gold"),
    ]
    assert desk.row("tickets", 1, "priority, priority_raw") == {"priority": "low", "priority_raw": "low"}
    aliases = [row["alias"] for row in desk.ask("SELECT alias FROM helpdesk.ticket_fields")]
    assert len(set(aliases)) == len(aliases)
    assert all(len(alias.encode()) <= MOST_BYTES for alias in aliases)

    desk.sandbox.zendesk.control.mutate("delete_option", id=ids["Priority"], value="gold")
    desk.change("retitle_field", id=ids["order_id"], title="Order ID")
    assert desk.synced(streams=TICKETS).rows_updated == 2
    assert values(desk, 1) == {**found, str(ids["Priority"]): ("gold", None, None, "gold")}


def test_new_top_level_fields_get_columns_of_their_own(warehouse_url: str, make_desk: MakeDesk) -> None:
    desk = make_desk(warehouse_url, tickets=12, **PAST)
    desk.synced(streams=("tickets",))
    before = desk.row("zendesk_tickets", 1)
    long = "a_name_that_goes_on_and_on_until_no_engine_takes_it_as_a_column_any_more"
    given = {
        "Order ID": 1,
        "order-id": "",
        "order_id": None,
        "Priority": "gold",
        "desk": "theirs",
        "version": "1.0",
        f"{long} 1": [1],
        f"{long} 2": {"a": None},
        "注文番号 📦": "",
    }
    desk.change("patch", stream="tickets", id=1, fields=given)
    desk.change("patch", stream="tickets", id=2, fields={"external_id": "", "recipient": None})
    desk.synced(streams=("tickets",))

    found = own_columns(desk, 1, before)
    assert all(len(name.encode()) <= MOST_BYTES for name in found)
    assert sorted(map(repr, found.values())) == sorted(map(repr, given.values()))
    assert (found["desk_vendor"], found["version_vendor"]) == ("theirs", "1.0")
    row = desk.row("zendesk_tickets", 1, "desk, priority, unparsed")
    assert row == {"desk": "acme", "priority": before["priority"], "unparsed": None}
    assert desk.row("zendesk_tickets", 2, "external_id, recipient") == {"external_id": "", "recipient": None}
    assert set(own_columns(desk, 2, before).values()) == {None}


def test_a_new_field_that_has_another_type_on_a_second_desk(warehouse_url: str, make_desk: MakeDesk) -> None:
    one, two = (make_desk(warehouse_url, key=key, tickets=12, **PAST) for key in ("one", "two"))
    for desk, value in ((one, 5), (two, {"level": "five"})):
        desk.change("patch", stream="tickets", id=1, fields={"severity": value})
        desk.synced(streams=("tickets",))
    one.change("patch", stream="tickets", id=1, fields={"severity": "5"})
    one.synced(streams=("tickets",))

    found = [read(desk.row("zendesk_tickets", 1, "severity")["severity"]) for desk in (one, two)]
    assert found == ["5", {"level": "five"}]


def test_two_processes_bring_fifty_new_fields_each_at_once(warehouse_url: str, make_desk: MakeDesk) -> None:
    desks = [make_desk(warehouse_url, key=key, tickets=12, **PAST) for key in ("one", "two")]
    given = {}
    for number, desk in enumerate(desks):
        given[desk.key] = {f"field {index}": [desk.key, index] for index in range(number * 25, number * 25 + 50)}
        desk.change("patch", stream="tickets", id=1, fields=given[desk.key])
    project = desks[0].project
    environ = {"TICKETS_HOME": str(project.settings.home), "TICKETS_WAREHOUSE": warehouse_url}

    with ThreadPoolExecutor() as threads:
        running = [threads.submit(sync_in_process, environ, desk.key) for desk in desks]
        while wait(running, timeout=0.2).not_done:
            assert desks[0].count("tickets") in (0, 12)

    assert [each.result().result.status for each in running] == [Status.SUCCESS] * 2  # type: ignore[union-attr]
    for desk in desks:
        row = desk.row("zendesk_tickets", 1)
        found = {name: read(value) for name, value in row.items() if name.startswith("field_") and value}
        assert found == {name.replace(" ", "_"): value for name, value in given[desk.key].items()}

"""The client against the emulated account: what a complete sync must find."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from dlt_sources.base import Page, State, Stream
from dlt_sources.errors import (
    StalledError,
)
from dlt_sources.zendesk import ZENDESK
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import (
    EVENTS,
    EXPORTS,
    READ,
    TICKETS,
    Moving,
    Open,
    read,
    requests,
    statuses,
)


@pytest.mark.parametrize("login", ["oauth", "access_token", "api_token"])
def test_each_stream_comes_whole_within_the_vendors_limits(
    zendesk: Callable[..., Listening], opened: Open, login: str
) -> None:
    account = zendesk()
    client = opened(account, login)
    for stream in READ:
        found, _, count = read(client, stream)
        wanted = {record[stream.key] for record in account.control.records(stream.name)}
        assert set(found) == wanted, stream.name
        assert count >= len(wanted)
        assert wanted, stream.name
    assert statuses(account) <= {200, 201}


@pytest.mark.parametrize("stream", READ, ids=lambda stream: stream.name)
def test_every_field_of_the_emulated_records_is_declared(
    zendesk: Callable[..., Listening], opened: Open, stream: Stream
) -> None:
    found, _, _ = read(opened(zendesk()), stream)
    declared = {column.name for column in stream.columns} | {stream.key, *stream.ignored}
    assert {name for record in found.values() for name in record} <= declared


def test_a_second_read_without_changes_is_one_request_an_export(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk()
    client = opened(account)
    positions = {stream.name: read(client, stream)[1] for stream in EXPORTS}
    moving.advance(3600)
    account.control.clear_log()
    for stream in EXPORTS:
        _, position, _ = read(client, stream, positions[stream.name])
        assert position == positions[stream.name]
    assert requests(account, "/incremental/") == len(EXPORTS)


def test_two_reads_within_seconds_make_no_error(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    account.control.mutate("create_ticket", count=3)
    client = opened(account)
    for _ in range(2):
        for stream in EXPORTS:
            read(client, stream)
    assert statuses(account) <= {200, 201}


def test_a_change_that_leaves_updated_at_alone_arrives(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk()
    client = opened(account)
    found, position, _ = read(client, TICKETS)
    key = next(key for key, ticket in found.items() if ticket["status"] == "open")
    account.control.mutate("automate_ticket", id=key, status="solved")
    moving.advance(120)
    changed, _, _ = read(client, TICKETS, position)
    assert changed[key]["status"] == "solved"
    assert changed[key]["updated_at"] == found[key]["updated_at"]


def test_a_row_stamped_with_the_second_of_the_position_arrives(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk()
    client = opened(account)
    positions = {stream.name: read(client, stream)[1] for stream in (TICKETS, EVENTS)}
    key = account.control.mutate("create_ticket", at=positions["tickets"]["clock"])["id"]
    moving.advance(120)
    assert key in read(client, TICKETS, positions["tickets"])[0]
    events, _, _ = read(client, EVENTS, positions["ticket_events"])
    assert key in {event["ticket_id"] for event in events.values()}


def test_what_is_made_during_a_slow_read_is_there_after_the_next(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk(tickets=300, slow_above=50)
    client = opened(account)
    found: set[int] = set()
    position: State = {}
    for page in client.pages(TICKETS, {}):
        found |= {ticket["id"] for ticket in values(page.records)}
        position = page.state
        account.control.mutate("create_ticket")
        moving.advance(20)
    moving.advance(120)
    found |= set(read(client, TICKETS, position)[0])
    wanted = {ticket["id"] for ticket in account.control.records("tickets")}
    assert found == wanted
    assert wanted == set(range(min(wanted), max(wanted) + 1))


def test_deletion_scrub_and_restore_arrive(zendesk: Callable[..., Listening], opened: Open, moving: Moving) -> None:
    account = zendesk()
    client = opened(account)
    found, position, _ = read(client, TICKETS)
    key = next(key for key, ticket in found.items() if ticket["status"] == "open")
    said = []
    for op in ("delete_ticket", "restore_ticket", "delete_ticket", "scrub_ticket"):
        account.control.mutate(op, id=key)
        moving.advance(120)
        changed, position, _ = read(client, TICKETS, position)
        said.append((changed[key]["status"], changed[key]["subject"] == "SCRUBBED"))
    assert said == [("deleted", False), ("open", False), ("deleted", False), ("deleted", True)]


def test_tickets_of_ai_agents_and_archived_ones_come_too(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    counts = account.control.state()["counts"]
    found, _, _ = read(opened(account), TICKETS)
    assert counts["archived_tickets"] > 0
    of_ai = sum(ticket.get("support_type") == "ai_agent" for ticket in found.values())
    assert of_ai == counts["ai_agent_tickets"] > 0
    assert all((ticket["metric_set"] is None) == (ticket["status"] == "deleted") for ticket in found.values())


def test_all_comments_come_in_pages_of_events_voice_and_private_ones_too(
    zendesk: Callable[..., Listening], opened: Open
) -> None:
    account = zendesk()
    counts = account.control.state()["counts"]
    events, _, _ = read(opened(account), EVENTS)
    children = [child for event in events.values() for child in event["child_events"]]
    said = [child for child in children if child.get("event_type") in ("Comment", "VoiceComment")]
    assert len(said) == counts["ticket_comments"] > 120
    assert sum(child["type"] == "VoiceComment" for child in said) == counts["voice_comments"] > 0
    assert requests(account, "ticket_events") <= 3


def test_comments_are_repaired_ticket_by_ticket(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    wanted: dict[int, set[int]] = {}
    deleted = {ticket["id"] for ticket in account.control.records("tickets") if ticket["status"] == "deleted"}
    for comment in account.control.records("ticket_comments"):
        wanted.setdefault(comment["ticket_id"], set()).add(comment["id"])
    longest = max(wanted.keys() - deleted, key=lambda key: len(wanted[key]))
    gone = min(deleted)
    pages = list(opened(account).by_ids(ZENDESK.stream("ticket_comments"), [str(gone), str(longest)]))
    records = [record for page in pages for record in values(page.records)]
    assert {record["ticket_id"] for record in records} == {longest}
    assert {record["id"] for record in records} == wanted[longest]
    assert len(records) > 100


def test_tickets_are_repaired_by_id(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    alive = [str(ticket["id"]) for ticket in account.control.records("tickets") if ticket["status"] != "deleted"]
    pages: list[Page] = list(opened(account).by_ids(TICKETS, [*alive, "999999999"]))
    assert {str(record["id"]) for page in pages for record in values(page.records)} == set(alive)


@pytest.mark.parametrize(
    "settings",
    [
        {"header_family": "old"},
        {"null_when_empty": True},
        {"too_recent_status": 422},
        {"metric_events_end_of_stream": False},
        {"slow_above": 100},
        {"token_status": 200},
        {"high_volume": True},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_all_exports_come_whole_whatever_the_form_of_the_answers(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving, settings: dict[str, Any]
) -> None:
    account = zendesk(**settings)
    client = opened(account)
    for stream in EXPORTS:
        found, position, _ = read(client, stream)
        assert set(found) == {record["id"] for record in account.control.records(stream.name)}
        moving.advance(600)
        assert read(client, stream, position)[1] == position


def test_fifteen_hundred_rows_of_one_second_all_come(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk(tickets=1600, same_second=1500)
    client = opened(account)
    for stream in (TICKETS, EVENTS):
        found, position, _ = read(client, stream)
        assert set(found) == {record["id"] for record in account.control.records(stream.name)}
        assert len(str(position)) < 100


def test_a_page_that_points_at_itself_ends_the_read(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    client = opened(account)
    account.control.fail("repeat", stream="tickets", times=None)
    with pytest.raises(StalledError):
        read(client, TICKETS)
    assert requests(account, "/incremental/") <= 2
    account.control.clear_log()
    account.control.heal()
    account.control.fail("repeat", stream="ticket_events", times=None)
    with suppress(StalledError):
        read(client, EVENTS)
    assert requests(account, "/incremental/") <= 2

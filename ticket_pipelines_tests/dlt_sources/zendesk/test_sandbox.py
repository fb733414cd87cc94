"""The client against the emulated account: what a complete sync must find, under the vendor's limits and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from dlt_sources.base import Page, State, Stream
from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    SourceError,
    StalledError,
    UnavailableError,
)
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient, open_client
from ticket_pipelines.sandbox.server import Listening, SandboxServer
from ticket_pipelines_tests.dlt_sources.scripted import Still, values

READ = [stream for stream in ZENDESK.streams if not stream.on_demand]
EXPORTS = [stream for stream in READ if stream.limit == "incremental"]
TICKETS = ZENDESK.stream("tickets")
EVENTS = ZENDESK.stream("ticket_events")

MakeSandbox = Callable[..., SandboxServer]
Open = Callable[..., ZendeskClient]


class Moving(Still):
    """Time that passes at the vendor as well when we wait."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor: Listening | None = None

    def _pass(self, seconds: float) -> None:
        super()._pass(seconds)
        if self.vendor is not None:
            self.vendor.control.clock(advance=seconds)

    def advance(self, seconds: float) -> None:
        self._pass(seconds)
        self.slept.pop()


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def zendesk(make_sandbox: MakeSandbox, moving: Moving) -> Callable[..., Listening]:
    """Starts an account whose clock goes with ours; takes its settings."""

    def start(tickets: int = 60, same_second: int | None = None, **settings: Any) -> Listening:
        options = {"tickets": tickets, "same_second": same_second, "now": moving.time, "frozen": True}
        moving.vendor = make_sandbox(**options, settings=settings).zendesk
        return moving.vendor

    return start


@pytest.fixture
def opened(moving: Moving) -> Iterator[Open]:
    """Opens clients that are closed with the test; all share one budget."""
    clients: list[ZendeskClient] = []
    budgets, tokens = MemoryBudgets(moving.clock.now), Tokens()

    def open_one(account: Listening, login: str = "oauth", **config: Any) -> ZendeskClient:
        credentials = account.logins[login]
        client = open_client({**account.config, **config}, credentials, budgets, clock=moving.clock, tokens=tokens)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


def read(client: ZendeskClient, stream: Stream, state: State | None = None) -> tuple[dict[Any, Any], State, int]:
    """Records by key (the last version of each), position, and the number of rows."""
    found: dict[Any, Any] = {}
    position: State = state or {}
    count = 0
    for page in client.pages(stream, position):
        records = values(page.records)
        count += len(records)
        found.update({record[stream.key]: record for record in records})
        position = page.state
    return found, position, count


def statuses(account: Listening) -> set[int]:
    return {entry.status for entry in account.control.log()}


def requests(account: Listening, part: str = "/api/") -> int:
    return sum(part in entry.path for entry in account.control.log())


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


@pytest.mark.parametrize(
    "stream",
    # the emulator gives the fields of people the shape of ticket fields
    [stream for stream in READ if stream.name not in ("user_fields", "organization_fields")],
    ids=lambda stream: stream.name,
)
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


def test_many_reads_never_go_over_the_export_limit(
    zendesk: Callable[..., Listening], opened: Open, moving: Moving
) -> None:
    account = zendesk()
    client = opened(account)
    for _ in range(5):
        for stream in EXPORTS:
            read(client, stream)
    assert 429 not in statuses(account)
    assert moving.slept


@pytest.mark.parametrize("retry_after", [7, "date:7", 0, None, "soon"])
def test_nothing_is_asked_while_the_vendor_wants_to_be_left_alone(
    zendesk: Callable[..., Listening], opened: Open, retry_after: int | str | None
) -> None:
    account = zendesk()
    account.control.fail(stream="tickets", status=429, retry_after=retry_after, body={"error": "APIRateLimitExceeded"})
    read(opened(account), TICKETS)
    first, second = (entry.at for entry in account.control.log() if "/incremental/" in entry.path)
    assert second - first >= (7 if retry_after in (7, "date:7") else 10)


@pytest.mark.parametrize("kind", ["truncate", "not_json", "reset", "reset_body"])
def test_a_broken_answer_loses_nothing(zendesk: Callable[..., Listening], opened: Open, kind: str) -> None:
    account = zendesk()
    client = opened(account)
    account.control.fail(kind, stream="tickets", times=2)
    found, _, _ = read(client, TICKETS)
    assert set(found) == {record["id"] for record in account.control.records("tickets")}


@pytest.mark.parametrize("login", ["oauth", "access_token", "api_token"])
def test_a_check_says_that_all_can_be_read(zendesk: Callable[..., Listening], opened: Open, login: str) -> None:
    account = zendesk()
    assert [each for each in opened(account, login).check() if not each.readable] == []
    assert requests(account, "/incremental/") == 0


@pytest.mark.parametrize("login", ["agent", "agent_access_token"])
def test_an_agent_is_told_what_needs_an_admin(zendesk: Callable[..., Listening], opened: Open, login: str) -> None:
    account = zendesk()
    client = opened(account, login)
    refused = {each.stream: each.reason for each in client.check() if not each.readable}
    assert {stream.name for stream in EXPORTS} <= set(refused)
    assert all("admin" in reason for reason in refused.values())
    with pytest.raises(AccessError, match=r"stream tickets.*admin"):
        read(client, TICKETS)


def test_a_plan_that_lacks_streams_is_named(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk(plan="team")
    client = opened(account)
    lacking = {each.stream for each in client.check() if not each.readable}
    assert lacking == {"ticket_forms", "sla_policies", "schedules"}
    for name in lacking:
        with pytest.raises(UnavailableError, match=f"stream {name}.*Suite"):
            read(client, ZENDESK.stream(name))


def test_wrong_credentials_and_hosts_are_told_apart(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk(api_tokens=False)
    with pytest.raises(CredentialsError):
        opened(account, "api_token").check()
    with pytest.raises(CredentialsError):
        read(opened(account, "api_token"), TICKETS)
    with pytest.raises(ConfigurationError):
        opened(account, base_url="https://acme.zendesk.com/agent")


def test_an_expired_token_is_minted_again(zendesk: Callable[..., Listening], opened: Open) -> None:
    account = zendesk()
    client = opened(account)
    read(client, ZENDESK.stream("tags"))
    account.control.fail("expire_tokens")
    found, _, _ = read(client, ZENDESK.stream("groups"))
    assert found
    assert requests(account, "/oauth/tokens") == 2


def test_a_probe_sees_a_change_of_a_ticket(zendesk: Callable[..., Listening], opened: Open, moving: Moving) -> None:
    account = zendesk()
    client = opened(account)
    positions = {"tickets": read(client, TICKETS)[1]}
    moving.advance(120)
    assert client.probe(positions) is False
    account.control.mutate("automate_ticket", id=1, status="pending")
    moving.advance(120)
    assert client.probe(positions) is True


def test_an_expired_cursor_is_survived(zendesk: Callable[..., Listening], opened: Open, moving: Moving) -> None:
    account = zendesk()
    client = opened(account)
    _, position, _ = read(client, TICKETS)
    key = account.control.mutate("create_ticket")["id"]
    moving.advance(120)
    account.control.fail(preset="invalid_cursor", stream="tickets")
    assert key in read(client, TICKETS, position)[0]


@pytest.mark.parametrize(
    ("preset", "error"),
    [
        ("unauthorized", CredentialsError),
        ("forbidden", AccessError),
        ("missing_scope", AccessError),
        ("invalid_endpoint", UnavailableError),
        ("pagination_depth", StalledError),
        ("conflict", ConnectionFailedError),
        ("rate_limited", LimitError),
        ("server_error", ConnectionFailedError),
        ("bad_gateway", ConnectionFailedError),
        ("unavailable", ConnectionFailedError),
        ("gateway_timeout", ConnectionFailedError),
    ],
)
def test_every_ready_made_error_becomes_one_of_ours(
    zendesk: Callable[..., Listening], opened: Open, preset: str, error: type[SourceError]
) -> None:
    account = zendesk()
    account.control.fail(preset=preset, stream="groups", times=None)
    with pytest.raises(error, match="groups"):
        read(opened(account), ZENDESK.stream("groups"))
    assert requests(account, "/groups") < 15

"""What every vendor's client has to hold, each against its emulated account over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dlt_sources import VENDORS
from dlt_sources.base import State, Stream, Vendor
from dlt_sources.errors import ConfigurationError, CredentialsError, SourceError, TransientError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.oauth import Tokens
from dlt_sources.qcontact.client import open_client as open_qcontact
from dlt_sources.zendesk.client import open_client as open_zendesk
from dlt_sources.zoho_crm.client import open_client as open_zoho_crm
from dlt_sources.zoho_desk.client import open_client as open_zoho_desk
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.dlt_sources.scripted import values
from ticket_pipelines_tests.dlt_sources.zendesk.emulated import Moving
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What differs from vendor to vendor.

    Attributes:
        name: The vendor.
        open: Opens a client with a clock of ours.
        main: Stream that is read by what changed.
        whole: Stream that is read whole each time.
        minting: Path at which tokens are made.
        create: Operation of the emulator that makes a record of the main stream, with its arguments.
        text: Field of such a record that holds a text.
        lag: Seconds for which the vendor keeps what is new to itself.
        secret: The credential that proves the others.
        address: Configuration key of the vendor's address.
        named: What messages call the stream that is read whole; empty: by its name.
    """

    name: str
    open: Callable[..., Any]
    main: str
    whole: str
    minting: str
    create: tuple[str, dict[str, str]]
    text: str
    lag: int = 0
    secret: str = "client_secret"
    address: str = "base_url"
    named: str = ""


CASES = (
    Case("zendesk", open_zendesk, "tickets", "groups", "/oauth/tokens", ("create_ticket", {}), "subject", 120),
    Case("zoho_desk", open_zoho_desk, "tickets", "departments", "/oauth/v2/token", ("create_ticket", {}), "subject"),
    Case(
        "zoho_crm",
        open_zoho_crm,
        "contacts",
        "users",
        "/oauth/v2/token",
        ("create", {"module": "Contacts"}),
        "Last_Name",
    ),
    Case(
        "qcontact",
        open_qcontact,
        "cases",
        "cases",
        "/auth/sign_in",
        ("create", {}),
        "description",
        secret="password",
        address="tenant_url",
        named="Case",
    ),
)

UNNAMED = ("ticket_history", "fields", "case_columns")
"""Streams whose records have no id of their own, or that the emulator does not list."""


class Account:
    """An emulated account whose clock goes with ours, and clients of it that share budgets and tokens."""

    def __init__(self, case: Case, listening: Listening, moving: Moving) -> None:
        self.case, self.listening, self.moving = case, listening, moving
        self.control = listening.control
        self.vendor: Vendor = VENDORS[case.name]
        self._shared = (MemoryBudgets(moving.clock.now), Tokens())
        self.client = self.open(listening.credentials)

    def open(self, credentials: dict[str, str], **config: Any) -> Any:
        budgets, tokens = self._shared
        given = {**self.listening.config, **config}
        return self.case.open(given, credentials, budgets, tokens=tokens, clock=self.moving.clock)

    def streams(self) -> tuple[Stream, ...]:
        """Those that a sync reads."""
        shown = self.vendor.as_shown(self.client).streams
        return tuple(stream for stream in shown if not (stream.on_demand or stream.parent))

    def stream(self, name: str) -> Stream:
        return self.vendor.as_shown(self.client, [name]).stream(name)

    def read(self, stream: Stream, state: State | None = None) -> tuple[dict[str, Record], State]:
        """Records by key, of those in parts all parts; and the position."""
        found: dict[str, Record] = {}
        position: State = state or {}
        for page in self.client.pages(stream, position):
            position = page.state
            for record in values(page.records):
                key = str(record[stream.key])
                found[key] = {**(found.get(key, {}) if page.partial else {}), **record}
        return found, position

    def held(self, stream: Stream) -> set[str]:
        """Keys of what a complete reading of a stream finds."""
        if self.case.name == "zoho_crm":
            return {row["id"] for row in self.control.records(stream.path.rpartition("/")[2])}
        if stream.name == "ticket_tags":
            return {row["id"] for row in self.control.records("tags")}
        if self.case.name == "zoho_desk" and stream.paging in ("tickets", "by_ticket"):
            tickets = [row for row in self.control.records("tickets") if not row["isTrashed"]]
            shown = {row["id"] for row in tickets if stream.paging == "tickets" or not row["isArchived"]}
            if stream.key == "ticketId" or stream.paging == "tickets":
                return shown
            return {row["id"] for row in self.control.records(stream.name) if row["ticketId"] in shown}
        return {str(row[stream.key]) for row in self.control.records(stream.name)}

    def asked(self, part: str = "") -> int:
        return sum(part in entry.path for entry in self.control.log())


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def account(request: pytest.FixtureRequest, make_sandbox: MakeSandbox) -> Iterator[Account]:
    case, moving = request.param, Moving()
    moving.vendor = make_sandbox(now=moving.time, frozen=True).vendors[case.name]
    made = Account(case, moving.vendor, moving)
    yield made
    made.client.close()


def test_opening_asks_for_nothing_and_shows_no_secret(account: Account) -> None:
    secrets = [value for name, value in account.listening.credentials.items() if name != "client_id"]
    assert account.asked() == 0
    assert not any(secret in repr(vars(account.client)) for secret in secrets)


def test_each_stream_is_declared_whole(account: Account) -> None:
    for stream in account.streams():
        names = [column.name for column in stream.columns]
        assert len(names) == len(set(names)), stream.name
        assert stream.doc.startswith("One row per "), stream.name
        assert stream.url.startswith("https://"), stream.name
        assert stream.clock is None or stream.clock in names, stream.name
        assert {rule.field for rule in stream.deletions} <= set(names), stream.name


def test_each_stream_comes_whole_and_all_of_its_fields_are_declared(account: Account) -> None:
    refused = {each.stream for each in account.client.check() if not each.readable}
    for stream in account.streams():
        if stream.name in refused:
            continue
        found, _ = account.read(stream)
        assert found, stream.name
        if stream.name not in UNNAMED:
            alive = {key for key, record in found.items() if "$deletion_type" not in record}
            assert alive == account.held(stream), stream.name
        declared = {column.name for column in stream.columns} | {stream.key, *stream.ignored}
        assert {name for record in found.values() for name in record} <= declared, stream.name
    assert {entry.status for entry in account.control.log()} <= {200, 201, 204, 304, 403}


def test_a_second_reading_goes_on_and_finds_what_is_new(account: Account) -> None:
    main = account.stream(account.case.main)
    before, position = account.read(main)
    account.moving.advance(3_600)
    assert account.read(main, position)[1].keys() == position.keys()
    op, arguments = account.case.create
    key = str(account.control.mutate(op, **arguments)["id"])
    account.moving.advance(3_600)
    found, _ = account.read(main, position)
    assert key in found
    assert len(found) < len(before)


def test_what_is_stamped_with_the_second_of_the_position_arrives(account: Account) -> None:
    main = account.stream(account.case.main)
    op, arguments = account.case.create
    account.control.mutate(op, **arguments)
    account.moving.advance(account.case.lag)
    _, position = account.read(main)
    key = str(account.control.mutate(op, **arguments, at=account.moving.time - account.case.lag)["id"])
    account.moving.advance(3_600)
    assert key in account.read(main, position)[0]


def test_what_happens_while_it_is_read_is_there_after_the_next_reading(account: Account) -> None:
    main = account.stream(account.case.main)
    op, arguments = account.case.create
    seen: set[str] = set()
    position: State = {}
    for page in account.client.pages(main, {}):
        seen |= {str(record[main.key]) for record in values(page.records)}
        position = page.state
        if page.records:
            account.control.mutate(op, **arguments)
            account.moving.advance(20)
    account.moving.advance(3_600)
    seen |= set(account.read(main, position)[0])
    assert account.held(main) <= seen


def test_text_that_no_database_takes_is_cleaned_and_counted(account: Account) -> None:
    main = account.stream(account.case.main)
    op, arguments = account.case.create
    key = str(account.control.mutate(op, **arguments, **{account.case.text: "half \ud83d and\x00 nothing"})["id"])
    account.moving.advance(3_600)
    cleaned, said = 0, set()
    for page in account.client.pages(main, {}):
        cleaned += page.cleaned
        said |= {record[account.case.text] for record in values(page.records) if str(record[main.key]) == key}
    assert said == {"half \ufffd and nothing"}
    assert cleaned >= 2


def test_text_that_means_harm_comes_as_it_is(account: Account) -> None:
    main = account.stream(account.case.main)
    op, arguments = account.case.create
    text = "<script>alert(1)</script>'; DROP TABLE helpdesk.tickets; --\x01\u202e\\" + "ü" * 100_000
    key = str(account.control.mutate(op, **arguments, **{account.case.text: text})["id"])
    account.moving.advance(3_600)
    assert account.read(main)[0][key][account.case.text] == text


def test_a_token_that_expires_in_the_middle_is_renewed_once(account: Account) -> None:
    main = account.stream(account.case.main)
    account.read(main)
    account.control.clear_log()
    account.control.fail("expire_tokens")
    found, _ = account.read(main)
    assert account.held(main) <= set(found)
    statuses = [entry.status for entry in account.control.log()]
    assert (account.asked(account.case.minting), statuses.count(401)) == (1, 1)


@pytest.mark.parametrize("kind", ["truncate", "not_json", "reset", "reset_body"])
def test_a_broken_answer_loses_nothing(account: Account, kind: str) -> None:
    main = account.stream(account.case.main)
    account.control.fail(kind, stream=account.case.main if account.case.name != "zoho_crm" else "Contacts", times=2)
    found, _ = account.read(main)
    assert account.held(main) <= set(found)


def test_too_many_requests_are_waited_for_as_long_as_is_said(account: Account) -> None:
    whole = account.stream(account.case.whole)
    account.control.fail(stream=account.case.whole, status=429, retry_after=30, body={"code": "TOO_MANY_REQUESTS"})
    found, _ = account.read(whole)
    assert set(found) == account.held(whole)
    assert sum(account.moving.slept) >= 30


def test_every_ready_made_error_becomes_one_of_ours_that_names_the_stream(account: Account) -> None:
    whole = account.stream(account.case.whole)
    presets = account.control.emulator.presets
    for preset in sorted(name for name in presets if int(presets[name].get("status", 200)) >= 400):
        account.moving.advance(100_000)
        account.control.fail(preset=preset, stream=account.case.whole, times=None)
        account.control.clear_log()
        with pytest.raises(SourceError) as caught:
            account.read(whole)
        assert (account.case.named or account.case.whole) in str(caught.value), preset
        assert len(str(caught.value).splitlines()) <= 2
        # what cannot change is not asked for again, what may change not for ever
        most = 12 if isinstance(caught.value, TransientError) else 2
        assert account.asked() - account.asked(account.case.minting) <= most, preset
        account.control.heal()


def test_credentials_are_proved_on_a_real_resource(account: Account) -> None:
    assert any(each.readable for each in account.client.check())
    account.control.clear_log()
    spoiled = {**account.listening.credentials, account.case.secret: "spoiled"}
    wrong = account.open(spoiled)
    with pytest.raises(CredentialsError) as caught:
        wrong.check()
    wrong.close()
    assert "spoiled" not in str(caught.value)
    assert account.asked() == account.asked(account.case.minting) == 1


def test_a_probe_is_one_request_and_in_doubt_says_that_there_is_something(account: Account) -> None:
    main = account.stream(account.case.main)
    _, position = account.read(main)
    account.moving.advance(3_600)
    account.client.probe({main.name: position})
    account.control.clear_log()
    account.client.probe({main.name: position})
    assert account.asked() - account.asked(account.case.minting) <= 1
    op, arguments = account.case.create
    account.control.mutate(op, **arguments)
    account.moving.advance(120)
    assert account.client.probe({main.name: position}) is True


def test_a_wrong_address_never_gets_the_credentials(account: Account) -> None:
    for address in ("http://desk.example.com", f"{account.listening.url}/path", "ftp://127.0.0.1"):
        with pytest.raises(ConfigurationError):
            account.open(account.listening.credentials, **{account.case.address: address})
    assert account.asked() == 0


def test_positions_are_plain_json(account: Account) -> None:
    for name in (account.case.main, account.case.whole):
        _, position = account.read(account.stream(name))
        assert json.loads(json.dumps(position)) == position

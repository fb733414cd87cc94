"""The control plane, in this process and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.server import SandboxServer
from ticket_pipelines.sandbox.zendesk import ZendeskEmulator
from ticket_pipelines.sandbox.zendesk.changes import OPERATIONS
from ticket_pipelines_tests.sandbox.asking import Answer, Asker, ask

NOW = "2026-11-22T12:00:00Z"


def post(sandbox: SandboxServer, action: str, body: Any, method: str = "POST") -> Answer:
    return ask(sandbox.zendesk.url, f"/__sandbox/{action}", {}, method=method, body=body)


def ticket(sandbox: SandboxServer, key: int) -> dict[str, Any]:
    return next(record for record in sandbox.zendesk.control.records("tickets") if record["id"] == key)


def test_same_seed_gives_the_same_bytes(make_sandbox: Callable[..., SandboxServer]) -> None:
    first, second = (Asker(make_sandbox(now=NOW, seed=3).zendesk) for _ in range(2))
    paths = ("incremental/tickets/cursor", "incremental/users/cursor")
    for path in paths:
        ours, theirs = first.get(path, start_time=0).body, second.get(path, start_time=0).body
        assert ours.replace(first.url.encode(), b"") == theirs.replace(second.url.encode(), b"")
    other = Asker(make_sandbox(now=NOW, seed=4).zendesk).get(paths[0], start_time=0).body
    assert other.replace(b"http", b"") != first.get(paths[0], start_time=0).body.replace(b"http", b"")


@pytest.mark.parametrize("seed", range(5))
def test_thirty_tickets_hold_every_shape(seed: int) -> None:
    counts = ZendeskEmulator(Options(seed=seed, tickets=30)).counts()
    assert counts["tickets"] == 30
    assert [name for name, count in counts.items() if not count] == []


@pytest.mark.parametrize("tickets", [0, 1, 2, 3, 10, 29])
def test_any_number_of_tickets(tickets: int) -> None:
    assert ZendeskEmulator(Options(tickets=tickets)).counts()["tickets"] == tickets


def test_many_tickets_share_a_second() -> None:
    emulator = ZendeskEmulator(Options(tickets=1500, same_second=1200))
    stamps = [record["generated_timestamp"] for record in emulator.records("tickets")]
    assert max(map(stamps.count, set(stamps))) == 1200


def test_seed_starts_over(sandbox: SandboxServer) -> None:
    sandbox.zendesk.control.fail(status=500)
    sandbox.zendesk.control.mutate("create_ticket")
    answer = post(sandbox, "seed", {"seed": 9, "tickets": 35})
    assert answer.json["tickets"] == 35
    assert Asker(sandbox.zendesk).get("groups").status == 200
    assert len(sandbox.zendesk.control.log()) == 1


def test_mutate_over_http_takes_one_or_many(sandbox: SandboxServer) -> None:
    one = post(sandbox, "mutate", {"op": "create_ticket", "subject": "Hello", "custom_fields": {}})
    key = one.json["id"]
    many = post(sandbox, "mutate", [{"op": "comment", "id": key, "body": "a"}, {"op": "solve_ticket", "id": key}])
    assert [answer["id"] for answer in many.json] == [key, key]
    assert ticket(sandbox, key)["status"] == "solved"


@pytest.mark.parametrize(
    "spec",
    [
        {"op": "nonsense"},
        {"op": "update_ticket", "id": 999_999},
        {"op": "delete_ticket"},
        {"op": "merge_tickets", "loser": 1, "winner": 2, "colour": "red"},
    ],
)
def test_unknown_change_is_refused(sandbox: SandboxServer, spec: dict[str, Any]) -> None:
    answer = post(sandbox, "mutate", spec)
    assert answer.status == 400
    assert answer.json["error"]


def test_automation_changes_a_ticket_behind_updated_at(sandbox: SandboxServer) -> None:
    """Contract, section 0, fact 2."""
    before = dict(ticket(sandbox, 1))
    events = len(sandbox.zendesk.control.records("ticket_events"))
    sandbox.zendesk.control.mutate("automate_ticket", id=1, status="solved")
    after = ticket(sandbox, 1)
    assert (after["status"], after["updated_at"]) == ("solved", before["updated_at"])
    assert after["generated_timestamp"] > before["generated_timestamp"]
    assert len(sandbox.zendesk.control.records("ticket_events")) == events


def test_life_of_a_deleted_ticket(sandbox: SandboxServer) -> None:
    control = sandbox.zendesk.control
    status = ticket(sandbox, 1)["status"]
    control.mutate("delete_ticket", id=1)
    assert ticket(sandbox, 1)["status"] == "deleted"
    control.mutate("restore_ticket", id=1)
    assert ticket(sandbox, 1)["status"] == status
    control.mutate("delete_ticket", id=1, bump=False)
    updated = ticket(sandbox, 1)["updated_at"]
    control.clock(advance=30 * 86_400)
    control.mutate("scrub_ticket", id=1)
    scrubbed = ticket(sandbox, 1)
    assert [scrubbed[name] for name in ("subject", "raw_subject", "description")] == ["SCRUBBED", "SCRUBBED", "X"]
    assert scrubbed["updated_at"] == updated
    assert scrubbed["generated_timestamp"] == int(control.clock()["now"])


def test_merge_closes_the_loser(sandbox: SandboxServer) -> None:
    sandbox.zendesk.control.mutate("merge_tickets", loser=1, winner=4)
    assert ticket(sandbox, 1)["status"] == "closed"
    assert "closed_by_merge" in ticket(sandbox, 1)["tags"]


def test_custom_field_takes_any_value(sandbox: SandboxServer) -> None:
    control = sandbox.zendesk.control
    field = next(f["id"] for f in control.records("ticket_fields") if f["title"] == "order_id")
    for value in (10, "n/a", ["a"], None):
        control.mutate("set_custom_field", id=1, field=field, value=value)
        held = {entry["id"]: entry["value"] for entry in ticket(sandbox, 1)["custom_fields"]}
        assert held[field] == value
    assert ticket(sandbox, 1)["fields"] == ticket(sandbox, 1)["custom_fields"]


def test_fields_change(sandbox: SandboxServer) -> None:
    control = sandbox.zendesk.control
    field = next(f for f in control.records("ticket_fields") if f["title"] == "Product")
    control.mutate("retitle_field", id=field["id"], title="Article")
    control.mutate("delete_option", id=field["id"], value="kettle")
    added = control.mutate("add_option", id=field["id"], name="Fan")
    new = control.mutate("add_field", title="Colour", kind="text")
    fields = {f["id"]: f for f in control.records("ticket_fields")}
    assert fields[field["id"]]["title"] == "Article"
    assert [o["value"] for o in fields[field["id"]]["custom_field_options"]][-1] == added["value"] == "fan"
    assert "kettle" not in [o["value"] for o in fields[field["id"]]["custom_field_options"]]
    assert fields[new["id"]]["type"] == "text"
    control.mutate("delete_field", id=field["id"])
    assert field["id"] not in {f["id"] for f in control.records("ticket_fields")}
    assert field["id"] not in {entry["id"] for entry in ticket(sandbox, 1)["custom_fields"]}


def test_new_property_appears_on_all_tickets(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    before = asker.get("incremental/tickets/cursor", start_time=0).json
    asker.control.mutate("add_property", name="mood", value={"score": 3})
    after = asker.get("incremental/tickets/cursor", start_time=0).json
    assert all(record["mood"] == {"score": 3} for record in after["tickets"])
    assert after["after_cursor"] == before["after_cursor"]


@pytest.mark.parametrize("text", ["a\x00b", "lone \ud83d surrogate"])
def test_text_that_breaks_databases_is_sent(sandbox: SandboxServer, text: str) -> None:
    asker = Asker(sandbox.zendesk)
    asker.control.mutate("patch", stream="tickets", id=1, fields={"subject": text}, bump=False)
    found = asker.get("incremental/tickets/cursor", start_time=0)
    assert next(record["subject"] for record in found.json["tickets"] if record["id"] == 1) == text


def test_people_and_groups_go(sandbox: SandboxServer) -> None:
    control = sandbox.zendesk.control
    user = control.mutate("create_user", name="Eve", email="eve@customers.example")["id"]
    organization = control.mutate("create_organization", name="Evil")["id"]
    group = control.mutate("create_group", name="Night")["id"]
    control.mutate("delete_user", id=user, permanently=True)
    control.mutate("delete_organization", id=organization)
    control.mutate("delete_group", id=group)
    states = [
        {row["id"]: row["deleted"] for row in control.state(stream)["records"]}
        for stream in ("users", "organizations", "groups")
    ]
    assert [state[key] for state, key in zip(states, (user, organization, group), strict=True)] == [True] * 3
    control.mutate("erase", stream="groups", id=group)
    assert group not in {record["id"] for record in control.records("groups")}


def test_random_changes_are_repeatable() -> None:
    first, second = (ZendeskEmulator(Options(tickets=60, now=NOW, frozen=True)) for _ in range(2))
    assert first.mutate("random", {"count": 80}) == second.mutate("random", {"count": 80})
    assert json.dumps(first.records("tickets")) == json.dumps(second.records("tickets"))


def test_every_operation_has_a_description() -> None:
    assert [name for name, operation in OPERATIONS.items() if not operation.__doc__] == []


def test_a_change_can_happen_at_a_given_time(sandbox: SandboxServer) -> None:
    key = sandbox.zendesk.control.mutate("create_ticket", at="2026-03-01T00:00:00Z")["id"]
    assert ticket(sandbox, key)["generated_timestamp"] == 1_772_323_200


def test_log_tells_requests_without_secrets(sandbox: SandboxServer) -> None:
    asker = Asker(sandbox.zendesk)
    asker.get("groups", access_token="do-not-tell", per_page=3)
    (entry,) = ask(asker.url, "/__sandbox/log", {}).json
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/api/v2/groups", 200)
    assert entry["query"] == {"per_page": "3"}
    assert "do-not-tell" not in json.dumps(entry)
    post(sandbox, "log", None, method="DELETE")
    assert asker.control.log() == []


def test_state_tells_counts_and_versions(sandbox: SandboxServer) -> None:
    counts = ask(sandbox.zendesk.url, "/__sandbox/state", {}).json["counts"]
    told = ask(sandbox.zendesk.url, "/__sandbox/state", {}, stream="tickets").json["records"]
    assert len(told) == counts["tickets"] == 40
    assert sum(row["deleted"] for row in told) == counts["deleted_tickets"]
    assert told[0]["version"] == ticket(sandbox, told[0]["id"])["generated_timestamp"] * 1000
    whole = ask(sandbox.zendesk.url, "/__sandbox/records", {}, stream="ticket_comments").json
    assert len(whole) == counts["ticket_comments"]
    assert ask(sandbox.zendesk.url, "/__sandbox/state", {}, stream="nonsense").status == 400


def test_clock_moves_over_http(sandbox: SandboxServer) -> None:
    told = post(sandbox, "clock", {"to": NOW, "advance": 60, "frozen": True}).json
    assert told["iso"] == "2026-11-22T12:01:00Z"
    assert post(sandbox, "clock", {}).json == told


def test_settings_change_over_http(sandbox: SandboxServer) -> None:
    assert post(sandbox, "configure", {"account_total": 123}).status == 200
    assert Asker(sandbox.zendesk).get("groups").headers["ratelimit-limit"] == "123"
    assert post(sandbox, "configure", {"plan": "nonsense"}).status == 400
    assert post(sandbox, "configure", {"nonsense": 1}).status == 400

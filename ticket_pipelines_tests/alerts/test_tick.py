"""Ticks on a real control database: facts, state that outlives processes, and messages that are never lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ticket_pipelines.alerts import store
from ticket_pipelines.alerts.facts import read_facts
from ticket_pipelines.alerts.rules import Change
from ticket_pipelines.alerts.tick import tick
from ticket_pipelines.control.database import desks, quarantine
from ticket_pipelines.control.ending import Ending
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.settings import read_settings
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.alerts.conftest import Hook
from ticket_pipelines_tests.control.runs import insert_run
from ticket_pipelines_tests.fixtures.project import OAUTH, Cli

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def environ(home: Path, control_url: str, hook: Hook) -> dict[str, str]:
    return {
        "TICKETS_HOME": str(home),
        "TICKETS_CONTROL_DB": control_url.replace("+psycopg2", ""),
        "TICKETS_SECRET_KEY": Fernet.generate_key().decode(),
        "TICKETS_ALERT_WEBHOOK": hook.url,
    }


@pytest.fixture
def installed(environ: dict[str, str]) -> Iterator[Project]:
    with open_project(read_settings(environ)) as project:
        add(project, "acme")
        yield project


def add(project: Project, key: str) -> None:
    """A desk that was registered, and synced well, before noon."""
    project.desks.add(key, "zendesk", {"subdomain": key.replace("_", "-"), "schedule": "every 10m"}, OAUTH)
    with project.control.begin() as connection:
        connection.execute(sa.update(desks).values(created_at=NOON - timedelta(days=1)))
    insert_run(project.control, key, NOON - MINUTE)
    project.desks.ended(key, Ending(Status.SUCCESS, NOON))


def fail(project: Project, key: str, at: datetime) -> None:
    insert_run(project.control, key, at, "failed", error_message="refused", rows_read=0)
    project.desks.ended(key, Ending(Status.FAILED, at))


def told(hook: Hook) -> list[str]:
    """Rule, state and desk of each message, in order; forgotten afterwards."""
    found = [f"{body['rule']} {body['state']} {' '.join(body['desks'])}" for body in hook.bodies]
    hook.bodies.clear()
    return found


def test_one_message_at_the_start_and_one_at_the_end_over_restarts(
    installed: Project, environ: dict[str, str], hook: Hook
) -> None:
    tick(installed.control, installed.settings, NOON)
    assert told(hook) == []
    fail(installed, "acme", NOON + MINUTE)
    for second in range(3):
        tick(installed.control, installed.settings, NOON + 2 * MINUTE + timedelta(seconds=second))
    with open_project(read_settings(environ)) as restarted:
        tick(restarted.control, restarted.settings, NOON + 3 * MINUTE)
    assert told(hook) == ["sync_failed started acme"]
    insert_run(installed.control, "acme", NOON + 4 * MINUTE)
    installed.desks.ended("acme", Ending(Status.SUCCESS, NOON + 4 * MINUTE))
    for minute in (5, 6):
        tick(installed.control, installed.settings, NOON + minute * MINUTE)
    assert told(hook) == ["sync_failed ended acme"]


def test_a_channel_that_is_away_is_tried_again_in_order_and_loses_nothing(installed: Project, hook: Hook) -> None:
    hook.answer = 503
    fail(installed, "acme", NOON)
    tick(installed.control, installed.settings, NOON + MINUTE)
    installed.desks.ended("acme", Ending(Status.SUCCESS, NOON + 2 * MINUTE))
    tick(installed.control, installed.settings, NOON + 3 * MINUTE)
    first, second = store.waiting(installed.control)
    assert (first.attempts, first.error) == (2, "the webhook answered 503; check TICKETS_ALERT_WEBHOOK")
    assert second.attempts == 0
    hook.answer = 200
    tick(installed.control, installed.settings, NOON + 4 * MINUTE)
    assert told(hook) == []  # not due: tried ever more seldom
    tick(installed.control, installed.settings, NOON + 9 * MINUTE)
    assert told(hook) == ["sync_failed started acme", "sync_failed ended acme"]
    assert store.waiting(installed.control) == []


def test_a_sender_that_died_with_a_message_leaves_it_to_the_next(installed: Project, hook: Hook) -> None:
    hook.answer = 503
    fail(installed, "acme", NOON)
    tick(installed.control, installed.settings, NOON + MINUTE)
    hook.answer = 200
    at = NOON + 10 * MINUTE
    taken = store.take(installed.control, "webhook", at, at + 2 * MINUTE)
    assert taken
    assert store.take(installed.control, "webhook", at, at + 2 * MINUTE) is None
    tick(installed.control, installed.settings, at + MINUTE)
    assert told(hook) == []
    tick(installed.control, installed.settings, at + 3 * MINUTE)
    assert told(hook) == ["sync_failed started acme"]


def test_ticks_at_once_tell_once(installed: Project, hook: Hook) -> None:
    for number in range(5):
        add(installed, f"desk_{number}")
        fail(installed, f"desk_{number}", NOON + MINUTE)
    times = [NOON + 2 * MINUTE + timedelta(milliseconds=number) for number in range(4)]
    threads = [threading.Thread(target=tick, args=(installed.control, installed.settings, at)) for at in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tick(installed.control, installed.settings, NOON + 3 * MINUTE)
    assert sorted(told(hook)) == [f"sync_failed started desk_{number}" for number in range(5)]


def test_a_caller_in_a_loop_ticks_no_more_often_than_it_is_to(installed: Project) -> None:
    fail(installed, "acme", NOON)
    every = timedelta(seconds=30)
    assert len(tick(installed.control, installed.settings, NOON + MINUTE, every)) == 1
    installed.desks.pause("acme")
    assert tick(installed.control, installed.settings, NOON + MINUTE + timedelta(seconds=29), every) == []
    (turn,) = tick(installed.control, installed.settings, NOON + MINUTE + timedelta(seconds=30), every)
    assert "no longer looked at" in turn.detail


def test_facts_of_a_desk(installed: Project) -> None:
    insert_run(
        installed.control,
        "acme",
        NOON + MINUTE,
        "partial",
        rows_read=10,
        rows_failed=3,
        error_message="3 set aside",
        details={"streams": {}, "drift": ["new field tickets.mood"]},
    )
    insert_run(installed.control, "acme", NOON + 2 * MINUTE, "running", mode="full", rows_read=0)
    insert_run(installed.control, "acme", NOON + 3 * MINUTE, "failed", direction="outbound")
    insert_run(installed.control, "acme", NOON + 4 * MINUTE, "skipped")
    put_aside(installed, 2)
    (facts,) = read_facts(installed.control, NOON + 5 * MINUTE)
    assert (facts.mode, facts.running, facts.sync_seconds) == ("full", True, 180.0)
    assert facts.success_at == NOON - MINUTE + timedelta(seconds=10)
    assert (facts.rows_read, facts.rows_failed, facts.drift) == (10, 3, ("new field tickets.mood",))
    assert facts.quarantined == 2


def test_an_idle_check_counts_as_a_success_where_it_follows_one(installed: Project) -> None:
    installed.desks.ended("acme", Ending(Status.SUCCESS, NOON, whole=True))
    installed.desks.ended("acme", Ending(Status.SKIPPED, NOON + MINUTE))
    assert read_facts(installed.control, NOON)[0].success_at == NOON + MINUTE
    insert_run(installed.control, "acme", NOON + 2 * MINUTE, "partial")
    installed.desks.ended("acme", Ending(Status.PARTIAL, NOON + 2 * MINUTE))
    installed.desks.ended("acme", Ending(Status.SKIPPED, NOON + 3 * MINUTE))
    assert read_facts(installed.control, NOON)[0].success_at == NOON - MINUTE + timedelta(seconds=10)


def put_aside(project: Project, count: int) -> None:
    rows: list[dict[str, Any]] = [
        {"id": str(number), "desk": "acme", "stream": "tickets", "stage": "map", "reason": "r", "payload": "p"}
        | {"payload_hash": str(number), "attempts": 1, "first_seen_at": NOON, "last_seen_at": NOON}
        for number in range(count)
    ]
    with project.control.begin() as connection:
        connection.execute(sa.insert(quarantine), rows)


def test_credentials_that_the_vendor_ends_are_known_from_registration(project: Project) -> None:
    token = {"email": "a@example.org", "api_token": "s3cret-token"}
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, token)
    (facts,) = read_facts(project.control, NOON)
    assert facts.credentials_end_at == datetime(2027, 4, 30, tzinfo=UTC)
    project.desks.update("acme", credentials=OAUTH)
    assert read_facts(project.control, NOON)[0].credentials_end_at is None


def test_commands_change_rules_and_show_what_holds(cli: Cli, project: Project) -> None:
    add(project, "acme")
    fail(project, "acme", NOON)
    assert cli("alerts", "set", "no_success", "--off").exit_status == 0
    assert cli("alerts", "set", "sync_failed", "--threshold", "2", "--desk", "acme").exit_status == 0
    shown = cli("alerts", "rules", "--json").json
    assert {one["rule"]: one["enabled"] for one in shown["rules"]}["no_success"] is False
    assert shown["exceptions"] == [{"rule": "sync_failed", "desk": "acme", "enabled": True, "threshold": 2.0}]
    of_desk = {
        one["rule"]: one["threshold"] for one in cli("alerts", "rules", "--desk", "acme", "--json").json["rules"]
    }
    assert of_desk["sync_failed"] == 2
    assert cli("alerts", "check", "--json").json == []
    assert cli("alerts", "set", "sync_failed", "--reset", "--desk", "acme").exit_status == 0
    (turn,) = cli("alerts", "check", "--json").json
    assert (turn["rule"], turn["desk"], turn["state"]) == ("sync_failed", "acme", "started")
    listed = cli("alerts", "list", "--json").json
    assert [one["rule"] for one in listed["conditions"]] == ["sync_failed"]
    assert listed["waiting"] == []
    assert "the last sync failed: refused" in cli("alerts", "list").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nonsense", "--off"), "there is no alert rule 'nonsense': write one of sync_failed"),
        (("quarantine", "--off", "--desk", "nobody"), "there is no desk 'nobody'"),
        (("quarantine",), "Give --reset"),
        (("quarantine", "--reset", "--on"), "Give --reset"),
    ],
)
def test_a_change_that_cannot_be_is_refused(cli: Cli, args: tuple[str, ...], says: str) -> None:
    ended = cli("alerts", "set", *args)
    assert ended.exit_status == 2
    assert says in ended.stderr


def test_a_purged_desk_takes_its_exceptions_along(installed: Project) -> None:
    store.change_rule(installed.control, "quarantine", "acme", Change(enabled=False))
    installed.desks.remove("acme")
    installed.desks.purge("acme")
    with installed.control.connect() as connection:
        assert store.read_changes(connection) == {}

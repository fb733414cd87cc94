"""The registry: what may be registered, changed and removed, and when a desk is due."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticket_pipelines.control.ending import Ending
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.errors import UsageError
from ticket_pipelines.logs import TextFormat
from ticket_pipelines.project import Project
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.fixtures.project import OAUTH, MakeProject

ACME = {"subdomain": "acme"}


@pytest.fixture
def desk(project: Project) -> Desk:
    return project.desks.add("acme", "zendesk", ACME, OAUTH)


def test_a_desk_has_the_vendors_schedule_and_is_due_at_once(project: Project, desk: Desk) -> None:
    assert (desk.key, desk.vendor, desk.schedule, desk.timezone) == ("acme", "zendesk", "*/15 * * * *", "UTC")
    assert not desk.paused
    assert desk.failures == 0
    assert project.desks.get("acme") == desk
    assert project.desks.list() == [desk]
    assert list(project.desks.due(datetime.now(UTC))) == [desk]
    assert project.desks.credentials("acme") == OAUTH


def test_common_keys_of_the_configuration_are_taken(project: Project) -> None:
    common = {"schedule": "every 30s", "timezone": "Europe/Rome", "streams": ["tickets"], "max_requests_per_minute": 60}
    desk = project.desks.add("acme", "zendesk", {**ACME, **common}, OAUTH)
    assert (desk.schedule, desk.timezone, desk.streams) == ("every 30s", "Europe/Rome", ("tickets",))
    assert desk.config == {**ACME, "streams": ["tickets"], "max_requests_per_minute": 60}
    mapped = project.desks.update("acme", {"status_map": {"On Site": "in_progress"}})
    assert mapped.config["status_map"] == {"On Site": "in_progress"}
    assert "status_map" not in project.desks.update("acme", {"status_map": None}).config


@pytest.mark.parametrize(
    "key", ["", "a", "Acme", "1acme", "_acme", "ac-me", "ac__me", "a" * 41, "acme ", "ačme", "a;b"]
)
def test_a_key_that_breaks_the_rule_is_refused(project: Project, key: str) -> None:
    with pytest.raises(UsageError, match="2 to 40 of a-z"):
        project.desks.add(key, "zendesk", ACME, OAUTH)
    assert project.desks.list() == []


@pytest.mark.parametrize("key", ["ab", "a1", "support_eu", "a" * 40, "a_b_"])
def test_a_key_within_the_rule_is_taken(project: Project, key: str) -> None:
    assert project.desks.add(key, "zendesk", ACME, OAUTH).key == key


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "subdomain"),
        ({"subdomain": "acme/../x"}, "subdomain"),
        ({"base_url": "http://acme.example"}, "http"),
        ({"base_url": "https://acme.example/path"}, "base_url"),
        ({**ACME, "subdomian": "x"}, "did you mean 'subdomain'"),
        ({**ACME, "schedule": "often"}, "schedule"),
        ({**ACME, "schedule": 5}, "must be text"),
        ({**ACME, "timezone": "Rome"}, "time zone"),
        ({**ACME, "streams": ["tikets"]}, "did you mean 'tickets'"),
        ({**ACME, "streams": "tickets"}, "list of names"),
        ({**ACME, "streams": []}, "list of names"),
        ({**ACME, "max_requests_per_minute": 0}, "from 1 on"),
        ({**ACME, "max_requests_per_minute": True}, "from 1 on"),
        ({**ACME, "status_map": ["On Site"]}, "Waiting for parts"),
        ({**ACME, "status_map": {"On Site": None}}, "Waiting for parts"),
        ({**ACME, "status_map": {"On Site": "in progress"}}, "did you mean 'in_progress'"),
        ({**ACME, "status_map": {"On Site": "open", "on  site": "new"}}, "names a label twice"),
        ({**ACME, "start_time": "yesterday"}, "start_time"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(project: Project, config: Mapping[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        project.desks.add("acme", "zendesk", config, OAUTH)
    assert project.desks.list() == []


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"access_token": ""},
        {"access_token": 5},
        {"token": "s3cret-value"},
        {"client_id": "s3cret-value"},
        {**OAUTH, "access_token": "s3cret-value"},
        {"s3cret-value": "access_token"},
    ],
    ids=["none", "empty", "number", "wrong-name", "half", "two-forms", "swapped"],
)
def test_credentials_of_a_wrong_form_are_refused_and_never_shown(
    project: Project, credentials: Mapping[str, Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        project.desks.add("acme", "zendesk", ACME, credentials)
    assert "s3cret" not in str(caught.value)
    assert "credentials" in str(caught.value)


def test_an_unknown_vendor_is_refused_with_the_known_ones(project: Project) -> None:
    with pytest.raises(UsageError, match="did you mean 'zendesk'"):
        project.desks.add("acme", "zendsk", ACME, OAUTH)


def test_a_key_is_unique(project: Project, desk: Desk) -> None:
    with pytest.raises(UsageError, match="exists already"):
        project.desks.add("acme", "zendesk", {"subdomain": "other"}, OAUTH)
    assert project.desks.get("acme") == desk


def test_of_many_that_add_one_key_at_once_one_wins(make_project: MakeProject) -> None:
    project = make_project()
    outcomes: list[str] = []

    def add(subdomain: str) -> None:
        try:
            project.desks.add("acme", "zendesk", {"subdomain": subdomain}, OAUTH)
            outcomes.append("added")
        except UsageError as error:
            outcomes.append("exists already" if "exists already" in str(error) else str(error))

    threads = [threading.Thread(target=add, args=(f"acme{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added"] + ["exists already"] * 5
    assert len(project.desks.list()) == 1


def test_processes_add_desks_at_once(make_project: MakeProject, home: Any) -> None:
    code = """
import sys
from ticket_pipelines.project import open_project
with open_project({"TICKETS_HOME": sys.argv[1]}) as project:
    for name in (f"{sys.argv[2]}{n}" for n in range(5)):
        project.desks.add(name, "zendesk", {"subdomain": name}, {"access_token": "token"})
"""
    adding = [subprocess.Popen([sys.executable, "-c", code, str(home), name]) for name in ("aa", "bb", "cc")]
    assert [process.wait(60) for process in adding] == [0] * 3
    assert len(make_project().desks.list()) == 15


def test_update_changes_the_keys_that_are_given(project: Project, desk: Desk) -> None:
    changed = project.desks.update("acme", {"schedule": "every 30s", "streams": ["tickets"]})
    assert (changed.schedule, changed.streams, changed.config["subdomain"]) == ("every 30s", ("tickets",), "acme")
    assert changed.next_due_at is not None
    assert changed.next_due_at <= datetime.now(UTC) + timedelta(seconds=30)
    again = project.desks.update("acme", {"streams": None, "schedule": None})
    assert (again.schedule, again.streams) == ("*/15 * * * *", ())
    assert project.desks.credentials("acme") == OAUTH
    assert again.created_at == desk.created_at


def test_update_changes_credentials(project: Project, desk: Desk) -> None:
    project.desks.update(desk.key, credentials={"access_token": "another-token"})
    assert project.desks.credentials("acme") == {"access_token": "another-token"}


def test_update_refuses_another_account(project: Project, desk: Desk) -> None:
    with pytest.raises(UsageError, match="cannot point at"):
        project.desks.update("acme", {"subdomain": "other"})
    assert project.desks.get("acme") == desk


def test_a_paused_desk_is_not_due_until_it_is_resumed(project: Project, desk: Desk) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    assert project.desks.pause(desk.key).paused
    assert list(project.desks.due(later)) == []
    resumed = project.desks.resume("acme")
    assert not resumed.paused
    assert list(project.desks.due(later)) == [resumed]
    assert list(project.desks.due(datetime.now(UTC))) == []


def test_a_removed_desk_keeps_its_key_until_it_is_purged(project: Project, desk: Desk) -> None:
    removed = project.desks.remove(desk.key)
    assert removed.removed_at is not None
    assert project.desks.list() == []
    assert [found.key for found in project.desks.list(removed=True)] == ["acme"]
    with pytest.raises(UsageError, match="remove acme --purge"):
        project.desks.add("acme", "zendesk", ACME, OAUTH)
    for use in (project.desks.get, project.desks.credentials, project.desks.pause):
        with pytest.raises(UsageError, match="was removed"):
            use("acme")
    project.desks.purge("acme")
    assert project.desks.add("acme", "zendesk", {"subdomain": "other"}, OAUTH).account != desk.account


def test_an_unknown_desk_is_said(project: Project) -> None:
    with pytest.raises(UsageError, match="there is no desk 'acme'"):
        project.desks.get("acme")


def test_the_end_of_a_sync_sets_the_next_due_time_and_counts_failures(project: Project, desk: Desk) -> None:
    at = datetime(2026, 1, 15, 12, 7, tzinfo=UTC)
    for status, failures, due in [
        (Status.FAILED, 1, "12:15"),
        (Status.FAILED, 2, "12:30"),
        (Status.SKIPPED, 2, "12:30"),
        (Status.FAILED, 3, "13:00"),
        (Status.FAILED, 4, "14:00"),
        (Status.FAILED, 5, "14:00"),
        (Status.PARTIAL, 0, "12:15"),
        (Status.FAILED, 1, "12:15"),
        (Status.SUCCESS, 0, "12:15"),
    ]:
        project.desks.ended(desk.key, Ending(status, at))
        found = project.desks.get("acme")
        assert found.failures == failures, status
        assert found.last_checked_at == at
        assert f"{found.next_due_at:%H:%M}" == due


def test_the_end_of_a_sync_of_a_removed_desk_changes_nothing(project: Project, desk: Desk) -> None:
    project.desks.remove(desk.key)
    project.desks.ended("acme", Ending(Status.SUCCESS, datetime.now(UTC)))
    assert project.desks.list() == []
    found = project.desks.find("acme")
    assert found is not None
    assert found.next_due_at is None


def test_due_desks_come_longest_waiting_first(project: Project) -> None:
    now = datetime.now(UTC)
    for key, minutes in (("aa", 30), ("bb", 50), ("cc", 40)):
        project.desks.add(key, "zendesk", {"subdomain": key, "schedule": "every 10m"}, OAUTH)
        project.desks.ended(key, Ending(Status.SUCCESS, now - timedelta(minutes=minutes)))
    assert [found.key for found in project.desks.due(now)] == ["bb", "cc", "aa"]


def test_a_desk_of_a_lower_priority_number_goes_first(project: Project) -> None:
    for key, priority in (("aa", {}), ("bb", {"priority": 60}), ("cc", {"priority": 1})):
        project.desks.add(key, "zendesk", {"subdomain": key, **priority}, OAUTH)
    assert [found.key for found in project.desks.due(datetime.now(UTC))] == ["cc", "aa", "bb"]
    project.desks.update("bb", {"priority": None})
    assert project.desks.get("bb").priority == 50
    for wrong in (0, 100, True, "high"):
        with pytest.raises(UsageError, match="priority must be a whole number"):
            project.desks.update("bb", {"priority": wrong})


def park(project: Project) -> None:
    ended = Ending(Status.FAILED, datetime.now(UTC), "credentials", "the vendor refuses the credentials")
    project.desks.ended("acme", ended)


def test_a_permanent_failure_parks_a_desk_until_something_changes(project: Project, desk: Desk) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    park(project)
    parked = project.desks.get(desk.key)
    assert (parked.parked, parked.next_due_at) == ("the vendor refuses the credentials", None)
    assert list(project.desks.due(later)) == []
    project.desks.update(desk.key, credentials={"access_token": "another-token"})
    assert [found.key for found in project.desks.due(datetime.now(UTC))] == ["acme"]
    park(project)
    assert project.desks.resume(desk.key).parked is None
    assert [found.key for found in project.desks.due(datetime.now(UTC))] == ["acme"]
    park(project)
    project.desks.ended(desk.key, Ending(Status.FAILED, datetime.now(UTC)))
    assert project.desks.get(desk.key).parked, "another failure, by hand, lets it stay parked"
    project.desks.ended(desk.key, Ending(Status.SUCCESS, datetime.now(UTC)))
    assert (project.desks.get(desk.key).parked, project.desks.get(desk.key).failures) == (None, 0)


@pytest.mark.parametrize(("whole", "parked"), [(True, "no access"), (False, None)])
def test_a_stream_that_may_not_be_read_parks_no_desk_whose_others_may(
    project: Project, desk: Desk, whole: bool, parked: str | None
) -> None:
    project.desks.ended(desk.key, Ending(Status.FAILED, datetime.now(UTC), "access", "no access", whole=whole))
    found = project.desks.get(desk.key)
    assert (found.parked, found.failures) == (parked, 1)


def test_logs_hide_what_the_vault_gave_out(project: Project, desk: Desk) -> None:
    secret = project.desks.credentials(desk.key)["client_secret"]
    record = logging.LogRecord("urllib3", logging.WARNING, "", 0, "GET /?secret=%s", (secret,), None)
    assert secret not in TextFormat().format(record)

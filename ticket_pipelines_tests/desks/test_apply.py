"""`desks apply`: the registry becomes equal to a file, all of it or nothing, and no secret is shown."""

from __future__ import annotations

import pytest

from ticket_pipelines.desks.apply import Change, apply_plan, make_plan, read_wanted
from ticket_pipelines.errors import UsageError
from ticket_pipelines.project import Project
from ticket_pipelines_tests.fixtures.project import OAUTH

FILE = """
desks:
  acme_eu:
    vendor: zendesk
    config: {subdomain: acme-eu, schedule: every 5m, timezone: Europe/Rome}
    credentials: {client_id: tickets, client_secret: "${SECRET_EU}"}
  acme_us:
    vendor: zendesk
    config: {subdomain: acme-us}
    credentials: {access_token: "${SECRET_US}"}
    paused: true
"""
SECRETS = {"SECRET_EU": "s3cret-of-eu", "SECRET_US": "s3cret-of-us"}


def apply(project: Project, text: str, environ: dict[str, str] = SECRETS) -> list[Change]:
    wanted = read_wanted(text, environ)
    return list(apply_plan(project.desks, make_plan(project.desks, wanted), wanted))


def test_desks_of_the_file_are_added_with_their_secrets_resolved(project: Project) -> None:
    assert [(change.action, change.key) for change in apply(project, FILE)] == [("add", "acme_eu"), ("add", "acme_us")]
    eu, us = project.desks.list()
    assert (eu.schedule, eu.timezone, eu.paused) == ("every 5m", "Europe/Rome", False)
    assert us.paused
    assert project.desks.credentials("acme_eu") == {"client_id": "tickets", "client_secret": "s3cret-of-eu"}


def test_applying_again_changes_nothing(project: Project) -> None:
    apply(project, FILE)
    assert apply(project, FILE) == []


def test_the_plan_names_every_difference_and_no_secret(project: Project) -> None:
    apply(project, FILE)
    project.desks.add("old", "zendesk", {"subdomain": "old"}, OAUTH)
    text = FILE.replace("every 5m", "every 30s").replace("paused: true", "paused: false")
    plan = make_plan(project.desks, read_wanted(text, {**SECRETS, "SECRET_EU": "s3cret-rotated"}))
    assert plan == [
        Change("remove", "old", "zendesk", ("its rows stay",)),
        Change("update", "acme_eu", "zendesk", ("schedule: 'every 5m' -> 'every 30s'", "credentials: changed")),
        Change("update", "acme_us", "zendesk", ("resumed",)),
    ]
    assert "s3cret" not in repr(plan)
    assert [desk.key for desk in project.desks.list()] == ["acme_eu", "acme_us", "old"]


def test_the_difference_is_applied(project: Project) -> None:
    apply(project, FILE)
    project.desks.add("old", "zendesk", {"subdomain": "old"}, OAUTH)
    text = FILE.replace(", schedule: every 5m, timezone: Europe/Rome", "").replace("paused: true", "paused: false")
    apply(project, text, {**SECRETS, "SECRET_EU": "s3cret-rotated"})
    eu, us = project.desks.list()
    assert (eu.schedule, eu.timezone, us.paused) == ("*/15 * * * *", "UTC", False)
    assert project.desks.credentials("acme_eu")["client_secret"] == "s3cret-rotated"
    assert [desk.key for desk in project.desks.list(removed=True) if desk.removed_at] == ["old"]


def test_an_empty_list_of_desks_removes_all_but_an_empty_file_is_refused(project: Project) -> None:
    apply(project, FILE)
    with pytest.raises(UsageError, match="`desks:` alone"):
        apply(project, "")
    assert len(project.desks.list()) == 2
    apply(project, "desks: {}")
    assert project.desks.list() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("desks: [", "not YAML"),
        ("desks:\n  a1: &x {vendor: zendesk}\n  a1: *x", "stands twice"),
        ("desk: {}", "`desks:` alone"),
        ("desks: [acme]", "`desks:` alone"),
        ("desks: {acme: {vendor: zendesk}}", "needs vendor, config and credentials"),
        (FILE.replace("paused", "pause"), "'pause' is not known"),
        (FILE.replace("acme_eu:", "Acme:"), "desk key 'Acme' is not allowed"),
        (FILE.replace("vendor: zendesk", "vendor: zendsk", 1), "did you mean 'zendesk'"),
        (FILE.replace("subdomain: acme-eu", 'subdomain: "${SECRET_EU}"'), "in credentials only"),
        (FILE.replace('"${SECRET_US}"', "5"), "must be text"),
        (FILE.replace("SECRET_US", "NOT_SET"), "variable NOT_SET is not set"),
        ("desks: !!python/object/apply:os.system [id]", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_is_changed(project: Project, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        apply(project, text)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert project.desks.list() == []


def test_another_account_under_the_same_key_is_refused(project: Project) -> None:
    apply(project, FILE)
    with pytest.raises(UsageError, match="points it at"):
        apply(project, FILE.replace("acme-eu", "other"))


def test_a_removed_desk_does_not_come_back_unasked(project: Project) -> None:
    apply(project, FILE)
    project.desks.remove("acme_eu")
    with pytest.raises(UsageError, match="--purge"):
        apply(project, FILE)

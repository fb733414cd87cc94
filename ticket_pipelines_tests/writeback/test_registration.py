"""What a desk is told about writing back, and the outbox on a control database in Postgres."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from ticket_pipelines.desks.apply import apply_plan, make_plan, read_wanted
from ticket_pipelines.errors import UsageError
from ticket_pipelines.project import Project
from ticket_pipelines.writeback.entry import Cause, Sent, State, drafts
from ticket_pipelines.writeback.outbox import EntryChangedError, Outbox
from ticket_pipelines_tests.fixtures.project import MakeProject

TENANT = {"tenant_url": "https://acme.qcontact.com"}
LOGIN = {"email": "agent@acme.example", "password": "s3cret"}
URL = "postgresql://reader:pa55word@db.example/app"
MIRROR = {"relation": "tickets", "key": "id", "columns": {"state": "status"}}


@pytest.mark.parametrize(
    ("vendor", "config", "credentials", "words"),
    [
        ("qcontact", {**TENANT, "mirror": MIRROR}, LOGIN, "give mirror_url"),
        ("qcontact", {**TENANT, "mirror": MIRROR}, {**LOGIN, "mirror_url": "mysql://host/app"}, "postgresql://"),
        (
            "qcontact",
            {**TENANT, "mirror": {"relation": "t"}},
            {**LOGIN, "mirror_url": URL},
            "relation, key and columns",
        ),
        ("qcontact", {**TENANT, "conflict_policy": "mine"}, LOGIN, "theirs, ours, ask"),
        ("zendesk", {"subdomain": "acme", "conflict_policy": "ours"}, {"access_token": "t"}, "is not known"),
        ("zendesk", {"subdomain": "acme"}, {"access_token": "t", "mirror_url": URL}, "must be"),
    ],
)
def test_what_cannot_work_is_refused(
    project: Project, vendor: str, config: dict[str, Any], credentials: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        project.desks.add("fibre", vendor, config, credentials)
    assert "pa55word" not in str(caught.value)


def test_the_address_of_the_mirror_stays_until_credentials_are_given_anew(project: Project) -> None:
    registry = project.desks
    registry.add("fibre", "qcontact", {**TENANT, "mirror": MIRROR}, {**LOGIN, "mirror_url": URL})
    registry.update("fibre", {"write_enabled": True})
    assert registry.mirror_url("fibre") == URL
    assert registry.credentials("fibre") == LOGIN
    with pytest.raises(UsageError, match="give mirror_url"):
        registry.update("fibre", credentials=LOGIN)
    registry.update("fibre", {"mirror": None}, LOGIN)
    assert registry.mirror_url("fibre") is None


def test_a_file_of_desks_with_a_mirror_is_applied_once(project: Project) -> None:
    text = f"""
desks:
  fibre:
    vendor: qcontact
    config: {{tenant_url: "https://acme.qcontact.com", write_enabled: true, mirror: {MIRROR}}}
    credentials: {{email: a@acme.example, password: s3cret, mirror_url: "{URL}"}}
"""
    wanted = read_wanted(text, {})
    (made,) = apply_plan(project.desks, make_plan(project.desks, wanted), wanted)
    assert (made.action, made.key) == ("add", "fibre")
    assert make_plan(project.desks, wanted) == []
    assert project.desks.mirror_url("fibre") == URL


def test_the_outbox_works_on_postgres_too(make_project: MakeProject, postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg2://")
    project = make_project(control_url=url, TICKETS_SECRET_KEY=Fernet.generate_key().decode())
    outbox = Outbox(project.control, project.vault)
    first, second = outbox.add("fibre", drafts("7", {"status": "solved", "c__a": "x"}, base={"c__a": None}))
    sent = outbox.sending(first, Sent({"status": "Solved"}, {"status": "Open"}, 3))
    assert outbox.get(first.id).payload.sent == sent.payload.sent
    with pytest.raises(EntryChangedError):
        outbox.park(first, Cause.DENIED, "seen as it was before")
    with pytest.raises(UsageError, match="was sent already"):
        outbox.cancel(first.id)
    outbox.finish(sent, State.DONE)
    assert outbox.written(second) == {"status": "Solved"}
    assert [entry.id for entry in outbox.open("fibre")] == [second.id]
    assert outbox.waiting_desks() == {"fibre"}
    outbox.park(second, Cause.REFUSED, "no")
    assert outbox.retry(second.id).state is State.WAITING
    assert outbox.cancel(second.id).finished_at is not None
    assert outbox.waiting_desks() == set()

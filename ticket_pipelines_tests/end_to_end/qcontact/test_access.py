"""Signing in, tokens that end or rotate, limits, and what users are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.database import access_tokens
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.qcontact.conftest import MakeQContactDesk
from ticket_pipelines_tests.fixtures.project import Cli
from ticket_pipelines_tests.fixtures.sandbox import MakeSandbox

SIGN_IN = "/auth/sign_in"


def test_one_sign_in_serves_many_syncs_and_is_kept_encrypted(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(login="password", tickets=3)
    desk.synced()
    desk.synced()
    assert len(desk.requests(SIGN_IN)) == 1
    with desk.project.control.connect() as connection:
        stored = str(connection.execute(sa.select(access_tokens)).mappings().all())
    assert "sandbox.example" not in stored
    assert "access-token" not in stored


def test_tokens_that_end_are_replaced_once_and_nothing_is_lost(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(login="password", tickets=10)
    desk.synced()
    desk.change("close", id=desk.some("Open"))
    desk.half_a_minute_passes()
    desk.vendor.control.fail("expire_tokens")
    desk.synced()
    assert len(desk.requests(SIGN_IN)) == 2
    assert desk.ids("tickets", "status = 'closed'")


def test_tokens_that_rotate_are_taken_over(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(login="password", tickets=10, settings={"rotates": True, "rotation_grace": 0})
    desk.synced()
    desk.synced()
    assert len(desk.requests(SIGN_IN)) == 1
    assert not [entry for entry in desk.requests("") if entry.status == 401]


def test_a_refused_password_ends_the_sync_with_what_to_do(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(login="password", tickets=1)
    desk.vendor.control.fail("refuse_credentials")
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert "refuses e-mail and password (401)" in str(result.error_message)
    assert desk.vendor.credentials["password"] not in str(result)


def test_a_fixed_token_that_is_refused_says_so(make_qcontact: MakeQContactDesk) -> None:
    desk = make_qcontact(tickets=1)
    desk.vendor.control.fail("refuse_credentials")
    result = desk.sync()
    assert (result.status, result.error_code) == (Status.FAILED, "credentials")
    assert not desk.requests(SIGN_IN)


@pytest.mark.parametrize(
    ("config", "credentials"),
    [
        ({"QCONTACT_API_URL": "https://api.qcontact.com"}, {"QCONTACT_API_KEY": "k"}),
        ({"api_url": "https://api.qcontact.com"}, {"api_key": "k"}),
        ({"tenant_url": "https://acme.qcontact.com"}, {"api_key": "k"}),
        ({"tenant_url": "https://api.qcontact.com"}, {"email": "a@b.example", "password": "p"}),
    ],
)
def test_the_dead_api_of_the_old_job_says_what_to_write_instead(
    make_qcontact: MakeQContactDesk, config: dict[str, str], credentials: dict[str, str]
) -> None:
    project = make_qcontact(tickets=0).project
    with pytest.raises(UsageError, match=r"QCONTACT_API_URL and QCONTACT_API_KEY belong to an API.*tenant_url"):
        project.desks.add("old", "qcontact", config, credentials)


def test_variables_of_the_old_job_are_not_read_and_that_is_said(
    home: Path, make_sandbox: MakeSandbox, tmp_path: Path
) -> None:
    tenant = make_sandbox(tickets=0).qcontact
    (tmp_path / "c.json").write_text(json.dumps(tenant.credentials))
    run = Cli({"TICKETS_HOME": str(home)})
    config = {name: told for name, told in tenant.config.items() if name != "schedule"}
    given = ("desks", "add", "fibre", "--vendor", "qcontact", "--config", json.dumps(config))
    added = run(*given, "--credentials", f"@{tmp_path / 'c.json'}", env={"QCONTACT_API_KEY": "s3cret"})
    assert added.exit_status == 0
    assert "QCONTACT_API_KEY is set in the environment, and nothing reads it." in added.stderr
    assert "s3cret" not in added.stderr
    assert "0 */6 * * *" in run("desks", "show", "fibre").stdout
    assert run("desks", "check", "fibre").exit_status == 0

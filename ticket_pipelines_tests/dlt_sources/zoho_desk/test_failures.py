"""What refusals mean, and what a check and the plain source make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dlt
import pytest

from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    LimitError,
    NotFoundError,
    PermanentError,
    SourceError,
    UnavailableError,
)
from dlt_sources.http import Answer, Request
from dlt_sources.zoho_desk import zoho_desk_source
from dlt_sources.zoho_desk.failures import OutOfRangeError, RefusedParameterError, failure
from ticket_pipelines_tests.dlt_sources.zoho_desk.emulated import Open, Start, asked, listed

NOW = 1_000.0
RANGE = "The value passed for field 'limit' exceeds the range of '1-50'."


@pytest.mark.parametrize(
    ("status", "code", "message", "error"),
    [
        (401, "INVALID_OAUTH", "", CredentialsError),
        (403, "SCOPE_MISMATCH", "", AccessError),
        (403, "FORBIDDEN", "", AccessError),
        (403, "OAUTH_ORG_MISMATCH", "", ConfigurationError),
        (403, "LICENSE_ACCESS_LIMITED", "", UnavailableError),
        (404, "URL_NOT_FOUND", "", UnavailableError),
        (404, "", "", ConfigurationError),
        (422, "UNPROCESSABLE_ENTITY", RANGE, OutOfRangeError),
        (422, "UNPROCESSABLE_ENTITY", "Extra query parameter 'x' is present in the input.", RefusedParameterError),
        (429, "TOO_MANY_REQUESTS", "", LimitError),
        (429, "THRESHOLD_EXCEEDED", "", LimitError),
        (500, "INTERNAL_SERVER_ERROR", "", ConnectionFailedError),
        (400, "BAD_REQUEST", "", PermanentError),
    ],
)
def test_what_a_refusal_means(status: int, code: str, message: str, error: type[SourceError]) -> None:
    body = json.dumps({"errorCode": code, "message": message}).encode()
    request = Request("/api/v1/agents", params={"secret": "x"}, about="stream agents", plan="Desk.agents.READ")
    found = failure(request, "desk.zoho.eu", Answer(status, {}, body), NOW)
    assert type(found) is error
    assert "stream agents" in str(found)
    assert "secret" not in str(found)


def test_a_record_that_is_gone_is_no_missing_endpoint() -> None:
    request = Request("/api/v1/tickets/1", child=True)
    assert isinstance(failure(request, "h", Answer(404, {}, b""), NOW), NotFoundError)


@pytest.mark.parametrize(
    ("code", "headers", "retry_at"),
    [
        ("THRESHOLD_EXCEEDED", {"Retry-After": "500"}, NOW + 500),
        ("THRESHOLD_EXCEEDED", {}, NOW + 3_600),
        ("TOO_MANY_REQUESTS", {}, NOW + 1),
    ],
)
def test_a_limit_says_until_when(code: str, headers: dict[str, str], retry_at: float) -> None:
    answer = Answer(429, headers, json.dumps({"errorCode": code}).encode())
    found = failure(Request("/x"), "h", answer, NOW)
    assert isinstance(found, LimitError)
    assert found.retry_at == retry_at


def test_another_organization_is_said(organization: Start, opened: Open) -> None:
    client = opened(organization(tickets=12), org_id="1")
    with pytest.raises(ConfigurationError, match="org_id"):
        client.check()


@pytest.mark.parametrize(
    ("login", "refused"),
    [
        ("oauth", set()),
        ("without_search", set()),
        ("tickets_only", {"contacts", "accounts", "agents", "departments", "teams", "fields"}),
    ],
)
def test_a_check_says_stream_by_stream_what_may_be_read(
    organization: Start, opened: Open, login: str, refused: set[str]
) -> None:
    found = opened(organization(tickets=12), login=login).check()
    assert {access.stream for access in found if not access.readable} == refused
    assert all("scope" in access.reason for access in found if access.stream in refused)


def test_the_edition_may_lack_a_stream(organization: Start, opened: Open) -> None:
    account = organization(tickets=12, unavailable={"fields": "LICENSE_ACCESS_LIMITED"})
    (fields,) = [access for access in opened(account).check() if access.stream == "fields"]
    assert (fields.readable, "edition" in fields.reason) == (False, True)


def test_the_plain_source_merges_and_goes_on_where_it_ended(organization: Start, tmp_path: Path) -> None:
    account = organization(tickets=30)
    pipeline = dlt.pipeline(
        "alone",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "alone.duckdb")),
        dataset_name="helpdesk",
    )

    def run() -> None:
        config: dict[str, Any] = {key: account.config[key] for key in ("org_id", "base_url", "accounts_url")}
        pipeline.run(zoho_desk_source("us", credentials=account.credentials, streams=("tickets", "agents"), **config))

    def rows(sql: str) -> list[tuple[Any, ...]]:
        with pipeline.sql_client() as client, client.execute_query(sql) as cursor:
            return list(cursor.fetchall())

    run()
    key = sorted(listed(account))[0]
    account.control.mutate("update_ticket", id=key, subject="changed")
    account.control.clear_log()
    run()

    assert listed(account) <= {row[0] for row in rows("SELECT id FROM tickets")}
    assert rows(f"SELECT subject FROM tickets WHERE id = '{key}'") == [("changed",)]
    assert len(rows("SELECT id FROM agents")) == 6
    assert len(asked(account, "/tickets/search")) == 2


def test_a_stream_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there is no nonsense"):
        zoho_desk_source("us", "1", {}, streams=("nonsense",))

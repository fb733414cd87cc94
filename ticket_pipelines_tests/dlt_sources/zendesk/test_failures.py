from __future__ import annotations

import json
from typing import Any

import pytest

from dlt_sources.errors import (
    AccessError,
    ConfigurationError,
    ConnectionFailedError,
    CredentialsError,
    CursorExpiredError,
    LimitError,
    NotFoundError,
    PermanentError,
    SourceError,
    StalledError,
    UnavailableError,
)
from dlt_sources.http import Answer, Request
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient
from dlt_sources.zendesk.failures import PageTooLargeError, TooRecentError, failure
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted

EXPORT = Request(
    "/api/v2/incremental/tickets/cursor",
    about="stream tickets",
    plan="an admin's credentials",
    passed=frozenset((504,)),
)
GATED = Request("/api/v2/slas/policies", about="stream sla_policies", plan="Suite Growth", gated=True)
CHILD = Request("/api/v2/tickets/7/comments", about="stream ticket_comments", child=True)
PLAIN = Request("/api/v2/tags", about="stream tags")

FORBIDDEN = {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}
NOT_FOUND = {"error": "RecordNotFound", "description": "Not found"}


def said(request: Request, status: int, body: Any = b"") -> SourceError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(request, "acme.zendesk.com", Answer(status, {}, data), 0.0)


@pytest.mark.parametrize(
    ("request_", "status", "body", "error", "message"),
    [
        (EXPORT, 400, {"errors": [{"code": "StartTimeTooRecent", "title": "x"}]}, TooRecentError, "recent"),
        (
            EXPORT,
            422,
            {"error": "InvalidValue", "description": "Too recent start_time. Use a start_time older than 5 minutes"},
            TooRecentError,
            "recent",
        ),
        (
            EXPORT,
            400,
            {"errors": [{"title": "start_time must be more than 60 seconds ago"}]},
            TooRecentError,
            "recent",
        ),
        (EXPORT, 400, {"errors": [{"code": "InvalidCursor"}]}, CursorExpiredError, "cursor"),
        (EXPORT, 400, {"error": "x", "description": "cursor is invalid or expired"}, CursorExpiredError, "cursor"),
        (PLAIN, 400, {"errors": [{"code": "InvalidPaginationDepth"}]}, StalledError, "10,000"),
        (PLAIN, 400, {"error": "TooManyValues", "max_count": 100}, PermanentError, "400 TooManyValues"),
        (PLAIN, 401, {"error": "Couldn't authenticate you"}, CredentialsError, "refuses the credentials"),
        (EXPORT, 403, FORBIDDEN, AccessError, "admin"),
        (PLAIN, 403, FORBIDDEN, AccessError, "role"),
        (GATED, 403, FORBIDDEN, UnavailableError, "Suite Growth"),
        (
            PLAIN,
            403,
            {"error": "Forbidden", "description": "You are missing the following required scopes: read, users:read"},
            AccessError,
            "scope read, users:read",
        ),
        (PLAIN, 403, b"<html>Access denied</html>", AccessError, "403"),
        (CHILD, 404, NOT_FOUND, NotFoundError, "gone"),
        (GATED, 404, {"errors": [{"code": "InvalidEndpoint"}]}, UnavailableError, "Suite Growth"),
        (PLAIN, 404, {"err": "InvalidEndpoint"}, UnavailableError, "no such endpoint"),
        (PLAIN, 404, b"", ConfigurationError, "no Zendesk account at acme.zendesk.com"),
        (PLAIN, 404, b"<html>No help desk at this address</html>", ConfigurationError, "subdomain"),
        (PLAIN, 410, {"error": "Gone"}, UnavailableError, "410"),
        (PLAIN, 422, {"error": "RecordInvalid", "details": {}}, PermanentError, "422 RecordInvalid"),
        (PLAIN, 429, {"error": "APIRateLimitExceeded"}, LimitError, "limit"),
        (EXPORT, 504, b"upstream request timeout", PageTooLargeError, "504"),
        (PLAIN, 504, b"upstream request timeout", ConnectionFailedError, "504"),
        (PLAIN, 503, b"<html></html>", ConnectionFailedError, "503"),
        (PLAIN, 409, {"error": "DatabaseConflict"}, ConnectionFailedError, "409 DatabaseConflict"),
        (PLAIN, 520, b"", ConnectionFailedError, "520"),
    ],
)
def test_each_envelope_means_one_error(
    request_: Request, status: int, body: Any, error: type[SourceError], message: str
) -> None:
    got = said(request_, status, body)
    assert type(got) is error
    assert message in str(got)
    assert request_.about in str(got)


def test_html_speaks_for_the_host_only_until_it_gave_an_answer(server: Scripted, client: ZendeskClient) -> None:
    groups, tags = ZENDESK.stream("groups"), ZENDESK.stream("tags")
    server.on(groups.path, Reply(b"<html>Not found</html>", 404))
    server.on(tags.path, Reply({"tags": []}))
    with pytest.raises(ConfigurationError, match="no Zendesk account at"):
        list(client.pages(groups, {}))
    list(client.pages(tags, {}))
    with pytest.raises(UnavailableError, match=r"stream groups.*no such endpoint"):
        list(client.pages(groups, {}))


@pytest.mark.parametrize(
    "body",
    [
        b"hush",
        b'"hush"',
        b"[1]",
        {"error": "hush: your token abc is wrong"},
        {"error": {"title": "Forbidden", "message": "hush"}},
        {"errors": [{"code": "x" * 500, "detail": "hush"}]},
        {"errors": ["hush"]},
        {"errors": []},
        {"error": {"message": "hush"}},
        {"error": 5},
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_a_message_never_holds_the_vendors_words(status: int, body: Any) -> None:
    message = str(said(PLAIN, status, body))
    assert "hush" not in message
    assert len(message) < 400

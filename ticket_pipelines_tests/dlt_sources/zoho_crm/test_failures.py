"""What error answers mean. Pure."""

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
)
from dlt_sources.http import Answer, Request
from dlt_sources.zoho_crm.failures import NoBulkError, NotModifiedError, ScopeError, failure

NOW = 1_750_000_000.0
LIST = Request("/crm/v8/Contacts", about="module Contacts")
BULK = Request("/crm/bulk/v8/read", about="bulk read of Contacts")


def meaning(request: Request, status: int, body: Any) -> SourceError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(request, "www.zohoapis.eu", Answer(status, {}, data), NOW)


def said(code: str, message: str = "") -> dict[str, Any]:
    return {"code": code, "details": {}, "message": message, "status": "error"}


@pytest.mark.parametrize(
    ("request_", "status", "body", "error"),
    [
        (LIST, 304, b"", NotModifiedError),
        (LIST, 401, said("INVALID_TOKEN"), CredentialsError),
        (LIST, 401, said("OAUTH_SCOPE_MISMATCH"), ScopeError),
        (LIST, 403, said("NO_PERMISSION"), AccessError),
        (LIST, 400, said("INVALID_MODULE"), AccessError),
        (LIST, 400, said("EXPIRED_PAGE_TOKEN"), CursorExpiredError),
        (LIST, 401, said("INVALID_PAGE_TOKEN"), CursorExpiredError),
        (LIST, 400, said("INVALID_DATA"), PermanentError),
        (LIST, 404, said("NOT_FOUND"), NotFoundError),
        (LIST, 404, b"<html>nothing here</html>", ConfigurationError),
        (LIST, 502, b"<html>", ConnectionFailedError),
        (LIST, 500, said("INTERNAL_ERROR"), ConnectionFailedError),
        (BULK, 400, {"data": [said("MODULE_NOT_SUPPORTED")]}, NoBulkError),
        (BULK, 401, said("OAUTH_SCOPE_MISMATCH"), NoBulkError),
    ],
)
def test_an_answer_has_its_error(request_: Request, status: int, body: Any, error: type[SourceError]) -> None:
    assert type(meaning(request_, status, body)) is error


@pytest.mark.parametrize(
    ("body", "wait"),
    [
        (said("TOO_MANY_REQUESTS", "You have reached the limit of API credits for the last 24 hours."), 3_600.0),
        (said("TOO_MANY_REQUESTS", "API limit exceeded for the day"), 3_600.0),
        (said("TOO_MANY_REQUESTS", "The maximum number of concurrent API calls has been exceeded."), 0.0),
        (said("TOO_MANY_REQUESTS", "You can download ten results per minute."), 0.0),
        ({"code": 429, "error": "TOO_MANY_REQUESTS", "error_info": "concurrency limit"}, 0.0),
        (b"", 0.0),
    ],
)
def test_only_the_words_of_a_429_say_which_limit(body: Any, wait: float) -> None:
    error = meaning(LIST, 429, body)
    assert isinstance(error, LimitError)
    assert error.retry_at - NOW == wait


def test_no_message_holds_what_the_vendor_wrote() -> None:
    for status in (400, 401, 403, 404, 429, 500):
        assert "secret" not in str(meaning(LIST, status, said("INVALID_DATA", "a secret of the customer")))

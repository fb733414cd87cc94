"""How Zoho CRM says no: code, message, status and details (contract, section 3.2), and ready-made faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.answers import Refusal

CREDITS = "You have reached the limit of API credits for the last 24 hours."
CONCURRENCY = "The maximum number of concurrent API calls has been exceeded."
SUB_CONCURRENCY = "The maximum number of concurrent calls to this API has been exceeded."
ERRORS: Mapping[str, tuple[int, str]] = {
    "INVALID_TOKEN": (401, "invalid oauth token"),
    "AUTHENTICATION_FAILURE": (401, "Authentication failed"),
    "OAUTH_SCOPE_MISMATCH": (401, "invalid oauth scope to access this URL"),
    "NO_PERMISSION": (403, "permission denied"),
    "INVALID_MODULE": (400, "The module name given seems to be invalid"),
    "NOT_SUPPORTED": (400, "The module is not supported in API"),
    "INVALID_URL_PATTERN": (404, "Please check if the URL trying to access is a correct one"),
    "INVALID_REQUEST_METHOD": (400, "The http request method type is not a valid one"),
    "REQUIRED_PARAM_MISSING": (400, "One of the expected parameter is missing"),
    "INVALID_DATA": (400, "invalid data"),
    "INVALID_QUERY": (400, "invalid query formed"),
    "LIMIT_EXCEEDED": (400, "Max field limit exceeded"),
    "LIMIT_REACHED": (400, "Record count exceeded"),
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": (
        400,
        "You can only get the first 2000 records without using page_token param.",
    ),
    "EXPIRED_PAGE_TOKEN": (400, "The page_token has expired"),
    "INVALID_PAGE_TOKEN": (400, "The page_token given is invalid"),
    "TOKEN_BOUND_DATA_MISMATCH": (400, "The data bound to the page_token differs from this request"),
    "AMBIGUITY_DURING_PROCESSING": (400, "page and page_token cannot be given together"),
    "TOO_MANY_REQUESTS": (429, CONCURRENCY),
    "INTERNAL_ERROR": (500, "Internal server error occurred."),
    # of bulk reads (section 3.1)
    "REQUEST_BODY_IS_EMPTY": (400, "The request body is empty."),
    "REQUEST_BODY_NOT_READABLE": (400, "The request body cannot be read."),
    "MODULE_NOT_AVAILABLE": (400, "The module is not available."),
    "MODULE_NOT_SUPPORTED": (400, "The module is not supported."),
    "FIELD_NOT_AVAILABLE": (400, "The field is not available."),
    "FIELD_NOT_SUPPORTED": (400, "The field is not supported."),
    "FIELD_IN_CRITERIA_NOT_AVAILABLE": (400, "The field in the criteria is not available."),
    "INVALID_CRITERIA": (400, "The criteria is invalid."),
    "CRITERIA_LIMIT_EXCEEDED": (400, "The criteria limit is exceeded."),
    "PAGE_RANGE_EXCEEDED": (400, "The page range is exceeded."),
    "INVALID_CALLBACK_URL": (400, "The callback URL is invalid."),
    "CVID_NOT_SUPPORTED": (400, "The custom view is not supported."),
    "RESOURCE_NOT_FOUND": (404, "The requested resource does not exist."),
}
"""Status and message by code."""


def body(code: str, message: str | None = None, **details: Any) -> dict[str, Any]:
    """Body of a refusal."""
    return {"code": code, "details": details, "message": message or ERRORS[code][1], "status": "error"}


def refused(code: str, message: str | None = None, *, status: int = 0, **details: Any) -> Refusal:
    """A refusal by its code."""
    return Refusal(status or ERRORS[code][0], body(code, message, **details))


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{code.lower(): {"status": status, "body": body(code)} for code, (status, _) in ERRORS.items()},
    "credits_used": {"status": 429, "body": body("TOO_MANY_REQUESTS", CREDITS)},
    "sub_concurrency": {"status": 429, "body": body("TOO_MANY_REQUESTS", SUB_CONCURRENCY)},
    "too_many_requests_older": {
        "status": 429,
        "body": {"code": 429, "error": "TOO_MANY_REQUESTS", "error_info": CONCURRENCY},
    },
    "empty": {"status": 204},
    "not_modified": {"status": 304},
    "bad_gateway": {"status": 502, "body": "<html>502 Bad Gateway</html>"},
    "unavailable": {"status": 503, "body": ""},
}
"""Faults by the vendor's own codes, in lower case; a 429 never has a Retry-After (section 3.2)."""

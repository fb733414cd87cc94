"""How this vendor says no: four shapes of body (contract, section 4), and ready-made faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def coded(code: str, title: str) -> dict[str, Any]:
    """The shape of newer endpoints: a list of codes."""
    return {"errors": [{"code": code, "title": title}]}


def named(error: str, description: str, **more: Any) -> dict[str, Any]:
    """The shape of older endpoints: a name and a description."""
    return {"error": error, "description": description, **more}


UNAUTHORIZED: dict[str, Any] = {"error": "Couldn't authenticate you"}
NOT_FOUND = named("RecordNotFound", "Not found")
INVALID_ENDPOINT = coded("InvalidEndpoint", "Not found")
INVALID_CURSOR = coded("InvalidCursor", "cursor is invalid or expired")
TOO_DEEP = coded("InvalidPaginationDepth", "Number of pages exceeds limit of 100")
TOO_RECENT = coded("StartTimeTooRecent", "start_time must be more than 60 seconds ago")
TOO_RECENT_BEFORE = named("InvalidValue", "Too recent start_time. Use a start_time older than 5 minutes")
TOO_MANY_REQUESTS = named("APIRateLimitExceeded", "Number of allowed API requests per minute exceeded")
TOO_MANY_OF_BUCKET = coded("RateLimitExceeded", "Number of allowed requests to this endpoint exceeded")
FORBIDDEN: dict[str, Any] = {
    "error": {
        "title": "Forbidden",
        "message": "You do not have access to this page. "
        "Please contact the account owner of this help desk for further help.",
    }
}
GATEWAY_TIMEOUT = "upstream request timeout"


def missing_scope(scope: str) -> dict[str, Any]:
    """Body of the 403 of a token whose scopes do not suffice."""
    return named("Forbidden", f"You are missing the following required scopes: {scope}")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "unauthorized": {"status": 401, "body": UNAUTHORIZED},
    "forbidden": {"status": 403, "body": FORBIDDEN},
    "missing_scope": {"status": 403, "body": missing_scope("read")},
    "not_found": {"status": 404, "body": NOT_FOUND},
    "invalid_endpoint": {"status": 404, "body": INVALID_ENDPOINT},
    "no_such_account": {"status": 404, "body": ""},
    "conflict": {"status": 409, "body": named("DatabaseConflict", "Database collision")},
    "invalid_cursor": {"status": 400, "body": INVALID_CURSOR},
    "start_time_too_recent": {"status": 400, "body": TOO_RECENT},
    "start_time_too_recent_before": {"status": 422, "body": TOO_RECENT_BEFORE},
    "pagination_depth": {"status": 400, "body": TOO_DEEP},
    "rate_limited": {"status": 429, "body": TOO_MANY_REQUESTS, "retry_after": 1},
    "server_error": {"status": 500, "body": ""},
    "bad_gateway": {"status": 502, "body": "<html>502 Bad Gateway</html>"},
    "unavailable": {"status": 503, "body": "Service Unavailable", "retry_after": 1},
    "gateway_timeout": {"status": 504, "body": GATEWAY_TIMEOUT},
}

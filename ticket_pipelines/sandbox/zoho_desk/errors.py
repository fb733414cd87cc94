"""How Zoho Desk says no: a code and a message (contract, section 2.5), and ready-made faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.answers import Refusal

ERRORS: Mapping[str, tuple[int, str]] = {
    "BAD_REQUEST": (400, "You are not authorized to perform this operation."),
    "INVALID_OAUTH": (401, "The OAuth Token you provided is invalid."),
    "UNAUTHORIZED": (401, "You are not authorized to perform this operation."),
    "SCOPE_MISMATCH": (403, "The scope of the OAuth token does not cover this operation."),
    "OAUTH_ORG_MISMATCH": (403, "The OAuth token does not belong to the organization passed."),
    "FORBIDDEN": (403, "You are not authorized to access this resource."),
    "LICENSE_ACCESS_LIMITED": (403, "Your Zoho Desk Edition does not support this feature/operation."),
    "URL_NOT_FOUND": (404, "The URL you requested could not be found."),
    "METHOD_NOT_ALLOWED": (405, "The HTTP method is not allowed for this URL."),
    "UNPROCESSABLE_ENTITY": (422, "The value passed for the 'from' query parameter is invalid."),
    "THRESHOLD_EXCEEDED": (429, "The daily API credit limit of your organization has been reached."),
    "TOO_MANY_REQUESTS": (429, "The number of concurrent requests allowed for your organization has been reached."),
    "INTERNAL_SERVER_ERROR": (500, "An internal server error occurred while performing this operation."),
}
"""Status and message by code."""
_LICENSE = {"feature": "FIELDS", "editionType": "FREE", "isTrial": False, "maxAllowedEntity": "10"}


def body(code: str, message: str | None = None) -> dict[str, Any]:
    """Body of a refusal."""
    more = _LICENSE if code == "LICENSE_ACCESS_LIMITED" else {}
    return {"errorCode": code, "message": message or ERRORS[code][1], **more}


def refused(
    code: str, message: str | None = None, *, status: int = 0, headers: Mapping[str, str] | None = None
) -> Refusal:
    """A refusal by its code."""
    return Refusal(status or ERRORS[code][0], body(code, message), headers)


def unprocessable(message: str) -> Refusal:
    """The 422 of a parameter."""
    return refused("UNPROCESSABLE_ENTITY", message)


def out_of_range(name: str, least: int, most: int) -> Refusal:
    """The 422 of a number that is too small or too large; clients learn the range from its text."""
    return unprocessable(f"The value passed for field '{name}' exceeds the range of '{least}-{most}'.")


def extra_parameter(name: str) -> Refusal:
    """The 422 of a parameter that the endpoint does not know."""
    return unprocessable(f"Extra query parameter '{name}' is present in the input.")


def invalid_parameter(name: str) -> Refusal:
    """The 422 of a value that does not fit."""
    return unprocessable(f"The value passed for the '{name}' query parameter is invalid.")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{code.lower(): {"status": status, "body": body(code)} for code, (status, _) in ERRORS.items()},
    "threshold_exceeded": {"status": 429, "body": body("THRESHOLD_EXCEEDED"), "retry_after": 3600},
    "empty": {"status": 204},
    "bad_gateway": {"status": 502, "body": "<html>502 Bad Gateway</html>"},
    "unavailable": {"status": 503, "body": ""},
}
"""Faults by the vendor's own codes, in lower case; only daily exhaustion has a Retry-After (section 2.6)."""

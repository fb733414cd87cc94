"""How QContact says no, and ready-made faults; the wording of the bodies is not documented, the statuses are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticket_pipelines.sandbox.answers import Refusal

ERRORS: Mapping[str, tuple[int, Any]] = {
    "signed_out": (401, {"errors": ["You need to sign in or sign up before continuing."]}),
    "wrong_login": (401, {"success": False, "errors": ["Invalid login credentials. Please try again."]}),
    "forbidden": (403, {"error": "You are not authorized to access this page."}),
    "not_found": (404, {"error": "Not found"}),
    "method_not_allowed": (405, {"error": "Method not allowed"}),
    "too_many_requests": (429, {"error": "Too many requests"}),
    "internal": (500, {"status": 500, "error": "Internal Server Error"}),
    "bad_gateway": (502, "<html>502 Bad Gateway</html>"),
    "unavailable": (503, ""),
}
"""Status and body by name."""
PRESETS: Mapping[str, Mapping[str, Any]] = {
    name: {"status": status, "body": body} for name, (status, body) in ERRORS.items()
}
"""Faults by the names of `ERRORS`."""


def refused(name: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """A refusal by its name."""
    status, body = ERRORS[name]
    return Refusal(status, body, headers)


def invalid(message: str, status: int = 422) -> Refusal:
    """A refusal of what was sent."""
    return Refusal(status, {"errors": [message]})

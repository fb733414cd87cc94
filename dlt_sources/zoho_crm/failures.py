"""What Zoho CRM's error answers mean (contract, section 3.2).

A body is `{code, message, status: "error", details}`, from the edge also `{code: 429, error, error_info}`. The vendor's
words serve to tell errors apart; messages hold only its short names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

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
    TransientError,
)
from dlt_sources.http import Answer, Request
from dlt_sources.retry import RETRIED
from dlt_sources.zoho_crm.limits import CREDITS_PAUSE

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_CONCURRENT = ("concurren", "simultaneous", "parallel", "per minute", "frequen")
_CREDITS = ("credit", "24 hour", "24-hour", "24hour", "per day", "daily", "a day", "api limit", "api count")

EXPIRED_TOKENS = frozenset({"EXPIRED_PAGE_TOKEN", "INVALID_PAGE_TOKEN", "TOKEN_BOUND_DATA_MISMATCH"})
"""Codes of a page token that leads nowhere any more: the walk starts again (contract, section 3)."""

FORBIDDEN = frozenset({"NO_PERMISSION", "INVALID_MODULE", "FORBIDDEN", "NOT_SUPPORTED", "FEATURE_NOT_SUPPORTED"})
"""Codes that cost one module alone."""

NO_BULK = frozenset(
    {
        "MODULE_NOT_SUPPORTED",
        "MODULE_NOT_AVAILABLE",
        "FIELD_NOT_AVAILABLE",
        "FIELD_NOT_SUPPORTED",
        "JOIN_LIMIT_EXCEEDED",
        "PAGE_RANGE_EXCEEDED",
        "RESOURCE_NOT_FOUND",
        "OAUTH_SCOPE_MISMATCH",
        *FORBIDDEN,
    }
)
"""Codes after which a module is read from its list instead (contract, section 3.1)."""


class NotModifiedError(TransientError):
    """A 304: there is nothing new."""


class ScopeError(AccessError):
    """The token lacks a scope; another token would lack it as well."""


class NoBulkError(PermanentError):
    """A bulk read cannot give this module whole: its list has to."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error body says.

    Attributes:
        code: The vendor's short name of the error; empty where there is none.
        words: All its words, in lower case, to search in; never shown.
    """

    code: str
    words: str


def problem(body: bytes) -> Problem:
    """Reads any error body."""
    words = body.decode(errors="replace").lower()
    try:
        data: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return Problem("", words)
    # bulk read and some others wrap the error in a list
    while isinstance(data, dict) and isinstance(data.get("data"), list) and data["data"]:
        data = data["data"][0]
    if not isinstance(data, dict):
        return Problem("", words)
    code = next((data[key] for key in ("code", "error") if isinstance(data.get(key), str)), "")
    return Problem(code if _NAME.fullmatch(code) else "", words)


def is_out_of_credits(words: str) -> bool:
    """Whether a 429 means that the day's credits are gone, and not that too many requests came at once.

    Only the message tells; one that says neither is taken for the latter, which costs a wait and no sync.
    """
    return any(mark in words for mark in _CREDITS) and not any(mark in words for mark in _CONCURRENT)


def failure(request: Request, host: str, answer: Answer, now: float) -> SourceError:
    """The error that an answer means, with a message for the user.

    Args:
        request: What was asked.
        host: Host of the API.
        answer: The answer, of status 300 and above.
        now: Unix time.
    """
    said = problem(answer.body)
    status = answer.status
    where = f"{request.about} ({host}{urlsplit(request.path).path})"
    answered = f"{status} {said.code}".strip()
    if status == 304:
        return NotModifiedError(f"{where}: nothing new.")
    if status == 429:
        return _limited(where, said, now)
    if said.code in EXPIRED_TOKENS:
        return CursorExpiredError(f"{where}: Zoho no longer knows the page token.")
    if "/crm/bulk/" in request.path and status < 500 and said.code in NO_BULK:
        return NoBulkError(f"{where}: no bulk read ({answered}).")
    if status in RETRIED or status >= 500:
        return ConnectionFailedError(f"{where}: Zoho answers {answered}, again and again. Try later.")
    return _refused(where, host, said, status)


def _refused(where: str, host: str, said: Problem, status: int) -> SourceError:
    answered = f"{status} {said.code}".strip()
    if said.code == "OAUTH_SCOPE_MISMATCH":
        return ScopeError(f"{where}: the token lacks a scope ({answered}). {SCOPES_NEEDED}")
    if status == 401:
        return CredentialsError(f"{where}: Zoho refuses the access token ({answered}). {SCOPES_NEEDED}")
    if status == 403 or said.code in FORBIDDEN:
        return AccessError(
            f"{where}: the credentials may not read this ({answered}). The profile of the user who granted the refresh "
            "token needs the right to see the module."
        )
    if status in (404, 410) and not said.code:
        return ConfigurationError(
            f"{where}: there is no Zoho CRM at {host} ({answered}). Check data_center or base_url in the desk's "
            "configuration."
        )
    if status in (404, 410):
        return NotFoundError(f"{where}: there is no such record or module ({answered}).")
    return PermanentError(f"{where}: Zoho refuses the request ({answered}).")


SCOPES_NEEDED = (
    "The refresh token has to be granted ZohoCRM.modules.READ, ZohoCRM.settings.modules.READ, "
    "ZohoCRM.settings.fields.READ, ZohoCRM.users.READ and ZohoCRM.bulk.READ."
)


def _limited(where: str, said: Problem, now: float) -> LimitError:
    if is_out_of_credits(said.words):
        return LimitError(f"{where}: the account's API credits of the last 24 hours are used up.", now + CREDITS_PAUSE)
    return LimitError(f"{where}: too many requests at once.", now)

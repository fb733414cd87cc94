"""What Zendesk's error answers mean (contract, section 4).

An error comes in one of four envelopes, or as plain text, HTML or nothing: `{"errors": [{code, …}]}`,
`{"error": "Name", "description": …}`, `{"error": {title, message}}`, `{"err"|"code": "Name"}`. The vendor's words
serve to tell errors apart; messages hold only its short names.
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
    StalledError,
    TransientError,
    UnavailableError,
)
from dlt_sources.http import Answer, Request
from dlt_sources.retry import RETRIED

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_SCOPES = re.compile(r"required scopes?:\s*([a-z_:, ]+)", re.IGNORECASE)
_TOO_RECENT = ("starttimetoorecent", "too recent", "must be more than 60 seconds")


class TooRecentError(TransientError):
    """The start lies within the minute that Zendesk withholds: there is nothing new."""


class PageTooLargeError(ConnectionFailedError):
    """A 504: Zendesk did not manage a page of that size."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error body says.

    Attributes:
        name: The vendor's short name of the error; empty where there is none.
        words: All its words, to search in; never shown.
        enveloped: The body has one of the known envelopes.
    """

    name: str
    words: str
    enveloped: bool


def problem(body: bytes) -> Problem:
    """Reads any error body."""
    text = body.decode(errors="replace")
    try:
        data: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return Problem("", text, enveloped=False)
    if not isinstance(data, dict):
        return Problem("", text, enveloped=False)
    errors = data.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        named: Any = errors[0].get("code") or errors[0].get("title")
    else:
        named = data.get("error") or data.get("err") or data.get("code") or data.get("title")
        if isinstance(named, dict):
            named = named.get("code") or named.get("title")
    name = named if isinstance(named, str) and _NAME.fullmatch(named) else ""
    return Problem(name, text, enveloped=bool({"errors", "error", "err", "code", "title"} & set(data)))


def failure(request: Request, host: str, answer: Answer, now: float, *, known: bool = False) -> SourceError:
    """The error that an answer means, with a message for the user.

    Args:
        request: What was request.
        host: Host of the account.
        answer: The answer, of status 300 and above.
        now: Unix time.
        known: This host gave other answers, so that it is an account's.
    """
    said = problem(answer.body)
    status = answer.status
    where = f"{request.about} ({host}{urlsplit(request.path).path})"
    answered = f"{status} {said.name}".strip()
    if status in (400, 422) and any(mark in said.words.lower() for mark in _TOO_RECENT):
        return TooRecentError(f"{where}: start_time is too recent.")
    if status == 400 and ("InvalidCursor" in said.words or "cursor is invalid" in said.words.lower()):
        return CursorExpiredError(f"{where}: Zendesk no longer knows the cursor.")
    if status == 400 and "InvalidPaginationDepth" in said.words:
        return StalledError(f"{where}: Zendesk gives no more than 10,000 rows of this list.")
    if status == 401:
        return CredentialsError(
            f"{where}: Zendesk refuses the credentials (401). Check that the OAuth client or token still exists and "
            "belongs to this account; an API token unused for 30 days is switched off."
        )
    if status == 403:
        return _forbidden(request, where, said)
    if status in (404, 410):
        return _not_found(request, where, None if known else host, said, status)
    if status == 429:
        return LimitError(f"{where}: Zendesk's limit is used up.", now)
    if status == 504 and 504 in request.passed:
        return PageTooLargeError(f"{where}: Zendesk did not manage a page of this size (504).")
    if status in RETRIED or status >= 500:
        return ConnectionFailedError(f"{where}: Zendesk answers {answered}, again and again. Try later.")
    return PermanentError(f"{where}: Zendesk refuses the request ({answered}).")


def _forbidden(request: Request, where: str, said: Problem) -> SourceError:
    scopes = _SCOPES.search(said.words)
    if scopes is not None:
        return AccessError(
            f"{where}: the token lacks the scope {scopes.group(1).strip(' ,')}. Give the OAuth client that scope."
        )
    if request.gated:
        return UnavailableError(f"{where}: not available to this account (403); it needs {request.plan}.")
    needs = request.plan or "a role with more rights"
    return AccessError(f"{where}: the credentials may not read this (403); it needs {needs}.")


def _not_found(request: Request, where: str, host: str | None, said: Problem, status: int) -> SourceError:
    if request.child:
        return NotFoundError(f"{where}: gone ({status}).")
    if host is not None and not said.enveloped and not request.gated:
        return ConfigurationError(
            f"{where}: there is no Zendesk account at {host} ({status}). Check subdomain or base_url in the desk's "
            "configuration."
        )
    needs = f"; it needs {request.plan}" if request.plan else ""
    return UnavailableError(f"{where}: this account has no such endpoint ({status} {said.name}".rstrip() + f"){needs}.")

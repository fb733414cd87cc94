"""What Zoho Desk's error answers mean (contract, section 2.5): `{"errorCode", "message"}`.

The vendor's words serve to tell errors apart; messages hold only its codes.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

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
from dlt_sources.retry import RETRIED, retry_after

_CODE = re.compile(r"[A-Z][A-Z_]{1,40}")
_RANGE = re.compile(r"field '(\w+)' exceeds the range of '(\d+)-(\d+)'")
_UNTIL_ASKED_AGAIN = 3600.0
"""Seconds after used-up credits that Zoho does not say until when."""


class OutOfRangeError(PermanentError):
    """A page number or size is outside of the range that Zoho gives; it says which (contract, section 0.5).

    Attributes:
        field: `from` or `limit`.
        most: Largest number allowed.
    """

    def __init__(self, message: str, field: str, most: int) -> None:
        super().__init__(message)
        self.field, self.most = field, most


class RefusedParameterError(PermanentError):
    """A 422: the endpoint does not know a parameter, or not this value of it."""


class Said(msgspec.Struct, rename="camel"):
    """An error body."""

    error_code: str = ""
    message: str = ""


def said(body: bytes) -> Said:
    """Reads any error body."""
    try:
        found = msgspec.json.decode(body, type=Said)
    except msgspec.DecodeError:
        return Said()
    return Said(found.error_code if _CODE.fullmatch(found.error_code) else "", found.message)


def failure(request: Request, host: str, answer: Answer, now: float) -> SourceError:
    """The error that an answer means, with a message for the user.

    Args:
        request: What was asked.
        host: Host of the API.
        answer: The answer, of status 300 and above.
        now: Unix time.
    """
    found = said(answer.body)
    where = f"{request.about} ({host}{urlsplit(request.path).path})"
    status, code = answer.status, found.error_code
    if status == 429:
        return _limited(where, code, answer, now)
    if status == 401:
        return CredentialsError(
            f"{where}: Zoho refuses the access token ({status} {code}), a new one too. Check that the user who granted "
            "it is still an agent of this organization."
        )
    if code == "OAUTH_ORG_MISMATCH":
        return ConfigurationError(
            f"{where}: the token does not belong to this organization. Check org_id in the desk's configuration."
        )
    if status == 403:
        return _forbidden(request, where, code)
    if status in (404, 410):
        return _not_found(request, where, host, code)
    if status == 422 and (match := _RANGE.search(found.message)):
        return OutOfRangeError(f"{where}: {match[1]} goes to {match[3]} only.", match[1], int(match[3]))
    if status == 422:
        return RefusedParameterError(f"{where}: Zoho refuses a parameter (422 {code}).")
    if status in RETRIED or status >= 500:
        return ConnectionFailedError(f"{where}: Zoho answers {status} {code}, again and again. Try later.")
    return PermanentError(f"{where}: Zoho refuses the request ({status} {code}).")


def _limited(where: str, code: str, answer: Answer, now: float) -> LimitError:
    named = retry_after(answer.headers, now)
    if code == "THRESHOLD_EXCEEDED" or named is not None:
        wait = named or _UNTIL_ASKED_AGAIN
        return LimitError(f"{where}: the organization's API credits of the day are used up.", now + wait)
    # too many calls at once: 1, 2, 4, … seconds
    return LimitError(f"{where}: Zoho takes no more calls at a time.", now + 1.0)


def _forbidden(request: Request, where: str, code: str) -> SourceError:
    if code == "LICENSE_ACCESS_LIMITED":
        return UnavailableError(f"{where}: the organization's edition does not have this (403 {code}).")
    needs = f"; it needs the scope {request.plan}" if request.plan else ""
    return AccessError(
        f"{where}: the credentials may not read this (403 {code}){needs}. A scope is granted with a new refresh_token."
    )


def _not_found(request: Request, where: str, host: str, code: str) -> SourceError:
    if request.child:
        return NotFoundError(f"{where}: gone.")
    if not code:
        return ConfigurationError(f"{where}: there is no Zoho Desk at {host}. Check data_center or base_url.")
    needs = f", or the token lacks the scope {request.plan}" if request.plan else ""
    return UnavailableError(f"{where}: this organization has no such endpoint{needs} (404 {code}).")

"""What QContact's error answers mean (contract, section 2.2 and 5.8). Its bodies are not documented and never shown."""

from __future__ import annotations

from urllib.parse import urlsplit

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

_UNTIL_ASKED_AGAIN = 60.0


class RefusedError(ConfigurationError):
    """A 400 or 422: the request itself is wrong."""


def failure(request: Request, host: str, answer: Answer, now: float) -> SourceError:
    """The error that an answer means, with a message for the user.

    Args:
        request: What was asked.
        host: Host of the tenant.
        answer: The answer, of status 300 and above.
        now: Unix time.
    """
    where = f"{request.about} ({host}{urlsplit(request.path).path})"
    status = answer.status
    if status == 401:
        return CredentialsError(
            f"{where}: QContact refuses the tokens, those of a new sign-in too. Check that the user may still sign in, "
            "or give new credentials."
        )
    if status == 403:
        return AccessError(f"{where}: the user may not read this (403). Give its role the right to view it.")
    if status in (404, 410):
        return _not_found(request, where, host)
    if status in (400, 422):
        return RefusedError(f"{where}: QContact refuses the request ({status}). Check filters and entities.")
    if status == 429:
        wait = retry_after(answer.headers, now) or _UNTIL_ASKED_AGAIN
        return LimitError(f"{where}: QContact takes no more requests for now.", now + wait)
    if status in RETRIED or status >= 500:
        return ConnectionFailedError(f"{where}: QContact answers {status}, again and again. Try later.")
    return PermanentError(f"{where}: QContact refuses the request ({status}).")


def _not_found(request: Request, where: str, host: str) -> SourceError:
    if request.child:
        return NotFoundError(f"{where}: gone.")
    if request.gated:
        return UnavailableError(f"{where}: this tenant has no such entity (404). Check entities.")
    return ConfigurationError(f"{where}: there is no QContact at {host}. Check tenant_url.")

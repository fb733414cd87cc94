"""Requests that get no whole answer: which of the libraries' errors say so, and what they mean for who tries again."""

from __future__ import annotations

import ssl

import requests
import urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from dlt_sources.errors import ConnectionFailedError, TransientError
from dlt_sources.retry import Policy

BROKEN = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.HTTPError,
)
"""What `requests` raises where an answer breaks off or does not come."""

CONNECT_ATTEMPTS = 3
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST")
"""What OpenSSL says of a port that speaks something else."""


class UnreachableError(ConnectionFailedError):
    """No connection could be made at all: fewer tries than for a broken answer."""


def unreachable(name: str) -> UnreachableError:
    """The error for a request of that name."""
    return UnreachableError(f"{name}: the host cannot be reached. Check its name, the network and the proxy.")


def never_reached(error: Exception) -> bool:
    """Whether one of `BROKEN` says that no connection was made."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError))


def unverified(error: BaseException | None) -> bool:
    """Whether TLS failed for want of a certificate that is accepted, and not because a handshake broke off."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError | CertificateError):
            return True
        if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
            return True
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((one for one in inner if isinstance(one, BaseException)), None)
    return False


def attempts(error: TransientError, policy: Policy) -> int:
    """Tries of a request that meets this error."""
    return min(policy.attempts, CONNECT_ATTEMPTS) if isinstance(error, UnreachableError) else policy.attempts

"""Connections that break, or never come about: what is raised of them, and how often a request is tried again."""

from __future__ import annotations

import requests
import urllib3

from dlt_sources.errors import ConnectionFailedError, TransientError
from dlt_sources.retry import Policy

BROKEN = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.HTTPError,
)
"""What the HTTP library raises where no whole answer comes."""

_CONNECT_ATTEMPTS = 3


class UnreachableError(ConnectionFailedError):
    """No connection could be made at all: fewer tries than for a broken answer."""


def unreachable(name: str) -> UnreachableError:
    """The error of a request of that name whose host is not there."""
    return UnreachableError(f"{name}: the host cannot be reached. Check its name, the network and the proxy.")


def never_reached(error: Exception) -> bool:
    """Whether there was no connection at all."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError))


def attempts(error: TransientError, policy: Policy) -> int:
    """How often a request that ends so is tried."""
    return min(policy.attempts, _CONNECT_ATTEMPTS) if isinstance(error, UnreachableError) else policy.attempts

"""The request log: what was asked, when and with which result; never a credential."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl

SECRET_PARAMETERS = frozenset(
    {"access_token", "access-token", "client_secret", "refresh_token", "password", "token", "code"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    Attributes:
        at: Unix seconds of the emulator's clock.
        method: HTTP method.
        path: Path without query.
        query: Parameters, without secret ones.
        status: Status of the answer; 0 when the connection was ended instead.
        fault: Kind of the fault that struck it, or empty.
        retry_after: The answer's Retry-After, as it was sent; empty where it had none.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    status: int
    fault: str = ""
    retry_after: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON-ready data."""
        return asdict(self)


def open_query(query: str) -> dict[str, str]:
    """The parameters of a query string, without secret ones."""
    return {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name not in SECRET_PARAMETERS}

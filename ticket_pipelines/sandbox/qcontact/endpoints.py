"""All endpoints of the emulated vendor, as data: method, path, handler (contract, section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import compile_path

from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.qcontact import reading, writing
from ticket_pipelines.sandbox.qcontact.call import Call

API = "/api/v2/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        method: HTTP method.
        path: Its path.
        answer: Makes the answer.
        by_query: True where tokens may also stand in the query string.
    """

    method: str
    path: str
    answer: Callable[[Call], Reply]
    by_query: bool = False


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", f"{API}me", reading.me),
    Endpoint("GET", f"{API}entities/DataExport/{{id:int}}/actions/run", reading.export, by_query=True),
    Endpoint("POST", f"{API}entities/Note", writing.note),
    Endpoint("GET", f"{API}entities/{{entity}}", reading.index),
    Endpoint("GET", f"{API}entities/{{entity}}/{{id:int}}", reading.show),
    Endpoint("PATCH", f"{API}entities/{{entity}}/{{id:int}}", writing.patch),
    Endpoint("GET", f"{API}entities/{{entity}}/{{id:int}}/events", reading.events),
    Endpoint("GET", f"{API}entity_types/{{entity}}", reading.schema),
)
_COMPILED = [(compile_path(endpoint.path)[0], endpoint) for endpoint in ENDPOINTS]
_STREAMS = {
    "cases": r"^/api/v2/entities/Case(?:\?|$)",
    "case": r"^/api/v2/entities/Case/\d+(?:\?|$)",
    "case_events": r"^/api/v2/entities/Case/\d+/events",
    "me": r"^/api/v2/me",
    "sign_in": r"^/api/v2/auth/sign_in",
    "notes": r"^/api/v2/entities/Note",
}


def find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str]]:
    """The endpoint of a request and the values in its path; None where the path is known, but not with this method.

    Raises:
        KeyError: No such path.
    """
    known = False
    for pattern, endpoint in _COMPILED:
        if match := pattern.match(path):
            known = True
            if endpoint.method == method:
                return endpoint, match.groupdict()
    if not known:
        raise KeyError(path)
    return None, {}


def stream_pattern(stream: str) -> str:
    """Regular expression for the paths of the list of cases, a single `case`, `case_events`, `me`, `sign_in`, `notes`.

    Raises:
        KeyError: No such stream.
    """
    return re.compile(_STREAMS[stream]).pattern

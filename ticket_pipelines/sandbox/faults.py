"""Faults: what is to go wrong with the next requests that match.

A fault either replaces the answer (`status`), spoils a true answer (`truncate`, `reset_body`, `not_json`, `slow`,
`delay`), ends the connection (`reset`), or is played by the vendor itself (`repeat`: the page says that it is followed
by itself).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from ticket_pipelines.sandbox.clock import Clock, http_date
from ticket_pipelines.sandbox.wire import hang_up, pause, reset

KINDS = ("status", "delay", "slow", "truncate", "not_json", "reset", "reset_body", "repeat")
_NOT_JSON = b"<html><body><h1>We are down for maintenance</h1></body></html>"
_SLOW_PIECES = 10


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: One of `KINDS`.
        match: Regular expression, searched in path and query of a request.
        times: How many more requests it spoils; None: all, until the faults are cleared.
        skip: How many matching requests pass before it starts.
        status: Status of the answer, for kind `status`.
        body: Body of that answer: text, or a value that becomes JSON.
        headers: Headers of that answer.
        retry_after: Value of its Retry-After: seconds, any text, or `date:N` for the HTTP date in N seconds.
        seconds: How long `delay` waits before and `slow` takes to send the body.
    """

    kind: str = "status"
    match: str = ""
    times: int | None = 1
    skip: int = 0
    status: int = 500
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: int | str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; one of: {', '.join(KINDS)}")
        re.compile(self.match)


class Faults:
    """The faults that wait for their requests, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Appends a fault."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Drops all faults."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """The faults that have not all struck yet."""
        return list(self._waiting)

    def strike(self, target: str) -> Fault | None:
        """Takes the first fault that matches a request's path and query."""
        for fault in self._waiting:
            if not re.search(fault.match, target):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
            return fault
        return None


def answer(fault: Fault, clock: Clock) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a fault that replaces the answer."""
    text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
    kind = "text/plain" if isinstance(fault.body, str) else "application/json"
    headers = {"content-type": f"{kind}; charset=utf-8", **fault.headers}
    if fault.retry_after is not None:
        headers["retry-after"] = _retry_after(fault.retry_after, clock)
    return fault.status, headers, text.encode()


def _retry_after(value: int | str, clock: Clock) -> str:
    text = str(value)
    return http_date(clock.now() + float(text.removeprefix("date:"))) if text.startswith("date:") else text


async def spoil(fault: Fault, messages: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a true answer, spoilt.

    Args:
        fault: Of kind slow, truncate, not_json or reset_body.
        messages: The true answer's ASGI messages.
        scope: The request's scope.
        receive: The request's receive.
        send: The request's send.
    """
    start = messages[0]
    body = b"".join(message.get("body", b"") for message in messages[1:])
    if fault.kind == "not_json":
        await send(_with_length(start, len(_NOT_JSON), {b"content-type": b"text/html; charset=utf-8"}))
        await send({"type": "http.response.body", "body": _NOT_JSON})
        return
    await send(_with_length(start, len(body), {}))
    if fault.kind == "slow":
        piece = max(1, -(-len(body) // _SLOW_PIECES))
        for at in range(0, len(body), piece):
            await pause(fault.seconds / _SLOW_PIECES, receive)
            await send({"type": "http.response.body", "body": body[at : at + piece], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await (hang_up if fault.kind == "truncate" else reset)(scope, receive)


def _with_length(start: Message, length: int, changed: Mapping[bytes, bytes]) -> Message:
    headers = {**dict(start["headers"]), **changed, b"content-length": str(length).encode()}
    return {**start, "headers": list(headers.items())}

"""What every request passes: the log, the faults, then the vendor; requests to the control plane go their own way."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

from ticket_pipelines.sandbox.clock import http_date
from ticket_pipelines.sandbox.control import Control
from ticket_pipelines.sandbox.control_api import PREFIX, control_app
from ticket_pipelines.sandbox.emulator import Asked, Reply
from ticket_pipelines.sandbox.faults import Fault, answer, spoil
from ticket_pipelines.sandbox.log import Entry, open_query
from ticket_pipelines.sandbox.wire import pause, reset


class Front:
    """The ASGI application of one vendor."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._control_app = control_app(control)
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["path"].startswith(f"{PREFIX}/"):
            await self._control_app(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._serve(scope, receive, send, self._in_flight)
        finally:
            self._in_flight -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send, in_flight: int) -> None:
        query = scope["query_string"].decode("latin-1")
        body = await _body(receive)
        fault = self._control.strike(f"{scope['path']}?{query}" if query else scope["path"])
        if fault and fault.kind == "delay":
            await pause(fault.seconds, receive)
        if fault and fault.kind == "reset":
            self._enter(scope, query, None, fault)
            await reset(scope, receive)
            return
        reply = self._reply(_asked(scope, query, body, fault, in_flight), fault)
        self._enter(scope, query, reply, fault)
        messages = self._messages(reply)
        if fault and fault.kind in ("slow", "truncate", "not_json", "reset_body"):
            await spoil(fault, messages, scope, receive, send)
            return
        for message in messages:
            await send(message)

    def _reply(self, asked: Asked, fault: Fault | None) -> Reply:
        if fault and fault.kind == "status":
            status, headers, body = answer(fault, self._control.emulator.clock)
            return Reply(status, body, headers)
        return self._control.answer(asked)

    def _messages(self, reply: Reply) -> list[Message]:
        headers = {
            "content-type": "application/json; charset=utf-8",
            **reply.headers,
            "date": http_date(self._control.emulator.clock.now()),
            "content-length": str(len(reply.body)),
        }
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        return [
            {"type": "http.response.start", "status": reply.status, "headers": pairs},
            {"type": "http.response.body", "body": reply.body},
        ]

    def _enter(self, scope: Scope, query: str, reply: Reply | None, fault: Fault | None) -> None:
        at = self._control.emulator.clock.now()
        kind = fault.kind if fault else ""
        status, wait = (reply.status, reply.headers.get("retry-after", "")) if reply else (0, "")
        self._control.enter(Entry(at, scope["method"], scope["path"], open_query(query), status, kind, wait))


def _asked(scope: Scope, query: str, body: bytes, fault: Fault | None, in_flight: int) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, port = scope["server"]
    return Asked(
        method=scope["method"],
        path=scope["path"],
        query=query,
        headers=headers,
        body=body,
        origin=f"{scope['scheme']}://{headers.get('host', f'{host}:{port}')}",
        repeat=fault is not None and fault.kind == "repeat",
        in_flight=in_flight,
    )


async def _body(receive: Receive) -> bytes:
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)

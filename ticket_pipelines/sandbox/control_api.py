r"""The control plane over HTTP, below `/__sandbox/` on the vendor's own port.

| request | body or query | does |
|---|---|---|
| `POST seed` | fields of `Options` | starts over |
| `POST mutate` | `{"op": …, …}` or a list of them | changes data |
| `POST fail` | `{"kind"\|"preset": …, "stream"\|"match": …, "times": …, …}` | lets the next requests go wrong |
| `DELETE fail` | | drops the faults that wait |
| `POST clock` | `{"advance": seconds}`, `{"to": instant}`, `{"frozen": bool}` | moves the clock |
| `POST configure` | settings of the account | changes plan, limits, delays |
| `GET log`, `DELETE log` | | requests so far |
| `GET state` | `?stream=` | counts, or ids and versions of one stream |
| `GET records` | `?stream=` | whole records of one stream |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ticket_pipelines.sandbox.control import Control

PREFIX = "/__sandbox"
Action = Callable[[Control, Any, Request], Any]


def control_app(control: Control) -> Starlette:
    """The application that serves a control plane."""
    return Starlette(routes=[_route(control, method, path, action) for method, path, action in _ACTIONS])


def _route(control: Control, method: str, path: str, action: Action) -> Route:
    async def respond(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            return JSONResponse(action(control, body, request))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    endpoint: Callable[[Request], Awaitable[Response]] = respond
    return Route(f"{PREFIX}/{path}", endpoint, methods=[method])


def _mutate(control: Control, body: Any, _: Request) -> Any:
    if isinstance(body, list):
        return [control.mutate(**one) for one in body]
    return control.mutate(**body)


def _state(control: Control, _: Any, request: Request) -> Any:
    return control.state(request.query_params.get("stream"))


def _records(control: Control, _: Any, request: Request) -> Any:
    return control.records(request.query_params.get("stream", ""))


_ACTIONS: tuple[tuple[str, str, Action], ...] = (
    ("POST", "seed", lambda control, body, _: control.seed(**body)),
    ("POST", "mutate", _mutate),
    ("POST", "fail", lambda control, body, _: control.fail(**body)),
    ("DELETE", "fail", lambda control, _body, _: control.heal()),
    ("POST", "clock", lambda control, body, _: control.clock(**body)),
    ("POST", "configure", lambda control, body, _: control.configure(**body)),
    ("GET", "log", lambda control, _body, _: [entry.as_json() for entry in control.log()]),
    ("DELETE", "log", lambda control, _body, _: control.clear_log()),
    ("GET", "state", _state),
    ("GET", "records", _records),
)

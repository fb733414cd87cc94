"""What vendors' answers have in common: JSON, and refusals as exceptions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ticket_pipelines.sandbox.emulator import Reply

_encode = msgspec.json.Encoder().encode


def encoded(value: Any) -> bytes:
    """JSON of a value; lone surrogates, which UTF-8 cannot hold, are escaped."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def listed(items: Iterable[bytes]) -> bytes:
    """A JSON array of encoded items."""
    return b"[" + b",".join(items) + b"]"


def ok(body: Any, status: int = 200) -> Reply:
    """An answer with a JSON value."""
    return Reply(status, encoded(body))


class Refusal(Exception):  # noqa: N818 - it is the answer, not a failure of ours
    """An answer that is an error.

    Args:
        status: HTTP status.
        body: Text, or a value that becomes JSON.
        headers: More headers.
    """

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def reply(self) -> Reply:
        """The answer."""
        if isinstance(self.body, str):
            return Reply(self.status, self.body.encode(), {"content-type": "text/plain; charset=utf-8", **self.headers})
        return Reply(self.status, encoded(self.body), self.headers)

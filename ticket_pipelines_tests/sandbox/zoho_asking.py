"""A bare client of the emulated Zoho products."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.sandbox.asking import Answer

EVER = "2020-01-01T00:00:00.000Z,2030-01-01T00:00:00.000Z"
NOW = "2026-11-22T12:00:00Z"
FORM = "application/x-www-form-urlencoded"


def request(
    url: str, method: str, path: str, headers: Mapping[str, str], params: Mapping[str, Any], body: bytes | None = None
) -> Answer:
    """One request over a connection of its own."""
    target = f"{path}?{urlencode(params)}" if params else path
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        connection.request(method, target, body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())


def mint(listening: Listening, login: str = "oauth", **changed: str) -> Answer:
    """Asks for an access token, by form."""
    given = {"grant_type": "refresh_token", **listening.logins[login], **changed}
    return request(listening.url, "POST", "/oauth/v2/token", {"Content-Type": FORM}, {}, urlencode(given).encode())


class Zoho:
    """Asks one product with one token.

    Args:
        listening: The product.
        login: Whose token.
        prefix: Path before each call's.
        headers: More headers.
    """

    def __init__(self, listening: Listening, login: str, prefix: str, headers: Mapping[str, str]) -> None:
        self.url = listening.url
        self.control = listening.control
        self.prefix = prefix
        self.headers = {**headers, "Authorization": f"Zoho-oauthtoken {mint(listening, login).json['access_token']}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None, /, **params: Any) -> Answer:
        """One GET below the prefix."""
        return request(self.url, "GET", f"{self.prefix}{path}", {**self.headers, **(headers or {})}, params)

    def post(self, path: str, body: Any) -> Answer:
        """One POST of JSON; the path is whole."""
        headers = {**self.headers, "Content-Type": "application/json"}
        return request(self.url, "POST", path, headers, {}, json.dumps(body).encode())


def desk(listening: Listening, login: str = "oauth", org_id: str | None = None) -> Zoho:
    """A client of Zoho Desk."""
    return Zoho(listening, login, "/api/v1/", {"orgId": org_id or listening.config["org_id"]})


def crm(listening: Listening, login: str = "oauth") -> Zoho:
    """A client of Zoho CRM."""
    return Zoho(listening, login, "/crm/v8/", {})


Open = Callable[..., Zoho]


@contextmanager
def in_flight(asker: Zoho) -> Iterator[None]:
    """Keeps a request of its own unanswered: the server waits for the body that it was promised."""
    host, port = asker.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as waiting:
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert waiting.recv(12) == b"HTTP/1.1 100"
        yield


def some_ticket(asker: Zoho) -> str:
    """Id of the newest ticket that Zoho Desk lists."""
    return str(asker.get("tickets").json["data"][0]["id"])

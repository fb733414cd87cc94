"""A bare HTTP client, so that the emulator is tested without the product."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ticket_pipelines.sandbox.server import Listening

MOST_PAGES = 200
"""No export of a test has more pages."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def authorization(login: Mapping[str, str]) -> dict[str, str]:
    if "access_token" in login:
        return {"Authorization": f"Bearer {login['access_token']}"}
    pair = f"{login['email']}/token:{login['api_token']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def ask(
    url: str, path: str, headers: Mapping[str, str], *, method: str = "GET", body: Any = None, **params: Any
) -> Answer:
    """One request over a connection of its own; parameters named a__b become a[b]."""
    host = urlsplit(url).netloc
    named = {name.replace("__", "[") + ("]" if "__" in name else ""): value for name, value in params.items()}
    target = f"{path}?{urlencode(named)}" if named else path
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request(method, target, body=None if body is None else json.dumps(body), headers=dict(headers))
        with connection.getresponse() as answer:
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())


class Asker:
    """Asks one vendor with one login."""

    def __init__(self, listening: Listening, login: str = "access_token") -> None:
        self.url = listening.url
        self.control = listening.control
        self.headers = authorization(listening.logins[login]) if login else {}

    def get(self, path: str, **params: Any) -> Answer:
        return ask(self.url, f"/api/v2/{path}", self.headers, **params)

    def follow(self, url: str) -> Answer:
        assert url.startswith(f"{self.url}/")
        return ask(self.url, url.removeprefix(self.url), self.headers)

    def export(self, path: str, **params: Any) -> Iterator[Any]:
        """All pages of an export, as its documentation says to read it; fails rather than read on for ever."""
        answer = self.get(f"incremental/{path}", **params)
        for _ in range(MOST_PAGES):
            assert answer.status == 200, answer.body
            page = answer.json
            yield page
            if page["end_of_stream"]:
                return
            answer = self.follow(page.get("after_url") or page["next_page"])
        raise AssertionError(f"{path} has no end")

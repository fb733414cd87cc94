"""A bare client of the emulated Zoho products."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlencode, urlsplit

from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.sandbox.asking import Answer

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

    def get(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Answer:
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

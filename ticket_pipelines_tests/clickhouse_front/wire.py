"""HTTP below the statements: routes, answers, resets, and the tests' own endpoints."""

from __future__ import annotations

import json
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import parse_qsl, urlsplit

from ticket_pipelines_tests.clickhouse_front.bodies import Body, BrokenBodyError, compress
from ticket_pipelines_tests.clickhouse_front.faults import Entry, Fault

if TYPE_CHECKING:
    from ticket_pipelines_tests.clickhouse_front.server import Front


class Wire(BaseHTTPRequestHandler):
    """Serves `/ping`, `/__fault`, `/__log` and `/__reset`; statements are a subclass's matter."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Front

    def log_message(self, *_: object) -> None:
        """Nothing to stderr: the log is `/__log`."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        self.entry = Entry("", query_id=self.parameters.get("query_id") or str(uuid.uuid4()))
        self.body = Body(cast(BinaryIO, self.rfile), self.headers)
        try:
            if url.path.startswith("/__"):
                self.control(url.path)
            elif url.path == "/ping" or (self.command == "GET" and "query" not in self.parameters):
                self.reply(200, b"Ok.\n", {})
            else:
                self.serve()
        except BrokenBodyError:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815

    def serve(self) -> None:
        raise NotImplementedError

    def control(self, path: str) -> None:
        """The tests' own endpoints, which need no password."""
        body, control = self.body.readall() or b"", self.server.control
        if path == "/__fault":
            try:
                control.order(Fault(**json.loads(body)))
            except (TypeError, ValueError) as error:
                return self.reply(400, str(error).encode(), {})
            return self.reply(200, b"", {})
        if path == "/__reset":
            control.reset()
            return self.reply(200, b"", {})
        if path == "/__log":
            return self.reply(200, json.dumps(control.log()).encode(), {"Content-Type": "application/json"})
        return self.reply(404, b"", {})

    def reply(self, status: int, data: bytes, headers: dict[str, str], *, truncate: bool = False) -> None:
        """Sends an answer, compressed if the client asked for that by setting and header, as the server wants it."""
        encoding = None
        if self.parameters.get("enable_http_compression") == "1":
            data, encoding = compress(data, self.headers.get("Accept-Encoding", ""))
        always = {"X-ClickHouse-Query-Id": self.entry.query_id, "Content-Type": "text/plain; charset=UTF-8"}
        headers = {**always, **headers}
        if encoding:
            headers["Content-Encoding"] = encoding
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if truncate else data)
        self.wfile.flush()
        if truncate:
            self.reset()

    def reset(self) -> None:
        """Ends the connection by RST."""
        self.close_connection = True
        self.server.reset(self.connection)

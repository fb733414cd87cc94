"""A Zendesk that costs almost nothing: it sends prebuilt pages, a thread a connection, over HTTP and over TLS.

Serves the cursor export of tickets from one data set for each revision; every other stream is empty. Authorization is
not looked at and the limits announced are far beyond need, so that what is measured is the client. The revision served
is chosen by `GET /__bench/revision/N`: where a client goes on from the last cursor of an older revision, the pages of
the newer one follow, as they would if every ticket had changed in between.

Run: `python -m bench.server --data FOLDER [--data FOLDER_OF_REVISION_1] [--tls-port 443 --cert FILE --key FILE]`; the
first line on stdout is `{"port": …}`.
"""

from __future__ import annotations

import argparse
import json
import mmap
import re
import socketserver
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.tickets import Pages, read_index

HEADERS = (
    "Content-Type: application/json; charset=utf-8\r\n"
    "x-rate-limit: 100000\r\n"
    "x-rate-limit-remaining: 99999\r\n"
    "ratelimit-limit: 100000\r\n"
    "ratelimit-remaining: 99999\r\n"
    "ratelimit-reset: 60\r\n"
    "zendesk-ratelimit-incremental-exports: total=100000; remaining=99999; resets=60\r\n"
)
TOKEN = b'{"access_token":"bench","token_type":"bearer","scope":"read","expires_in":172800}'
EXPORT = re.compile(r"/api/v2/incremental/tickets(/cursor)?(\.json)?$")


class DataSet:
    """The pages of one revision, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self.index: Pages = read_index(folder)
        with (folder / "pages.bin").open("rb") as file:
            self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.after = {cursor: number + 1 for number, cursor in enumerate(self.index.cursors)}

    def page(self, number: int) -> memoryview:
        """The body of a page."""
        start = self.index.offsets[number]
        return self._bytes[start : start + self.index.lengths[number]]


class Export:
    """The ticket export over all revisions."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._sets = [DataSet(folder) for folder in folders]
        self.revision = 0

    def answer(self, cursor: str | None) -> bytes | memoryview:
        """The page that follows a cursor (None: the first one)."""
        current = self._sets[self.revision]
        if cursor is None:
            return current.page(0)
        number = current.after.get(cursor)
        if number is None:
            older = any(cursor in one.after for one in self._sets[: self.revision])
            number = 0 if older else len(current.index.cursors)
        if number < len(current.index.cursors):
            return current.page(number)
        nothing: dict[str, Any] = {"tickets": [], "after_url": None, "after_cursor": cursor, "end_of_stream": True}
        return json.dumps(nothing).encode()


def empty(path: str) -> bytes:
    """The answer of a stream that has no records, in every pagination family at once."""
    name = path.rstrip("/").removesuffix(".json").removesuffix("/cursor").rsplit("/", 1)[-1]
    body: dict[str, Any] = {
        name: [],
        "count": 0,
        "end_time": None,
        "next_page": None,
        "after_cursor": None,
        "end_of_stream": True,
        "meta": {"has_more": False},
        "links": {"next": None},
    }
    return json.dumps(body).encode()


class Connection(socketserver.StreamRequestHandler):
    """One connection, kept alive until the client leaves."""

    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answers requests one after the other."""
        while line := self.rfile.readline(65_536):
            method, target, _ = line.decode("latin-1").split(" ", 2)
            length, close = self._read_headers()
            if length:
                self.rfile.read(length)
            body = self._body(method, target)
            head = f"HTTP/1.1 200 OK\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n".encode()
            self.connection.sendall(head)
            self.connection.sendall(body)
            if close:
                return

    def _read_headers(self) -> tuple[int, bool]:
        """Length of the request's body, and whether the client asks to close."""
        length, close = 0, False
        while (line := self.rfile.readline(65_536).strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":", 1)[1])
            close = close or line == b"connection: close"
        return length, close

    def _body(self, method: str, target: str) -> bytes | memoryview:
        url = urlsplit(target)
        export = self.server.export
        if url.path.startswith("/__bench/revision/"):
            export.revision = int(url.path.rsplit("/", 1)[-1])
            return b"{}"
        if method == "POST":
            return TOKEN
        if EXPORT.search(url.path):
            return export.answer(parse_qs(url.query).get("cursor", [None])[0])
        return empty(url.path)


class Server(socketserver.ThreadingTCPServer):
    """Listens on loopback; with a certificate it speaks TLS."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, export: Export, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.export = export
        self._tls = tls
        super().__init__(("127.0.0.1", port), Connection)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Wraps the connection in its own thread, so that a slow handshake blocks nobody."""
        try:
            wrapped = self._tls.wrap_socket(request, server_side=True) if self._tls else request
            super().finish_request(wrapped, client_address)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            return  # the client went away in the middle, which is its right

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])


def _tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True, help="data set, one for each revision")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-port", type=int)
    parser.add_argument("--cert", type=Path)
    parser.add_argument("--key", type=Path)
    options = parser.parse_args()
    export = Export(options.data)
    server = Server(export, options.port)
    if options.tls_port is not None:
        secure = Server(export, options.tls_port, _tls_context(options.cert, options.key))
        threading.Thread(target=secure.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

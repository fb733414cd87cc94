"""Statements over HTTP: from the URL and the body to the engine, and from its answer to headers and a body."""

from __future__ import annotations

import json
from typing import BinaryIO

from ticket_pipelines_tests.clickhouse_front.bodies import open_body, read_form
from ticket_pipelines_tests.clickhouse_front.engine import Answer, Request
from ticket_pipelines_tests.clickhouse_front.errors import ClickHouseError, raised_here
from ticket_pipelines_tests.clickhouse_front.faults import Fault
from ticket_pipelines_tests.clickhouse_front.statements import kind_of, read_insert, read_statement
from ticket_pipelines_tests.clickhouse_front.wire import Wire

HEAD = 1 << 18
"""The server's max_query_size: an INSERT's data must begin within it."""
SHOWN = 4096
"""Bytes of a statement that faults match against and that the log keeps."""
OF_THE_HANDLER = {
    *("query", "database", "user", "password", "default_format", "query_id", "quota_key", "role"),
    *("session_id", "session_timeout", "session_check", "buffer_size", "compress", "decompress", "wait_end_of_query"),
    *("client_protocol_version", "enable_http_compression"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
}
"""What the HTTP handler itself consumes of a URL; all else is a setting, or a parameter named `param_*`."""


class Handler(Wire):
    """Serves `/` as ClickHouse does."""

    def serve(self) -> None:
        """Runs the request's statement, or does to it what a fault says."""
        try:
            self.entry.user = self.server.admit(self.headers, self.parameters)
            stream = open_body(self.body, self.headers.get("Content-Encoding", "identity"))
            if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
                self.parameters |= read_form(self.headers["Content-Type"], stream)
            head = self.head(stream)
            self.describe(head)
            fault = self.server.control.take(self.entry.query)
            if fault and self.prevented(fault, stream):
                return
            answer = self.execute(head, stream)
        except ClickHouseError as error:
            self.refuse(error)
        else:
            self.entry.executed = True
            self.entry.written_rows = int(answer.summary.get("written_rows", 0))
            # before the answer leaves: whoever has it must find the statement in the log
            self.server.control.note(self.entry)
            self.answer(answer, fault)

    def head(self, stream: BinaryIO) -> bytes:
        """The beginning of the statement, from the URL and the body, which the server reads as one text."""
        sql, begun = self.parameters.get("query", "").encode(), stream.read(HEAD)
        return sql + b"\n" + begun if sql and begun else sql or begun

    def describe(self, head: bytes) -> None:
        """Notes what was asked, before anything can prevent it."""
        entry, parameters = self.entry, self.parameters
        entry.query, entry.kind = head[:SHOWN].decode(errors="replace"), kind_of(head[:SHOWN])
        entry.database = parameters.get("database") or self.headers.get("X-ClickHouse-Database")
        given = {name: value for name, value in parameters.items() if name not in OF_THE_HANDLER}
        entry.settings = {name: value for name, value in given.items() if not name.startswith("param_")}
        if self.command == "GET":
            entry.settings.setdefault("readonly", "2")

    def prevented(self, fault: Fault, stream: BinaryIO) -> bool:
        """Does what a fault does before the statement runs; whether that was all."""
        self.entry.fault = fault.action
        if fault.action == "delay":
            self.server.control.wait(fault.arg or 0)
        if fault.action not in {"reset_before", "reset_in_body", "status", "error"}:
            return False
        if fault.action == "reset_in_body":
            stream.read(int(fault.arg or 0))
        else:
            self.body.drain()
        if fault.action == "error":
            raise raised_here(int(fault.arg or 0), "ordered by a test.")
        self.server.control.note(self.entry)
        if fault.action == "status":
            self.reply(int(fault.arg or 0), b"ordered by a test\n", {})
        else:
            self.reset()
        return True

    def execute(self, head: bytes, stream: BinaryIO) -> Answer:
        insert = read_insert(head)
        statement = insert or read_statement(head + stream.read())
        entry, parameters = self.entry, self.parameters
        bound = {name[6:]: value for name, value in parameters.items() if name.startswith("param_")}
        default_format = parameters.get("default_format", "TabSeparated")
        request = Request(statement, entry.database, entry.settings, bound, default_format)
        if insert is None or insert.data_at is None:
            return self.server.engine.run(request)
        return self.server.engine.insert(request, head[insert.data_at :], stream)

    def refuse(self, error: ClickHouseError) -> None:
        self.entry.code = error.code
        self.server.control.note(self.entry)
        self.body.drain()
        text = f"{error.message} (version {self.server.engine.version} (official build))\n"
        self.reply(error.status, text.encode(), {"X-ClickHouse-Exception-Code": str(error.code)})

    def answer(self, answer: Answer, fault: Fault | None) -> None:
        if fault and fault.action == "reset_after":
            return self.reset()
        headers = {
            "Content-Type": "application/octet-stream",
            "X-ClickHouse-Summary": json.dumps(answer.summary),
            "X-ClickHouse-Timezone": self.server.engine.timezone,
            "X-ClickHouse-Server-Display-Name": "chdb",
        }
        if answer.format:
            headers["X-ClickHouse-Format"] = answer.format
        return self.reply(200, answer.data, headers, truncate=fault is not None and fault.action == "truncate")

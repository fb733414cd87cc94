"""Alert channels, the webhook over real HTTP."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ticket_pipelines.control.alerts import AlertFailedError, send
from ticket_pipelines.errors import SettingsError, UsageError
from ticket_pipelines.logs import MASK, hide
from ticket_pipelines.settings import Settings, read_settings


class Hook(HTTPServer):
    """Takes posts and answers with `answer`."""

    answer = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HookRequest)
        self.bodies: list[object] = []


class HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.answer)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(home: Path, port: int | None) -> Settings:
    url = f"http://127.0.0.1:{port}/T0/s3cret-path" if port else ""
    return read_settings({"TICKETS_HOME": str(home), "TICKETS_ALERT_WEBHOOK": url})


def test_the_webhook_gets_a_text_without_secrets(hook: Hook, home: Path) -> None:
    hide(["a-secret-value"])
    send("webhook", "hello a-secret-value", settings(home, hook.server_port))
    assert hook.bodies == [{"text": f"hello {MASK}"}]


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_an_answer_that_is_none_is_said_without_the_url(hook: Hook, home: Path, answer: int) -> None:
    hook.answer = answer
    with pytest.raises(AlertFailedError, match=f"answered {answer}") as caught:
        send("webhook", "hello", settings(home, hook.server_port))
    assert "s3cret" not in str(caught.value)


def test_no_answer_is_said_without_the_url(home: Path) -> None:
    with pytest.raises(AlertFailedError, match="no answer") as caught:
        send("webhook", "hello", settings(home, 1))
    assert "s3cret" not in str(caught.value)


def test_the_log_channel_logs(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "tickets.alerts"):
        send("log", "hello", settings(home, None))
    assert caplog.messages == ["hello"]


def test_a_channel_that_is_none_or_not_set_up_is_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="write one of log, webhook"):
        send("pigeon", "hello", settings(home, None))
    with pytest.raises(SettingsError, match="TICKETS_ALERT_WEBHOOK"):
        send("webhook", "hello", settings(home, None))

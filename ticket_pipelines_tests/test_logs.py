"""Logs: levels, forms, and nothing secret in them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from ticket_pipelines.logs import MASK, configure_logs, hide, redact, topic


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, own = list(root.handlers), root.level, logging.getLogger("tickets").level
    yield
    root.handlers, root.level = handlers, level
    logging.getLogger("tickets").setLevel(own)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-123456", f"Authorization: Bearer {MASK}"),
        ("authorization: basic dXNlcjpwYXNz", f"authorization: basic {MASK}"),
        ("Zoho-oauthtoken 1000.abcdef.123456", f"Zoho-oauthtoken {MASK}"),
        ("at postgresql://user:pass-word@host:5432/db now", f"at postgresql://user:{MASK}@host:5432/db now"),
        ("write postgresql://USER:PASSWORD@HOST/DATABASE", "write postgresql://USER:PASSWORD@HOST/DATABASE"),
        ("GET https://host/path:8080 at 12:00", "GET https://host/path:8080 at 12:00"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", ["x={}", "https://h/?token={}&a=1", '{{"token": "{}"}}'])
def test_a_hidden_value_is_taken_out_however_it_is_written(text: str) -> None:
    secret = 'p"ss w/rd+ü'
    hide([secret])
    for written in (secret, json.dumps(secret)[1:-1], "p%22ss%20w%2Frd%2B%C3%BC"):
        assert redact(text.format(written)) == text.format(MASK)


def test_short_values_do_not_blank_words_out() -> None:
    hide(["the", ""])
    assert redact("the desk") == "the desk"


def test_text_lines_name_level_and_topic(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")
    topic("sync").info("desk %s done", "acme")
    topic("sync").debug("not shown")
    logging.getLogger("dlt").info("not shown either")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("INFO sync: desk acme done\n")
    assert "not shown" not in err


def test_json_lines_are_one_object_each_and_hide_secrets_in_traces(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "json")
    hide(["s3cret-value"])
    try:
        raise ValueError("s3cret-value refused")
    except ValueError:
        topic("desks").exception("failed with %s", "s3cret-value")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["topic"], entry["message"]) == ("error", "desks", f"failed with {MASK}")
    assert "ValueError" in entry["trace"]
    assert "s3cret" not in line


def test_configuring_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")
    configure_logs("info", "text")
    topic("sync").info("once")
    assert capsys.readouterr().err.count("once") == 1

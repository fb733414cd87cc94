"""Logs: by topic (`tickets.desks`, `tickets.sync`, …), on stderr, as text or JSON, and without secrets.

Whoever decrypts or reads a secret calls `hide()`; every line is then written without it, wherever it came from, a
third-party library or a stack trace included.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

MASK = "…hidden…"

_NOISY = ("dlt", "dagster", "alembic", "asyncio", "uvicorn", "sqlalchemy", "sqlglot", "filelock")
_TWICE_TOLD = ("urllib3.connectionpool", "clickhouse_connect")
"""They warn of each try, with an address that says nothing; whoever called them tells what came of it."""
_SHORTEST = 6
"""Shorter values would blank ordinary words out of every line."""

_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic|zoho-oauthtoken)\s+[A-Za-z0-9._~+/=-]{6,}")
_PASSWORD_IN_URL = re.compile(r"(?<=://)(?!USER:PASSWORD@)([^\s/:@]*):[^\s/@]+@")
"""Our own examples (`postgresql://USER:PASSWORD@HOST/DATABASE`) stay as they are: they say what to write."""

_secrets: set[str] = set()


def hide(values: Iterable[str]) -> None:
    """Keeps these values out of all text that goes through `redact` from now on."""
    for value in values:
        if len(value) >= _SHORTEST:
            # JSON and URLs write a value differently
            _secrets.update({value, quote(value, safe=""), json.dumps(value)[1:-1]})


def redact(text: str) -> str:
    """The text without secrets: hidden values, Authorization headers and passwords in URLs."""
    # longest first, since one secret may contain another
    for value in sorted(_secrets, key=len, reverse=True):
        if value in text:
            text = text.replace(value, MASK)
    return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", _AUTHORIZATION.sub(rf"\1 {MASK}", text))


def topic(name: str) -> logging.Logger:
    """The logger of a topic."""
    return logging.getLogger(f"tickets.{name}")


class TextFormat(logging.Formatter):
    """`2026-01-31 12:00:00Z INFO sync: message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the stack trace below where there is one."""
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        text = f"{when} {record.levelname} {_topic_of(record)}: {record.getMessage()}"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return redact(text)


class JsonFormat(logging.Formatter):
    """One JSON object a line: time, level, topic, message, trace."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "topic": _topic_of(record),
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            entry["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment (a progress display may stand in for it)."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def configure_logs(level: str, form: str) -> None:
    """Sends all logs to stderr. Libraries speak from warning on, at level debug from info on.

    Args:
        level: One of `settings.LOG_LEVELS`.
        form: `text` or `json`.
    """
    handler = _Stderr()
    handler.setFormatter(JsonFormat() if form == "json" else TextFormat())
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, TextFormat | JsonFormat)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("tickets").setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.WARNING)
    for name in _TWICE_TOLD:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.CRITICAL)


def _topic_of(record: logging.LogRecord) -> str:
    return record.name.removeprefix("tickets.")

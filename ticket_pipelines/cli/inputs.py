"""What users hand to commands: JSON from a file, from stdin or as it is; instants."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ticket_pipelines.errors import UsageError


def read_text(path: str) -> str:
    """The text of a file, as UTF-8.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return Path(path).expanduser().read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"file {path} is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"file {path} cannot be read: {error.strerror or type(error).__name__}") from None


def json_object(option: str, given: str) -> dict[str, Any]:
    """The JSON object in `@FILE`, on stdin (`-`) or in the text itself.

    Raises:
        UsageError: It cannot be read, or is not a JSON object. The message never shows the text: it may be a secret.
    """
    if given == "-":
        source, text = "stdin", sys.stdin.read()
    elif given.startswith("@"):
        source, text = f"file {given[1:]}", read_text(given[1:])
    else:
        source, text = "the value", given
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{option}: {source} is not JSON: {error.msg} (line {error.lineno}, column {error.colno});"
            ' write an object such as {"name": "value"}'
        ) from None
    if not isinstance(found, dict):
        raise UsageError(f'{option}: {source} must hold a JSON object such as {{"name": "value"}}')
    return found


def is_literal(given: str) -> bool:
    """Whether a value stands on the command line itself."""
    return given != "-" and not given.startswith("@")


def instant(option: str, text: str | None) -> datetime | None:
    """A time from ISO 8601; a date is its midnight, and no zone means UTC.

    Raises:
        UsageError: It is none.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text[:40]!r} is not a time; write 2026-01-31 or 2026-01-31T08:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

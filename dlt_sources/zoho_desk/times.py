"""Zoho Desk's times: ISO text with milliseconds, or milliseconds since 1970 (contract, section 2.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_DURATION = re.compile(r"(\d+):([0-5]\d)\s*hrs", re.IGNORECASE)
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
"""Milliseconds of the years 1 and 9999: what a date can hold."""


def stamp(millis: int) -> str:
    """A time as the vendor writes it, `2016-06-21T13:16:14.000Z`."""
    moment = datetime.fromtimestamp(millis // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"


def millis(value: Any) -> int | None:
    """Milliseconds since 1970 of a time in either form; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if _FIRST <= value <= _LAST else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def minutes(duration: Any) -> int | None:
    """Minutes of a duration in words, `01:50 hrs` (contract, section 2.4); None where it is none."""
    match = _DURATION.fullmatch(duration.strip()) if isinstance(duration, str) else None
    return int(match[1]) * 60 + int(match[2]) if match else None

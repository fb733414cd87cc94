"""Zendesk's limits and the words for them.

Contract, section 3: all incremental exports of an account share 10 requests a minute (30 with the High Volume add-on),
everything shares the plan's own limit (200 a minute on the smallest suite). Both are announced by headers, whose total
then rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dlt_sources.limits import Announcement, Limit

ACCOUNT = "account"
EXPORTS = "incremental"

ASSUMED = {ACCOUNT: Limit(ACCOUNT, 200), EXPORTS: Limit(EXPORTS, 10)}
"""The limit classes with what is assumed until Zendesk announces another total."""

ADMIN = "an admin's credentials"
DOCS = "https://developer.zendesk.com/api-reference/ticketing"

_TOTAL = ("x-rate-limit", "ratelimit-limit", "rate-limit")
_REMAINING = ("x-rate-limit-remaining", "ratelimit-remaining", "rate-limit-remaining")
_RESET = ("ratelimit-reset", "rate-limit-reset")
_EXPORTS = ("zendesk-ratelimit-incremental-exports", "zendesk-rate-limit-incremental-exports")


def announcements(headers: Mapping[str, str]) -> Iterable[Announcement]:
    """What the headers say of the limits; the names before and after 2024 are both read.

    Args:
        headers: Headers of an answer; names in any case.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    total, remaining, reset = (_first(by_name, names) for names in (_TOTAL, _REMAINING, _RESET))
    if total is not None or remaining is not None:
        yield Announcement(ACCOUNT, total, remaining, reset)
    for name in _EXPORTS:
        if name in by_name:
            parts = dict(part.strip().partition("=")[::2] for part in by_name[name].split(";"))
            yield Announcement(
                EXPORTS, _whole(parts.get("total")), _whole(parts.get("remaining")), _whole(parts.get("resets"))
            )


def _first(by_name: Mapping[str, str], names: Iterable[str]) -> int | None:
    return next((value for value in (_whole(by_name.get(name)) for name in names) if value is not None), None)


def _whole(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if text.isdecimal() else None

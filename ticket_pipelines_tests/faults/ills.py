"""The faults, each with where it strikes and how a sync that meets it may end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.control import Control

API: Mapping[str, str] = {
    "zendesk": "^/api/v2/",
    "zoho_desk": "^/api/v1/",
    "zoho_crm": "^/crm/",
    "qcontact": "^/api/v2/(entities|me)",
}
"""Requests for records; those for tokens have faults of their own."""

LIMITED: Mapping[str, Any] = {
    "zendesk": {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"},
    "zoho_desk": {"errorCode": "TOO_MANY_REQUESTS", "message": "The number of concurrent requests has been reached."},
    "zoho_crm": {
        "code": "TOO_MANY_REQUESTS",
        "details": {},
        "message": "The maximum number of concurrent API calls has been exceeded.",
        "status": "error",
    },
    "qcontact": {"error": "Too many requests"},
}
"""Body of a 429."""
STALE: Mapping[str, str] = {"zendesk": "invalid_cursor", "zoho_crm": "expired_page_token"}
"""Preset of a cursor that is no longer known, where the vendor has cursors."""
TOKENS: Mapping[str, str] = {"zendesk": "/oauth/tokens", "zoho_desk": "/oauth/", "zoho_crm": "/oauth/", "qcontact": ""}
RIGHTS: Mapping[str, Mapping[str, Any]] = {
    "zendesk": {"kind": "revoke_role"},
    "zoho_desk": {"kind": "revoke_scope", "scope": "Desk.tickets"},
    "zoho_crm": {"kind": "revoke_scope", "scope": "ZohoCRM.modules"},
    "qcontact": {"kind": "revoke_role"},
}
"""How a permission is lost."""

SEVERAL = (1, 2, 3, 7)
"""How often a fault strikes."""
MIDDLE = range(9)
"""Requests that are answered well before it does."""

Inflict = Callable[[Control, str, random.Random], None]


@dataclass(frozen=True)
class Ill:
    """One fault.

    Attributes:
        name: Its name.
        inflict: Lets it happen: to the account of that vendor, with chance.
        vendors: At which it can happen; empty: at all.
        page: Whether it happens while a page is read, rather than when its request comes.
    """

    name: str
    inflict: Inflict
    vendors: tuple[str, ...] = ()
    page: bool = False


def _struck(**fields: Any) -> Inflict:
    def inflict(control: Control, vendor: str, chance: random.Random) -> None:
        given = {"match": API[vendor], "times": chance.choice(SEVERAL), "skip": chance.choice(MIDDLE), **fields}
        control.fail(**given)

    return inflict


def _limited(retry_after: int | str | None) -> Ill:
    def inflict(control: Control, vendor: str, chance: random.Random) -> None:
        _struck(status=429, body=LIMITED[vendor], retry_after=retry_after)(control, vendor, chance)

    return Ill(f"429 {retry_after}", inflict)


def _stale(control: Control, vendor: str, chance: random.Random) -> None:
    _struck(preset=STALE[vendor], match="cursor=|page_token=", times=1, skip=chance.randrange(3))(
        control, vendor, chance
    )


def _refused_token(control: Control, vendor: str, chance: random.Random) -> None:
    control.fail(match=TOKENS[vendor], status=503, times=chance.choice((1, 9)))
    control.fail("expire_tokens")


def _lost_right(control: Control, vendor: str, _chance: random.Random) -> None:
    control.fail(**RIGHTS[vendor])


ILLS: tuple[Ill, ...] = (
    *(_limited(form) for form in (7, "date:30", 0, None, -5, "soon", "nan", "date:-60", 40_000)),
    *(Ill(str(status), _struck(status=status)) for status in (500, 502, 503, 504)),
    Ill("503 that names a time", _struck(status=503, retry_after=20)),
    Ill("500 without end", _struck(status=500, times=None)),
    *(Ill(kind, _struck(kind=kind)) for kind in ("reset", "reset_body", "truncate", "not_json", "repeat")),
    Ill("repeat without end", _struck(kind="repeat", times=None)),
    Ill("slow", _struck(kind="slow", seconds=0.1, times=1)),
    Ill("half of a JSON", _struck(status=200, body='{"data": [{"id": "1"')),
    Ill("an empty body", _struck(status=200, body="")),
    Ill("an error that says 200", _struck(status=200, body={"status": "error", "message": "internal error"})),
    Ill("stale cursor", _stale, tuple(STALE)),
    Ill("expired token", lambda control, _vendor, _chance: control.fail("expire_tokens"), page=True),
    Ill("no new token", _refused_token, ("zendesk", "zoho_desk", "zoho_crm"), page=True),
    Ill("refused credentials", lambda control, _vendor, _chance: control.fail("refuse_credentials"), page=True),
    Ill("lost right", _lost_right, page=True),
    Ill("forbidden now and then", _struck(status=403)),
)


def of(vendor: str) -> list[Ill]:
    """Those that can happen at a vendor."""
    return [ill for ill in ILLS if not ill.vendors or vendor in ill.vendors]

"""Configuration of a QContact desk: what may stand there, and what it means. No request is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dlt_sources.checks import bare_url, ceiling, refuse_stray_characters, whole_number
from dlt_sources.errors import ConfigurationError

PAGE_SIZE = 50
CASE = "Case"
STATUSES = frozenset(
    {
        "new",
        "open",
        "assigned",
        "in_progress",
        "escalated",
        "pending",
        "on_hold",
        "solved",
        "closed",
        "cancelled",
    }
)
"""What a label may be mapped to: the statuses of the unified tables."""
_CLOSED = frozenset({"solved", "closed", "cancelled"})
_CLOSED_LABELS = frozenset({"solved", "closed", "unsolved", "unsolved-noresponse"})
"""Labels, as `normal` gives them, with which a case is finished where `status_map` says nothing else."""

CONFIG_KEYS = {
    "tenant_url": "Scheme and host of the tenant: https://TENANT.qcontact.com.",
    "entities": 'Entities to read. Default ["Case"].',
    "filters": "Filters of the list, as QContact takes them; cases outside are not read. Default: none.",
    "status_map": "Status of the unified tables by QContact's label, for labels that the tenant defined.",
    "write_enabled": "Whether waiting changes may be written to QContact. Default false.",
    "page_size": f"Rows of a page. Default {PAGE_SIZE}.",
}
CREDENTIAL_FORMS = (("email", "password"), ("uid", "access_token", "client"))

DEAD = frozenset({"qcontact_api_url", "qcontact_api_key", "api_url", "api_key"})
"""Names of settings of an API that was documented and never answered, in lower case."""
DEAD_HOST = "api.qcontact.com"
INSTEAD = (
    "QCONTACT_API_URL and QCONTACT_API_KEY belong to an API that QContact does not have: write tenant_url "
    "(https://TENANT.qcontact.com) in the configuration, and {email, password} or {uid, access_token, client} as "
    "credentials."
)

_ENTITY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")


class _Condition(msgspec.Struct):
    name: str
    operator: str
    value: Any = None


class _Filter(msgspec.Struct):
    conditions: list[_Condition]
    operator: str = "all"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a configuration chooses.

    Attributes:
        entities: Entities to read.
        filters: Filters of the list as JSON text; empty: none.
        closed: Labels, as `normal` gives them, with which a case is finished.
        page_size: Rows of a page.
    """

    entities: tuple[str, ...] = (CASE,)
    filters: str = ""
    closed: frozenset[str] = _CLOSED_LABELS
    page_size: int = PAGE_SIZE

    def is_closed(self, label: str | None) -> bool:
        """True where nothing more is expected of a case with this status."""
        return label is not None and normal(label) in self.closed


def validate(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    """Checks the form of configuration and credentials.

    Raises:
        ConfigurationError: Says which value is wrong and what to write instead.
    """
    if any(key.lower() in DEAD for key in (*config, *credentials)):
        raise ConfigurationError(INSTEAD)
    address(config)
    choices(config)
    ceiling(config)
    refuse_stray_characters(credentials)
    if not any(set(form) == set(credentials) for form in CREDENTIAL_FORMS):
        raise ConfigurationError("credentials must be {email, password} or {uid, access_token, client}.")
    if not isinstance(config.get("write_enabled", False), bool):
        raise ConfigurationError("write_enabled is neither true nor false.")


def address(config: Mapping[str, Any]) -> str:
    """Scheme and host of the tenant."""
    given = config.get("tenant_url")
    if not given:
        raise ConfigurationError("tenant_url is missing: write https://TENANT.qcontact.com.")
    found = bare_url(given, "tenant_url", "https://example.qcontact.com")
    if urlsplit(found).hostname == DEAD_HOST:
        raise ConfigurationError(INSTEAD)
    return found


def account(config: Mapping[str, Any]) -> str:
    """Name of the account: the tenant's host."""
    return urlsplit(address(config)).netloc


def choices(config: Mapping[str, Any]) -> Choices:
    """What the configuration chooses.

    Raises:
        ConfigurationError: A value is of the wrong form.
    """
    size = whole_number(config, "page_size", 1)
    return Choices(_entities(config), _filters(config), _closed(status_map(config)), size or PAGE_SIZE)


def status_map(config: Mapping[str, Any]) -> dict[str, str]:
    """Status of the unified tables by label, as `normal` gives it.

    Raises:
        ConfigurationError: It names a status that there is not.
    """
    given = config.get("status_map") or {}
    if not isinstance(given, dict) or not all(isinstance(text, str) for pair in given.items() for text in pair):
        raise ConfigurationError('status_map is no map of texts: write for example {"On Site": "in_progress"}.')
    if strange := sorted(set(given.values()) - STATUSES):
        raise ConfigurationError(
            f"status_map: {strange[0][:60]!r} is no status of the unified tables; write one of "
            f"{', '.join(sorted(STATUSES))}."
        )
    return {normal(label): status for label, status in given.items()}


def normal(label: str) -> str:
    """A label as it is compared: lower case, without any space."""
    return "".join(label.split()).lower()


def _closed(mapped: Mapping[str, str]) -> frozenset[str]:
    return frozenset(label for label in _CLOSED_LABELS if label not in mapped) | frozenset(
        label for label, status in mapped.items() if status in _CLOSED
    )


def _entities(config: Mapping[str, Any]) -> tuple[str, ...]:
    given = config.get("entities")
    if given is None:
        return (CASE,)
    if not isinstance(given, list) or not given or not all(isinstance(n, str) and _ENTITY.fullmatch(n) for n in given):
        raise ConfigurationError('entities is not a list of names: write for example ["Case", "Contact"].')
    return tuple(dict.fromkeys(given))


def _filters(config: Mapping[str, Any]) -> str:
    given = config.get("filters")
    if not given:
        return ""
    try:
        found = msgspec.convert(given, list[_Filter])
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            'filters are not of QContact\'s form: write for example [{"operator": "all", "conditions": '
            f'[{{"name": "assigned_to", "value": "7", "operator": "equals"}}]}}] ({error}).'
        ) from None
    if any(condition.operator == "not_equals" for one in found for condition in one.conditions):
        raise ConfigurationError("filters: QContact answers the operator not_equals with an error; leave it out.")
    return msgspec.json.encode(given).decode()

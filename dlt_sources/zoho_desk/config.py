"""Configuration of a Zoho Desk desk: what may stand there, and what it means. No request is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dlt_sources.checks import ceiling, whole_number
from dlt_sources.errors import ConfigurationError
from dlt_sources.zoho.config import CONFIG_KEYS as ZOHO_KEYS
from dlt_sources.zoho.config import accounts_address, centre, check_credentials, stand_in_address

SEARCH_ROWS = 1_000
"""Rows of one search that can be reached: `from` goes to 999 (contract, section 0.4; other sources say 4,999)."""
PAGE_SIZE = 100
CREDIT_RESERVE = 5_000

CONFIG_KEYS = {
    **ZOHO_KEYS,
    "org_id": "Id of the organization: Setup, Developer Space, API.",
    "credit_reserve": (
        f"API credits of the day that are left to others: below it, nothing is read ticket by ticket. "
        f"Default {CREDIT_RESERVE}."
    ),
    "details": "Read each changed ticket by itself, too, for tags and all that a search lacks. Default true.",
    "search_rows": f"Rows of one search that Zoho gives. Default {SEARCH_ROWS}; a smaller number is learned by itself.",
    "page_size": f"Rows of a page. Default {PAGE_SIZE}; a smaller number is learned by itself.",
}

_ORG_ID = re.compile(r"[0-9]{1,24}")


@dataclass(frozen=True, slots=True)
class Choices:
    """What a configuration chooses.

    Attributes:
        credit_reserve: Credits below which nothing is read ticket by ticket.
        details: Read each changed ticket by itself.
        search_rows: Rows of one search that can be reached.
        page_size: Rows of a page.
    """

    credit_reserve: int = CREDIT_RESERVE
    details: bool = True
    search_rows: int = SEARCH_ROWS
    page_size: int = PAGE_SIZE


def validate(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    """Checks the form of configuration and credentials.

    Raises:
        ConfigurationError: Says which value is wrong and what to write instead.
    """
    centre(config)
    base_address(config)
    accounts_address(config)
    org_id(config)
    choices(config)
    ceiling(config)
    check_credentials(credentials)


def base_address(config: Mapping[str, Any]) -> str:
    """Scheme and host of the API. The token's `api_domain` is another one, which does not answer for Desk."""
    return stand_in_address(config) or centre(config).desk


def org_id(config: Mapping[str, Any]) -> str:
    """Id of the organization."""
    value = config.get("org_id")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _ORG_ID.fullmatch(text.strip()):
        raise ConfigurationError(
            "org_id is missing or not a number: write the id of the organization, which Zoho Desk shows under Setup, "
            "Developer Space, API."
        )
    return text.strip()


def account(config: Mapping[str, Any]) -> str:
    """Name of the account: host and organization, since credits are counted per organization."""
    return f"{urlsplit(base_address(config)).netloc.lower()}/{org_id(config)}"


def choices(config: Mapping[str, Any]) -> Choices:
    """What the configuration chooses.

    Raises:
        ConfigurationError: A value is of the wrong form.
    """
    details = config.get("details", True)
    if not isinstance(details, bool):
        raise ConfigurationError("details is neither true nor false.")
    given = {
        "credit_reserve": whole_number(config, "credit_reserve", 0),
        "search_rows": whole_number(config, "search_rows", 1),
        "page_size": whole_number(config, "page_size", 1),
    }
    return Choices(details=details, **{key: value for key, value in given.items() if value is not None})

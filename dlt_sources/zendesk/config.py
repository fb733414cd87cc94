"""Configuration and credentials of a Zendesk desk: what may stand there, and what it means. No request is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from dlt_sources.checks import bare_url, ceiling, refuse_stray_characters
from dlt_sources.errors import ConfigurationError

CONFIG_KEYS = {
    "subdomain": "The part before .zendesk.com of the account's address.",
    "base_url": "Scheme and host that stand in for https://SUBDOMAIN.zendesk.com.",
    "start_time": "ISO 8601; the first sync starts there. Without it: from the account's beginning.",
}
API_TOKENS_END = datetime(2027, 4, 30, tzinfo=UTC)

CREDENTIAL_FORMS = (("client_id", "client_secret"), ("access_token",), ("email", "api_token"))

_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_TOKEN = re.compile(r"[!-~]+")


def validate(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    """Checks the form of configuration and credentials.

    Raises:
        ConfigurationError: Says which value is wrong and what to write instead.
    """
    base_address(config)
    start_time(config)
    ceiling(config)
    credential_form(credentials)


def base_address(config: Mapping[str, Any]) -> str:
    """Scheme and host of the account; `base_url` beats `subdomain`."""
    if config.get("base_url") not in (None, ""):
        return bare_url(config["base_url"], "base_url", "https://acme.zendesk.com")
    subdomain = config.get("subdomain")
    if subdomain in (None, ""):
        raise ConfigurationError(
            'subdomain is missing: write the part before .zendesk.com of the account\'s address, for example "acme".'
        )
    if not isinstance(subdomain, str) or not _SUBDOMAIN.fullmatch(subdomain.lower()):
        raise ConfigurationError(
            "subdomain is not one: write only the part before .zendesk.com (letters, digits and hyphens), "
            'for example "acme" for https://acme.zendesk.com.'
        )
    return f"https://{subdomain.lower()}.zendesk.com"


def account(config: Mapping[str, Any]) -> str:
    """Name of the account: the host that its requests go to."""
    return urlsplit(base_address(config)).netloc.lower()


def start_time(config: Mapping[str, Any]) -> int:
    """Unix time from which a first sync reads; 0: from the beginning."""
    value = config.get("start_time")
    if value in (None, ""):
        return 0
    wrong = ConfigurationError(
        "start_time is not an ISO 8601 time in the past: write for example 2024-01-01 or 2024-01-01T00:00:00Z."
    )
    if not isinstance(value, str):
        raise wrong
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise wrong from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if seconds >= datetime.now(UTC).timestamp():
        raise wrong
    return max(0, int(seconds))


def credential_form(credentials: Mapping[str, str]) -> tuple[str, ...]:
    """The accepted form that the credentials have.

    Raises:
        ConfigurationError: They have none, or more than one.
    """
    known = sorted({key for form in CREDENTIAL_FORMS for key in form} & set(credentials))
    for form in CREDENTIAL_FORMS:
        if set(credentials) == set(form):
            empty = [key for key in form if not isinstance(credentials[key], str) or not credentials[key].strip()]
            if empty:
                raise ConfigurationError(f"credentials: {' and '.join(empty)} is empty or no text.")
            _refuse_stray_characters(credentials)
            return form
    forms = ", or ".join(" and ".join(form) for form in CREDENTIAL_FORMS)
    unknown = len(set(credentials) - set(known))
    given = ", ".join(known) or "none of these"
    raise ConfigurationError(
        f"credentials have to be exactly {forms} (OAuth client credentials are best: Zendesk ends API tokens on "
        f"{API_TOKENS_END:%Y-%m-%d}). Given: {given}{f' and {unknown} unknown key(s)' if unknown else ''}."
    )


def _refuse_stray_characters(credentials: Mapping[str, str]) -> None:
    refuse_stray_characters(credentials)
    if not _TOKEN.fullmatch(credentials.get("access_token", "x")):
        raise ConfigurationError("credentials: access_token has a character that no token has.")


def credentials_end(credentials: Mapping[str, str]) -> datetime | None:
    """When these credentials stop working: API tokens on a day that Zendesk has announced."""
    return API_TOKENS_END if "api_token" in credentials else None

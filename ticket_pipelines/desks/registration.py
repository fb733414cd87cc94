"""Checks what a user wants to register, without a request to the vendor. Pure functions.

A configuration holds the keys that all vendors share (`COMMON_KEYS`) and the vendor's own. `schedule` and `timezone`
become columns of the registry; the rest stays the configuration that the vendor's client is given.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dlt_sources.base import Vendor
from dlt_sources.errors import SourceError
from ticket_pipelines.control.due import parse_schedule, parse_timezone
from ticket_pipelines.errors import UsageError
from ticket_pipelines.writeback.keys import MIRROR_URL, WRITE_ENABLED, WRITE_KEYS

COMMON_KEYS: Mapping[str, str] = {
    "schedule": "cron, or 'every 30s'",
    "timezone": "IANA name in which the cron is meant; default UTC",
    "streams": "names of the streams to read; default all",
    "max_requests_per_minute": "a ceiling of your own, below the vendor's",
    "priority": "1 to 99: of several due desks the lowest goes first; default 50",
    "status_map": "canonical status by the vendor's label, for labels that the company made, or means otherwise",
}

KEPT = ("streams", "max_requests_per_minute", "priority", "status_map", *WRITE_KEYS)
"""Keys of ours that stay in the configuration."""
_PASSWORD = re.compile(r"://[^:/@]*:([^@]+)@")
_CLIENTS = frozenset({"client_id", "client"})

MIDDLE = 50
"""Priority of a desk that names none."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A checked registration.

    Attributes:
        account: The account that the configuration points at.
        config: The vendor's keys, with those of `KEPT` where given.
        schedule: Cron, or `every 30s`.
        timezone: IANA name.
        priority: Of due desks, the lowest goes first.
    """

    account: str
    config: Mapping[str, Any]
    schedule: str
    timezone: str
    priority: int = MIDDLE


def secrets_of(credentials: Mapping[str, Any]) -> list[str]:
    """The values of credentials that no line may show. The name of a client is none: it may be a plain word."""
    found = [value for name, value in credentials.items() if name not in _CLIENTS and isinstance(value, str)]
    # a driver's message may show a part of an address
    return [*found, *_PASSWORD.findall(str(credentials.get(MIRROR_URL, "")))]


def vendor_credentials(credentials: Mapping[str, str]) -> dict[str, str]:
    """The credentials that are the vendor's: without the address of the desk's mirror."""
    return {name: value for name, value in credentials.items() if name != MIRROR_URL}


def vendors() -> Mapping[str, Vendor]:
    """All vendors by name. Imported when first needed: the sources cost more to import than the registry."""
    from dlt_sources import VENDORS

    return VENDORS


def credentials_end(vendor: Vendor, credentials: Mapping[str, str]) -> datetime | None:
    """When credentials stop working, where the vendor has said so."""
    return vendor.credentials_end(credentials) if vendor.credentials_end else None


def find_vendor(name: str) -> Vendor:
    """The vendor of that name.

    Raises:
        UsageError: There is none.
    """
    known = vendors()
    if name not in known:
        raise UsageError(f"vendor {name[:60]!r} is not known{_meant(name, known)}: write one of {_listed(known)}")
    return known[name]


def retired_settings(vendor: str) -> list[str]:
    """What to write instead of variables of the environment that this vendor had and nobody reads, one line each."""
    from ticket_pipelines.settings import environment

    known = find_vendor(vendor).retired
    # a name such as `api_key` may be anybody's
    found = sorted(name for name in environment() if name.lower() in known and name.lower().startswith(vendor))
    return [f"{name} is set in the environment, and nothing reads it. {known[name.lower()]}" for name in found]


def check_registration(vendor: Vendor, config: Mapping[str, Any], credentials: Mapping[str, str]) -> Registration:
    """Checks configuration and credentials.

    Raises:
        UsageError: Something cannot work; the message names the key, never a credential.
    """
    _refuse_retired(vendor, (*config, *credentials))
    writable = WRITE_ENABLED in vendor.config_keys
    _refuse_unknown(config, {**COMMON_KEYS, **vendor.config_keys, **(WRITE_KEYS if writable else {})}, vendor)
    if writable:
        # read late: the words of vendors' statuses come with Arrow
        from ticket_pipelines.writeback.config import writing_of

        writing_of(vendor.name, config)
        _check_mirror(config, credentials)
        credentials = vendor_credentials(credentials)
    _check_credentials(vendor, credentials)
    schedule, timezone = config.get("schedule", vendor.schedule), config.get("timezone", "UTC")
    if not isinstance(schedule, str) or not isinstance(timezone, str):
        raise UsageError("configuration: schedule and timezone must be text")
    parse_schedule(schedule)
    parse_timezone(timezone)
    _check_streams(vendor, config.get("streams"))
    _check_ceiling(config.get("max_requests_per_minute"))
    _check_priority(config.get("priority"))
    _check_statuses(config.get("status_map"))
    own = {key: value for key, value in config.items() if key in vendor.config_keys}
    try:
        vendor.validate(own, credentials)
        account = vendor.account(own)
    except SourceError as error:
        raise UsageError(str(error)) from error
    kept = {key: config[key] for key in KEPT if config.get(key) is not None}
    return Registration(account, own | kept, schedule.strip(), timezone, kept.get("priority", MIDDLE))


def _check_mirror(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    url = credentials.get(MIRROR_URL)
    if url is not None and not str(url).startswith(("postgresql://", "postgres://")):
        raise UsageError(
            f"credentials: {MIRROR_URL} must be an address such as postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    if config.get("mirror") is not None and url is None:
        raise UsageError(
            f"configuration: a mirror needs the address of its database: give {MIRROR_URL} as a credential"
        )


def _refuse_retired(vendor: Vendor, names: Iterable[str]) -> None:
    for name in names:
        if instead := vendor.retired.get(str(name).lower()):
            raise UsageError(instead)


def _refuse_unknown(config: Mapping[str, Any], allowed: Mapping[str, str], vendor: Vendor) -> None:
    for key in config:
        if key not in allowed:
            raise UsageError(
                f"configuration of {vendor.name}: {str(key)[:60]!r} is not known{_meant(str(key), allowed)}:"
                f" write any of {_listed(allowed)}"
            )


def _check_credentials(vendor: Vendor, credentials: Mapping[str, str]) -> None:
    if not all(isinstance(value, str) and value for value in credentials.values()):
        raise UsageError("credentials: every value must be text that is not empty")
    if not any(set(form) == set(credentials) for form in vendor.credential_forms):
        forms = " or ".join("{" + ", ".join(form) + "}" for form in vendor.credential_forms)
        # names of keys only where they are words of the vendor: a secret may stand in the wrong place
        known = {key for form in vendor.credential_forms for key in form}
        given = ", ".join(sorted(known & set(credentials))) or "none of these"
        strange = len(set(credentials) - known)
        more = f" and {strange} unknown" if strange else ""
        raise UsageError(f"credentials of {vendor.name} must be {forms}; given: {given}{more}")


def _check_streams(vendor: Vendor, streams: Any) -> None:
    if streams is None:
        return
    if not isinstance(streams, list) or not streams or not all(isinstance(name, str) for name in streams):
        raise UsageError("configuration: streams must be a list of names (leave it out for all)")
    if vendor.discovery is not None:
        # only the account knows them all
        return
    known = [stream.name for stream in vendor.streams]
    for name in streams:
        if name not in known:
            raise UsageError(
                f"{vendor.name} has no stream {name[:60]!r}{_meant(name, known)}: write any of {_listed(known)}"
            )


def _check_ceiling(ceiling: Any) -> None:
    if ceiling is not None and (not isinstance(ceiling, int) or isinstance(ceiling, bool) or ceiling < 1):
        raise UsageError("configuration: max_requests_per_minute must be a whole number from 1 on")


def _check_priority(priority: Any) -> None:
    if priority is not None and (
        not isinstance(priority, int) or isinstance(priority, bool) or not 1 <= priority <= 99
    ):
        raise UsageError("configuration: priority must be a whole number from 1 (first) to 99 (last)")


def _check_statuses(status_map: Any) -> None:
    if status_map is None:
        return
    if not isinstance(status_map, dict) or not all(
        isinstance(part, str) for pair in status_map.items() for part in pair
    ):
        raise UsageError(
            'configuration: status_map must give a status by label, for example {"Waiting for parts": "on_hold"}'
        )
    # it needs Arrow, which a command that registers nothing should not wait for
    from ticket_pipelines.unified.labels import CATEGORIES, normal

    for label, status in status_map.items():
        if status not in CATEGORIES:
            raise UsageError(
                f"configuration: status_map says {status[:60]!r} of {label[:60]!r}{_meant(status, CATEGORIES)}:"
                f" write any of {_listed(CATEGORIES)}"
            )
    if len({normal(label) for label in status_map}) < len(status_map):
        raise UsageError("configuration: status_map names a label twice (case and spaces do not count)")


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)

"""One flat record of what QContact nests: fields beside the head, linked records by id and label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dlt_sources.qcontact.reader import Record
from dlt_sources.qcontact.streams import CASE_ID, CUSTOM_FIELDS, GONE, RELATIONSHIPS

CUSTOM = "c__"
LINKED = ("assigned_to", "contact", "created_by", "team")
"""Linked records that have columns of their own; all stand in `relationships`."""


def flat(record: Mapping[str, Any]) -> msgspec.Raw:
    """A record: its fields as members, custom ones together, of linked ones id and label.

    A field whose name the head has already goes by `fields.NAME`.
    """
    head = {name: value for name, value in record.items() if name not in ("fields", RELATIONSHIPS)}
    fields = _object(record.get("fields"))
    links = _object(record.get(RELATIONSHIPS))
    custom = {name: value for name, value in fields.items() if name.startswith(CUSTOM)}
    plain = {
        (f"fields.{name}" if name in head else name): value
        for name, value in fields.items()
        if name not in custom and name not in LINKED
    }
    linked: Record = {}
    for name in LINKED:
        link = _object(links.get(name))
        # the flat field is often empty, and is all there is where the name is not told
        linked[f"{name}_id"] = _text(link.get("id") if link.get("id") is not None else fields.get(name))
        linked[f"{name}_label"] = link.get("label")
    whole = {**head, **plain, **linked, CUSTOM_FIELDS: custom, RELATIONSHIPS: links}
    return msgspec.Raw(msgspec.json.encode(whole))


def tombstone(key: str) -> msgspec.Raw:
    """What is said of a record that is gone: its id, and that it is deleted."""
    return msgspec.Raw(msgspec.json.encode({"id": int(key) if key.isdecimal() else key, GONE: True}))


def event(record: Mapping[str, Any], case: str) -> msgspec.Raw:
    """An event, with the case that it belongs to."""
    return msgspec.Raw(msgspec.json.encode({**record, CASE_ID: case}))


def status(record: Mapping[str, Any]) -> str | None:
    """The status of a record as its own page shows it."""
    found = _object(record.get("fields")).get("status")
    return found if isinstance(found, str) else None


def happened_at(record: Mapping[str, Any]) -> str | None:
    """When an event happened: one of two members says it."""
    found = record.get("raised_at") or record.get("created_at")
    return found if isinstance(found, str) else None


def _object(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)

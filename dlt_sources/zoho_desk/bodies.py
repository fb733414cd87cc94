"""Bodies of answers: the envelope of a list, and records brought into the form that their columns have.

One field comes in several forms (contract, section 2.1): numbers and booleans as text, times as milliseconds, ids as
numbers. A value of such a form is rewritten, any other one is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from dlt_sources.base import Kind, Stream
from dlt_sources.errors import MalformedError
from dlt_sources.zoho_desk.times import millis, stamp

Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(Members).decode


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a list.

    Attributes:
        records: Its records.
        count: Records that a search finds in all; None: the list does not say.
        cleaned: Count of cleaned characters.
    """

    records: list[msgspec.Raw]
    count: int | None = None
    cleaned: int = 0


class Brief(msgspec.Struct, rename="camel"):
    """What reading on needs to know of a ticket; whatever Zoho says there, nothing else waits for it."""

    id: Any = None
    modified_time: Any = None
    created_time: Any = None
    customer_response_time: Any = None
    thread_count: Any = None
    comment_count: Any = None

    @property
    def key(self) -> str:
        """The id as text; empty: there is none."""
        return key_of(self.id)

    @property
    def mark(self) -> str:
        """Differs when something was said or done on the ticket."""
        return f"{self.modified_time}|{self.customer_response_time}|{self.thread_count}|{self.comment_count}"


_brief = msgspec.json.Decoder(Brief).decode
_values = msgspec.json.Decoder(dict[str, Any]).decode
Shape = TypeVar("Shape")


def envelope(key: str) -> Callable[[bytes], Rows]:
    """Parser of a list whose records stand under that key; an empty list is a 204 without a body."""
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def parse(body: bytes) -> Rows:
        if not body.strip():
            return Rows([], 0)
        found = decode(body)
        if key not in found:
            raise msgspec.ValidationError(f"no {key!r} in it")
        records = msgspec.json.decode(found[key], type=list[msgspec.Raw])
        return Rows(records, _count(found.get("count")))

    return parse


def one(body: bytes) -> msgspec.Raw | None:
    """A single record; None for an empty answer."""
    return msgspec.json.decode(body, type=msgspec.Raw) if body.strip() else None


def members(record: msgspec.Raw) -> Members:
    """The fields of a record.

    Raises:
        MalformedError: It is no object.
    """
    return _read(record, _members)


def brief(record: msgspec.Raw) -> Brief:
    """What reading on needs of a ticket.

    Raises:
        MalformedError: It is no object.
    """
    return _read(record, _brief)


def values(record: msgspec.Raw) -> dict[str, Any]:
    """The fields of a record with their values.

    Raises:
        MalformedError: It is no object.
    """
    return _read(record, _values)


def key_of(value: Any) -> str:
    """An id as text; empty where it is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _read(record: msgspec.Raw, decode: Callable[[msgspec.Raw], Shape]) -> Shape:
    try:
        return decode(record)
    except msgspec.DecodeError:
        raise MalformedError("In the place of a record stands something else, which has no fields.") from None


def with_fields(record: msgspec.Raw, fields: Mapping[str, Any]) -> msgspec.Raw:
    """The record with further fields, its own ones of the same name replaced."""
    return msgspec.Raw(msgspec.json.encode({**members(record), **fields}))


Form = Callable[[msgspec.Raw], msgspec.Raw]


def form(stream: Stream) -> Form:
    """Brings records of a stream into the form of their columns; a record that has it already stays as it is."""
    kinds = {column.name: _REWRITE[column.kind] for column in stream.columns if column.kind in _REWRITE}

    def brought(record: msgspec.Raw) -> msgspec.Raw:
        try:
            found = members(record)
        except MalformedError:
            # set aside later, by whoever shapes it
            return record
        changed = {
            name: rewritten
            for name, value in found.items()
            if name in kinds and (rewritten := kinds[name](bytes(value))) is not None
        }
        return msgspec.Raw(msgspec.json.encode({**found, **changed})) if changed else record

    return brought


def _integer(value: bytes) -> Any:
    return int(value[1:-1]) if value[:1] == b'"' and value[1:-1].isdigit() else None


def _boolean(value: bytes) -> Any:
    return {b'"true"': True, b'"false"': False}.get(value.lower())


def _moment(value: bytes) -> Any:
    if not value.lstrip(b"-").isdigit() or len(value) > 15:
        return None
    found = millis(int(value))
    return None if found is None else stamp(found)


def _text(value: bytes) -> Any:
    return value.decode() if value.lstrip(b"-").isdigit() else None


_REWRITE: Mapping[Kind, Callable[[bytes], Any]] = {
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _moment,
    Kind.TEXT: _text,
}


def _count(value: msgspec.Raw | None) -> int | None:
    if value is None:
        return None
    text = bytes(value).strip(b'"')
    return int(text) if text.isdigit() else None

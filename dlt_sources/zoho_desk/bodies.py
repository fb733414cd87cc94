"""Bodies of answers: the envelope of a list, and records brought into the form that their columns have.

One field comes in several forms (contract, section 2.1): numbers and booleans as text, times as milliseconds, ids as
numbers. A value of such a form is rewritten, any other one is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from dlt_sources.base import Kind, Stream
from dlt_sources.errors import MalformedError
from dlt_sources.zoho_desk.times import millis, stamp

Members = dict[str, msgspec.Raw]
members = msgspec.json.Decoder(Members).decode


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
    """What reading on needs to know of a ticket."""

    id: str | int
    modified_time: str | int | None = None
    created_time: str | int | None = None
    customer_response_time: str | int | None = None
    thread_count: str | int | None = None
    comment_count: str | int | None = None

    @property
    def key(self) -> str:
        """The id as text."""
        return str(self.id)

    @property
    def mark(self) -> str:
        """Differs when something was said or done on the ticket."""
        return f"{self.modified_time}|{self.customer_response_time}|{self.thread_count}|{self.comment_count}"


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


def brief(record: msgspec.Raw, about: str) -> Brief:
    """What reading on needs of a ticket.

    Raises:
        MalformedError: It has no id.
    """
    try:
        return msgspec.json.decode(record, type=Brief)
    except msgspec.DecodeError as error:
        raise MalformedError(f"{about}: a record is not as documented ({type(error).__name__}).") from None


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
        except msgspec.DecodeError:
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

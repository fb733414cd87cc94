"""The envelope of a page, for every pagination family (contract, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import msgspec

from dlt_sources.base import Clock, Stream


class Meta(msgspec.Struct):
    """`meta` of a cursor-paginated list."""

    has_more: bool = False
    after_cursor: str | None = None


class Body(msgspec.Struct, kw_only=True):
    """One page, its records not yet decoded. Which fields are there depends on the family."""

    records: list[msgspec.Raw]
    meta: Meta | None = None
    after_cursor: str | None = None
    end_of_stream: bool | None = None
    end_time: int | None = None
    next_page: str | None = None


class Identified(msgspec.Struct):
    """The id of a record."""

    id: int


@cache
def decoder(records: str) -> msgspec.json.Decoder[Body]:
    """Decoder of a page whose records stand under that key; a page without the key is not as documented."""
    kind = msgspec.defstruct(
        "Body",
        [("records", list[msgspec.Raw])],
        bases=(Body,),
        rename={"records": records},
        kw_only=True,
    )
    return cast("msgspec.json.Decoder[Body]", msgspec.json.Decoder(kind))


def clock_of(stream: Stream, record: msgspec.Raw) -> int | None:
    """The record's clock in Unix seconds; None where it has none that can be read."""
    try:
        value = msgspec.json.decode(record, type=dict[str, Any]).get(stream.clock or "")
    except msgspec.DecodeError:
        return None
    return seconds(value, stream.clock_unit)


def seconds(value: Any, unit: Clock) -> int | None:
    """Unix seconds of a clock's value; None where it is not one."""
    if unit is Clock.EPOCH_SECONDS:
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def extended(record: msgspec.Raw, fields: Mapping[str, Any]) -> msgspec.Raw:
    """The record with further fields, its own ones untouched."""
    return msgspec.Raw(msgspec.json.encode({**msgspec.json.decode(record, type=dict[str, msgspec.Raw]), **fields}))

"""One column: a list of decoded JSON values in, an Arrow array out, and what did not fit it.

The whole list is tried at once. Only where that fails, value by value: a value that does not fit is null in the column
and comes back beside it, for the row's `unparsed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import Kind
from ticket_pipelines.sync import instants
from ticket_pipelines.warehouse.table import ARROW

NULL = msgspec.Raw(b"null")

JSON_TYPE: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INTEGER: int | None,
    # an integer stays one until Arrow has proved that a double holds it
    Kind.NUMBER: int | float | None,
    Kind.BOOLEAN: bool | None,
    Kind.TIMESTAMP: str | None,
    Kind.DATE: str | None,
    Kind.JSON: msgspec.Raw,
}
"""What a value of that kind is in JSON. Another JSON type does not fit: a number is no text, 1.0 is no integer."""

_NO_TEXT = pa.scalar(None, pa.string())

_FIRST = {Kind.TIMESTAMP: instants.FIRST, Kind.DATE: instants.FIRST.date()}
_LAST = {Kind.TIMESTAMP: instants.LAST, Kind.DATE: instants.LAST.date()}


def array(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, dict[int, Any]]:
    """The column, and the values that did not fit by their place."""
    build = _BUILD[kind]
    try:
        return build(values), {}
    except (pa.ArrowException, OverflowError):
        pass
    misfits, parts = {}, []
    for place, value in enumerate(values):
        try:
            parts.append(build([value]))
        except (pa.ArrowException, OverflowError):
            misfits[place] = value
            parts.append(pa.nulls(1, ARROW[kind]))
    return pa.concat_arrays(parts), misfits


def _plain(kind: Kind) -> Callable[[Sequence[Any]], pa.Array]:
    def build(values: Sequence[Any]) -> pa.Array:
        return pa.array(values, ARROW[kind])

    return build


def _json(values: Sequence[Any]) -> pa.Array:
    if not values:
        return pa.nulls(0, pa.string())
    # one text split by Arrow costs half of an object a value; no JSON text holds the separator
    texts = pc.split_pattern(pa.array([b"\0".join(values)], pa.string()), "\0").flatten()
    return pc.if_else(pc.equal(texts, "null"), _NO_TEXT, texts)


def _time(kind: Kind) -> Callable[[Sequence[Any]], pa.Array]:
    first, last = pa.scalar(_FIRST[kind], ARROW[kind]), pa.scalar(_LAST[kind], ARROW[kind])

    def build(values: Sequence[Any]) -> pa.Array:
        times = pa.array(values, pa.string()).cast(ARROW[kind])
        bounds = pc.min_max(times)
        # null bounds (no time at all) compare to null
        if pc.or_(pc.less(bounds["min"], first), pc.greater(bounds["max"], last)).as_py():
            raise pa.ArrowInvalid("a time outside of the years that a warehouse holds")
        return times

    return build


_BUILD: dict[Kind, Callable[[Sequence[Any]], pa.Array]] = {
    Kind.TEXT: _plain(Kind.TEXT),
    Kind.INTEGER: _plain(Kind.INTEGER),
    Kind.NUMBER: _plain(Kind.NUMBER),
    Kind.BOOLEAN: _plain(Kind.BOOLEAN),
    Kind.TIMESTAMP: _time(Kind.TIMESTAMP),
    Kind.DATE: _time(Kind.DATE),
    Kind.JSON: _json,
}

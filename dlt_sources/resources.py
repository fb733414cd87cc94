"""Streams as resources of plain dlt: what the sources of all vendors are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dlt
import msgspec
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from dlt_sources.base import Client, Kind, Refresh, Stream
from dlt_sources.errors import AccessError, ConfigurationError, SourceError, UnavailableError

_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.JSON: "json",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """What differs from vendor to vendor.

    Attributes:
        is_whole: Whether a record is written: dlt replaces a row as a whole, so one in part must not be.
        ending: Errors that end a resource with a line in dlt's log and leave its position, beside refusals.
    """

    is_whole: Callable[[Stream, Mapping[str, Any]], bool] = lambda _stream, _record: True
    ending: tuple[type[SourceError], ...] = ()


def chosen(readable: Iterable[Stream], names: Sequence[str]) -> list[Stream]:
    """The streams of these names; all where none is named.

    Raises:
        ConfigurationError: There is no such stream.
    """
    known = {stream.name: stream for stream in readable}
    if unknown := sorted(set(names) - set(known)):
        raise ConfigurationError(f"streams: there is no {', '.join(unknown)}; the streams are {', '.join(known)}.")
    return [stream for name, stream in known.items() if not names or name in names]


def resource(client: Client, stream: Stream, manner: Manner | None = None) -> DltResource:
    """A stream as a resource that is merged by its key; its position stands in dlt's own state."""
    manner = manner or Manner()
    columns: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.kind], "description": column.meaning}  # type: ignore[typeddict-item]
        for column in stream.columns
    ]
    for column in columns:
        # a record that changes, or is deleted, while it is read comes twice; dlt would keep any one of the two
        if column["name"] == stream.clock:
            column["dedup_sort"] = "desc"
    return dlt.resource(
        _rows(client, stream, manner),
        name=stream.name,
        primary_key=stream.key,
        write_disposition="merge",
        columns=columns,
    )


def _rows(client: Client, stream: Stream, manner: Manner) -> Callable[[], Iterator[list[dict[str, Any]]]]:
    ending: tuple[type[SourceError], ...] = (AccessError, UnavailableError, *manner.ending)

    def rows() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        position = {} if stream.refresh is Refresh.SNAPSHOT else state.get("position", {})
        try:
            for page in client.pages(stream, position):
                records = [msgspec.json.decode(record, type=dict[str, Any]) for record in page.records]
                for record in records:
                    for name in stream.ignored:
                        record.pop(name, None)
                yield [record for record in records if manner.is_whole(stream, record)]
                state["position"] = page.state
        except ending as error:
            dlt.common.logger.warning(str(error))

    return rows

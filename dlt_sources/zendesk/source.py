"""The plain dlt source of Zendesk: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import msgspec
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from dlt_sources.base import Client, Kind, Stream
from dlt_sources.errors import AccessError, ConfigurationError, UnavailableError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.zendesk.streams import STREAMS
from dlt_sources.zendesk.vendor import ZENDESK

_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.JSON: "json",
}


@dlt.source(name="zendesk", max_table_nesting=0)
def zendesk_source(
    subdomain: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    base_url: str = "",
    start_time: str = "",
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """All streams of a Zendesk account, a resource each, merged by primary key.

    `dlt.pipeline("x", destination="duckdb").run(zendesk_source(subdomain="acme", credentials={…}))`. The position of
    each resource stands in dlt's own state, so the next run goes on where this one ended. One client, and so one
    budget, serves all resources; a stream that the account's plan or the credentials' role lacks is left out with a
    line in dlt's log.

    Args:
        subdomain: The part before .zendesk.com of the account's address.
        credentials: `client_id` and `client_secret`, or `access_token`, or `email` and `api_token`.
        base_url: Scheme and host that stand in for the account's own.
        start_time: ISO 8601; the first run starts there.
        streams: Names of the streams to read; empty: all.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    readable = {stream.name: stream for stream in STREAMS if not stream.on_demand}
    if unknown := sorted(set(streams) - set(readable)):
        raise ConfigurationError(f"streams: there is no {', '.join(unknown)}; the streams are {', '.join(readable)}.")
    config = {"subdomain": subdomain, "base_url": base_url, "start_time": start_time}
    client = ZENDESK.open(config, credentials, MemoryBudgets())
    return [_resource(client, stream) for name, stream in readable.items() if not streams or name in streams]


def _resource(client: Client, stream: Stream) -> DltResource:
    columns: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.kind], "description": column.meaning}  # type: ignore[typeddict-item]
        for column in stream.columns
    ]
    for column in columns:
        # a record that changes while it is read comes twice; dlt would keep any one of the two
        if column["name"] == stream.clock:
            column["dedup_sort"] = "desc"
    return dlt.resource(
        _rows(client, stream),
        name=stream.name,
        primary_key=stream.key,
        write_disposition="merge",
        columns=columns,
    )


def _rows(client: Client, stream: Stream) -> Callable[[], Iterator[list[dict[str, Any]]]]:
    def rows() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        try:
            for page in client.pages(stream, state.get("position", {})):
                records = [msgspec.json.decode(record, type=dict[str, Any]) for record in page.records]
                for record in records:
                    for name in stream.ignored:
                        record.pop(name, None)
                yield records
                state["position"] = page.state
        except (AccessError, UnavailableError) as error:
            dlt.common.logger.warning(str(error))

    return rows

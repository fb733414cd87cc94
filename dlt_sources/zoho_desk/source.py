"""The plain dlt source of Zoho Desk: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import msgspec
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from dlt_sources.base import Client, Kind, Refresh, Stream
from dlt_sources.errors import AccessError, ConfigurationError, LimitError, UnavailableError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.zoho_desk.streams import STREAMS
from dlt_sources.zoho_desk.vendor import ZOHO_DESK

_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.JSON: "json",
}


@dlt.source(name="zoho_desk", max_table_nesting=0)
def zoho_desk_source(
    data_center: str = "us",
    org_id: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    credit_reserve: int | None = None,
    base_url: str = "",
    accounts_url: str = "",
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """The streams of a Zoho Desk organization, a resource each, merged by primary key.

    `dlt.pipeline("x", destination="duckdb").run(zoho_desk_source("eu", "20069", credentials={…}))`. The position of
    each resource stands in dlt's own state, so the next run goes on where this one ended. A stream that the credentials
    may not read, and one that reaches the reserve of credits, is left off with a line in dlt's log.

    dlt replaces a row as a whole. So tickets come as the search shows them, without the details that only their own
    pages have, and a thread only when it is read with its content.

    Args:
        data_center: us, eu, in, au, jp, ca, cn, sa, uk, ae or sg.
        org_id: Id of the organization.
        credentials: `client_id`, `client_secret` and `refresh_token`.
        credit_reserve: Daily API credits that are left to others; None: the usual.
        base_url: Scheme and host that stand in for the data centre's API.
        accounts_url: Scheme and host that stand in for the data centre's accounts server.
        streams: Names of the streams to read; empty: all but those that cost a request a ticket and are optional.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    known = {stream.name: stream for stream in STREAMS}
    if unknown := sorted(set(streams) - set(known)):
        raise ConfigurationError(f"streams: there is no {', '.join(unknown)}; the streams are {', '.join(known)}.")
    config: dict[str, Any] = {"data_center": data_center, "org_id": org_id, "details": False}
    config |= {"base_url": base_url, "accounts_url": accounts_url, "credit_reserve": credit_reserve}
    client = ZOHO_DESK.open(config, credentials, MemoryBudgets())
    chosen = [stream for stream in STREAMS if stream.name in streams or not (streams or stream.optional)]
    return [_resource(client, stream) for stream in chosen]


def _resource(client: Client, stream: Stream) -> DltResource:
    columns: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.kind], "description": column.meaning}  # type: ignore[typeddict-item]
        for column in stream.columns
    ]
    return dlt.resource(
        _rows(client, stream),
        name=stream.name,
        primary_key=stream.key,
        write_disposition={"disposition": "merge", "strategy": "upsert"},
        columns=columns,
    )


def _rows(client: Client, stream: Stream) -> Callable[[], Iterator[list[dict[str, Any]]]]:
    def rows() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        position = {} if stream.refresh is Refresh.SNAPSHOT else state.get("position", {})
        try:
            for page in client.pages(stream, position):
                records = [msgspec.json.decode(record, type=dict[str, Any]) for record in page.records]
                yield [record for record in records if stream.name != "threads" or "content" in record]
                state["position"] = page.state
        except (AccessError, UnavailableError, LimitError) as error:
            dlt.common.logger.warning(str(error))

    return rows

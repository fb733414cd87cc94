"""The plain dlt source of QContact: usable with dlt alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import msgspec
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from dlt_sources.base import Client, Kind, Refresh, Stream
from dlt_sources.errors import AccessError, ConfigurationError, UnavailableError
from dlt_sources.limits import MemoryBudgets
from dlt_sources.qcontact.config import CASE
from dlt_sources.qcontact.vendor import QCONTACT

_TYPES: dict[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.BOOLEAN: "bool",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.JSON: "json",
}


@dlt.source(name="qcontact", max_table_nesting=0)
def qcontact_source(
    tenant_url: str = "",
    credentials: dict[str, str] = dlt.secrets.value,
    *,
    entities: Sequence[str] = (CASE,),
    filters: Sequence[dict[str, Any]] = (),
    streams: Sequence[str] = (),
) -> Sequence[DltResource]:
    """The cases of a QContact tenant, their events and columns, and further entities; a resource each, merged by key.

    `dlt.pipeline("x", destination="duckdb").run(qcontact_source("https://TENANT.qcontact.com", credentials={…}))`. The
    position of each resource stands in dlt's own state, so the next run reads what changed. A stream that the user may
    not read is left out with a line in dlt's log. A deleted record comes as a row with `$gone` and nothing else.

    Args:
        tenant_url: Scheme and host of the tenant.
        credentials: `email` and `password`, or `uid`, `access_token` and `client`.
        entities: Names of the entities to read.
        filters: Filters of the lists, as QContact takes them.
        streams: Names of the streams to read; empty: all.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form, or a stream does not exist.
    """
    config: dict[str, Any] = {"tenant_url": tenant_url, "entities": list(entities), "filters": list(filters)}
    client = QCONTACT.open(config, credentials, MemoryBudgets())
    readable = {one.name: one for one in QCONTACT.as_shown(client, streams).streams}
    if unknown := sorted(set(streams) - set(readable)):
        raise ConfigurationError(f"streams: there is no {', '.join(unknown)}; the streams are {', '.join(readable)}.")
    return [_resource(client, stream) for name, stream in readable.items() if not streams or name in streams]


def _resource(client: Client, stream: Stream) -> DltResource:
    columns: list[TColumnSchema] = [
        {"name": column.name, "data_type": _TYPES[column.kind], "description": column.meaning}  # type: ignore[typeddict-item]
        for column in stream.columns
    ]
    for column in columns:
        # a record that changes, or is deleted, while it is read comes twice; dlt would keep any one of the two
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
        position = {} if stream.refresh is Refresh.SNAPSHOT else state.get("position", {})
        try:
            for page in client.pages(stream, position):
                records = [msgspec.json.decode(record, type=dict[str, Any]) for record in page.records]
                for record in records:
                    for name in stream.ignored:
                        record.pop(name, None)
                yield records
                state["position"] = page.state
        except (AccessError, UnavailableError) as error:
            dlt.common.logger.warning(str(error))

    return rows

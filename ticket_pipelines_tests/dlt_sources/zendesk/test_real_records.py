"""Real records of Zendesk accounts, served over HTTP, keep every value on their way to the rows of the vendor tables.

The way: `Scripted` HTTP -> the source -> `HeadReader` -> `Shaper`. Synthetic streams, for lack of real records: `tags`
and `ticket_events` (documentation samples only).
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from dlt_sources.base import Stream
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import ZendeskClient
from ticket_pipelines.sync.heads import HeadReader
from ticket_pipelines.sync.package import Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.shape import Shaper
from ticket_pipelines.warehouse.naming import column_name
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, values
from ticket_pipelines_tests.dlt_sources.zendesk.test_streams import ALIASES, FIXTURES, FOREIGN, real_records

pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"the real records are missing: {FIXTURES}")
REDACTED = "redacted"
"""What whoever collected the records wrote in place of some values."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def served(server: Scripted, client: ZendeskClient, stream: Stream, records: list[dict[str, Any]]) -> list[Any]:
    """The records as the source gives them."""
    body = {stream.records: records, "end_of_stream": True, "meta": {"has_more": False}, "after_cursor": "c"}
    if stream.on_demand:
        server.on(stream.path.format(id=1), Reply(body))
        pages = client.by_ids(stream, ["1"])
    else:
        server.on(stream.path, Reply(body))
        pages = client.pages(stream, {})
    return [record for page in pages for record in page.records]


@pytest.mark.parametrize("stream", ZENDESK.streams, ids=lambda stream: stream.name)
def test_every_value_of_real_records_stands_in_its_column(
    server: Scripted, client: ZendeskClient, stream: Stream
) -> None:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, record in real_records():
        found[ALIASES.get(name, name)].append({k: v for k, v in record.items() if k not in FOREIGN and v != REDACTED})
    records = [one for one in found[stream.name] if one.get(stream.key)]
    assert records, f"no record of {stream.name}"
    given = served(server, client, stream, records)
    assert len(given) == len(records)
    heads, rejected = HeadReader(stream).read(given, NOW)
    assert rejected == []
    settled = [
        Settled(h.raw, f"{n}", h.version or 0, h.content_hash, h.deleted_at, Outcome.CREATED, None, 0)
        for n, h in enumerate(heads)
    ]
    rows, rejected = Shaper(ZENDESK, stream, "acme", {}, dict).rows(settled, NOW)
    assert (rejected, rows.num_rows) == ([], len(records))
    for sent, record, row in zip(records, values(given), rows.to_pylist(), strict=True):
        unparsed = json.loads(row["unparsed"] or "{}")
        for name, value in sent.items():
            if name in (stream.key, *stream.ignored) or (stream.on_demand and name == "ticket_id"):
                continue
            if stream.name == "schedules" and name == "holidays":
                continue
            assert record[name] == value
            column = column_name(name)
            stored = unparsed[column] if column in unparsed else unparsed.get(name, row[column])
            assert same(value, stored), f"{stream.name}.{name}: {value!r} became {stored!r}"


def same(sent: Any, stored: Any) -> bool:
    """Whether a stored value is the vendor's: times as instants, lists and objects as JSON."""
    if isinstance(stored, datetime):
        return stored == datetime.fromisoformat(sent)
    if isinstance(sent, list | dict):
        return bool((json.loads(stored) if isinstance(stored, str) else stored) == sent)
    return bool(sent == stored or (sent is not None and str(sent) == str(stored)))

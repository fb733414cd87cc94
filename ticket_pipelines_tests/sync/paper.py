"""A vendor whose account is a Python object: real streams, pages and failures, without HTTP.

It is registered like any other vendor, so that the whole engine runs on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import (
    Access,
    Clock,
    Column,
    Deletion,
    Kind,
    OnWait,
    Page,
    Refresh,
    State,
    Stream,
    Usage,
    Vendor,
    Window,
)
from dlt_sources.errors import SourceError
from ticket_pipelines.sync.shape import aligned
from ticket_pipelines.unified import Mapped, StreamMapping
from ticket_pipelines.unified.model import TABLES

TICKETS = Stream(
    name="tickets",
    doc="One row per ticket.",
    url="https://paper.example/tickets",
    path="/tickets",
    records="tickets",
    columns=(
        Column("id", Kind.INTEGER),
        Column("subject", Kind.TEXT),
        Column("priority", Kind.INTEGER),
        Column("price", Kind.NUMBER),
        Column("open", Kind.BOOLEAN),
        Column("created_at", Kind.TIMESTAMP),
        Column("born", Kind.DATE),
        Column("tags", Kind.JSON),
        Column("status", Kind.TEXT),
        Column("clock", Kind.INTEGER),
    ),
    clock="clock",
    clock_unit=Clock.EPOCH_SECONDS,
    deletions=(Deletion("status", "deleted", "soft"),),
    ignored=("echo",),
    priority=1,
    by_id=True,
)
PEOPLE = Stream(
    name="people",
    doc="One row per person.",
    url="https://paper.example/people",
    path="/people",
    records="people",
    columns=(Column("id", Kind.INTEGER), Column("name", Kind.TEXT), Column("updated_at", Kind.TIMESTAMP)),
    clock_trusted=False,
    scheduled_every=3600,
    priority=2,
    by_id=True,
)
COLOURS = Stream(
    name="colours",
    doc="One row per colour.",
    url="https://paper.example/colours",
    path="/colours",
    records="colours",
    columns=(Column("name", Kind.TEXT), Column("shade", Kind.TEXT)),
    key="name",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    limit="lists",
    priority=3,
)

OPENED: dict[str, Account] = {}
"""Accounts by name: what a desk's configuration points at."""


@dataclass
class Account:
    """What the vendor holds, and how it misbehaves.

    Attributes:
        records: Records by stream, in the order of their changes; a `str` or bytes is sent as it is.
        page_size: Records a page.
        failures: Errors by stream and number of the page before which they are raised, once each.
        reads: Streams that were asked for, with the state they were asked from.
        partial: Fields that a read by ids lacks.
        removed: Index of the record that is deleted before a page, by stream and number of the page, once each.
        broken_off: Streams whose last page does not say that it is the last.
    """

    records: dict[str, list[Any]] = field(default_factory=dict)
    page_size: int = 100
    failures: dict[tuple[str, int], SourceError] = field(default_factory=dict)
    reads: list[tuple[str, State]] = field(default_factory=list)
    partial: tuple[str, ...] = ()
    removed: dict[tuple[str, int], int] = field(default_factory=dict)
    broken_off: tuple[str, ...] = ()


class PaperClient:
    def __init__(self, account: Account) -> None:
        self.usage = Usage()
        self.on_wait: OnWait | None = None
        self._account = account

    def check(self) -> list[Access]:
        return []

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        self._account.reads.append((stream.name, dict(state)))
        records = self._account.records.get(stream.name, [])
        if window is not None and window.since is not None:
            since = window.since.timestamp()
            records = [one for one in records if one["clock"] >= since]
        start = int(state.get("seen", 0))
        number = 0
        while True:
            if (stream.name, number) in self._account.removed:
                del records[self._account.removed.pop((stream.name, number))]
            found = records[start : start + self._account.page_size]
            start += len(found)
            failure = self._account.failures.pop((stream.name, number), None)
            if failure is not None:
                raise failure
            self.usage.requests += 1
            last = start >= len(records)
            said = last and stream.name not in self._account.broken_off
            yield Page(stream.name, [raw(one) for one in found], {"seen": start}, last=said)
            if last:
                return
            number += 1

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        newest: dict[str, Any] = {}
        for one in self._account.records.get(stream.name, []):
            newest[str(one["id"])] = one
        found = [newest[key] for key in ids if key in newest]
        parts = [{name: value for name, value in one.items() if name not in self._account.partial} for one in found]
        yield Page(stream.name, [raw(one) for one in parts], {}, last=True, partial=bool(self._account.partial))

    def probe(self, states: Mapping[str, State]) -> bool:
        return not states or bool(self._account.records)

    def close(self) -> None:
        pass


def raw(record: Any) -> msgspec.Raw:
    """A record as the vendor sends it."""
    if isinstance(record, bytes):
        return msgspec.Raw(record)
    return msgspec.Raw((record if isinstance(record, str) else json.dumps(record)).encode())


def ticket(number: int, clock: int = 1_700_000_000, **fields: Any) -> dict[str, Any]:
    """A ticket's record."""
    return {"id": number, "subject": f"Ticket {number}", "status": "open", "clock": clock, **fields}


def map_tickets(rows: pa.Table) -> Mapped:
    """Tickets, and a comment for each tag: an owned child. A subject "unmappable" cannot be mapped."""
    if pc.any(pc.equal(rows["subject"], "unmappable")).as_py():
        raise ValueError("a subject that the mapping does not take")
    base = {name: rows[name] for name in ("desk", "id", "version", "deleted_at", "synced_at")}
    tickets = pa.table({**base, "vendor": pa.repeat("paper", rows.num_rows), "subject": rows["subject"]})
    children = []
    for row in rows.to_pylist():
        tags = json.loads(row["tags"]) if row["tags"] else []
        for tag in tags if isinstance(tags, list) else []:
            common = {name: row[name] for name in ("desk", "version", "deleted_at", "synced_at")}
            children.append({**common, "id": f"{row['id']}:{tag}", "ticket_id": row["id"], "body_text": str(tag)})
    comments = TABLES["ticket_comments"].arrow_schema()
    return Mapped(
        {
            "tickets": aligned(tickets, TABLES["tickets"].arrow_schema()),
            "ticket_comments": pa.Table.from_pylist(
                [{name: child.get(name) for name in comments.names} for child in children], schema=comments
            ),
        }
    )


def _account(config: Mapping[str, Any]) -> str:
    return str(config["account"])


def _validate(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    pass


PAPER = Vendor(
    name="paper",
    title="Paper",
    streams=(TICKETS, PEOPLE, COLOURS),
    schedule="every 30d",
    account=_account,
    validate=_validate,
    open=lambda config, _credentials, _budgets, _tokens=None: PaperClient(OPENED[str(config["account"])]),
    config_keys={"account": "name of the account"},
    credential_forms=(("token",),),
)

MAPPING_MODULE = ModuleType("ticket_pipelines.unified.paper")
MAPPING_MODULE.MAPPINGS = {  # type: ignore[attr-defined]
    "tickets": StreamMapping(map_tickets, owns={"ticket_comments": "ticket_id"})
}

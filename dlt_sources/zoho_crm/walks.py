"""Walks through a module's list (contract, section 3): what changed, what was deleted, and all of it.

A page token leads through 100,000 rows and lives for a day; where it leads no further, the walk goes on from the last
time that it reached, and the rows of that second come again. Its position is that time, never the token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from dlt_sources.base import Page, State, Window
from dlt_sources.errors import CursorExpiredError, StalledError
from dlt_sources.zoho_crm.metadata import Description
from dlt_sources.zoho_crm.reader import IDS_PAGE, LIST_PAGE, Body, Reader, Record
from dlt_sources.zoho_crm.streams import CLOCK, DELETED_BY, DELETED_TIME, DELETION_TYPE
from dlt_sources.zoho_crm.values import Shape

OVERLAP = timedelta(minutes=5)
"""How far a read goes back behind the last time seen: Zoho does not say when a change shows in the list."""

MOST_ROWS = 100_000
"""Rows that one chain of page tokens leads through."""

MOST_RESTARTS = 3
"""Expired tokens in a row, the walk going nowhere, after which it is no token that is wrong."""

_SECOND = timedelta(seconds=1)
_ALL_LEADS = {"converted": "both"}
"""Without it, converted leads are left out."""


@dataclass(frozen=True, slots=True)
class Target:
    """A module to read.

    Attributes:
        stream: Name of its stream.
        module: API name.
        names: Names of its fields, without the id.
        shape: How its records are brought into one form.
        listed: What makes such a record of one that a list gives.
    """

    stream: str
    module: str
    names: tuple[str, ...]
    shape: Shape
    listed: Callable[[Record], msgspec.Raw]

    @classmethod
    def of(cls, stream: str, description: Description) -> Target:
        """A described module."""
        shape = Shape.of(description)
        # the clock first: it decides where the walk stands, and belongs to the page itself
        names = sorted((one.name for one in shape.fields), key=lambda name: (name != CLOCK, name))
        return cls(stream, description.module, tuple(names), shape, shape.listed())

    def brief(self) -> Target:
        """The same module, of whose records only the time of change is read."""
        return replace(self, names=(CLOCK,), listed=lambda record: msgspec.Raw(msgspec.json.encode(record)))

    @property
    def params(self) -> dict[str, str]:
        """Query parameters of any list of it."""
        return dict(_ALL_LEADS) if self.module == "Leads" else {}

    def page(self, body: Body, state: State, cleaned: int, *, last: bool = False) -> Page:
        """A page of its records."""
        records = [self.listed(record) for record in body.data]
        return Page(self.stream, records, state, last=last, cleaned=cleaned)


def changes(reader: Reader, target: Target, state: State, window: Window) -> Iterator[Page]:
    """Records in the order of their changes, from the position (or the window's start) to the end, none the last page.

    State: `clock`, the newest change seen.
    """
    clock = instant(state.get("clock"))
    # no document says whether the time that is named counts as "since"
    start = clock - OVERLAP if clock else window.since and window.since - _SECOND
    restarts = 0
    while True:
        before = clock
        try:
            for body, cleaned in _chain(reader, target, start, {"sort_by": CLOCK, "sort_order": "asc"}):
                reached = newest(clock, body.data)
                restarts = 0 if reached != clock else restarts
                clock = reached
                position = state | ({"clock": clock.isoformat()} if clock else {})
                yield target.page(body, position, cleaned)
                beyond = window.until is not None and clock is not None and clock > window.until
                if beyond or not body.more:
                    return
        except CursorExpiredError:
            restarts += 1
            if restarts > MOST_RESTARTS:
                raise
            start = clock - _SECOND if clock else start
            continue
        if clock is None or clock == before or (start is not None and clock - _SECOND <= start):
            raise StalledError(
                f"module {target.module}: more than {MOST_ROWS:,} records share one time of change, and Zoho's list "
                "leads no further."
            )
        start = clock - _SECOND


def deletions(reader: Reader, target: Target, state: State) -> Iterator[Page]:
    """Records that were deleted, as parts that carry the deletion alone; none is the last page.

    The first time all that Zoho knows: there is no time of Zoho's yet to begin with. A deletion is a change, and its
    time the row's clock.

    State: `deleted`, the newest deletion seen, once all pages are: no document says in which order they come.
    """
    latest = instant(state.get("deleted"))
    since = latest - OVERLAP if latest else None
    number = 1
    before: list[Record] = []
    while True:
        params = {"type": "all", "page": str(number), "per_page": str(LIST_PAGE)}
        body, cleaned = reader.get(f"/crm/v8/{target.module}/deleted", params, f"module {target.module}", since)
        if body.data and body.data == before:
            raise StalledError(f"module {target.module}: Zoho gives the same page of deletions again and again.")
        before = body.data
        latest = newest(latest, body.data, "deleted_time")
        if body.data:
            records = [_tombstone(record) for record in body.data]
            reached = state if body.more or latest is None else state | {"deleted": latest.isoformat()}
            yield Page(target.stream, records, reached, cleaned=cleaned, partial=True)
        if not body.more:
            return
        number += 1


def whole(reader: Reader, target: Target) -> Iterator[Page]:
    """All records of a module that has no time of change; a token that expires starts the walk again."""
    for attempt in range(MOST_RESTARTS + 1):
        rows = 0
        try:
            for body, cleaned in _chain(reader, target, None, {"sort_by": "id", "sort_order": "asc"}):
                rows += len(body.data)
                yield target.page(body, {}, cleaned, last=not body.more)
                if not body.more:
                    return
        except CursorExpiredError:
            if attempt == MOST_RESTARTS:
                raise
            continue
        raise StalledError(
            f"module {target.module}: Zoho's list leads no further than {rows:,} records, and the module has no time "
            "of change to go on by."
        )


def chosen(reader: Reader, target: Target, ids: list[str]) -> Iterator[Page]:
    """Records by id; Zoho leaves out those that are gone."""
    for start in range(0, len(ids), IDS_PAGE):
        part = ids[start : start + IDS_PAGE]
        params = {**target.params, "ids": ",".join(part), "per_page": str(len(part))}
        body, cleaned = reader.records(target.module, target.names, params)
        yield target.page(body, {}, cleaned, last=start + IDS_PAGE >= len(ids))


def instant(text: str | None) -> datetime | None:
    """A time in UTC; None where there is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def newest(known: datetime | None, records: list[Record], field: str = CLOCK) -> datetime | None:
    """The newest time of these records, or the one that is known."""
    times = [found for record in records if (found := instant(record.get(field))) is not None]
    return max([*times, *([known] if known else [])], default=None)


def _chain(
    reader: Reader, target: Target, since: datetime | None, order: Mapping[str, str]
) -> Iterator[tuple[Body, int]]:
    """The pages that one chain of page tokens leads through."""
    params = {**target.params, **order, "per_page": str(LIST_PAGE)}
    token: str | None = None
    rows = 0
    while rows < MOST_ROWS:
        asked = params if token is None else {**params, "page_token": token}
        body, cleaned = reader.records(target.module, target.names, asked, since)
        rows += len(body.data)
        following = body.token
        yield body, cleaned
        if not body.more:
            return
        if following is None:
            return
        if following == token:
            raise StalledError(f"module {target.module}: Zoho gives the same page again and again.")
        token = following


def _tombstone(record: Record) -> msgspec.Raw:
    return msgspec.Raw(
        msgspec.json.encode(
            {
                "id": record.get("id"),
                CLOCK: record.get("deleted_time"),
                DELETION_TYPE: record.get("type") or "recycle",
                DELETED_TIME: record.get("deleted_time"),
                DELETED_BY: record.get("deleted_by"),
            }
        )
    )

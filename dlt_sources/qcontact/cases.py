"""Streams of records: each as its own page shows it, read where the list says so, or where nobody can say.

State: `seen`, the mark of each record that was read, by id (`feed.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import AccessError, MalformedError, NotFoundError, SourceError, StalledError
from dlt_sources.qcontact.feed import OUTSIDE_CLOSED, Brief, Feed, Walk
from dlt_sources.qcontact.reader import Reader
from dlt_sources.qcontact.records import flat, tombstone
from dlt_sources.qcontact.streams import entity_of

TOGETHER = 25
"""Records that make one page."""
MOST_FORBIDDEN = 10
"""Records that the user may not read, though the list shows them, before the others are not tried any more."""

Marks = dict[str, str]


def records(reader: Reader, feed: Feed, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
    """All records of an entity that changed since a position; with a window those that were made in it.

    Raises:
        StalledError: The list shows fewer records than it says that there are.
        AccessError: The list shows records that the user may not read.
    """
    seen: Marks = dict(state.get("seen", {}))
    walk = feed.walk(entity_of(stream))
    yield from _read(reader, stream, due(walk.briefs.values(), seen, window), seen)
    if window is None and walk.whole:
        yield from _missing(feed, stream, walk, seen)
    yield Page(stream.name, [], {"seen": dict(seen)}, last=walk.whole)
    refuse_short(stream, walk)


def due(briefs: Iterable[Brief], seen: Marks, window: Window | None) -> list[Brief]:
    """The rows whose records are to be read, oldest first.

    Live: those that changed or are not closed. In a window: those made in it, but for those read before it was cut off.
    """
    rows = sorted(briefs, key=lambda brief: (len(brief.key), brief.key))
    if window is None:
        return [row for row in rows if seen.get(row.key) != row.mark or not row.closed]
    return [row for row in rows if row.key not in seen and within(row.created_at, window)]


def within(text: str | None, window: Window) -> bool:
    """Whether an instant lies in a window (its end excluded); one that cannot be read counts as inside."""
    if text is None or (window.since is None and window.until is None):
        return True
    try:
        at = datetime.fromisoformat(text)
        return (window.since is None or at >= window.since) and (window.until is None or at < window.until)
    except (ValueError, TypeError):
        return True


def chosen(reader: Reader, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
    """Chosen records; of one that is gone, that it is."""
    for number, key in enumerate(ids, 1):
        last = number == len(ids)
        try:
            record, cleaned = reader.record(entity_of(stream), key)
        except NotFoundError:
            yield Page(stream.name, [tombstone(key)], {}, last, partial=True)
        else:
            yield Page(stream.name, [flat(record)], {}, last, cleaned)


def missing(walk: Walk, seen: Marks) -> list[str]:
    """Ids of known records that a whole walk did not show; closed ones outside are asked for once."""
    return [key for key, mark in seen.items() if key not in walk.briefs and mark != OUTSIDE_CLOSED]


def refuse_short(stream: Stream, walk: Walk) -> None:
    """Refuses to call a walk complete that was not.

    Raises:
        StalledError: It was too short.
        MalformedError: It showed rows that cannot be told apart.
    """
    if walk.nameless:
        raise MalformedError(
            f"stream {stream.name}: the list shows {walk.nameless} rows without an id; all others are read, and none "
            "is called deleted."
        )
    if not walk.whole:
        raise StalledError(
            f"stream {stream.name}: the list says {walk.count} records and shows {len(walk.briefs)}, again and again; "
            "those that it shows are read, and none is called deleted."
        )


def _read(reader: Reader, stream: Stream, rows: Sequence[Brief], seen: Marks) -> Iterator[Page]:
    found: list[msgspec.Raw] = []
    gone: list[str] = []
    forbidden: list[str] = []
    cleaned = 0
    for number, row in enumerate(rows, 1):
        try:
            record, count = reader.record(entity_of(stream), row.key)
        except NotFoundError:
            gone.append(row.key)
        except AccessError:
            forbidden.append(row.key)
            if len(forbidden) > MOST_FORBIDDEN:
                break
        except SourceError:
            # what came before is whole and need not be asked for again
            yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)
            raise
        else:
            found.append(flat(record))
            seen[row.key] = row.mark
            cleaned += count
        if number % TOGETHER == 0:
            yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)
            found, cleaned = [], 0
    yield Page(stream.name, found, {"seen": dict(seen)}, cleaned=cleaned)
    if gone:
        yield _buried(stream, gone, seen)
    if forbidden:
        raise AccessError(
            f"stream {stream.name}: the list shows records that the user may not read, {forbidden[0]} among them "
            f"({len(forbidden)} tried). Give its role the right to {stream.plan}."
        )


def _missing(feed: Feed, stream: Stream, walk: Walk, seen: Marks) -> Iterator[Page]:
    """Asks for each known record that the list does not show: it is deleted only where QContact says so."""
    keys = missing(walk, seen)
    for start in range(0, len(keys), TOGETHER):
        found: list[msgspec.Raw] = []
        gone: list[str] = []
        for key in keys[start : start + TOGETHER]:
            mark, record = feed.outside(entity_of(stream), key)
            if mark is None:
                gone.append(key)
                continue
            seen[key] = mark
            found += [] if record is None else [flat(record)]
        yield Page(stream.name, found, {"seen": dict(seen)})
        if gone:
            yield _buried(stream, gone, seen)


def _buried(stream: Stream, gone: Sequence[str], seen: Marks) -> Page:
    """Says of records that they are gone; they are forgotten only with the rows that say so."""
    for key in gone:
        seen.pop(key, None)
    return Page(stream.name, [tombstone(key) for key in gone], {"seen": dict(seen)}, partial=True)

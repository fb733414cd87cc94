"""Streams of records: each as its own page shows it, read where the list says so, or where nobody can say.

State: see `marks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import MalformedError, NotFoundError, StalledError
from dlt_sources.qcontact.feed import Brief, Feed, Walk
from dlt_sources.qcontact.marks import Marks, groups
from dlt_sources.qcontact.reader import Reader, Record
from dlt_sources.qcontact.records import flat, tombstone
from dlt_sources.qcontact.refused import TOGETHER, Refused
from dlt_sources.qcontact.streams import entity_of


def records(reader: Reader, feed: Feed, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
    """All records of an entity that changed since a position; with a window those that were made in it.

    Raises:
        StalledError: The list shows fewer records than it says that there are.
        MalformedError: The list shows rows without an id.
        AccessError: The list shows records that the user may not read.
    """
    marks = Marks.of(state, reader.now())
    walk = feed.walk(entity_of(stream))
    refused = Refused(stream, marks, reader.now, lambda key: reader.record(entity_of(stream), key))
    refused.reconsider()
    yield from _read(reader, stream, marks.due(walk, window), marks, refused)
    if window is None and walk.whole:
        yield from _missing(feed, stream, walk, marks)
    yield Page(stream.name, [], marks.ended(), last=walk.whole)
    refuse_short(stream, walk)


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


def _read(
    reader: Reader, stream: Stream, rows: Sequence[Brief], marks: Marks, refused: Refused[tuple[Record, int]]
) -> Iterator[Page]:
    gone: list[str] = []

    def take(row: Brief, answer: tuple[Record, int] | NotFoundError) -> tuple[list[msgspec.Raw], int]:
        if isinstance(answer, NotFoundError):
            gone.append(row.key)
            return [], 0
        record, cleaned = answer
        marks.read(row, entity_of(stream), reader.now())
        return [flat(record)], cleaned

    yield from refused.pages(rows, take)
    if gone:
        yield _buried(stream, gone, marks)
    yield from refused.ended()


def _missing(feed: Feed, stream: Stream, walk: Walk, marks: Marks) -> Iterator[Page]:
    """Asks for each known record that the list does not show: it is deleted only where QContact says so."""
    for keys in groups(marks.missing(walk), TOGETHER):
        found: list[msgspec.Raw] = []
        gone: list[str] = []
        for key in keys:
            mark, record = feed.outside(entity_of(stream), key)
            if mark is None:
                gone.append(key)
                continue
            marks.outside(key, mark)
            found += [] if record is None else [flat(record)]
        yield Page(stream.name, found, marks.state())
        if gone:
            yield _buried(stream, gone, marks)


def _buried(stream: Stream, gone: Sequence[str], marks: Marks) -> Page:
    """Says of records that they are gone; they are forgotten only with the rows that say so."""
    marks.forget(gone)
    return Page(stream.name, [tombstone(key) for key in gone], marks.state(), partial=True)

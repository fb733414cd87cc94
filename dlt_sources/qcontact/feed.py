"""Which records changed: the one question that all streams ask of an entity's list.

Nothing tells of changes, so the list is walked whole, and each row's hash (its mark) is kept in the position. A mark
that begins with `-` is that of a record that the list does not show: out of scope, but there.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dlt_sources.errors import AccessError, NotFoundError
from dlt_sources.qcontact.reader import Reader, Record
from dlt_sources.qcontact.records import status

FRESH = 300.0
"""Seconds for which a walk answers further streams of the same sync."""
MOST_WALKS = 3
"""Walks through a list whose pages shift before it is taken as it is."""
OUTSIDE_OPEN, OUTSIDE_CLOSED = "-open", "-closed"


@dataclass(frozen=True, slots=True)
class Brief:
    """What reading on needs to know of a row of the list.

    Attributes:
        key: The record's id.
        mark: Hash of the row.
        created_at: When the record was made, as QContact writes it.
        closed: True where nothing more is expected of it.
    """

    key: str
    mark: str
    created_at: str | None
    closed: bool


@dataclass(slots=True)
class Walk:
    """What a walk through a list has shown.

    Attributes:
        entity: Name of the entity.
        at: Unix time at which it began.
        briefs: The rows, by id.
        count: How many there are, as the list says; None: it does not.
        nameless: Rows that have no id.
    """

    entity: str
    at: float
    briefs: dict[str, Brief] = field(default_factory=dict)
    count: int | None = None
    nameless: int = 0

    @property
    def whole(self) -> bool:
        """False where the list says that there are more records than it showed, or showed some that have no id."""
        return not self.nameless and (self.count is None or len(self.briefs) >= self.count)


class _Row(msgspec.Struct):
    id: int | str
    created_at: Any = None
    status: Any = None


_row = msgspec.json.Decoder(_Row).decode


class Feed:
    """Walks the lists of one tenant; a walk answers all streams that ask soon after it.

    Args:
        reader: Reads the tenant.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._walks: dict[str, Walk] = {}
        self._outside: dict[tuple[str, str], str | None] = {}

    def walk(self, entity: str) -> Walk:
        """All rows of an entity's list."""
        known = self._walks.get(entity)
        if known is not None and self._reader.now() - known.at < FRESH:
            return known
        self._outside = {key: mark for key, mark in self._outside.items() if key[0] != entity}
        walk = Walk(entity, self._reader.now())
        for _ in range(MOST_WALKS):
            before = len(walk.briefs)
            self._through(walk)
            if walk.whole or len(walk.briefs) == before:
                break
        self._walks[entity] = walk
        return walk

    def outside(self, entity: str, key: str) -> tuple[str | None, Record | None]:
        """How a record stands that the list does not show, and its own page where it was asked for just now.

        Returns:
            Its mark, None where it is gone, and its own page.
        """
        if (entity, key) in self._outside:
            return self._outside[entity, key], None
        mark, record = self._asked(entity, key)
        self._outside[entity, key] = mark
        return mark, record

    def _asked(self, entity: str, key: str) -> tuple[str | None, Record | None]:
        try:
            record, _ = self._reader.record(entity, key)
        except NotFoundError:
            return None, None
        except AccessError:
            # there, but no longer shown to this user
            return OUTSIDE_CLOSED, None
        closed = record.get("deleted") is True or self._is_closed(entity, status(record))
        return (OUTSIDE_CLOSED if closed else OUTSIDE_OPEN), record

    def _through(self, walk: Walk) -> None:
        """Walks once; what an earlier walk has shown is not forgotten, the newer row counts."""
        page, size = 1, self._reader.choices.page_size
        shown: set[str] = set()
        walk.nameless = 0
        while True:
            listed, _ = self._reader.listed(walk.entity, page, size)
            rows = list(self._briefs(walk.entity, listed.results))
            walk.nameless += len(listed.results) - len(rows)
            briefs = {brief.key: brief for brief in rows}
            new = briefs.keys() - shown
            shown |= new
            walk.briefs |= briefs
            # a page that does not say how many there are takes nothing back
            walk.count = walk.count if listed.pagination.count is None else listed.pagination.count
            pages = listed.pagination.pages
            # without a number of pages, a page that shows nothing new is the last
            if not listed.results or (page >= pages if pages is not None else not new):
                return
            page += 1

    def _briefs(self, entity: str, rows: list[msgspec.Raw]) -> Iterator[Brief]:
        for raw in rows:
            try:
                found = _row(raw)
            except msgspec.DecodeError:
                continue
            closed = self._is_closed(entity, _text(found.status))
            yield Brief(str(found.id), mark_of(raw), _text(found.created_at), closed)

    def _is_closed(self, entity: str, label: str | None) -> bool:
        # of other entities nothing but the list tells whether they go on
        return entity != "Case" or self._reader.choices.is_closed(label)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def mark_of(raw: msgspec.Raw) -> str:
    """Hash of a row, short since the position holds one a record: 48 bits, so that a change in 10^14 is overlooked."""
    return base64.b64encode(hashlib.blake2b(bytes(raw), digest_size=6).digest()).decode()

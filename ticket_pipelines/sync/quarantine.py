"""The quarantine: records that could not be shaped, mapped or loaded, encrypted, with the reason.

A record is saved before the position moves past it. It leaves when a good version of it is loaded.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
import xxhash

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import quarantine as table
from ticket_pipelines.sync.heads import Rejected
from ticket_pipelines.warehouse.base import Warehouse

_BATCH = 500
"""Rows a statement: SQLite limits the parameters of one."""


class Cipher(Protocol):
    """Encrypts what is stored (`desks.credentials.Vault`)."""

    def encrypt(self, text: bytes) -> str:
        """The bytes, encrypted."""
        ...

    def decrypt(self, token: str) -> bytes:
        """The bytes again."""
        ...


def save(control: sa.Engine, cipher: Cipher, desk: str, rejected: Sequence[Rejected], now: datetime) -> None:
    """Saves records; one that is there already counts another attempt. The caller holds the desk's lease."""
    entries = {(found.stream, payload_hash(found.payload)): found for found in rejected}
    if not entries:
        return
    with control.begin() as connection:
        known = {
            (row.stream, row.payload_hash): row.id
            for hashes in _batches([digest for _, digest in entries])
            for row in connection.execute(
                sa.select(table.c.id, table.c.stream, table.c.payload_hash).where(
                    table.c.desk == desk, table.c.payload_hash.in_(hashes)
                )
            )
        }
        for (stream, digest), found in entries.items():
            seen = {"stage": found.stage, "reason": found.reason, "last_seen_at": now}
            if (stream, digest) in known:
                again = sa.update(table).where(table.c.id == known[stream, digest])
                connection.execute(again.values(attempts=table.c.attempts + 1, **seen))
                continue
            values = {
                "id": str(uuid.uuid4()),
                "desk": desk,
                "stream": stream,
                "record_id": found.record_id,
                "version": found.version,
                "payload": cipher.encrypt(found.payload),
                "payload_hash": digest,
                "partial": found.partial,
                "attempts": 1,
                "first_seen_at": now,
            }
            connection.execute(sa.insert(table).values(**values, **seen))


def clear(control: sa.Engine, desk: str, loaded: Mapping[str, Mapping[str, int]], *, dated: bool = False) -> int:
    """Forgets records of which a version at least as high is loaded now.

    Args:
        control: The control database.
        desk: Key of the desk.
        loaded: Versions of loaded rows by id, by stream.
        dated: Leave those whose own version is not known: any that is loaded now came after them, one that is stored
            may have come before.

    Returns:
        How many were forgotten.
    """
    entries = sa.select(table.c.id, table.c.stream, table.c.record_id, table.c.version).where(
        table.c.desk == desk, table.c.record_id.is_not(None)
    )
    with reading(control) as connection:
        healed = [
            row.id
            for row in connection.execute(entries)
            if (version := loaded.get(row.stream, {}).get(row.record_id)) is not None
            and (not dated if row.version is None else row.version <= version)
        ]
    if healed:
        with control.begin() as connection:
            for ids in _batches(healed):
                connection.execute(sa.delete(table).where(table.c.id.in_(ids)))
    return len(healed)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record in the quarantine, without what it holds; the fields are the columns of the table."""

    id: str
    desk: str
    stream: str
    record_id: str | None
    version: int | None
    stage: str
    reason: str
    partial: bool
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime


def waiting(control: sa.Engine, desk: str | None = None) -> list[Waiting]:
    """The records that wait, of one desk or of all, oldest first."""
    names = [field.name for field in fields(Waiting)]
    query = sa.select(*(table.c[name] for name in names)).order_by(table.c.desk, table.c.first_seen_at, table.c.id)
    with reading(control) as connection:
        found = connection.execute(query if desk is None else query.where(table.c.desk == desk))
        return [Waiting(**row) for row in found.mappings()]


def payloads(control: sa.Engine, ids: Sequence[str]) -> dict[str, str]:
    """What these records hold, encrypted, by the id of their entry."""
    found: dict[str, str] = {}
    with reading(control) as connection:
        for some in _batches(ids):
            rows = connection.execute(sa.select(table.c.id, table.c.payload).where(table.c.id.in_(some)))
            found |= {row.id: row.payload for row in rows}
    return found


def clear_stored(control: sa.Engine, warehouse: Warehouse, vendor: str, desk: str) -> int:
    """Forgets records of which the warehouse holds a version at least as high; how many they were.

    Nothing else would: a record that is read again and is stored as it is, is not loaded.
    """
    mine = [one for one in waiting(control, desk) if one.record_id is not None and one.version is not None]
    forgotten = 0
    for stream in sorted({one.stream for one in mine}):
        of = {one.record_id: one.version for one in mine if one.stream == stream and one.record_id}
        stored = warehouse.stored(f"{vendor}_{stream}", desk, list(of))
        forgotten += clear(control, desk, {stream: {key: found.version for key, found in stored.items()}}, dated=True)
    return forgotten


def dealt_with(control: sa.Engine, tried: Sequence[Waiting]) -> None:
    """Forgets records that were tried again and were not set aside again: loaded, or older than what is stored."""
    attempts = {one.id: one.attempts for one in tried}
    with reading(control) as connection:
        query = sa.select(table.c.id, table.c.attempts).where(table.c.desk.in_({one.desk for one in tried}))
        done = [row.id for row in connection.execute(query) if attempts.get(row.id) == row.attempts]
    for ids in _batches(done):
        with control.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.id.in_(ids)))


def purge_old(control: sa.Engine, before: datetime) -> int:
    """Deletes the records that were last seen before a time; how many they were."""
    with control.begin() as connection:
        return connection.execute(sa.delete(table).where(table.c.last_seen_at < before)).rowcount


def count(control: sa.Engine, desk: str | None = None) -> int:
    """How many records wait, of one desk or of all."""
    query = sa.select(sa.func.count()).select_from(table)
    with reading(control) as connection:
        return int(connection.execute(query if desk is None else query.where(table.c.desk == desk)).scalar_one())


def payload_hash(payload: bytes) -> str:
    """What makes two rejected records the same: 32 hexadecimal digits."""
    return xxhash.xxh3_128_hexdigest(payload)


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]

"""The ledger of a reconciliation: what the source shows beside what the warehouse holds, ids and versions only.

A SQLite file in the installation's folder, so that an account of any size costs disk and no memory, and a
reconciliation that was killed goes on behind the last page that it wrote down.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.base import State
from ticket_pipelines.sync.heads import Head
from ticket_pipelines.sync.position import RESUMABLE

FORM = 1
"""Raised when the tables change: a file of another form is begun anew."""

_TABLES = """
CREATE TABLE IF NOT EXISTS about (account TEXT, begun TEXT);
CREATE TABLE IF NOT EXISTS walks (stream TEXT PRIMARY KEY, began INTEGER, state TEXT, done INTEGER);
CREATE TABLE IF NOT EXISTS shown (
    stream TEXT, id TEXT, version INTEGER, hash INTEGER, gone INTEGER, PRIMARY KEY (stream, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (
    id TEXT PRIMARY KEY, version INTEGER, hash INTEGER, gone INTEGER, read INTEGER) WITHOUT ROWID;
"""

_STALE = """
SELECT shown.id, shown.version FROM shown JOIN held ON held.id = shown.id
WHERE shown.stream = ? AND (
    shown.version > held.version
    OR (shown.version IS NULL AND shown.hash <> held.hash)
    OR (shown.gone <> held.gone AND held.read < ? AND (shown.gone = 0 OR shown.version >= held.version)))
ORDER BY shown.id
"""
_MISSING = """
SELECT shown.id, shown.version FROM shown LEFT JOIN held ON held.id = shown.id
WHERE shown.stream = ? AND held.id IS NULL ORDER BY shown.id
"""
_UNSHOWN = """
SELECT held.id, held.version FROM held LEFT JOIN shown ON shown.stream = ? AND shown.id = held.id
WHERE shown.id IS NULL AND held.gone = 0 AND held.read < ? ORDER BY held.id
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """How far the list of a stream was written down.

    Attributes:
        began: When, in microseconds since 1970.
        state: Where to go on.
        done: Whether it was listed to its end.
    """

    began: int
    state: State
    done: bool


Row = tuple[str, int | None]
"""Id, and version where one is known: the source's, or of an extra row the stored one."""


class Ledger:
    """One reconciliation's ledger; whoever opens it holds the desk's lease."""

    def __init__(self, path: Path, account: str, now: datetime) -> None:
        """Opens the file, or begins a new one where it is of another account, or too old to go on with.

        Args:
            path: The file.
            account: The account that is listed.
            now: The time.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = self._opened()
        about = self._file.execute("SELECT account, begun FROM about").fetchone()
        if about is None or about[0] != account or now - datetime.fromisoformat(about[1]) > RESUMABLE:
            for table in ("about", "walks", "shown", "held"):
                self._file.execute(f"DELETE FROM {table}")  # noqa: S608
            self._file.execute("INSERT INTO about VALUES (?, ?)", (account, now.isoformat()))
            self._file.commit()

    def listing(self, stream: str, now: datetime) -> Listing:
        """How far a stream was listed; begun now, where it was not."""
        begun = (stream, int(now.timestamp() * 1_000_000), "{}", 0)
        self._file.execute("INSERT OR IGNORE INTO walks VALUES (?, ?, ?, ?)", begun)
        self._file.commit()
        row = self._file.execute("SELECT began, state, done FROM walks WHERE stream = ?", (stream,)).fetchone()
        return Listing(row[0], json.loads(row[1]), bool(row[2]))

    def show(self, stream: str, heads: Iterable[Head], state: State, *, done: bool, hashed: bool) -> None:
        """Writes down a page and where to go on behind it, both or neither.

        Args:
            stream: Name of the stream.
            heads: Heads of its records; of two of one id the higher version counts.
            state: Where to go on.
            done: Whether it was the last page.
            hashed: Whether the records are whole, so that their hashes can be compared.
        """
        rows = [
            (stream, head.id, head.version, head.content_hash if hashed else None, head.deleted_at is not None)
            for head in heads
        ]
        with self._file:
            self._file.executemany(
                "INSERT INTO shown VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version,"
                " hash = excluded.hash, gone = excluded.gone"
                " WHERE coalesce(excluded.version, 0) >= coalesce(shown.version, 0)",
                rows,
            )
            place = (json.dumps(state), done, stream)
            self._file.execute("UPDATE walks SET state = ?, done = ? WHERE stream = ?", place)

    def forget(self, stream: str) -> None:
        """Forgets what was listed of a stream."""
        with self._file:
            self._file.execute("DELETE FROM shown WHERE stream = ?", (stream,))
            self._file.execute("DELETE FROM walks WHERE stream = ?", (stream,))

    def hold(self, batches: Iterable[pa.Table]) -> None:
        """Writes down what the warehouse holds of one stream, in place of what it held of the one before."""
        with self._file:
            self._file.execute("DELETE FROM held")
            for rows in batches:
                read = rows["synced_at"].cast(pa.int64())
                columns = (rows["id"], rows["version"], rows["content_hash"], pc.is_valid(rows["deleted_at"]), read)
                values = zip(*(column.to_pylist() for column in columns), strict=True)
                self._file.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", values)

    def counts(self, stream: str) -> tuple[int, int]:
        """Records that the source shows of a stream, and rows that the warehouse holds, those alive."""
        shown = "SELECT count(*) FROM shown WHERE stream = ? AND gone = 0"
        (source,) = self._file.execute(shown, (stream,)).fetchone()
        (rows,) = self._file.execute("SELECT count(*) FROM held WHERE gone = 0").fetchone()
        return int(source), int(rows)

    def missing(self, stream: str) -> Iterator[Row]:
        """Records of which the warehouse holds no row."""
        yield from self._file.execute(_MISSING, (stream,))

    def stale(self, stream: str, began: int) -> Iterator[Row]:
        """Records of which the warehouse holds an older version."""
        yield from self._file.execute(_STALE, (stream, began))

    def unshown(self, stream: str, began: int) -> Iterator[Row]:
        """Rows alive that the source did not show, and that no sync has read since its list was begun."""
        yield from self._file.execute(_UNSHOWN, (stream, began))

    def is_finished(self, streams: Sequence[str]) -> bool:
        """Whether none of these streams was cut off."""
        begun = self._file.execute("SELECT stream FROM walks WHERE done = 0").fetchall()
        return not {name for (name,) in begun}.intersection(streams)

    def close(self, *, remove: bool) -> None:
        """Closes the file, and removes it where nothing is to be gone on with."""
        self._file.close()
        if remove:
            self._remove()

    def _opened(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path)
        (form,) = file.execute("PRAGMA user_version").fetchone()
        if form not in (0, FORM):
            file.close()
            self._remove()
            file = sqlite3.connect(self._path)
        # it can be made again: a power cut may cost it, a killed process does not
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = OFF")
        file.executescript(_TABLES)
        file.execute(f"PRAGMA user_version = {FORM}")
        file.commit()
        return file

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

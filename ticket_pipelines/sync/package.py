"""The load package: what one load commits together, over all streams, bounded in rows and bytes.

    heads of pages --buffer--> settle against what is stored --keep--> records to be shaped and loaded

Each (desk, id) stands at most once in a table: of several copies the highest version is kept, of equal versions the one
read last. Unchanged records cost no room, so a repeated read fits into few packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import pyarrow as pa

from ticket_pipelines.sync.heads import Head, Rejected
from ticket_pipelines.sync.result import Counts
from ticket_pipelines.sync.settle import Outcome, settle
from ticket_pipelines.warehouse.base import Stored


@dataclass(frozen=True, slots=True)
class Bounds:
    """Size of a package.

    Attributes:
        rows: Records to load, at most (one page more where a single page is larger).
        size: Bytes of those records, at most.
        read: Records read, at most, before the position is committed though few of them changed.
    """

    rows: int = 10_000
    size: int = 32 * 2**20
    read: int = 50_000


@dataclass(slots=True)
class Settled:
    """A record that is to be written.

    Attributes:
        raw: The record as it came.
        id: The vendor's id, as text.
        version: The version that its row gets.
        content_hash: Hash of the record's bytes.
        deleted_at: When it was deleted; None while alive.
        outcome: What becomes of the stored row.
        stored: The stored row; None where there is none.
        size: Bytes of the record.
        partial: It lacks fields that a stored row may hold.
    """

    raw: msgspec.Raw
    id: str
    version: int
    content_hash: int
    deleted_at: datetime | None
    outcome: Outcome
    stored: Stored | None
    size: int
    partial: bool = False

    def rejected(self, stream: str, stage: str, reason: str) -> Rejected:
        """This record, set aside."""
        return Rejected(stream, stage, reason, bytes(self.raw), self.id, self.version, self.partial)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows that are made from stored ones (a sweep, a repair by part of a record), ready to load.

    Attributes:
        rows: Rows of the vendor table.
        outcomes: What becomes of each stored row, by id.
        payloads: What the vendor sent for it, by id, where it sent something.
    """

    rows: pa.Table
    outcomes: Mapping[str, Outcome]
    payloads: Mapping[str, bytes] = field(default_factory=dict)


class Package:
    """One load package in the making."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.kept: dict[str, dict[str, Settled]] = {}
        self.prepared: dict[str, list[Prepared]] = {}
        self.rejected: list[Rejected] = []
        self.counts: dict[str, Counts] = {}
        self.read = 0
        self._buffer: dict[str, list[Head]] = {}
        self._rows = self._size = 0
        self._buffered_rows = self._buffered_size = 0

    def has_room(self, records: int, size: int) -> bool:
        """Whether a page of that size fits beside what is kept and what waits to be settled."""
        rows, used = self._rows + self._buffered_rows, self._size + self._buffered_size
        return not rows or (rows + records <= self.bounds.rows and used + size <= self.bounds.size)

    @property
    def is_full(self) -> bool:
        """Whether it is to be loaded. Asked when nothing waits to be settled."""
        # a package that is nearly full would settle the next pages one by one, a query each
        rows, size = self.bounds.rows * 4 // 5, self.bounds.size * 4 // 5
        return self._rows >= rows or self._size >= size or self.read >= self.bounds.read

    def holds(self, stream: str, ids: Iterable[str]) -> bool:
        """Whether one of these records is to be loaded with the package."""
        prepared = (key for ready in self.prepared.get(stream, ()) for key in ready.outcomes)
        return not ({*self.kept.get(stream, ()), *prepared}).isdisjoint(ids)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load and nothing to set aside."""
        return not (self._rows or self._buffered_rows or self.prepared or self.rejected)

    def add(self, stream: str, heads: Sequence[Head], rejected: Sequence[Rejected], size: int) -> None:
        """Takes the records of a page, to be settled later."""
        self._buffer.setdefault(stream, []).extend(heads)
        self._buffered_rows += len(heads)
        self._buffered_size += size
        self.read += len(heads) + len(rejected)
        self.reject(rejected)

    def reject(self, rejected: Sequence[Rejected]) -> None:
        """Takes records that have no row; they count as failed once they are saved."""
        self.rejected += rejected

    def prepare(self, stream: str, prepared: Prepared) -> None:
        """Takes rows that are ready to load."""
        self.prepared.setdefault(stream, []).append(prepared)
        self._rows += prepared.rows.num_rows
        self._size += prepared.rows.nbytes

    def waiting(self) -> Iterator[tuple[str, list[Head]]]:
        """Gives the records to be settled, by stream, and forgets them."""
        buffer, self._buffer = self._buffer, {}
        self._buffered_rows = self._buffered_size = 0
        yield from buffer.items()

    def settle(self, stream: str, heads: Sequence[Head], stored: Mapping[str, Stored], counted: bool) -> None:
        """Settles records against what the warehouse holds, and against copies of them that are kept already.

        Args:
            stream: Name of the stream.
            heads: Records, in the order in which they were read.
            stored: What the warehouse holds of them, by id.
            counted: See `settle.settle`.
        """
        kept = self.kept.setdefault(stream, {})
        new: list[Settled] = []
        unchanged = 0
        for head in heads:
            before = kept.get(head.id)
            if before is not None:
                unchanged += 1
                as_stored = Stored(before.version, before.content_hash, before.deleted_at)
                if settle(head, as_stored, counted)[0].dropped:
                    continue
                del kept[head.id]
                self._rows -= 1
                self._size -= before.size
            found = stored.get(head.id)
            outcome, version = settle(head, found, counted)
            if outcome.dropped:
                unchanged += 1
                continue
            size = memoryview(head.raw).nbytes
            taken = Settled(
                head.raw, head.id, version, head.content_hash, head.deleted_at, outcome, found, size, head.partial
            )
            kept[head.id] = taken
            new.append(taken)
            self._rows += 1
            self._size += size
        self.count(stream).unchanged += unchanged
        if len(new) < len(heads) // 2:
            # a record as read is a view that keeps its whole page in memory: dear where most of the page is dropped
            for taken in new:
                taken.raw = taken.raw.copy()

    def count(self, stream: str) -> Counts:
        """The counts of a stream in this package, to add to."""
        return self.counts.setdefault(stream, Counts())

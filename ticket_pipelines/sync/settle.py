"""Settling: what a record that was read means for the row that is stored. A pure decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import IntEnum

from ticket_pipelines.sync.heads import Head
from ticket_pipelines.warehouse.base import Stored


class Outcome(IntEnum):
    """What becomes of a record."""

    UNCHANGED = 0
    STALE = 1
    CREATED = 2
    UPDATED = 3
    DELETED = 4
    REVIVED = 5

    @property
    def dropped(self) -> bool:
        """Nothing is to be written."""
        return self <= Outcome.STALE


def settle(head: Head, stored: Stored | None, counted: bool) -> tuple[Outcome, int]:
    """Decides on one record.

    Args:
        head: The record.
        stored: The row of that id; None where there is none.
        counted: True where the vendor's clock does not order the changes, so that what is read now is true now, and a
            change without a higher clock gets the stored version + 1. So does one whose clock is unreadable.

    Returns:
        The outcome, and the version that the row is written with.
    """
    version = head.version
    deleted = head.deleted_at is not None
    if stored is None:
        return (Outcome.DELETED if deleted else Outcome.CREATED), (1 if version is None else version)
    was_deleted = stored.deleted_at is not None
    # the same bytes with a higher clock than the row's: the row is not what was written of them
    spoilt = version is not None and version > stored.version
    if head.content_hash == stored.content_hash and deleted == was_deleted and not spoilt:
        return Outcome.UNCHANGED, stored.version
    # alive after it was deleted: it was restored, with the clock that it had
    revived = not deleted and _is_before(stored.deleted_at, head.as_of)
    if version is None or (counted and (revived or not head.older) and version <= stored.version):
        version = stored.version + 1
    elif version < stored.version:
        return Outcome.STALE, stored.version
    if deleted == was_deleted:
        return Outcome.UPDATED, version
    return (Outcome.DELETED if deleted else Outcome.REVIVED), version


def _is_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def above(unified: Mapping[str, Stored], stored: Mapping[str, Stored], heads: Sequence[Head]) -> list[Head]:
    """Repairs, with versions above the unified rows that another stream gave: what is read now is true now.

    Args:
        unified: What is stored of them in the unified table, by id.
        stored: What is stored of them in their own, by id.
        heads: The repairs.
    """

    def raised(head: Head) -> Head:
        there, mine = unified.get(head.id), stored.get(head.id)
        if there is None:
            return head
        if mine is not None and mine.content_hash == head.content_hash and mine.version >= there.version:
            return replace(head, version=mine.version)
        return replace(head, version=max(head.version or 0, there.version + 1))

    return [raised(head) for head in heads]

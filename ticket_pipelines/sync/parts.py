"""Parts of records: each is laid over the stored row of its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from dlt_sources.base import Stream
from ticket_pipelines.sync.heads import Head, Rejected
from ticket_pipelines.sync.load import Loader
from ticket_pipelines.sync.package import Prepared, Settled
from ticket_pipelines.sync.settle import Outcome
from ticket_pipelines.sync.stored_rows import Part, overlay


def laid_over(
    loader: Loader, stream: Stream, known: Mapping[str, Head], told: Callable[[msgspec.Raw], bool], now: datetime
) -> tuple[Prepared | None, list[Rejected]]:
    """The rows that parts of records change, and the parts that cannot be shaped.

    Args:
        loader: Knows what is stored.
        stream: Their stream.
        known: Heads of records whose row is stored, by id.
        told: Says of a record whether it has the fields that say whether it is deleted.
        now: When they were read.
    """
    shaper, target = loader.shaper(stream), loader.target
    settled = [
        Settled(head.raw, head.id, 0, head.content_hash, head.deleted_at, Outcome.UPDATED, None, 0, partial=True)
        for head in known.values()
    ]
    rows, rejected = shaper.rows(settled, now)
    parts = [
        Part(known[row["id"]], row, shaper.present(known[row["id"]].raw), told(known[row["id"]].raw))
        for row in rows.to_pylist()
    ]
    spec = shaper.layout.spec
    batches = loader.patiently(
        lambda: list(target.warehouse.rows(spec.name, target.desk, column="id", values=list(known)))
    )
    return overlay(parts, batches, spec), rejected

"""What a sync sees of a vendor's schema that was not so before: new fields, and values that do not fit their column."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MOST = 20
"""Changes that are named; a vendor that changes more at once is told with these."""


class Drift:
    """Counts over one sync.

    Args:
        committed: The desk's position when the sync began. What a stream is like that was never read is no change.
    """

    def __init__(self, committed: Mapping[str, Any]) -> None:
        self._read = frozenset(committed.get("streams", {})) | frozenset(committed.get("refreshed", {}))
        self._new: dict[str, None] = {}
        self._misfits: Counter[str] = Counter()

    def learned(self, stream: str, known: Collection[str], fields: Iterable[str]) -> None:
        """Notes the fields that a stream has beyond those that were known."""
        if stream in self._read:
            self._new |= dict.fromkeys(f"new field {stream}.{field}" for field in fields if field not in known)

    def rows(self, stream: str, rows: pa.Table) -> None:
        """Notes the values of rows on their way that did not fit (`unparsed`)."""
        if stream not in self._read or rows["unparsed"].null_count == rows.num_rows:
            return
        for text in pc.drop_null(rows["unparsed"]).to_pylist():
            self._misfits.update(f"{stream}.{column}" for column in json.loads(text))

    def told(self) -> list[str]:
        """The changes in words."""
        misfits = [f"{count} values of {column} did not fit" for column, count in self._misfits.most_common()]
        return [*self._new, *misfits][:MOST]

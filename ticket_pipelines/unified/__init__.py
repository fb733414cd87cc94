"""The unified ticket model: its tables as data (`model.py`), its views (`views.py`), one mapping file a vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pyarrow as pa


@dataclass(slots=True)
class Mapped:
    """Unified rows made of vendor rows.

    Attributes:
        tables: Rows by unified table, in the Arrow schema of its `TableSpec`.
        warnings: What could not be mapped, counted ("status 'weird' is not mapped": 3).
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """How rows of one vendor table become unified rows.

    Attributes:
        rows: Pure function: rows of the vendor table (common columns included) in, unified rows out. Never raises on
            nulls; may raise on a row that cannot be mapped (the engine then finds that row and sets it aside).
        owns: Unified table to the column that holds the id of the vendor row that a unified row was made of. Stored
            rows of that owner that the mapping gives no longer are marked deleted.
    """

    rows: Callable[[pa.Table], Mapped]
    owns: Mapping[str, str] = field(default_factory=dict)


def mappings(vendor: str, config: Mapping[str, Any] | None = None) -> Mapping[str, StreamMapping]:
    """The mapping of each stream of a vendor that has one, by stream name.

    Args:
        vendor: Name of the vendor.
        config: Configuration of a desk, which may give labels a meaning of its own; None: the defaults.
    """
    module = import_module(f"ticket_pipelines.unified.{vendor}")
    found: Mapping[str, StreamMapping] = module.MAPPINGS
    if config and hasattr(module, "configured"):
        found = module.configured(config)
    return found

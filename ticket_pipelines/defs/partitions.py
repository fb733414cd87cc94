"""A desk is a partition of its vendor's definition."""

from __future__ import annotations

from functools import cache

import dagster as dg


@cache
def desks_of(vendor: str) -> dg.DynamicPartitionsDefinition:
    """The desks of a vendor; a date range is run configuration, never a second dimension."""
    return dg.DynamicPartitionsDefinition(name=f"{vendor}_desks")

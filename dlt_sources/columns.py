"""Short ways to declare columns, one a kind."""

from __future__ import annotations

from dlt_sources.base import Column, Kind


def text(name: str, meaning: str = "") -> Column:
    """A text column."""
    return Column(name, Kind.TEXT, meaning)


def integer(name: str, meaning: str = "") -> Column:
    """A whole number, ids among them."""
    return Column(name, Kind.INTEGER, meaning)


def number(name: str, meaning: str = "") -> Column:
    """A number with a fraction."""
    return Column(name, Kind.NUMBER, meaning)


def boolean(name: str, meaning: str = "") -> Column:
    """True or false."""
    return Column(name, Kind.BOOLEAN, meaning)


def moment(name: str, meaning: str = "") -> Column:
    """An instant (ISO 8601 at the vendor)."""
    return Column(name, Kind.TIMESTAMP, meaning)


def nested(name: str, meaning: str = "") -> Column:
    """A list or an object, kept as JSON."""
    return Column(name, Kind.JSON, meaning)

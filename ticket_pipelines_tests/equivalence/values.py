"""Values that engines have been seen to change: borders of numbers and times, empty texts, odd texts, odd names."""

from __future__ import annotations

from typing import Any

LONG = "a name that goes on and on until no engine takes it as a column any more, ünïcode, number"

TEXTS = (
    "",
    " ",
    "null",
    "NULL",
    "\\N",
    "0",
    "Zażółć 👩‍👩‍👧 “quotes”, 'single', \"double\"; -- \\ \\n $1 %s {0}",
    "line\nbreak\r\n\ttab",
    "注文番号 𠮷野家",
    "مرحبا 12345",
    "e\u0301 is not \u00e9",
    "\x00nul\ud800 and half a pair",
    "\x01\x1f\x7f\u0085\u2028\ufeff",
    "2025-01-01T00:00:00Z",
    '{"b": 1, "a": null}',
)
"""Texts; each is to come out as it went in (but for NUL and halves of pairs, which every engine loses alike)."""

WHOLE = (0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, "12", "", True)
"""Values for a column of whole numbers, some of which do not fit."""

BEYOND = (10**30, -(2**64))
"""Whole numbers that ClickHouse's JSON functions take for texts: `ticket_field_values` gives them as such there."""

DOUBLES = (0.1, -0.0, 1e-7, 1e21, -2.5e99, 123456789012345680.0, 1.5e-30, 0.30000000000000004, 1e15, 2**63, 3)
"""Numbers with a fraction, or as large as those; the view of custom fields promises the same text up to 1e99."""

EXTREMES = (1.7976931348623157e308, 5e-324, 1e-300)
"""Numbers that only columns hold, and JSON."""

INSTANTS = (
    "2025-03-09T02:30:00-05:00",
    "2025-03-09T06:59:59.999999Z",
    "2025-11-02T05:30:00Z",
    "2025-11-02T01:30:00.5-04:00",
    "2025-11-02T01:30:00.5-05:00",
    "2024-02-29T23:59:59.123456789+05:30",
    "1900-01-01T00:00:00Z",
    "2299-12-31T23:59:59.999999Z",
    "1883-11-18T12:03:58Z",
    "2300-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "1970-01-01T00:00:00Z",
    "2025-01-01",
    "0000-00-00T00:00:00Z",
    "",
)
"""Times: around a change of the clocks in New York, with fractions, at the borders of what is stored, and beyond."""

DATES = (
    "1900-01-01",
    "1969-12-31",
    "1970-01-01",
    "2024-02-29",
    "2025-03-09",
    "2299-12-31",
    "2300-01-01",
    "2025-02-30",
    "",
)

DRIFT: tuple[Any, ...] = (
    10,
    "n/a",
    ["a", None, {"b": [1, 1.0, 1e5]}],
    {"z": 1, "a": {"": "", "ключ": None}, "big": 12345678901234567890, "small": 1e-30},
    True,
    False,
    0.30000000000000004,
    "",
    None,
    [],
    {},
)
"""A field's values as they change their type."""

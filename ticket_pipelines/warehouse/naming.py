"""Names of warehouse columns, made from a vendor's field names.

A name is snake_case, at most 63 bytes of UTF-8 (Postgres cuts longer ones off), and the same whatever came before it:
every rule but one looks at the field's own name alone. The exception is a clash (`Order ID` beside `order-id`): the
names that clash all get a hash of the vendor's spelling, except one that is spelled as the column already, and except
those that have a column from an earlier sync (`taken`), which keep it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import xxhash

from ticket_pipelines.warehouse.table import COMMON, CONTENT_HASH

MAX_BYTES = 63
RESERVED = frozenset(column.name for column in (*COMMON, CONTENT_HASH))
"""Columns of ours; a vendor's field named so gets the suffix `_vendor`."""

_HASH_CHARACTERS = 8
_WORDS = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_A_LETTER = re.compile(r"[\W_]+")


def column_name(field: str) -> str:
    """The column of one vendor field, clashes left aside.

    `createdTime` gives `created_time`, `Order ID` gives `order_id`, `2fa` gives `_2fa`, `id` gives `id_vendor`, a name
    without letters or digits gives `field_` and its hash.
    """
    composed = unicodedata.normalize("NFKC", field)
    lower = unicodedata.normalize("NFC", _WORDS.sub("_", composed).lower())
    name = _NOT_A_LETTER.sub("_", lower).strip("_")
    if not name:
        return f"field_{_digest(field)}"
    if name[0].isdigit():
        name = f"_{name}"
    if name in RESERVED:
        name = f"{name}_vendor"
    return name if len(name.encode()) <= MAX_BYTES else hashed(name, field)


def column_names(fields: Iterable[str], taken: Mapping[str, str] | None = None) -> dict[str, str]:
    """The columns of a record's fields, each its own; independent of their order.

    Args:
        fields: The vendor's field names.
        taken: Fields that have a column already (field name to column name); they keep it.

    Returns:
        Column name by field name, for all of `fields`.
    """
    names = {field: taken[field] for field in fields if field in taken} if taken else {}
    used = set(taken.values()) if taken else set()
    claims: dict[str, list[str]] = {}
    for field in dict.fromkeys(fields):
        if field not in names:
            claims.setdefault(column_name(field), []).append(field)
    for name, claimants in sorted(claims.items()):
        for field in sorted(claimants):
            alone = len(claimants) == 1 or field == name
            names[field] = name if alone and name not in used else hashed(name, field)
    return names


def hashed(name: str, field: str) -> str:
    """The name cut to fit, with a hash of the vendor's spelling behind it."""
    room = MAX_BYTES - _HASH_CHARACTERS - 1
    short = name.encode()[:room].decode(errors="ignore").rstrip("_")
    return f"{short}_{_digest(field)}"


def _digest(field: str) -> str:
    return xxhash.xxh3_64_hexdigest(field.encode(errors="surrogatepass"))[:_HASH_CHARACTERS]

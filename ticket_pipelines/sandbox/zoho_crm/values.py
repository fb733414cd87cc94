"""Invented values: pure functions of a field, a row's number and a few bounds, so that long modules cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.zoho_crm.fields import Field, Record, fixed_id

FIRST_ID = 39_841_200_000_000_000
MODULE_SPAN = 100_000_000
DAY = 86_400
_EMPTY_EVERY = 11
_NEVER_EMPTY = ("subform", "boolean", "autonumber", "ownerlookup")
_WORDS = ("kettle", "lamp", "toaster", "filter", "cable")
_ODD = (
    "Zażółć 👩‍👩‍👧 “quotes”, comma; semicolon",
    'line\nbreak\r\nDOS "double" \\N NULL',
    "注文番号 𠮷野家",
    "مرحبا 12345",
    "",
    "<b>&amp;</b> '; DROP TABLE cases; --",
)
_FIRST = ("Ana", "Björn", "Chinedu", "Dilara", "Eoin")
_LAST = ("de Vries", "O'Neill", "Müller", "Nguyễn", "Øster")
_USERS = 3


@dataclass(frozen=True, slots=True)
class World:
    """What values are bound by.

    Attributes:
        counts: Rows by module.
        starts: First id by module.
        offset: The organization's zone in seconds, and as text.
        at: When the account began, Unix seconds.
    """

    counts: Mapping[str, int]
    starts: Mapping[str, int]
    offset: tuple[int, str]
    at: int

    def moment(self, seconds: float) -> str:
        """A time as the vendor writes it, in the organization's zone."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + self.offset[0])) + self.offset[1]


def user(number: int) -> Record:
    """A user as rows name it."""
    key = number % _USERS
    return {
        "name": ("Ann Admin", "Ben Bakker", "Chloé Şahin")[key],
        "id": user_id(key),
        "email": f"user{key}@sandbox.example",
    }


def user_id(number: int) -> str:
    """Id of a user by number."""
    return str(FIRST_ID - 1_000 + number)


def value(field: Field, n: int, world: World) -> Any:
    """The value of a field in a row."""
    if field.api_name in _NAMED:
        return _NAMED[field.api_name](n)
    if (n + len(field.api_name)) % _EMPTY_EVERY == 0 and field.data_type not in _NEVER_EMPTY:
        return [] if field.data_type in ("multiselectpicklist", "tag") else None
    return _KINDS.get(field.data_type, _text)(field, n, world)


def _text(field: Field, n: int, _: World) -> Any:
    return _ODD[n] if n < len(_ODD) else f"{field.api_name} {n} {_WORDS[n % len(_WORDS)]}"


def _lookup(field: Field, n: int, world: World) -> Any:
    count = world.counts.get(field.of, 0)
    if not count:
        return None
    target = str(world.starts[field.of] + n % count)
    told: Record = {"name": f"{field.of} {n % count}", "id": target}
    if field.api_name == "Parent_Id":
        told["module"] = {"api_name": field.of, "id": fixed_id(f"module {field.of}")}
    return told


def _many_lookups(field: Field, n: int, world: World) -> Any:
    found = [_lookup(field, n + step, world) for step in range(n % 3)]
    return [{"id": str(FIRST_ID - 5_000_000 + n * 3 + at), field.of: one} for at, one in enumerate(found) if one]


def _subform(_: Field, n: int, world: World) -> Any:
    return [
        {
            "id": str(FIRST_ID - 9_000_000 + n * 4 + line),
            "Parent_Id": {"name": f"Case {n}", "id": str(world.starts["Cases"] + n)},
            "Item": _WORDS[(n + line) % len(_WORDS)],
            "Quantity": line + 1,
            "Created_Time": world.moment(world.at + n),
        }
        for line in range(n % 4)
    ]


def _options(field: Field, n: int, _: World) -> Any:
    return list(field.values[: n % (len(field.values) + 1)])


def _option(field: Field, n: int, _: World) -> Any:
    return field.values[n % len(field.values)]


def _image(_: Field, n: int, __: World) -> Any:
    return (
        [{"id": str(n), "File_Name__s": "foto é.png", "Size__s": 48_213, "Sequence_Number__s": 1}]
        if n % 5 == 1
        else None
    )


_KINDS: Mapping[str, Callable[[Field, int, World], Any]] = {
    "email": lambda _, n, __: f"person{n}@customers.example",
    "phone": lambda _, n, __: f"+31 20 {n:07d}",
    "website": lambda _, n, __: f"https://www.example.com/{n}",
    "picklist": _option,
    "multiselectpicklist": _options,
    "boolean": lambda _, n, __: n % 3 == 0,
    "integer": lambda _, n, __: n % 1000,
    "bigint": lambda _, n, __: str(900_000_000_000_000_000 + n),
    "autonumber": lambda _, n, __: f"CASE-{n:06d}",
    "double": lambda _, n, __: n * 0.25,
    "currency": lambda _, n, __: round(n * 12.34, 2),
    "formula": lambda _, n, __: round(n * 1.1, 2),
    "percent": lambda _, n, __: n % 101,
    "date": lambda _, n, __: f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
    "datetime": lambda _, n, world: world.moment(world.at + n * 61),
    "lookup": _lookup,
    "multiselectlookup": _many_lookups,
    "ownerlookup": lambda _, n, __: user(n),
    "subform": _subform,
    "imageupload": _image,
    "tag": lambda _, n, __: [{"name": "vip", "id": "39841200000000777", "color_code": None}] if n % 4 == 0 else [],
}
_NAMED: Mapping[str, Callable[[int], Any]] = {
    "First_Name": lambda n: _FIRST[n % len(_FIRST)],
    "Last_Name": lambda n: _LAST[n // 5 % len(_LAST)],
    "Full_Name": lambda n: f"{_FIRST[n % len(_FIRST)]} {_LAST[n // 5 % len(_LAST)]}",
}

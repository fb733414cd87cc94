"""The rows of one module: invented ones, that exist only while they are looked at, and those that were changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.zoho_crm.fields import Field, Record
from ticket_pipelines.sandbox.zoho_crm.modules import Module
from ticket_pipelines.sandbox.zoho_crm.values import DAY, World, user, value

Place = tuple[float, int]
"""What a list is sorted by, and an id."""
_SPREAD = 3 * DAY
_DELETED = 3


@dataclass(frozen=True, slots=True)
class Gone:
    """A deleted row.

    Attributes:
        at: Unix seconds.
        name: What it was called.
        kind: `recycle` while it can be restored, else `permanent`.
    """

    at: float
    name: str
    kind: str


@dataclass(slots=True)
class Changed:
    """A row that is no longer as it was invented.

    Attributes:
        created: Unix seconds.
        modified: Unix seconds.
        values: Its fields besides the times.
    """

    created: float
    modified: float
    values: Record


class Table:
    """Rows by id, in any of the vendor's orders.

    Args:
        module: Whose rows.
        start: First id.
        count: Rows to invent.
        same_second: How many of them change in one second.
        until: Nothing happens later, Unix seconds.
        world: Bounds of invented values.
    """

    def __init__(self, module: Module, start: int, count: int, same_second: int, until: int, world: World) -> None:
        self.module = module
        self.fields = {field.api_name: field for field in module.fields}
        self.start = start
        self.count = count
        self.world = world
        self.changed: dict[int, Changed] = {}
        self.gone: dict[int, Gone] = {}
        self._same_second = min(same_second, count)
        self._until = until
        self._next = start + count
        self._orders: dict[str, list[Place]] = {}
        for number in range(_DELETED if count else 0):
            # rows that were there once; only their deletion is known
            kind = "permanent" if number == 0 else "recycle"
            self.gone[self.take_id()] = Gone(until - (number + 1) * DAY, f"{module.label} gone {number}", kind)

    def take_id(self) -> int:
        """A new id."""
        self._next += 1
        return self._next - 1

    def __contains__(self, key: int) -> bool:
        return key not in self.gone and (key in self.changed or self.start <= key < self.start + self.count)

    def ids(self) -> Iterator[int]:
        """Ids of all rows that are not deleted, ascending."""
        invented = (key for key in range(self.start, self.start + self.count) if key not in self.gone)
        yield from invented
        yield from sorted(key for key in self.changed if key >= self.start + self.count and key not in self.gone)

    def created(self, key: int) -> float:
        """When a row was created."""
        if key in self.changed:
            return self.changed[key].created
        span = self._until - _SPREAD - self.world.at
        return self.world.at + (key - self.start) * span // max(1, self.count)

    def modified(self, key: int) -> float:
        """When a row changed last."""
        if key in self.changed:
            return self.changed[key].modified
        number = key - self.start
        # the last rows of the invented ones changed together
        if number >= self.count - self._same_second:
            return self._until - _SPREAD
        return self.created(key) + number * 7919 % _SPREAD

    def row(self, key: int, names: Iterable[str] | None = None) -> Record:
        """A row with its id; of fields that it does not have nothing is told.

        Args:
            key: Its id.
            names: Fields to tell; None: all.
        """
        known = self.fields if names is None else [name for name in names if name in self.fields]
        return {"id": str(key), **{name: self.told(key, self.fields[name]) for name in known}}

    def told(self, key: int, field: Field) -> Any:
        """The value of a field in a row."""
        if field.api_name == "Created_Time":
            return self.world.moment(self.created(key))
        if field.api_name == "Modified_Time":
            return self.world.moment(self.modified(key))
        changed = self.changed.get(key)
        if changed and field.api_name in changed.values:
            return changed.values[field.api_name]
        # a row that was created is empty, but for what was given and its people
        if key >= self.start + self.count:
            return user(0) if field.data_type == "ownerlookup" else None
        return value(field, key - self.start, self.world)

    def name(self, key: int) -> str:
        """What people call a row."""
        shown = self.row(key, [self.module.display]).get(self.module.display)
        return shown["name"] if isinstance(shown, dict) else str(shown)

    def order(self, sort: str) -> list[Place]:
        """All rows by `id`, `Created_Time` or `Modified_Time`, ascending; do not change it."""
        if sort not in self._orders:
            key_of = {"Created_Time": self.created, "Modified_Time": self.modified}.get(sort)
            self._orders[sort] = sorted((key_of(key) if key_of else 0, key) for key in self.ids())
        return self._orders[sort]

    def change(self, key: int, at: float, values: Record, *, created: float | None = None) -> None:
        """Creates or changes a row."""
        before = self.changed.get(key)
        held = before.values if before else {}
        since = created if created is not None else self.created(key)
        self.changed[key] = Changed(since, at, {**held, **values})
        self._orders.clear()

    def delete(self, key: int, at: float, kind: str) -> None:
        """Deletes a row, or one from the recycle bin for good."""
        name = self.gone[key].name if key in self.gone else self.name(key)
        self.gone[key] = Gone(at, name, kind)
        self._orders.clear()

    def restore(self, key: int) -> None:
        """Brings a row back from the recycle bin.

        Raises:
            KeyError: It is not there.
        """
        if key not in self.gone or self.gone[key].kind != "recycle" or not self._known(key):
            raise KeyError(key)
        del self.gone[key]
        self._orders.clear()

    def _known(self, key: int) -> bool:
        return key in self.changed or self.start <= key < self.start + self.count

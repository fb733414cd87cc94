"""The emulated account's data: a table a module, users, and bulk read jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.modules import MODULES, Module, shown
from ticket_pipelines.sandbox.zoho_crm.table import Table
from ticket_pipelines.sandbox.zoho_crm.values import DAY, FIRST_ID, MODULE_SPAN, World, user_id

HISTORY = 300 * DAY
_LEAST_ROWS = 4
_PEOPLE = (
    ("Ann", "Admin", "active", True),
    ("Ben", "Bakker", "active", True),
    ("Chloé", "Şahin", "active", False),
    ("Dee", "Disabled", "disabled", True),
)


@dataclass(slots=True)
class Job:
    """A bulk read.

    Attributes:
        query: What was asked for.
        created_at: Unix seconds.
        polls: How often its state was asked for.
    """

    query: Record
    created_at: float
    polls: int = 0


@dataclass(slots=True)
class State:
    """All data of the account.

    Attributes:
        tables: By module.
        users: By id.
        jobs: Bulk reads by id.
        offset: The organization's zone in seconds, and as text.
    """

    tables: dict[str, Table]
    users: dict[str, Record]
    offset: tuple[int, str]
    jobs: dict[str, Job] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """The rows of a module that holds some.

        Raises:
            KeyError: No such module.
        """
        if not self.tables[name].module.readable:
            raise KeyError(name)
        return self.tables[name]


def invented(
    tickets: int,
    same_second: int | None,
    anchor: int,
    rows: Mapping[str, int],
    offset: tuple[int, str],
    hidden: Mapping[str, Sequence[str]],
) -> State:
    """An account with data.

    Args:
        tickets: What the number of rows follows from.
        same_second: How many rows of a module change in one second; None: one in five.
        anchor: Midnight before the clock's start, Unix seconds.
        rows: Numbers of rows that do not follow.
        offset: The organization's zone in seconds, and as text.
        hidden: Fields that are left out, by module.
    """
    counts = {name: rows.get(name, _count(module, tickets)) for name, module in MODULES.items()}
    starts = {name: FIRST_ID + at * MODULE_SPAN for at, name in enumerate(MODULES, 1)}
    world = World(counts, starts, offset, anchor - HISTORY)
    tables = {
        name: Table(
            shown(module, hidden.get(name, ())),
            starts[name],
            counts[name],
            counts[name] // 5 if same_second is None else same_second,
            anchor,
            world,
        )
        for name, module in MODULES.items()
    }
    users = {user_id(at): user(user_id(at), at, world, *person) for at, person in enumerate(_PEOPLE)}
    return State(tables, users, offset)


def user(key: str, at: int, world: World, first: str, last: str, status: str, confirmed: bool, **given: Any) -> Record:
    """A user."""
    record = {
        "id": key,
        "first_name": first,
        "last_name": last,
        "full_name": f"{first} {last}",
        "email": f"user{at}@sandbox.example",
        "status": status,
        "confirm": confirmed,
        "role": {"name": "CEO" if at == 0 else "Manager", "id": "39841200000000301"},
        "profile": {"name": "Administrator" if at == 0 else "Standard", "id": "39841200000000302"},
        "zuid": f"6412{at:05d}",
        "phone": None,
        "mobile": None,
        "country": "Netherlands",
        "language": "en_US",
        "locale": "en_US",
        "time_zone": "Asia/Kolkata",
        "created_time": world.moment(world.at),
        "Modified_Time": world.moment(world.at),
        "Isonline": False,
        "personal_account": False,
        "alias": None,
    }
    return {**record, **given}


def _count(module: Module, tickets: int) -> int:
    if not module.readable or not tickets:
        return 0
    return max(_LEAST_ROWS, int(module.share * tickets))

"""Operations of the control plane's `mutate`: by name, with arguments; each answers with the ids that it touched.

Every operation takes `at` (Unix seconds or ISO 8601) for when it happens; without it, it happens now.

| operation | arguments |
|---|---|
| `create` | `module`, `count`, fields |
| `update` | `module`, `id`, fields; `bump=False` leaves `Modified_Time` alone |
| `delete` | `module`, `id`; `permanently=True` passes the recycle bin over |
| `restore` | `module`, `id` |
| `add_field` | `module`, `api_name`, `data_type` |
| `remove_field` | `module`, `api_name` |
| `retype_field` | `module`, `api_name`, `data_type` |
| `update_user` | `id`, fields |
| `random` | `count`: creations, changes and deletions of cases |
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zoho_crm.fields import Field
from ticket_pipelines.sandbox.zoho_crm.state import State
from ticket_pipelines.sandbox.zoho_crm.table import Table

Operation = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        state: The account's data.
        rng: Source of choices.
        at: When it happens, Unix seconds.
    """

    state: State
    rng: random.Random
    at: float

    def row(self, module: str, key: str) -> tuple[Table, int]:
        """A row that is not deleted, with its table.

        Raises:
            KeyError: There is none.
        """
        table = self.state.table(module)
        if int(key) not in table:
            raise KeyError(key)
        return table, int(key)


def apply(change: Change, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Does one operation.

    Raises:
        ValueError: Unknown operation, unknown id, or arguments that do not fit.
    """
    if op not in OPERATIONS:
        raise ValueError(f"no operation {op!r}; one of: {', '.join(sorted(OPERATIONS))}")
    given = {"key" if name == "id" else name: value for name, value in arguments.items()}
    if "at" in given:
        change = replace(change, at=epoch(given.pop("at")))
    try:
        return OPERATIONS[op](change, **given)
    except KeyError as error:
        raise ValueError(f"{op}: there is no {error}") from error
    except TypeError as error:
        raise ValueError(f"{op}: {error}") from error


def create(change: Change, module: str, count: int = 1, **fields: Any) -> dict[str, Any]:
    """Creates rows, all in the same second."""
    table = change.state.table(module)
    keys = [table.take_id() for _ in range(count)]
    for key in keys:
        table.change(key, change.at, fields, created=change.at)
    return {"id": str(keys[0]), "ids": [str(key) for key in keys]} if keys else {"ids": []}


def update(change: Change, module: str, key: str, bump: bool = True, **fields: Any) -> dict[str, Any]:
    """Changes fields of a row."""
    table, number = change.row(module, key)
    table.change(number, change.at if bump else table.modified(number), fields)
    return {"id": key}


def delete(change: Change, module: str, key: str, permanently: bool = False) -> dict[str, Any]:
    """Deletes a row; a second time, for good."""
    table = change.state.table(module)
    if int(key) not in table and not (permanently and int(key) in table.gone):
        raise KeyError(key)
    table.delete(int(key), change.at, "permanent" if permanently else "recycle")
    return {"id": key}


def restore(change: Change, module: str, key: str, bump: bool = True) -> dict[str, Any]:
    """Brings a row back from the recycle bin."""
    table = change.state.table(module)
    table.restore(int(key))
    table.change(int(key), change.at if bump else table.modified(int(key)), {})
    return {"id": key}


def add_field(change: Change, module: str, api_name: str, data_type: str = "text") -> dict[str, Any]:
    """Adds a custom field; rows have no value of it until they are changed."""
    table = change.state.table(module)
    if api_name in table.fields:
        raise KeyError(f"room for a second {api_name}")
    table.fields[api_name] = Field(api_name, data_type, custom=True)
    return {"field": api_name}


def remove_field(change: Change, module: str, api_name: str) -> dict[str, Any]:
    """Takes a field away."""
    del change.state.table(module).fields[api_name]
    return {"field": api_name}


def retype_field(change: Change, module: str, api_name: str, data_type: str) -> dict[str, Any]:
    """Gives a field another type, and its rows other values."""
    table = change.state.table(module)
    table.fields[api_name] = replace(table.fields[api_name], data_type=data_type)
    return {"field": api_name}


def update_user(change: Change, key: str, **fields: Any) -> dict[str, Any]:
    """Changes a user."""
    moment = next(iter(change.state.tables.values())).world.moment(change.at)
    change.state.users[key] = {**change.state.users[key], "Modified_Time": moment, **fields}
    return {"id": key}


def random_changes(change: Change, count: int = 10) -> dict[str, Any]:
    """Does so many operations on cases, chosen by chance; the same seed chooses the same."""
    done: list[dict[str, Any]] = []
    for _ in range(count):
        op = change.rng.choice(("create", "update", "update", "delete"))
        chosen: dict[str, Any] = {"module": "Cases"}
        if op != "create":
            chosen["id"] = str(change.rng.choice(list(change.state.table("Cases").ids())))
        if op != "delete":
            chosen["Subject"] = f"Subject {change.rng.randint(0, 9999)} ☕"
        done.append({"op": op, **apply(change, op, chosen)})
    return {"done": done}


OPERATIONS: Mapping[str, Operation] = {
    operation.__name__: operation
    for operation in (create, update, delete, restore, add_field, remove_field, retype_field, update_user)
} | {"random": random_changes}

"""What the account holds, in numbers and versions: what a complete sync must find."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.state import State
from ticket_pipelines.sandbox.zoho_crm.table import Table


def counts(state: State) -> dict[str, Any]:
    """Rows by module that can be read, and users; then what was deleted of each."""
    tables = {name: table for name, table in state.tables.items() if table.module.readable}
    found: dict[str, Any] = {name: sum(1 for _ in table.ids()) for name, table in tables.items()}
    found["users"] = len(state.users)
    return {**found, "deleted": {name: len(table.gone) for name, table in tables.items() if table.gone}}


def records(state: State, stream: str) -> list[Record]:
    """The rows of a module with all fields, or the users.

    Raises:
        KeyError: No such module.
    """
    if stream == "users":
        return list(state.users.values())
    table = state.table(stream)
    return [table.row(key) for key in table.ids()]


def versions(state: State, stream: str) -> list[dict[str, Any]]:
    """Id, version in milliseconds and deletion of the rows of a module, deleted ones among them.

    Raises:
        KeyError: No such module.
    """
    if stream == "users":
        return [{"id": key, "version": None, "deleted": False} for key in state.users]
    table = state.table(stream)
    alive = [{"id": str(key), "version": _version(table, key), "deleted": False} for key in table.ids()]
    return alive + [
        {"id": str(key), "version": round(gone.at * 1000), "deleted": True} for key, gone in table.gone.items()
    ]


def _version(table: Table, key: int) -> int | None:
    return round(table.modified(key) * 1000) if table.module.has_clock else None

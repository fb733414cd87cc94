"""What stands in a warehouse against what should: pure decisions that give SQL.

Tables, columns, comments and views are ours to make, not dlt's: dlt makes no key, fails when two desks add one column
at once, and retypes what differs. A column that exists keeps its type, whatever the specification says; the engine
shapes rows to the type that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import xxhash

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.table import TableColumn, TableSpec

IDENTITY_TABLE = "_warehouse"
"""One row: the warehouse's own id."""


IN_DEFAULT_SCHEMA = ("sync_job_history", "qcontact_sync_log")
"""Views of ours that the database's default schema shows, too, under the same name, where that is free."""

MARK = "Made by ticket-pipelines; "
"""How the comment of each view of ours begins."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A column that stands in the warehouse: its kind, its type in the engine's words, its comment."""

    kind: Kind
    type: str
    comment: str


@dataclass(slots=True)
class Relation:
    """A table or view that stands in the warehouse."""

    is_view: bool
    comment: str
    columns: dict[str, Existing] = field(default_factory=dict)


Catalog = Mapping[str, Relation]


def quote(name: str) -> str:
    """An identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal (`standard_conforming_strings` is on)."""
    return "'" + text.replace("'", "''") + "'"


def qualified(name: str) -> str:
    """A table or view in the schema `helpdesk`."""
    return f"{quote(SCHEMA)}.{quote(name)}"


def plan_tables(
    specs: Sequence[TableSpec], catalog: Catalog, types: Mapping[Kind, str], *, indexed: bool = False
) -> list[str]:
    """Statements that bring tables to their specifications; none where nothing is missing.

    Args:
        specs: What should be there.
        catalog: What is there.
        types: The engine's word for each kind.
        indexed: Give a new table an index for each of its lookups.
    """
    return [statement for spec in specs for statement in _plan_table(spec, catalog.get(spec.name), types, indexed)]


def _plan_table(spec: TableSpec, relation: Relation | None, types: Mapping[Kind, str], indexed: bool) -> list[str]:
    table = qualified(spec.name)
    statements = []
    if relation is None:
        columns = [f"{quote(column.name)} {types[column.kind]}" for column in spec.columns]
        key = ", ".join(quote(name) for name in spec.key)
        statements.append(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)}, PRIMARY KEY ({key}))")
        if indexed:
            statements += [_index(spec, column) for column in spec.lookups]
        relation = Relation(is_view=False, comment="")
        present: set[str] = {column.name for column in spec.columns}
    else:
        present = set(relation.columns)
    for column in spec.columns:
        if column.name not in present:
            added = f"{quote(column.name)} {types[column.kind]}"
            statements.append(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {added}")
    if spec.doc and spec.doc != relation.comment:
        statements.append(f"COMMENT ON TABLE {table} IS {literal(spec.doc)}")
    statements += [
        f"COMMENT ON COLUMN {table}.{quote(column.name)} IS {literal(column.meaning)}"
        for column in spec.columns
        if column.meaning and column.meaning != _comment(relation, column)
    ]
    return statements


def _index(spec: TableSpec, column: str) -> str:
    columns = ", ".join(quote(name) for name in ("desk", column))
    return f"CREATE INDEX IF NOT EXISTS {quote(f'{spec.name}_by_{column}')} ON {qualified(spec.name)} ({columns})"


def _comment(relation: Relation, column: TableColumn) -> str:
    existing = relation.columns.get(column.name)
    return existing.comment if existing else ""


def view_mark(sql: str) -> str:
    """The comment by which a view of ours is known to be up to date."""
    return f"{MARK}definition {xxhash.xxh3_64_hexdigest(sql.encode())}"


def changed_views(views: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """The views that are missing or made from other SQL, in the given order."""
    return {name: sql for name, sql in views.items() if name not in catalog or catalog[name].comment != view_mark(sql)}


def exposed(views: Mapping[str, str]) -> list[str]:
    """The views that are shown in the default schema, too."""
    return [name for name in IN_DEFAULT_SCHEMA if name in views]


def lacks(spec: TableSpec, relation: Relation | None) -> bool:
    """Whether the table or one of its columns is missing."""
    return relation is None or any(column.name not in relation.columns for column in spec.columns)


def upsert(table: str, columns: Sequence[str], source: str, key: Sequence[str]) -> str:
    """One statement that upserts `source` into a table.

    A stored row with a higher version stays; an equal one is overwritten. A table without `version` has no guard.

    Args:
        table: Name of the table below `helpdesk`.
        columns: Columns that are written, as they stand in the table.
        source: `SELECT …` or `VALUES …` giving these columns in this order.
        key: Columns of the table's key.
    """
    names = ", ".join(quote(name) for name in columns)
    sets = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in columns if name not in key)
    guard = ' WHERE stored."version" <= excluded."version"' if "version" in columns else ""
    conflict = ", ".join(quote(name) for name in key)
    return (
        f"INSERT INTO {qualified(table)} AS stored ({names}) {source} "
        f"ON CONFLICT ({conflict}) DO UPDATE SET {sets}{guard}"
    )

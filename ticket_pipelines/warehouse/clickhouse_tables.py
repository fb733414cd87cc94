"""The tables and views of a ClickHouse warehouse, as SQL: pure decisions over what stands there.

    helpdesk_storage.<table>   ReplacingMergeTree(version): rows as they were loaded, superseded ones until they merge
    helpdesk.<table>           the same read with FINAL: what people query, each key once, at its newest version

There is no is-deleted column in the engine: FINAL would hide deleted rows. Nothing is partitioned: a package stays one
part, so that it is seen whole or not at all, and a row's key never moves to another partition.

A JSON column is a text with a constraint, so that what is not JSON is refused as on other engines: it costs no time
that could be measured (100,000 texts of 2 KB: 0.17 CPU seconds with it and without).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.catalog import IDENTITY_TABLE, Existing, Relation, quote, view_mark
from ticket_pipelines.warehouse.clickhouse_types import CODECS, comment_of, kind_of, literal, type_of
from ticket_pipelines.warehouse.table import TableColumn, TableSpec

STORAGE = "helpdesk_storage"
"""Database of the tables behind the views, and of dlt's own."""
LOCAL = "_local"
"""Suffix of the tables that hold the rows of one shard."""
WINDOW = 1_000
"""Inserts whose tokens a table remembers: a repeated one is not written twice."""
WIDE_FROM = 64 * 2**20
"""Bytes from which a part has a file a column: above a package's, whose hundred files cost a third of its insert."""
WHOLE_PATH, WHOLE_REPLICA = "/clickhouse/tables/{uuid}/all", "{shard}-{replica}"
"""Where in Keeper a table is that all servers share; ON CLUSTER gives it one uuid, the rest are the servers' macros."""
WRITTEN = TableColumn("_written", Kind.INTEGER, "When the row was written, in microseconds.")
"""Stands in for the version of tables that have none; not in the view."""

CATALOG_SQL = """
SELECT c.database AS place, c.table AS name, t.comment AS about, c.name AS column_name, c.type AS type_name,
       c.comment AS meaning
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database IN ({storage}, {schema})
ORDER BY c.database, c.table, c.position
"""

RELATION_SQL = """
SELECT database, "table", '' AS about, name, type, comment
FROM system.columns
WHERE database = {database:String} AND "table" = {table:String}
ORDER BY position
"""
"""One table for a load: the whole catalogue costs as much as a small insert."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How tables are laid out over servers.

    Attributes:
        cluster: Cluster on which every statement runs; empty: one server.
        replicated: Tables are copied to the replicas of their shard.
        sharded: Desks are spread over the cluster's shards; a desk's rows stand on one of them.
    """

    cluster: str = ""
    replicated: bool = False
    sharded: bool = False

    @property
    def everywhere(self) -> str:
        """The clause that makes a statement run on all servers."""
        return f" ON CLUSTER {quote(self.cluster)}" if self.cluster else ""

    def holding(self, name: str) -> str:
        """The table that holds the rows."""
        return stored(f"{name}{LOCAL}" if self.sharded else name)

    def engine(self, spec: TableSpec) -> str:
        """Engine, order and settings of a table that holds rows."""
        window = "replicated" if self.replicated else "non_replicated"
        version = quote("version" if "version" in spec.kinds() else WRITTEN.name)
        key = ", ".join(quote(name) for name in spec.key)
        copied = "" if self.sharded else self._whole
        return (
            f"ENGINE = {self._kind}ReplacingMergeTree({f'{copied}, ' if copied else ''}{version}) ORDER BY ({key}) "
            f"SETTINGS {window}_deduplication_window = {WINDOW}, min_bytes_for_wide_part = {WIDE_FROM}"
        )

    @property
    def whole_engine(self) -> str:
        """Engine of a table that stands whole on every server: the warehouse's id, dlt's position and history."""
        return f"{self._kind}MergeTree{f'({self._whole})' if self._whole else ''}"

    @property
    def _kind(self) -> str:
        return "Replicated" if self.replicated else ""

    @property
    def _whole(self) -> str:
        """Path and name of a replica, so that all servers of a cluster hold the same rows, whatever their shard.

        Without a cluster the server's defaults do it, and a database of the engine Replicated allows nothing else.
        """
        return f"{literal(WHOLE_PATH)}, {literal(WHOLE_REPLICA)}" if self.replicated and self.cluster else ""


@dataclass(slots=True)
class Shelf:
    """What stands in both databases.

    Attributes:
        tables: Tables with their columns, by name.
        views: Views that people query.
    """

    tables: dict[str, Relation] = field(default_factory=dict)
    views: dict[str, Relation] = field(default_factory=dict)


def stored(name: str) -> str:
    """A table of the storage database, qualified."""
    return f"{quote(STORAGE)}.{quote(name)}"


def seen(name: str) -> str:
    """A view of the database that people query, qualified."""
    return f"{quote(SCHEMA)}.{quote(name)}"


def read_shelf(rows: Sequence[Sequence[str]], layout: Layout | None = None) -> Shelf:
    """The answer to `CATALOG_SQL`; a shard's own table is a part of the one over all shards."""
    shelf = Shelf()
    for place, name, about, column, type_name, meaning in rows:
        is_view = place == SCHEMA
        relation = (shelf.views if is_view else shelf.tables).setdefault(name, Relation(is_view, about))
        if column != WRITTEN.name:
            relation.columns[column] = Existing(kind_of(type_name, meaning), type_name, meaning)
    if layout is not None and layout.sharded:
        for name in list(shelf.tables):
            shelf.tables.pop(f"{name}{LOCAL}", None)
    return shelf


def plan_home(present: Collection[str], layout: Layout) -> list[str]:
    """Statements that make what a warehouse begins with.

    Args:
        present: Databases that are there: CREATE DATABASE IF NOT EXISTS wants a right even to do nothing.
        layout: How tables are laid out.
    """
    databases = [name for name in (STORAGE, SCHEMA) if name not in present]
    identity = (
        f"CREATE TABLE IF NOT EXISTS {stored(IDENTITY_TABLE)}{layout.everywhere} "
        f"(id String, made DateTime64(6, 'UTC') DEFAULT now64(6)) ENGINE = {layout.whole_engine} ORDER BY (made, id)"
    )
    return [*(f"CREATE DATABASE IF NOT EXISTS {quote(name)}{layout.everywhere}" for name in databases), identity]


def plan_tables(specs: Sequence[TableSpec], shelf: Shelf, layout: Layout) -> list[str]:
    """Statements that bring tables to their specifications; none where nothing is missing."""
    return [statement for spec in specs for statement in _plan(spec, shelf.tables.get(spec.name), layout)]


def _plan(spec: TableSpec, relation: Relation | None, layout: Layout) -> list[str]:
    if relation is None:
        return _create(spec, layout)
    statements = []
    holders = dict.fromkeys((layout.holding(spec.name), stored(spec.name)))
    added = [column for column in spec.columns if column.name not in relation.columns]
    changed = [
        column
        for column in spec.columns
        if column.name in relation.columns and column.meaning and _is_ours(relation.columns[column.name], column)
    ]
    for holder in holders:
        alter = f"ALTER TABLE {holder}{layout.everywhere} "
        if added:
            additions = [f"ADD COLUMN IF NOT EXISTS {_column(column)}" for column in added]
            if holder == layout.holding(spec.name):
                additions += [f"ADD CONSTRAINT IF NOT EXISTS {constraint}" for constraint in _constraints(added)]
            statements.append(alter + ", ".join(additions))
        if changed:
            comments = (f"COMMENT COLUMN {quote(c.name)} {literal(comment_of(c))}" for c in changed)
            statements.append(alter + ", ".join(comments))
        if spec.doc and spec.doc != relation.comment:
            statements.append(f"{alter}MODIFY COMMENT {literal(spec.doc)}")
    return statements


def _is_ours(existing: Existing, column: TableColumn) -> bool:
    """Whether the comment is another one; a column of another type than the specified keeps what says so."""
    return existing.kind is column.kind and existing.comment != comment_of(column)


def _create(spec: TableSpec, layout: Layout) -> list[str]:
    columns = [_column(column) for column in spec.columns]
    if "version" not in spec.kinds():
        columns.append(f"{quote(WRITTEN.name)} Int64 DEFAULT toUnixTimestamp64Micro(now64(6))")
    body = f"({', '.join(columns)})"
    checks = (f"CONSTRAINT {constraint}" for constraint in _constraints(spec.columns))
    held = f"({', '.join((*columns, *checks))})"
    comment = f" COMMENT {literal(spec.doc)}" if spec.doc else ""
    head = "CREATE TABLE IF NOT EXISTS "
    holder = layout.holding(spec.name)
    statements = [f"{head}{holder}{layout.everywhere} {held} {layout.engine(spec)}{comment}"]
    if layout.sharded:
        shard = 'xxHash64("desk")'
        place = f"{literal(layout.cluster)}, {literal(STORAGE)}, {literal(spec.name + LOCAL)}"
        engine = f"ENGINE = Distributed({place}, {shard})"
        statements.append(f"{head}{stored(spec.name)}{layout.everywhere} {body} {engine}{comment}")
    return statements


def _column(column: TableColumn) -> str:
    codec = f" CODEC({CODECS[column.kind]})" if column.kind in CODECS and column.name not in ("desk", "id") else ""
    comment = comment_of(column)
    return f"{quote(column.name)} {type_of(column)}{f' COMMENT {literal(comment)}' if comment else ''}{codec}"


def _constraints(columns: Sequence[TableColumn]) -> list[str]:
    """What keeps texts that are not JSON out of JSON columns."""
    names = [column.name for column in columns if column.kind is Kind.JSON]
    return [f"{quote(f'json_{name}')} CHECK {quote(name)} IS NULL OR isValidJSON({quote(name)})" for name in names]


def plan_fronts(names: Sequence[str], shelf: Shelf, layout: Layout) -> list[str]:
    """Statements that make the view in front of each of these tables where it is missing or lacks a column."""
    statements = []
    for name in names:
        table, view = shelf.tables.get(name), shelf.views.get(name)
        if table is None or (view is not None and _same(table, view)):
            continue
        columns = ", ".join(
            f"{quote(column)} {found.type}{f' COMMENT {literal(found.comment)}' if found.comment else ''}"
            for column, found in table.columns.items()
        )
        chosen = ", ".join(quote(column) for column in table.columns)
        comment = f" COMMENT {literal(table.comment)}" if table.comment else ""
        statements.append(
            f"CREATE OR REPLACE VIEW {seen(name)}{layout.everywhere} ({columns}) "
            f"AS SELECT {chosen} FROM {stored(name)} FINAL{comment}"
        )
    return statements


def _same(table: Relation, view: Relation) -> bool:
    return table.comment == view.comment and list(table.columns.items()) == list(view.columns.items())


def plan_view(name: str, sql: str, layout: Layout) -> str:
    """The statement that makes a view of ours, marked with what it was made from."""
    return f"CREATE OR REPLACE VIEW {seen(name)}{layout.everywhere} AS {sql} COMMENT {literal(view_mark(sql))}"


def changed_views(views: Mapping[str, str], shelf: Shelf) -> dict[str, str]:
    """The views that are missing or made from other SQL, in the given order."""
    return {
        name: sql
        for name, sql in views.items()
        if name not in shelf.views or shelf.views[name].comment != view_mark(sql)
    }

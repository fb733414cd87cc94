"""Makes our views in Postgres, in the schema `helpdesk` and, of some, in the default schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2

from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.catalog import MARK, exposed, literal, qualified, quote, view_mark


def replace_views(cursor: Any, changed: Mapping[str, str], present: Sequence[str], views: Mapping[str, str]) -> None:
    """Replaces views in place where their columns allow, so that rights on them stay; else makes all of ours anew."""
    cursor.execute("SAVEPOINT views")
    try:
        make_views(cursor, changed)
    except psycopg2.errors.InvalidTableDefinition:
        cursor.execute("ROLLBACK TO SAVEPOINT views")
        for view in shown(cursor, exposed(views)):
            cursor.execute(f"DROP VIEW {view}")
        for name in reversed(present):
            cursor.execute(f"DROP VIEW {qualified(name)}")
        make_views(cursor, views)


def make_views(cursor: Any, views: Mapping[str, str]) -> None:
    """Makes or replaces views, and marks what each was made from."""
    for name, sql in views.items():
        cursor.execute(f"CREATE OR REPLACE VIEW {qualified(name)} AS {sql}")
        cursor.execute(f"COMMENT ON VIEW {qualified(name)} IS {literal(view_mark(sql))}")


def expose(cursor: Any, names: Sequence[str]) -> None:
    """Shows views in the default schema, too, where we may; what people made under these names stays theirs."""
    cursor.execute("SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')")
    schema, allowed = cursor.fetchone()
    if schema in (None, SCHEMA) or not allowed:
        return
    for name in names:
        view = f"{quote(schema)}.{quote(name)}"
        cursor.execute("SELECT to_regclass(%s) IS NULL", (view,))
        if cursor.fetchone()[0] or shown(cursor, [name]):
            cursor.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {qualified(name)}")
            cursor.execute(f"COMMENT ON VIEW {view} IS {literal(f'{MARK}shows {SCHEMA}.{name}')}")


def shown(cursor: Any, names: Sequence[str]) -> list[str]:
    """Views of ours in the default schema."""
    cursor.execute(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = current_schema() AND n.nspname <> %s AND c.relkind = 'v' AND c.relname = ANY(%s)"
        " AND starts_with(obj_description(c.oid, 'pg_class'), %s)",
        (SCHEMA, list(names), MARK),
    )
    return [view for (view,) in cursor.fetchall()]

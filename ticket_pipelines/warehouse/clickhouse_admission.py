"""Which queries people may run in ClickHouse, decided on the engine's own syntax tree (`EXPLAIN AST`).

`readonly=1` alone is no wall: it lets a SELECT read files, write one (`INTO OUTFILE`) and reach other servers, and chDB
runs all statements of a text, even behind an EXPLAIN. So the engine's parser first shows that there is one statement,
then what it would touch. What the tree does not show (`APPLY`) is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.clickhouse_tables import STORAGE

ABOUT_SQL = """
SELECT formatQuery({sql:String}),
       (SELECT groupArray(name) FROM system.databases),
       (SELECT groupArray(name) FROM system.table_functions)
"""
"""The query as the parser reads it, which refuses a second statement; it runs nothing."""

_ROOT = "SelectWithUnionQuery"
_DATABASES = frozenset((SCHEMA, STORAGE, "system", "information_schema", "INFORMATION_SCHEMA"))
_TABLE_FUNCTIONS = frozenset(
    ("numbers", "numbers_mt", "zeros", "generateseries", "generate_series", "values", "sqlstandardvalues", "null")
)
"""Table functions that reach no file, no network and no other table."""
_SCALARS_TOO = frozenset(("format", "fuzzquery"))
"""Names of table functions that are also those of functions which only compute."""
_REACHING = frozenset(("file", "catboostevaluate", "joinget", "joingetornull"))
_REACHING_FAMILIES = ("dict", "ai")
"""Functions, and beginnings of their names, that read files, other tables or the network."""
_OPAQUE = {"ColumnsApplyTransformer": "APPLY", "Set": "SETTINGS"}
"""Nodes that do not show what they hold."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is for a query to reach.

    Attributes:
        databases: Names of all databases.
        table_functions: Names of the engine's table functions, in lower case.
    """

    databases: Collection[str] = ()
    table_functions: Collection[str] = ()


def examine(client: Client, sql: str) -> str | None:
    """Why a query is not run, "" where it is no SELECT at all; None if it may be.

    Raises:
        ClickHouseError: It cannot be parsed, or is more than one statement.
    """
    parsed, databases, functions = client.query(ABOUT_SQL, parameters={"sql": sql}).result_rows[0]
    # of an INSERT the parser gives nothing behind VALUES, so what it gives is one statement in any case
    tree = [str(line) for (line,) in client.query(f"EXPLAIN AST {parsed}").result_rows]
    return refusal(tree, Surroundings(databases, {name.lower() for name in functions}))


def refusal(tree: Sequence[str], around: Surroundings) -> str | None:
    """Why a query is not run; None if it may be.

    Args:
        tree: Lines of `EXPLAIN AST`: a node each, indented by its depth.
        around: What stands around it.
    """
    if not tree or tree[0].split()[:1] != [_ROOT]:
        return ""
    if any(line.startswith(" Literal") for line in tree):
        return "INTO OUTFILE is not allowed."
    before = ""
    for line in tree:
        kind, _, rest = line.strip().partition(" ")
        # a name with these words in it is cut short, and then is none of ours
        name = rest.partition(" (alias ")[0].partition(" (children ")[0]
        # a table's own node follows directly, whatever aliases hold
        reason = _reason(kind, name, around, is_table=before.startswith("TableExpression"))
        if reason is not None:
            return reason
        before = line.strip()
    return None


def _reason(kind: str, name: str, around: Surroundings, *, is_table: bool) -> str | None:
    if kind in _OPAQUE:
        return f"{_OPAQUE[kind]} is not allowed."
    if kind == "Function":
        return _of_function(name, around, is_table=is_table)
    database, dot, table = name.partition(".")
    if kind == "TableIdentifier" and ("/" in name or "." in table):
        return f"{name} is no table of ours."
    # in `x IN name` a table's name looks like a column's
    is_database = kind == "TableIdentifier" or (kind == "Identifier" and database in around.databases)
    if dot and is_database and database not in _DATABASES:
        return f"The database {database} is not ours."
    return None


def _of_function(name: str, around: Surroundings, *, is_table: bool) -> str | None:
    called = name.lower()
    if is_table:
        return None if called in _TABLE_FUNCTIONS else f"The table function {name} is not allowed."
    is_of_tables = called in around.table_functions and called not in (_TABLE_FUNCTIONS | _SCALARS_TOO)
    if called in _REACHING or called.startswith(_REACHING_FAMILIES) or is_of_tables:
        return f"The function {name} is not allowed."
    return None

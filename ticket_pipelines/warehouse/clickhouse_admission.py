"""Which queries people may run in ClickHouse, decided on the engine's own syntax tree (`EXPLAIN AST`)."""

from __future__ import annotations

from collections.abc import Sequence

from ticket_pipelines.warehouse.base import SCHEMA

_ROOT = "SelectWithUnionQuery"
_DATABASES = frozenset((SCHEMA, "helpdesk_storage", "system", "information_schema", "INFORMATION_SCHEMA"))
_TABLE_FUNCTIONS = frozenset(("numbers", "numbers_mt", "zeros", "generateSeries", "generate_series", "values", "null"))
"""Table functions that reach no file and no network."""
_READING = frozenset(("file", "catboostEvaluate"))
"""Scalar functions that read a file of the machine."""


def refusal(tree: Sequence[str]) -> str | None:
    """Why a query is not run; None if it may be.

    Args:
        tree: Lines of `EXPLAIN AST`: a node each, indented by its depth.
    """
    if not tree or tree[0].split()[:1] != [_ROOT]:
        return ""
    if any(line.startswith(" Literal") for line in tree):
        return "INTO OUTFILE is not allowed."
    before = ""
    for line in tree:
        words = line.split()
        kind, name = (words[0], words[1]) if len(words) > 1 else ("", "")
        if kind == "Function" and name in _READING:
            return f"The function {name} is not allowed."
        # a table's own node follows directly, whatever aliases hold
        if before.startswith("TableExpression") and kind == "Function" and name not in _TABLE_FUNCTIONS:
            return f"The table function {name} is not allowed."
        database, dot, _ = name.partition(".")
        if dot and _names_table(kind, database) and database not in _DATABASES:
            return f"The database {database} is not ours."
        before = line.strip()
    return None


def _names_table(kind: str, database: str) -> bool:
    return kind == "TableIdentifier" or (kind == "Identifier" and database == "default")

"""Reads the mirrored table from the user's own Postgres: read only, one snapshot, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2 import sql

from ticket_pipelines.errors import MirrorError
from ticket_pipelines.writeback.config import Mirror

CONNECT_SECONDS = 10
STATEMENT_MILLISECONDS = 60_000

Row = tuple[Any, ...]


def batches(url: str, mirror: Mirror, size: int) -> Iterator[list[Row]]:
    """Rows of key and columns, those without a key left out, in the order of their keys.

    Args:
        url: Address of the database.
        mirror: What to read.
        size: Rows a batch at most.

    Raises:
        MirrorError: They cannot be read.
    """
    key = sql.Identifier(mirror.key)
    query = sql.SQL("SELECT {columns} FROM {relation} WHERE {key} IS NOT NULL ORDER BY {key}").format(
        columns=sql.SQL(", ").join([key, *map(sql.Identifier, mirror.columns)]),
        relation=sql.Identifier(*mirror.relation),
        key=key,
    )
    name = ".".join(mirror.relation)
    try:
        with (
            closing(psycopg2.connect(url, connect_timeout=CONNECT_SECONDS)) as connection,
            connection,
            connection.cursor() as setting,
            connection.cursor("mirror") as cursor,
        ):
            # as statements: a pooler in between refuses them as options of the connection
            setting.execute("SET TRANSACTION READ ONLY")
            setting.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
            cursor.itersize = size
            cursor.execute(query)
            while rows := cursor.fetchmany(size):
                yield [tuple(map(_plain, row)) for row in rows]
    except psycopg2.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise MirrorError(f"the mirrored table {name} cannot be read: {reason}\nCheck mirror and mirror_url.") from None


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)

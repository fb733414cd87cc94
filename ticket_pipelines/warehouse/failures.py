"""What a driver's error means for a sync: try the load again later, or look at its rows.

dlt wraps a driver's error several times over; the first error of a driver in the chain is the one that counts.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

import adbc_driver_manager as adbc
import duckdb
import psycopg2
from clickhouse_connect.driver import exceptions as clickhouse

from ticket_pipelines.errors import (
    TicketPipelinesError,
    WarehouseRefusedError,
    WarehouseRejectedError,
    WarehouseUnavailableError,
)

REFUSED_SQLSTATES = (
    "28",  # wrong password or no such role
    "3D",  # no such database
    "42501",  # privilege missing: a grant mends it
)
"""SQLSTATE classes and codes that nothing but a change of settings or rights mends."""

UNAVAILABLE_SQLSTATES = (
    "08",  # connection lost or refused
    "40",  # deadlock or serialisation: another transaction won
    "53",  # disk full, out of memory, too many connections
    "55",  # lock not available
    "57",  # administrator stopped the server or the statement
    "58",  # error of the operating system below the server
    "F0",  # server's configuration file
    "XX",  # damage within the server
    "25006",  # server is a standby or was made read-only
    "42P01",  # a table was dropped while this process knew it; the next load makes it again
    "42703",  # the same for a column
    "3F000",  # the same for the schema
)
"""SQLSTATE classes and codes after which the same load may succeed; others speak of the rows."""

UNAVAILABLE_DUCKDB = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.ConnectionException,
    duckdb.TransactionException,
    duckdb.CatalogException,
    duckdb.InterruptException,
    duckdb.FatalException,
    duckdb.PermissionException,
)
REFUSED_CLICKHOUSE = frozenset(
    (
        *(192, 193, 194, 195, 516),  # user or password
        *(497, 164, 291),  # a right is missing; a user who may only read; no access to the database
        *(170, 701, 225, 36),  # no such cluster, no Keeper; settings of the tables that this server does not take
        *(115, 452, 472),  # a setting that this server does not know, or that the user may not change
        *(46, 48, 62, 344),  # a function or statement that this server does not have
    )
)
"""ClickHouse's own codes (`system.errors`) that nothing but another right, setting or server mends."""
REJECTED_CLICKHOUSE = frozenset(
    (
        *(6, 26, 27, 38, 41, 72, 117, 128, 130, 131, 321, 407, 467),  # a value that cannot be read or does not fit
        *(53, 70, 349),  # another type, or null in a key
        469,  # a text that is not JSON in a JSON column
        636,  # a file of rows that is not one
    )
)
"""Codes that speak of rows. All others may pass: memory, disk, parts, network, damage, a table that was dropped."""

UNWRITABLE = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.EIO),
        *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT),
    )
)
"""Full, forbidden, or not a folder where one should be: mended outside, then the same load succeeds."""
MAX_MESSAGE = 300

_SERVER_SAYS = re.compile(r"(?:(?:ERROR|FATAL|PANIC):\s+|DB::Exception: (?!.*DB::Exception: ))(.*)")
_SYSTEM_SAYS = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")
"""Why there is no connection, within what the client and its HTTP library say of their own affairs."""
_VALUE = re.compile(r"(?<=: )\".*\"(?=$| when )|(?<=Column values: ).*|'.*'|'.*")
"""A value in a message about rows; what a customer wrote does not belong in logs."""

type_of_driver_error = (psycopg2.Error, adbc.Error, duckdb.Error, clickhouse.Error)


def driver_errors(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps, outermost first."""
    waiting, seen = [error], set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (getattr(current, "client_exception", None), getattr(current, "dbapi_exception", None))
        nested = (getattr(current, "exception", None), current.__cause__, current.__context__)
        waiting += [inner for inner in (*wrapped, *nested) if isinstance(inner, BaseException)]


def translate(error: BaseException, label: str) -> TicketPipelinesError | None:
    """The error in our words, or None where no warehouse is behind it.

    Args:
        error: What a driver, dlt or the operating system raised.
        label: The warehouse's address, without a password.
    """
    chain = list(driver_errors(error))
    for current in chain:
        if isinstance(current, TicketPipelinesError):
            return current
    for current in chain:
        if isinstance(current, type_of_driver_error):
            return _of_driver(current, label)
    for current in chain:
        if isinstance(current, OSError) and current.errno in UNWRITABLE:
            place = f" ({current.filename})" if current.filename else ""
            return WarehouseUnavailableError(f"Cannot write for warehouse {label}{place}: {current.strerror}.")
    return None


def _of_driver(error: BaseException, label: str) -> TicketPipelinesError:
    if is_refused(error):
        return WarehouseRefusedError(
            f"Warehouse {label} refuses us: {first_line(error)}\n"
            "Check user, password, database and rights in TICKETS_WAREHOUSE."
        )
    if is_unavailable(error):
        return WarehouseUnavailableError(f"Warehouse {label} is not available: {first_line(error)}")
    # a value is taken out before the line is cut: half of one has no second quote
    said = _VALUE.sub("…", _line(error))[:MAX_MESSAGE]
    return WarehouseRejectedError(f"Warehouse {label} refuses: {said}")


def is_refused(error: BaseException) -> bool:
    """Whether settings or rights must change first."""
    if isinstance(error, clickhouse.Error):
        return error.code in REFUSED_CLICKHOUSE
    state = sqlstate(error)
    return state is not None and state.startswith(REFUSED_SQLSTATES)


def is_unavailable(error: BaseException) -> bool:
    """Whether the same load may succeed later."""
    if isinstance(error, duckdb.Error):
        return isinstance(error, UNAVAILABLE_DUCKDB)
    if isinstance(error, clickhouse.Error):
        if error.code is None:
            # no answer of the server's, so it is the connection's, unless the client itself cannot send the rows
            return not isinstance(error, clickhouse.DataError | clickhouse.NotSupportedError)
        return error.code not in REJECTED_CLICKHOUSE
    state = sqlstate(error)
    if state is None:
        return isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError, adbc.OperationalError)) or (
            isinstance(error, adbc.Error) and error.status_code == adbc.AdbcStatusCode.IO
        )
    return state.startswith(UNAVAILABLE_SQLSTATES)


def sqlstate(error: BaseException) -> str | None:
    """The five characters by which Postgres names an error, where it named one."""
    state = error.pgcode if isinstance(error, psycopg2.Error) else getattr(error, "sqlstate", None)
    return state if isinstance(state, str) and state.strip("\0 ") else None


def first_line(error: BaseException) -> str:
    """What the driver says, without its own preamble and without the detail lines, which quote rows."""
    return _line(error)[:MAX_MESSAGE]


def _line(error: BaseException) -> str:
    text = str(error).strip()
    if isinstance(error, clickhouse.Error) and error.code is None and (system := _SYSTEM_SAYS.search(text)):
        return system[1]
    said = _SERVER_SAYS.search(text)
    line = said[1] if said else next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return line.strip()

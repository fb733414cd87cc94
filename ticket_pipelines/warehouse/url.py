"""Addresses of warehouses: what a URL means, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.base import SCHEMA

CONNECT_SECONDS = "10"
MALFORMED = (
    "The warehouse's URL is malformed; write postgresql://user:password@host:5432/name, special characters as %XX."
)
"""Never quotes the URL: it may hold a password."""


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A Postgres database.

    Attributes:
        dsn: URL for libpq, as given, with a limit on the time to connect.
        label: Address without password and options.
    """

    dsn: str
    label: str


def split(url: str) -> SplitResult:
    """A URL in parts.

    Raises:
        UsageError: It is no URL.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(MALFORMED) from None
    return parts


def postgres_address(url: str) -> PostgresAddress:
    """The database behind a `postgresql://` URL.

    Raises:
        UsageError: libpq does not understand it.
    """
    parts = split(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.setdefault("connect_timeout", CONNECT_SECONDS)
    query.setdefault("application_name", "ticket-pipelines")
    user = f"{parts.username}@" if parts.username else ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    dsn = f"postgresql://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"
    try:
        parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        raise UsageError(MALFORMED) from None
    return PostgresAddress(dsn=dsn, label=f"postgresql://{user}{host}{port}{parts.path}")


def duckdb_path(url: str) -> Path:
    """The file behind `duckdb:///relative` (to the current folder) or `duckdb:////absolute`.

    Raises:
        UsageError: There is no path, a host stands where none can be, or the name makes `helpdesk.tickets` ambiguous.
    """
    parts = split(url)
    path = Path(parts.path[1:])
    if parts.netloc or not path.name:
        raise UsageError("A DuckDB warehouse is duckdb:///relative/path or duckdb:////absolute/path.")
    if path.stem.lower() == SCHEMA:
        raise UsageError(f"Name the DuckDB file otherwise: in {path.name}, {SCHEMA}.tickets would be ambiguous.")
    return path

"""Addresses of warehouses: what a URL means, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from ticket_pipelines.errors import UsageError
from ticket_pipelines.warehouse.base import SCHEMA
from ticket_pipelines.warehouse.clickhouse_tables import Layout

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


@dataclass(frozen=True, slots=True)
class ClickHouseAddress:
    """A ClickHouse server's HTTP interface.

    Attributes:
        host: Name or address.
        port: Port of HTTP or HTTPS.
        user: User.
        password: Password; not in `repr`.
        secure: HTTPS.
        verify: Check the server's certificate.
        ca_cert: File of the authority that signed it; None: the system's.
        connect_timeout: Seconds to wait for a connection.
        send_receive_timeout: Seconds to wait for an answer.
        layout: How tables are laid out over servers.
        label: Address without password and options.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    secure: bool
    verify: bool
    ca_cert: str | None
    connect_timeout: int
    send_receive_timeout: int
    layout: Layout
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


CLICKHOUSE_OPTIONS = (
    *("secure", "verify", "ca_cert", "connect_timeout", "send_receive_timeout"),
    *("cluster", "replicated", "sharded"),
)
_CLICKHOUSE = "write clickhouse://user:password@host:port/?secure=true, special characters as %XX"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def clickhouse_address(url: str) -> ClickHouseAddress:
    """The server behind a `clickhouse://` URL.

    Raises:
        UsageError: The URL is not one of a server, or has an option that is not known.
    """
    parts = split(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname or parts.path.strip("/"):
        raise UsageError(f"A ClickHouse warehouse is a server, its databases are ours: {_CLICKHOUSE}.")
    if unknown := sorted(set(options) - set(CLICKHOUSE_OPTIONS)):
        known = ", ".join(CLICKHOUSE_OPTIONS)
        raise UsageError(
            f"The ClickHouse warehouse's URL has options that are not known: {', '.join(unknown)} (there are {known})."
        )

    def flag(name: str, default: bool) -> bool:
        value = options.get(name, str(default)).lower()
        if value not in _BOOLEANS:
            raise UsageError(f"The ClickHouse warehouse's URL: {name} is true or false.")
        return _BOOLEANS[value]

    def seconds(name: str, default: int) -> int:
        value = options.get(name, str(default))
        if not value.isdecimal() or not int(value):
            raise UsageError(f"The ClickHouse warehouse's URL: {name} is a whole number of seconds.")
        return int(value)

    secure = flag("secure", False)
    layout = Layout(options.get("cluster", ""), flag("replicated", False), flag("sharded", False))
    if layout.sharded and not layout.cluster:
        raise UsageError("The ClickHouse warehouse's URL: sharded=true needs the name of the cluster (cluster=NAME).")
    if layout.cluster and not layout.replicated:
        raise UsageError(
            "The ClickHouse warehouse's URL: cluster=NAME needs replicated=true as well, with one replica too: "
            "otherwise each server would keep a position and rows of its own."
        )
    user = unquote(parts.username or "default")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (8443 if secure else 8123)
    return ClickHouseAddress(
        host=parts.hostname,
        port=port,
        user=user,
        password=unquote(parts.password or ""),
        secure=secure,
        verify=flag("verify", True),
        ca_cert=options.get("ca_cert") or None,
        connect_timeout=seconds("connect_timeout", 10),
        send_receive_timeout=seconds("send_receive_timeout", 300),
        layout=layout,
        label=f"clickhouse://{user}@{host}:{port}",
    )


def chdb_path(url: str) -> Path:
    """The folder behind `chdb:///relative` (to the current folder) or `chdb:////absolute`.

    Raises:
        UsageError: There is no path, or a host stands where none can be.
    """
    parts = split(url)
    path = Path(parts.path[1:])
    if parts.netloc or not path.name:
        raise UsageError("A chDB warehouse is chdb:///relative/folder or chdb:////absolute/folder.")
    return path


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

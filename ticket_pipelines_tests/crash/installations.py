"""Installations whose syncs are killed: made once, copied for each kill, and compared by what their tables hold."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from dlt_sources.base import Kind
from ticket_pipelines.control.database import leases
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines_tests.crash.cases import Case
from ticket_pipelines_tests.equivalence.canonical import digest, rows
from ticket_pipelines_tests.equivalence.following import HIDDEN, JSON_IN_VIEWS, OF_SOME_ENGINES, RELATIONS, VIEWS
from ticket_pipelines_tests.fixtures.clickhouse import ClickHouseServer
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.fixtures.sandbox import SELDOM

KEY = "acme"
Contents = Mapping[str, tuple[int, str]]
"""Rows and their canonical hash, by table."""
_numbers = itertools.count(1)


class Stored(Protocol):
    """Where an installation's warehouse is."""

    @property
    def url(self) -> str:
        """Its URL."""

    def rest(self) -> None:
        """Makes its files fit to be copied."""

    def copy(self, home: Path, /) -> Stored:
        """The same once more, for the copy of the installation in that folder."""

    def remove(self) -> None:
        """Frees what is not in the installation's folder."""


@dataclass(frozen=True)
class Embedded:
    """In the installation's folder.

    Attributes:
        engine: DuckDB, or ClickHouse.
        home: The folder.
    """

    engine: str
    home: Path

    @property
    def url(self) -> str:
        return f"{self.engine}:///{self.home / 'warehouse'}"

    def rest(self) -> None:
        """Nobody has it open."""

    def copy(self, home: Path, /) -> Embedded:
        return Embedded(self.engine, home)

    def remove(self) -> None:
        """All of it is in the folder."""


@dataclass(frozen=True)
class InDatabase:
    """In a database of the session's Postgres server.

    Attributes:
        server: The server.
        name: Of the database.
    """

    server: PostgresServer
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def rest(self) -> None:
        """The server copies it itself."""

    def copy(self, _home: Path, /) -> InDatabase:
        name = f"{self.name.partition('-')[0]}-{next(_numbers)}"
        self.server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        return InDatabase(self.server, name)

    def remove(self) -> None:
        self.server.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


@dataclass(frozen=True)
class OnServer:
    """On a ClickHouse server of its own, whose folder is in the installation's: its databases have fixed names.

    Attributes:
        start: Starts a server on a folder.
        home: The installation's folder.
    """

    start: Callable[[Path], ClickHouseServer]
    home: Path

    @cached_property
    def server(self) -> ClickHouseServer:
        """The server; it goes on with what a killed process had asked of it."""
        return self.start(self.home / "clickhouse")

    @property
    def url(self) -> str:
        return self.server.url()

    def rest(self) -> None:
        self.server.stop()

    def copy(self, home: Path, /) -> OnServer:
        return OnServer(self.start, home)

    def remove(self) -> None:
        self.server.kill()


@dataclass(frozen=True)
class Installation:
    """An installation in a folder.

    Attributes:
        home: The folder.
        stored: Its warehouse.
    """

    home: Path
    stored: Stored

    @property
    def environ(self) -> dict[str, str]:
        """Its settings."""
        return {"TICKETS_HOME": str(self.home), "TICKETS_WAREHOUSE": self.stored.url}

    def copy(self) -> Installation:
        """The same once more. Nobody has it open, nor opens it again."""
        home = self.home.with_name(f"{self.home.name.partition('-')[0]}-{next(_numbers)}")
        self.stored.rest()
        shutil.copytree(self.home, home, symlinks=True)
        for link in [path for path in home.rglob("*") if path.is_symlink()]:
            # the engine of ClickHouse names its own files by whole paths, and makes such names anew
            link.unlink()
        return Installation(home, self.stored.copy(home))

    def remove(self) -> None:
        """Frees its room."""
        self.stored.remove()
        shutil.rmtree(self.home)


def install(home: Path, stored: Stored, case: Case, account: Listening) -> Installation:
    """A new installation with one desk."""
    made = Installation(home, stored)
    with open_project(made.environ) as project:
        credentials = dict(account.logins[case.login])
        config = {**account.config, **case.config, "schedule": SELDOM}
        project.desks.add(KEY, case.vendor, config, credentials)
    return made


def contents(project: Project, case: Case) -> Contents:
    """What stands in each table and view, but for those of the history of syncs."""
    found = {}
    with project.warehouse.together():
        for name in sorted(project.warehouse.query(RELATIONS)["table_name"].to_pylist()):
            if name.startswith(HIDDEN) or name in (*OF_SOME_ENGINES, SYNC_RUNS.name):
                continue
            held = project.warehouse.query(f"SELECT * FROM helpdesk.{name}").to_pylist()
            kinds = _kinds(project, name)
            texts = rows(name, held, {"id": kinds["id"]} if name in case.named else kinds)
            found[name] = (len(texts), digest(texts))
    return found


def _kinds(project: Project, name: str) -> Mapping[str, Kind]:
    kinds = project.warehouse.columns(name)
    return {**kinds, **dict.fromkeys(JSON_IN_VIEWS & kinds.keys(), Kind.JSON)} if name in VIEWS else kinds


def free(project: Project) -> None:
    """Ends the lease of a killed process, as time does."""
    with project.control.begin() as connection:
        connection.execute(sa.update(leases).values(expires_at=datetime(2020, 1, 1, tzinfo=UTC)))

"""Installations that are killed: made once, copied for each kill, and compared by what their tables hold."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from dlt_sources.base import Kind
from ticket_pipelines.control.database import leases
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines.warehouse.runs import SYNC_RUNS
from ticket_pipelines_tests.crash.cases import Case
from ticket_pipelines_tests.equivalence.canonical import digest, rows
from ticket_pipelines_tests.equivalence.following import HIDDEN, JSON_IN_VIEWS, OF_SOME_ENGINES, RELATIONS, VIEWS
from ticket_pipelines_tests.fixtures.postgres import PostgresServer
from ticket_pipelines_tests.fixtures.sandbox import SELDOM

KEY = "acme"
Contents = Mapping[str, tuple[int, str]]
"""Rows and their canonical hash, by table."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Installation:
    """An installation in a folder, with the embedded warehouse in it, or in a database of a server.

    Attributes:
        home: Its folder.
        engine: Of its warehouse.
        server: The Postgres server, where that is the engine.
        database: Name of its database there.
    """

    home: Path
    engine: str
    server: PostgresServer | None = None
    database: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """Its settings."""
        if self.server is not None:
            url = self.server.url(self.database)
        else:
            url = f"{self.engine}:///{self.home / 'warehouse'}"
        return {"TICKETS_HOME": str(self.home), "TICKETS_WAREHOUSE": url}

    def copy(self) -> Installation:
        """The same once more. Nobody has it open."""
        home = self.home.with_name(f"{self.home.name.partition('-')[0]}-{next(_numbers)}")
        shutil.copytree(self.home, home, symlinks=True)
        for link in [path for path in home.rglob("*") if path.is_symlink()]:
            # the engine of ClickHouse names its own files by whole paths, and makes such names anew
            link.unlink()
        if self.server is None:
            return Installation(home, self.engine)
        database = f"{self.database.partition('-')[0]}-{next(_numbers)}"
        self.server.execute(f'CREATE DATABASE "{database}" TEMPLATE "{self.database}"')
        return Installation(home, self.engine, self.server, database)

    def remove(self) -> None:
        """Frees its room."""
        shutil.rmtree(self.home)
        if self.server is not None:
            self.server.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')


def install(home: Path, engine: str, case: Case, account: Listening, server: PostgresServer | None) -> Installation:
    """A new installation with one desk."""
    database = server.create_database() if server is not None else ""
    made = Installation(home, engine, server, database)
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

"""chDB behind requests that know nothing of each other: a handle for each, as HTTP has no state."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import chdb

from ticket_pipelines_tests.clickhouse_front.errors import raised_by_engine
from ticket_pipelines_tests.clickhouse_front.statements import Statement

COPY = 1 << 20
connect: Any = chdb.connect
"""Untyped, though the package claims to be typed."""


@dataclass(frozen=True)
class Answer:
    """What a statement gave; `format` only where it gives rows at all, even none."""

    data: bytes = b""
    format: str | None = None
    summary: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A statement and all that its URL says about how to run it."""

    statement: Statement
    database: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    default_format: str = "TabSeparated"


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Engine:
    """One chDB store, open for as long as this object is."""

    def __init__(self, folder: Path) -> None:
        self._store = str(folder / "store")
        self._bodies = folder / "bodies"
        # a killed predecessor leaves the bodies it was reading; they were never acknowledged
        shutil.rmtree(self._bodies, ignore_errors=True)
        self._bodies.mkdir(parents=True)
        # chDB closes the store with its last handle: this one keeps it open between requests
        self._held = connect(self._store)
        self.version, self.timezone = (
            self._held.query("SELECT version(), timezone()", "TSVRaw").bytes().decode().split()
        )

    def close(self) -> None:
        self._held.close()

    @contextmanager
    def _handle(self, request: Request) -> Iterator[Any]:
        handle = connect(self._store)
        try:
            if request.database:
                handle.query(f"USE `{request.database}`")
            # all in one SET: `readonly` beside others is judged by what held before, as in a server
            if request.settings:
                handle.query(
                    "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in request.settings.items())
                )
            yield handle
        except (chdb.ChdbError, RuntimeError) as error:
            raise raised_by_engine(error) from error
        finally:
            handle.close()

    def run(self, request: Request) -> Answer:
        """Runs a statement that carries all of itself."""
        statement = request.statement
        # the engine takes a statement's own FORMAT over this one
        format_ = statement.format or request.default_format
        with self._handle(request) as handle:
            result = handle.query(statement.text, format_, params=dict(request.parameters))
            return Answer(result.bytes() or b"", format_ if statement.gives_rows else None, summary(result))

    def insert(self, request: Request, begun: bytes, rest: BinaryIO) -> Answer:
        """Runs an INSERT whose data stand in a body: `begun`, then what `rest` still holds.

        The body goes through a file: it may be larger than memory, and a broken one must not be half executed.
        """
        statement = request.statement
        with tempfile.NamedTemporaryFile(dir=self._bodies) as file:
            file.write(begun)
            shutil.copyfileobj(rest, file, COPY)
            file.flush()
            if not file.tell():
                return Answer(summary={"written_rows": "0", "written_bytes": "0"})
            source = f" FROM INFILE {quoted(file.name)} COMPRESSION 'none' "
            sql = statement.text.decode() + source + statement.settings.decode() + f" FORMAT {statement.format}"
            with self._handle(request) as handle:
                return Answer(summary=summary(handle.query(sql, "TabSeparated")))


def summary(result: Any) -> dict[str, str]:
    """The numbers of the header X-ClickHouse-Summary, which are text there."""
    return {
        "read_rows": str(result.rows_read()),
        "read_bytes": str(result.bytes_read()),
        "written_rows": str(result.rows_written()),
        "written_bytes": str(result.bytes_written()),
        "elapsed_ns": str(int(result.elapsed() * 1e9)),
    }

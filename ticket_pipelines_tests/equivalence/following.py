"""A process of one time zone that does to an installation on each engine what it is told, line by line.

| line | what it does |
|---|---|
| `{"add": KEY, "vendor": …, "config": …, "credentials": …}` | registers a desk |
| `{"sync": KEY, "request": {…}}` | syncs it; answers with what came of it, by engine |
| `{"read": FOLDER}` | writes all rows to the folder; answers with their hashes |
| `{"close": true}` | lets the next process have the turn |
| `{"zone": true}` | answers with the name of the host's zone |
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dlt_sources.base import Kind
from ticket_pipelines.project import Project, open_project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Mode, SyncRequest
from ticket_pipelines.unified.job_history import JOB_HISTORY, SYNC_LOG
from ticket_pipelines_tests.equivalence.canonical import digest, rows

OF_SOME_ENGINES = (JOB_HISTORY, SYNC_LOG)
"""Views for queries that the FibreFlow job's people wrote in Postgres's words; ClickHouse has none of them."""
RELATIONS = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'helpdesk'"
VIEWS = ("ticket_details", "ticket_field_values")
JSON_IN_VIEWS = frozenset(("unparsed", "tags", "custom_fields", "value_json"))
"""JSON columns of our views: ClickHouse has text there, and a mark at a table's columns only."""
HIDDEN = "_"
"""dlt's own tables, on the engines where they stand beside ours, begin so."""


def came_of_it(project: Project, key: str, request: Mapping[str, Any]) -> list[Any]:
    """Status, error and counts of a sync."""
    streams, ids = (tuple(request.get(name, ())) for name in ("streams", "ids"))
    chosen = SyncRequest(mode=Mode(request.get("mode", Mode.INCREMENTAL)), streams=streams, ids=ids)
    result = sync_desk(project, key, chosen)
    changed = (result.rows_created, result.rows_updated, result.rows_unchanged, result.rows_deleted, result.rows_failed)
    return [result.status, result.error_message, *changed]


def read(project: Project, folder: Path) -> dict[str, list[Any]]:
    """Kinds of columns, number of rows and their hash, of each table and view; the rows are written to the folder."""
    folder.mkdir(parents=True)
    found = {}
    with project.warehouse.together():
        for name in sorted(project.warehouse.query(RELATIONS)["table_name"].to_pylist()):
            if name.startswith(HIDDEN) or name in OF_SOME_ENGINES:
                continue
            kinds = project.warehouse.columns(name)
            if name in VIEWS:
                kinds |= dict.fromkeys(JSON_IN_VIEWS & kinds.keys(), Kind.JSON)
            texts = rows(name, project.warehouse.query(f"SELECT * FROM helpdesk.{name}").to_pylist(), kinds)
            (folder / name).write_text("\n".join(texts))
            found[name] = [{column: str(kind) for column, kind in sorted(kinds.items())}, len(texts), digest(texts)]
    return found


class Installations:
    """One on each engine, open from the first order until `close`: then the turn is another process's."""

    def __init__(self, environs: Mapping[str, Mapping[str, str]]) -> None:
        self._environs = environs
        self._opened = ExitStack()
        self._projects: dict[str, Project] = {}

    def close(self) -> None:
        """Closes them all."""
        self._opened.close()
        self._projects.clear()

    def answer(self, told: Mapping[str, Any]) -> Any:
        """Does what a line says, on each engine; None where nothing is to be told."""
        if "zone" in told:
            return time.tzname[0]
        if "close" in told:
            return self.close()
        if not self._projects:
            self._projects = {
                engine: self._opened.enter_context(open_project(environ)) for engine, environ in self._environs.items()
            }
        return {engine: _answer(project, told, engine) for engine, project in self._projects.items()}


def _answer(project: Project, told: Mapping[str, Any], engine: str) -> Any:
    match told:
        case {"add": key, "vendor": vendor, "config": config, "credentials": credentials}:
            project.desks.add(key, vendor, config, credentials)
        case {"sync": key, "request": request}:
            return came_of_it(project, key, request)
        case {"read": folder}:
            return read(project, Path(folder) / engine)
        case _:
            raise ValueError(told)
    return None


def main() -> None:
    """Follows the lines of stdin; the first one holds the settings of an installation by engine."""
    installations = Installations(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(installations.answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

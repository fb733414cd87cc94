"""Writes the pages that follow from the code, `cli.md` and `tables.md`. Run it as `make docs`; a test compares."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click

from dlt_sources import VENDORS
from ticket_pipelines.cli import main
from ticket_pipelines.control.database import sync_runs
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.sync.reconciled import RECONCILIATIONS
from ticket_pipelines.unified import details, field_values, job_history
from ticket_pipelines.unified.job_history import job_views
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines.unified.views import views
from ticket_pipelines.warehouse.duckdb import DuckDBWarehouse
from ticket_pipelines.warehouse.table import TableSpec

HERE = Path(__file__).parent
VIEW_MODULES: dict[str, ModuleType] = {
    "ticket_details": details,
    "ticket_field_values": field_values,
    "sync_job_history": job_history,
    "qcontact_sync_log": job_history,
}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below one, with the words that call them."""
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], f"{path} {name}")
    else:
        yield path, command


def cli_page() -> str:
    """Every command with its help, as `--help` prints it."""
    parts = [
        "# Commands",
        "",
        "Exit status: 0 success, 1 failed, 2 wrong usage or configuration, 3 partial (some rows or streams failed, the",
        "rest is in). Every command that prints data has `--json`: one JSON document on stdout, logs on stderr.",
    ]
    for path, command in commands(main, "ticket-pipelines"):
        context = click.Context(command, info_name=path, terminal_width=110, max_content_width=110)
        parts += ["", f"## {path}", "", "```text", command.get_help(context), "```"]
    return "\n".join(parts) + "\n"


def table_rows(spec: TableSpec) -> Iterator[str]:
    """One table as Markdown."""
    yield from ("", f"### {spec.name}", "", spec.doc, "", "| column | kind | meaning |", "|---|---|---|")
    for column in spec.columns:
        yield f"| {column.name} | {column.kind} | {column.meaning.replace('|', '/')} |"


def view_rows() -> Iterator[str]:
    """The views with the columns that they really have."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "docs.duckdb")
        warehouse.prepare(list(TABLES.values()), {**views("duckdb"), **job_views("duckdb")})
        for name, module in VIEW_MODULES.items():
            text = (module.__doc__ or "").strip()
            yield from ("", f"### {name}", "", text, "", "| column | kind |", "|---|---|")
            for row in warehouse.query(f"SELECT * FROM (DESCRIBE helpdesk.{name})").to_pylist():
                yield f"| {row['column_name']} | {row['column_type']} |"
        warehouse.close()


def tables_page() -> str:
    """Every table and view of `helpdesk`."""
    parts = [
        "# Tables",
        "",
        "All in the schema `helpdesk`, keyed by (`desk`, `id`). A plain SELECT never shows a duplicate or a superseded",
        "version; deleted rows stay, with `deleted_at`. A field that the vendor adds becomes a JSON column by itself.",
        "",
        "## Unified tables",
    ]
    for spec in TABLES.values():
        parts += table_rows(spec)
    parts += ["", "## Views"]
    parts += view_rows()
    parts += ["", "## Sync history", "", "### sync_runs", "", "One row per sync.", "", "| column |", "|---|"]
    parts += [f"| {column.name} |" for column in sync_runs.columns if column.name != "in_warehouse"]
    parts += table_rows(RECONCILIATIONS)
    for vendor in VENDORS.values():
        parts += ["", f"## {vendor.title}"]
        for stream in vendor.streams:
            parts += table_rows(vendor_spec(vendor, stream))
    return "\n".join(parts) + "\n"


PAGES = {"cli.md": cli_page, "tables.md": tables_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())

"""How commands print: one JSON document with `--json`, else neat tables; data on stdout, all else on stderr."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from ticket_pipelines.logs import redact

_WIDEST = 100_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def print_json(document: Any) -> None:
    """Prints one JSON document; dataclasses become objects, times ISO 8601 in UTC."""
    click.echo(json.dumps(_finite(document), default=_plain, ensure_ascii=False, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "") -> None:
    """Prints a table as wide as its content; nothing is cut off.

    Args:
        columns: Headings.
        rows: Values; None shows as a dash.
        empty: What to say instead of a table without rows.
    """
    cells = [[shown(value) for value in row] for row in rows]
    if not cells and empty:
        click.echo(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[index]) for row in cells)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for row in cells:
        table.add_row(*map(_literal, row))
    # a console as wide as any table: on a narrow screen a long line is better than a lost value
    Console(highlight=False, width=_WIDEST).print(table, crop=False)


def note(text: str) -> None:
    """Tells the user something that is not data."""
    click.echo(redact(text), err=True)


def called() -> str:
    """How this program was called, so that what is shown can be typed: shorter below the current folder."""
    path = Path(sys.argv[0])
    if path.suffix == ".py":
        return f"{_below_here(Path(sys.executable))} -m ticket_pipelines.cli"
    return _below_here(path) if path.name.startswith("ticket-pipelines") else "ticket-pipelines"


def _below_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def shown(value: Any) -> str:
    """A value for people: dash for None, times in UTC to the second."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 1 else f"{value:g}"
    return " ".join(str(value).splitlines())


def duration(seconds: float | None) -> str | None:
    """Seconds as people say them: 45 s, 12 m, 3 h 20 m, 2 d 4 h."""
    if seconds is None:
        return None
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole or not seconds else f"{seconds:.1f} s"
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // 86400
    pairs = [(days, "d"), (hours, "h"), (minutes, "m")]
    return " ".join(f"{number} {unit}" for number, unit in [pair for pair in pairs if pair[0]][:2])


def _finite(value: Any) -> Any:
    """The value with null for the numbers that JSON cannot write: NaN and the infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _finite(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _literal(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").replace(".", "", 1).lstrip("-").isdigit()

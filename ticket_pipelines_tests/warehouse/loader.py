"""A process that loads one desk, package after package; run with `python -m`.

    loader URL HOME DESK PACKAGES ROWS [COLUMNS]

Goes on from the position it finds, as a sync does. Prints the number of each package before it loads it. With COLUMNS,
the table also has that many columns of the desk's own choice, half of them shared by all desks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dlt_sources.base import Kind
from ticket_pipelines.warehouse import open_warehouse
from ticket_pipelines.warehouse.table import TableColumn
from ticket_pipelines_tests.warehouse.rows import arrow, row, table


def main(url: str, home: str, desk: str, packages: int, rows: int, columns: int = 0) -> None:
    shared = [f"shared_{number}" for number in range(columns // 2)]
    own = [f"{desk}_{number}" for number in range(columns - columns // 2)]
    names = [*shared, *own]
    users, tickets = (
        table(f"zendesk_{name}", [TableColumn(column, Kind.JSON) for column in names]) for name in ("users", "tickets")
    )
    warehouse = open_warehouse(url, Path(home))
    pipeline = warehouse.pipeline("zendesk", desk)
    for package in range(pipeline.state().get("package", 0), packages):
        print(package, flush=True)  # noqa: T201 - the test reads it
        given = [
            row(str(number), package + 1, desk, subject=f"version {package + 1}", **dict.fromkeys(names, "[1]"))
            for number in range(rows)
        ]
        pipeline.load(
            {"zendesk_users": arrow(given, users), "zendesk_tickets": arrow(given, tickets)},
            {"zendesk_users": users, "zendesk_tickets": tickets},
            {"package": package + 1},
        )
    pipeline.close()
    warehouse.close()


if __name__ == "__main__":
    url, home, desk, *numbers = sys.argv[1:]
    main(url, home, desk, *map(int, numbers))

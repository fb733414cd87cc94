"""`python -m bench.contacts`: Zoho CRM contacts by bulk read into ClickHouse, ours beside the floor (`crm.py`).

Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import crm, report
from bench.cases import ROOT, count_in_clickhouse
from bench.measure import Measure, measure

CASE, ENGINE = "bulk read", "clickhouse"
TABLE = "zoho_crm_contacts"


def run(work: Path, desk: dict[str, Any], who: str, contacts: int) -> Measure:
    """One load into an empty warehouse.

    Raises:
        CommandFailedError: It ended with an error.
        SystemExit: It did not store every contact.
    """
    with TemporaryDirectory(dir=work) as folder:
        home = Path(folder).resolve()
        warehouse = f"chdb:///{home / 'warehouse'}"
        environ = {"TICKETS_HOME": str(home), "TICKETS_WAREHOUSE": warehouse}
        if who == "ours":
            register = [sys.executable, "-m", "bench.ours", "add", "--desk", json.dumps(desk)]
            subprocess.run(register, check=True, env=os.environ | environ, cwd=ROOT)
            command = [sys.executable, "-m", "bench.ours", "sync", "--stream", crm.ROWS]
        else:
            command = [sys.executable, "-m", "bench.crm", "--desk", json.dumps(desk), "--warehouse", warehouse]
        found = measure(command, log=work / f"{who}.log", environment=environ)
        stored = count_in_clickhouse(str(home / "warehouse"), TABLE)
        if stored != contacts:
            raise SystemExit(f"{who} stored {stored} of {contacts} contacts")
    return found


def runs(work: Path, sizes: list[int], repeats: int) -> Iterator[report.Run]:
    """All runs; the order of the two turns round from repeat to repeat."""
    for size in sizes:
        with crm.account(work, size) as desk:
            for repeat in range(repeats):
                for who in ("floor", "ours")[:: 1 if repeat % 2 == 0 else -1]:
                    found = run(work, desk, who, size)
                    print(f"{size:,} contacts: {who} {found.total:.1f} CPU s", file=sys.stderr, flush=True)
                    yield report.Run(ENGINE, size, CASE, who, repeat, found)


def main() -> int:
    """Runs everything asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.contacts", description=__doc__)
    parser.add_argument("--sizes", default="50000,200000", help="counts of contacts, comma separated")
    parser.add_argument("--repeats", type=int, default=1, help="how often each pair runs; ratios are medians")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="bench-") as work:
        found = list(runs(Path(work), [int(size) for size in options.sizes.split(",")], options.repeats))
    held = report.bounds(found)
    print(f"\n{report.costs(found)}\n\n{report.limits(held)}")
    return 0 if all(bound.kept for bound in held) else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench`: measures ours beside the floor (and ingestr), prints costs and ratios.

Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import platform
import sys
from contextlib import ExitStack
from importlib.metadata import version
from os import getloadavg
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import cases, peers, postgres, report

FOLDER = Path(__file__).parents[1] / "build" / "bench"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="50000,200000", help="counts of tickets, comma separated")
    parser.add_argument("--engines", default="postgres,duckdb", help="of postgres, duckdb, clickhouse; comma separated")
    parser.add_argument("--repeats", type=int, default=1, help="how often each pair runs; ratios are medians")
    parser.add_argument("--peers", action="store_true", help="also ingestr from PyPI; needs root")
    parser.add_argument("--cases", default=f"{cases.UNCHANGED},{cases.UPDATE}", help="besides the first load")
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _peer(stack: ExitStack, work: Path) -> tuple[Path | None, peers.Certificate | None]:
    """ingestr ready to run, or why not."""
    if reason := peers.reason_to_skip():
        _tell(reason)
        return None, None
    program = peers.install(FOLDER)
    certificate = peers.make_certificate(work)
    stack.enter_context(peers.pointed_here())
    return program, certificate


def _machine(server: postgres.Postgres | None) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("dlt", "pyarrow", "duckdb", "msgspec"))
    database = f", {server.version} ({server.compression})" if server else ""
    return f"Python {platform.python_version()}, {packages}{database}; load before the start {getloadavg()[0]:.1f}"


def main() -> int:
    """Runs everything asked for; returns the exit status."""
    options = _options()
    engines = options.engines.split(",")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        server = stack.enter_context(postgres.running()) if cases.POSTGRES in engines else None
        program, certificate = _peer(stack, work) if options.peers and server else (None, None)
        machine = _machine(server)
        bench = cases.Bench(FOLDER, work, server, program, certificate, _tell)
        asked = [case for case in options.cases.split(",") if case]
        runs = [
            run
            for engine in engines
            for size in map(int, options.sizes.split(","))
            for run in cases.run(bench, engine, size, asked, options.repeats)
        ]
    found = report.bounds(runs)
    print(f"\n{machine}\n\n{report.costs(runs)}\n\n{report.limits(found)}")
    return 0 if all(bound.kept for bound in found) else 1


if __name__ == "__main__":
    sys.exit(main())

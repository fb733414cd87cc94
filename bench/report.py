"""What was measured, as text: a table of the runs and the ratios against the issue's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.measure import Measure


@dataclass(frozen=True, slots=True)
class Run:
    """One measured command.

    Attributes:
        engine: postgres or duckdb.
        size: Tickets.
        case: first load, full update or unchanged.
        subject: floor, ours or ingestr.
        repeat: Which repeat, from 0; what stands beside it in the same repeat is its pair.
        measure: What it cost.
    """

    engine: str
    size: int
    case: str
    subject: str
    repeat: int
    measure: Measure


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound that the figures are held against.

    Attributes:
        name: What is compared with what.
        values: The figure in each repeat.
        limit: What its median may be at most.
        strict: True where it must be below the limit.
    """

    name: str
    values: tuple[float, ...]
    limit: float
    strict: bool = False

    @property
    def value(self) -> float:
        """Median over the repeats."""
        return median(self.values)

    @property
    def kept(self) -> bool:
        """Whether the figure is within its bound."""
        return self.value < self.limit if self.strict else self.value <= self.limit


MEMORY_LIMIT_MB = 400
CLICKHOUSE_LIMIT = 1.6
GROWTH_LIMIT = 1.15
"""What memory of four times the rows may be, when it should be the same."""
SMALL, LARGE = 50_000, 200_000
"""Below the small size fixed costs (imports, a package) are most of it and bounds say nothing; from the large one on
they may no longer show."""


def _pairs(
    runs: Sequence[Run], figure: Callable[[Measure], float], ours: tuple[str, str], other: tuple[str, str]
) -> tuple[float, ...]:
    """The quotient of a figure in each repeat; `ours` and `other` are case and subject."""
    found = {(run.case, run.subject, run.repeat): figure(run.measure) for run in runs}
    repeats = sorted({run.repeat for run in runs})
    return tuple(
        found[*ours, repeat] / found[*other, repeat]
        for repeat in repeats
        if (*ours, repeat) in found and (*other, repeat) in found
    )


def bounds(runs: Sequence[Run]) -> list[Bound]:
    """The figures that the project holds itself to, for every size of note that was run into Postgres or ClickHouse."""
    found = []
    for size in sorted({run.size for run in runs if run.engine == "postgres" and run.size >= SMALL}):
        here = [run for run in runs if run.size == size and run.engine == "postgres"]
        ours = ("first load", "ours")
        floor, peer = ("first load", "floor"), ("first load", "ingestr")
        update = ("full update", "ours"), ("full update", "floor")
        again = ("unchanged", "ours")
        label, first = f"{size:,}: ", 1.5 if size >= LARGE else 2.0
        found += [
            Bound(f"{label}CPU of a first load / floor", _pairs(here, _total, ours, floor), first),
            Bound(f"{label}CPU of a full update / floor", _pairs(here, _total, *update), 2.0),
            Bound(f"{label}CPU of an unchanged re-sync / first load", _pairs(here, _total, again, ours), 0.5),
            Bound(f"{label}client CPU / ingestr", _pairs(here, _client, ours, peer), 1.0, strict=True),
            Bound(f"{label}wall / ingestr", _pairs(here, _wall, ours, peer), 1.0, strict=True),
            Bound(
                f"{label}peak MB of any case",
                (max((run.measure.peak / 1e6 for run in here if run.subject == "ours"), default=0.0),),
                MEMORY_LIMIT_MB,
                strict=True,
            ),
        ]
    for engine, case in (("clickhouse", "first load"), ("clickhouse", "bulk read")):
        here = [run for run in runs if (run.engine, run.case) == (engine, case)]
        for size in sorted({run.size for run in here if run.size >= LARGE}):
            sized = [run for run in here if run.size == size]
            ratio = _pairs(sized, _total, (case, "ours"), (case, "floor"))
            found.append(Bound(f"{engine} {size:,}: CPU of a {case} / floor", ratio, CLICKHOUSE_LIMIT))
            peaks = {
                at: max((r.measure.peak for r in here if (r.size, r.subject) == (at, "ours")), default=0)
                for at in (SMALL, size)
            }
            if peaks[SMALL]:
                growth = peaks[size] / peaks[SMALL]
                found.append(Bound(f"{engine} {size:,}: peak of a {case} / at {SMALL:,}", (growth,), GROWTH_LIMIT))
    return [bound for bound in found if bound.values]


def _total(measure: Measure) -> float:
    return measure.total


def _client(measure: Measure) -> float:
    return measure.client


def _wall(measure: Measure) -> float:
    return measure.wall


def _row(cells: Sequence[str], widths: Sequence[int], names: int) -> str:
    padded = [
        cell.ljust(w) if n < names else cell.rjust(w) for n, (cell, w) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], names: int = 4) -> str:
    """A table in Markdown, its first columns names and the rest numbers."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([_row(head, widths, names), rule, *(_row(row, widths, names) for row in rows)])


def costs(runs: Iterable[Run]) -> str:
    """One line for each engine, size, case and subject: medians over the repeats."""
    groups: dict[tuple[str, int, str, str], list[Measure]] = {}
    for run in runs:
        groups.setdefault((run.engine, run.size, run.case, run.subject), []).append(run.measure)
    rows = [
        [
            engine,
            f"{size:,}",
            case,
            subject,
            str(len(found)),
            f"{median(m.wall for m in found):.1f}",
            f"{median(m.client for m in found):.1f}",
            f"{median(m.server for m in found):.1f}",
            f"{median(m.total for m in found):.1f}",
            f"{median(m.total for m in found) / size * 1e6:.0f}",
            f"{max(m.peak for m in found) / 1e6:.0f}",
        ]
        for (engine, size, case, subject), found in groups.items()
    ]
    head = ["into", "tickets", "case", "who", "runs", "wall s", "client CPU s", "server CPU s", "CPU s", "us/ticket"]
    return text_table([*head, "peak MB"], rows)


def limits(found: Sequence[Bound]) -> str:
    """One line for each bound, and whether it was kept."""
    rows = [
        [
            one.name,
            f"{one.value:.2f}",
            f"{min(one.values):.2f} to {max(one.values):.2f}",
            f"{'<' if one.strict else '<='} {one.limit:g}",
            "kept" if one.kept else "MISSED",
        ]
        for one in found
    ]
    return text_table(["figure", "median", "range", "bound", ""], rows)

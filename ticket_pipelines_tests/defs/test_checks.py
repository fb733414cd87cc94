"""Asset checks: each passes on a good desk, and fails for its own fault."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ticket_pipelines.defs.matching import Difference, compare
from ticket_pipelines_tests.defs.conftest import Daemon, checked, told

DELETED = 1_700_000_000_000_000


def given(*rows: tuple[str, int]) -> pa.Table:
    ids, versions = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({"id": pa.array(ids, pa.string()), "version": pa.array(versions, pa.int64())})


def stored(*rows: tuple[str, int, int | None]) -> pa.Table:
    moments = pa.array([row[2] for row in rows], pa.timestamp("us", "UTC"))
    return given(*((row[0], row[1]) for row in rows)).append_column("deleted_at", moments)


@pytest.mark.parametrize(
    ("vendor", "unified", "found"),
    [
        pytest.param([("1", 5)], [("1", 5, None)], (0, 0, 0), id="same"),
        pytest.param([], [], (0, 0, 0), id="empty"),
        pytest.param([("1", 5)], [], (1, 0, 0), id="missing"),
        pytest.param([("1", 5)], [("1", 4, None)], (0, 1, 0), id="older"),
        pytest.param([("1", 5)], [("1", 6, None)], (0, 1, 0), id="newer"),
        pytest.param([], [("1", 5, None)], (0, 0, 1), id="stray"),
        pytest.param([], [("1", 5, DELETED)], (0, 0, 0), id="retracted"),
        pytest.param([], [("1", 0, None)], (0, 0, 0), id="somebody whom no record names any more"),
        pytest.param([("1", 5)], [("1", 5, DELETED)], (0, 0, 0), id="deleted at the vendor"),
        pytest.param([("1", 4), ("1", 5)], [("1", 5, None)], (0, 0, 0), id="two streams give it, the newer one counts"),
    ],
)
def test_compare(
    vendor: list[tuple[str, int]], unified: list[tuple[str, int, int | None]], found: tuple[int, int, int]
) -> None:
    difference = compare(given(*vendor), stored(*unified))
    assert (difference.missing, difference.other_version, difference.stray) == found
    assert difference.none is (found == (0, 0, 0))
    assert bool(difference.examples) is (found != (0, 0, 0))


def test_difference_counts_what_the_vendor_rows_give() -> None:
    assert compare(given(("1", 5), ("2", 6)), stored(("1", 5, None))) == Difference(2, 1, 0, 0, ("2",))


def change(daemon: Daemon, sql: str) -> None:
    """Spoils rows behind the product's back."""
    import duckdb

    with duckdb.connect(daemon.project.settings.home / "warehouse.duckdb") as connection:
        connection.execute(sql)


def test_checks_find_what_is_wrong_with_the_rows_of_a_desk(daemon: Daemon, acme: str) -> None:
    daemon.run("zendesk_sync")
    good = checked(daemon.run("zendesk_checks"))
    assert good
    assert [name for name, check in good.items() if not check.passed] == []
    assert {check.partition for check in good.values()} == {acme}

    change(daemon, "DELETE FROM helpdesk.groups WHERE id = (SELECT min(id) FROM helpdesk.groups)")
    change(daemon, "UPDATE helpdesk.contacts SET version = version - 1")
    change(
        daemon,
        "UPDATE helpdesk.tickets SET status = NULL, status_raw = 'odd'"
        " WHERE id = (SELECT min(id) FROM helpdesk.tickets WHERE deleted_at IS NULL)",
    )
    run = daemon.run("zendesk_checks")
    assert run.success
    bad = {name: check for name, check in checked(run).items() if not check.passed}
    assert set(bad) == {
        "helpdesk/zendesk/groups:matches_vendor",
        "helpdesk/zendesk/contacts:matches_vendor",
        "helpdesk/zendesk/tickets:status_mapped",
    }
    assert told(bad["helpdesk/zendesk/groups:matches_vendor"])["missing"] == 1
    assert told(bad["helpdesk/zendesk/tickets:status_mapped"])["unmapped"] == {"odd": 1}

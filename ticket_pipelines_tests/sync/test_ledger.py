"""The ledger of a reconciliation: written page by page, gone on with after a kill, begun anew for another account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa

from ticket_pipelines.sync.heads import Head
from ticket_pipelines.sync.ledger import Ledger

NOW = datetime(2025, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def head(key: str, version: int | None, *, gone: bool = False, content: int = 0) -> Head:
    return Head(msgspec.Raw(b"{}"), key, version, content, NOW if gone else None)


def rows(*held: tuple[str, int, bool, datetime]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([one[0] for one in held], pa.string()),
            "version": pa.array([one[1] for one in held], pa.int64()),
            "content_hash": pa.array([7 for _ in held], pa.int64()),
            "deleted_at": pa.array([NOW if one[2] else None for one in held], pa.timestamp("us", "UTC")),
            "synced_at": pa.array([one[3] for one in held], pa.timestamp("us", "UTC")),
        }
    )


def test_what_differs(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.db", "acme", NOW)
    began = ledger.listing("tickets", NOW).began
    before = NOW - timedelta(days=1)
    ledger.show("tickets", [head("9", 1)], {"at": 1}, done=False, hashed=False)
    shown = [
        head("1", 5),
        head("2", 6),
        head("2", 4),
        head("3", 5),
        head("4", 5, gone=True),
        head("5", 5),
        head("6", 5),
    ]
    ledger.show("tickets", shown, {"at": 2}, done=True, hashed=False)
    ledger.show("colours", [head("red", None, content=8), head("blue", None, content=7)], {}, done=True, hashed=True)
    ledger.hold(
        [
            rows(("1", 5, False, before), ("2", 5, False, before), ("3", 7, False, before), ("4", 5, False, before)),
            rows(("5", 6, True, before), ("6", 6, True, LATER), ("7", 1, False, before), ("8", 1, False, LATER)),
        ]
    )
    assert list(ledger.missing("tickets")) == [("9", 1)]
    # older; deleted there and not here; alive there and not here, since before the list was begun
    assert list(ledger.stale("tickets", began)) == [("2", 6), ("4", 5), ("5", 5)]
    # what a sync has read since is there, whatever the list says
    assert list(ledger.unshown("tickets", began)) == [("7", 1)]
    assert ledger.counts("tickets") == (6, 6)
    ledger.hold([rows(("red", 1, False, before), ("blue", 1, False, before))])
    assert list(ledger.stale("colours", began)) == [("red", None)]


def test_it_goes_on_where_it_was_unless_it_is_of_another_account_or_old(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    first = Ledger(path, "acme", NOW)
    first.listing("tickets", NOW)
    first.show("tickets", [head("1", 5)], {"cursor": "x"}, done=False, hashed=False)
    first.close(remove=False)

    def state(account: str, at: datetime) -> object:
        again = Ledger(path, account, at)
        found = again.listing("tickets", at)
        again.close(remove=False)
        return found.state, found.done

    assert state("acme", LATER) == ({"cursor": "x"}, False)
    assert state("acme", NOW + timedelta(days=8)) == ({}, False)
    assert state("other", LATER) == ({}, False)
    Ledger(path, "other", LATER).close(remove=True)
    assert list(tmp_path.iterdir()) == []

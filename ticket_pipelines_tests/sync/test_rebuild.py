"""A rebuild beside readers: at no moment does a table hold fewer rows, and nothing is asked of the vendor."""

from __future__ import annotations

import pytest

from ticket_pipelines.sync import rebuild
from ticket_pipelines.sync.progress import Quiet
from ticket_pipelines_tests.sync.conftest import MakeDesk, PaperDesk
from ticket_pipelines_tests.sync.paper import ticket


def test_readers_see_no_gap(make_desk: MakeDesk, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "BATCH", 8)
    desk = make_desk(warehouse_url, tickets=[ticket(n, tags=["a", "b"]) for n in range(20)])
    desk.sync()
    before, reads = _rows(desk), desk.account.reads[:]
    seen = []

    class Reader(Quiet):
        def loaded(self, rows: int) -> None:  # noqa: ARG002
            seen.append(_rows(desk))

    rebuild.rebuild_desk(desk.project, desk.key, progress=Reader())

    assert len(seen) == 3
    assert [found == before for found in seen] == [True] * 3
    assert (_rows(desk), desk.account.reads) == (before, reads)


def _rows(desk: PaperDesk) -> list[list[dict[str, object]]]:
    return [desk.table(name) for name in ("tickets", "ticket_comments")]

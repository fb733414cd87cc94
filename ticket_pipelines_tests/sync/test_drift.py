"""A change of the vendor's schema is told by the sync that sees it, and by no other."""

from __future__ import annotations

import pyarrow as pa

from ticket_pipelines.sync.drift import MOST, Drift
from ticket_pipelines_tests.sync.conftest import MakeDesk
from ticket_pipelines_tests.sync.paper import ticket


def test_new_fields_and_misfits_are_told_once(make_desk: MakeDesk) -> None:
    desk = make_desk(tickets=[ticket(1, undeclared="from the start", price="free")])
    tickets = desk.account.records["tickets"]
    assert "drift" not in desk.sync(streams=("tickets",)).details
    tickets += [ticket(2, undeclared="known", mood="new"), ticket(3, price="cheap"), ticket(4, price="dear")]
    seen = desk.sync(streams=("tickets",))
    assert seen.details["drift"] == ["new field tickets.mood", "2 values of tickets.price did not fit"]
    assert seen.status == "success"
    tickets.append(ticket(5, mood="known"))
    assert "drift" not in desk.sync(streams=("tickets",)).details


def test_no_more_are_named_than_a_message_takes() -> None:
    drift = Drift({"refreshed": {"people": "2026-01-01"}})
    drift.learned("people", {"a"}, ["a", *(f"f{number}" for number in range(30))])
    drift.learned("tickets", (), ["never read before"])
    drift.rows("tickets", pa.table({"unparsed": ['{"never read before": 1}']}))
    drift.rows("people", pa.table({"unparsed": pa.array([None, '{"name": 1}'])}))
    assert len(drift.told()) == MOST
    assert drift.told()[0] == "new field people.f0"

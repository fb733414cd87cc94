"""4,580 real ticket histories with 21,348 events, read through the sandbox: none lost, none invented, none doubled."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.end_to_end.conftest import MakeDesk
from ticket_pipelines_tests.fixtures.warehouse import others_in_torture

HISTORIES = Path(__file__).parents[3] / "shared" / "data" / "helpdesk_italy" / "events.csv.gz"

pytestmark = pytest.mark.skipif(
    not HISTORIES.exists(), reason="the real ticket histories (shared/data/helpdesk_italy) are not beside the project"
)


@others_in_torture
def test_every_ticket_and_every_event_of_the_real_histories_arrives(warehouse_url: str, make_desk: MakeDesk) -> None:
    with gzip.open(HISTORIES, "rt", newline="") as file:
        events = Counter(row["case_id"].removeprefix("Case ") for row in csv.DictReader(file))
    assert (len(events), events.total()) == (4_580, 21_348)

    desk = make_desk(warehouse_url, data=str(HISTORIES))
    result = desk.sync(streams=("tickets", "ticket_events"))

    assert (result.status, result.rows_failed) == (Status.SUCCESS, 0)
    assert desk.count("zendesk_tickets") == desk.count("tickets") == 4_580
    assert desk.count("zendesk_ticket_events") == 21_348
    found = desk.ask("SELECT ticket_id, count(*) AS n FROM helpdesk.zendesk_ticket_events GROUP BY ticket_id")
    assert {str(row["ticket_id"]): row["n"] for row in found} == events

    again = desk.sync(streams=("tickets", "ticket_events"))
    assert (again.rows_created, again.rows_updated, again.rows_deleted, again.rows_failed) == (0, 0, 0, 0)

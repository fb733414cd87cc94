"""Real ticket histories as tickets: an invented file here, the real one where it lies beside the project."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from ticket_pipelines.sandbox.emulator import Options
from ticket_pipelines.sandbox.zendesk import ZendeskEmulator

HISTORIES = Path(__file__).parents[2] / "../shared/data/helpdesk_italy/events.csv.gz"
HEADER = (
    "case_id,event_index,concept:name,org:resource,time:timestamp,customer,seriousness_2,workgroup,"
    "product,seriousness,responsible_section,service_level,service_type,support_section"
)
SAME = ",Value 2,Value 1,Value 1,Value 1,Value 1,Value 1"
ROWS = (
    "Case 7,1,Insert ticket,Value 1,2012-10-09T14:50:17+00:00,Value 9,Value 2,Value 1",
    "Case 7,2,Wait,Value 2,2012-10-10T14:50:17+00:00,Value 9,Value 4,Value 3",
    "Case 7,3,Closed,Value 2,2012-10-11T14:50:17+00:00,Value 9,Value 4,Value 3",
    "Case 12,1,Something new,Value 2,2012-10-11T14:50:17+00:00,Value 3,Value 4,Value 3",
)


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_each_row_becomes_one_event(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = "\n".join((HEADER, *(row + SAME for row in ROWS))) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    emulator = ZendeskEmulator(Options(data=str(path)))
    seven, twelve = emulator.records("tickets")
    assert (seven["id"], seven["status"], seven["priority"]) == (7, "closed", "urgent")
    assert (seven["created_at"], seven["updated_at"]) == ("2012-10-09T14:50:17Z", "2012-10-11T14:50:17Z")
    assert (twelve["id"], twelve["status"], twelve["external_id"]) == (12, "new", "Case 12")
    events = emulator.records("ticket_events")
    assert [event["ticket_id"] for event in events] == [7, 7, 7, 12]
    changed = [
        set(child) - {"id", "via", "via_reference_id", "event_type", "previous_value"}
        for child in events[1]["child_events"]
    ]
    assert {"status"} in changed
    assert {"group_id"} in changed
    assert {"priority"} in changed
    users = {user["id"]: user["name"] for user in emulator.records("users")}
    assert (users[seven["requester_id"]], users[seven["assignee_id"]]) == ("Customer Value 9", "Agent Value 2")
    titles = {field["id"]: field["title"] for field in emulator.records("ticket_fields")}
    values = {titles[entry["id"]]: entry["value"] for entry in twelve["custom_fields"]}
    assert values["Activity"] == "Something new"


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("case_id,when\nCase 1,2012\n")
    with pytest.raises(ValueError, match="lacks the columns concept:name, customer"):
        ZendeskEmulator(Options(data=str(path)))


@pytest.mark.skipif(not HISTORIES.exists(), reason="the real histories (helpdesk_italy/events.csv.gz) are not here")
def test_real_histories_are_whole() -> None:
    emulator = ZendeskEmulator(Options(data=str(HISTORIES)))
    with gzip.open(HISTORIES, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = emulator.counts()
    assert (counts["tickets"], counts["ticket_events"]) == (4580, 21_348)
    events = sorted(emulator.records("ticket_events"), key=lambda event: event["id"])
    assert [int(row["case_id"].split()[1]) for row in rows] == [event["ticket_id"] for event in events]
    assert [row["time:timestamp"][:19] for row in rows] == [event["created_at"][:19] for event in events]

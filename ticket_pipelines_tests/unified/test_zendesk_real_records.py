"""Real records of Zendesk accounts go through the mapping with no value lost.

For each field that a mapping reads, the vendor's value stands in the unified row. Streams without a real record here:
none of the mapped ones. Ticket events are made of the real comments, whose event carries only `ticket_id` and
`timestamp` in the fixture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ticket_pipelines.unified.zendesk import comments, fields, people, tickets
from ticket_pipelines_tests.unified.vendor_rows import Record, mapped, rows_of

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "zendesk"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="../shared/fixtures/zendesk is not beside the project")

NAMES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("tickets", "tickets"): tickets.NAMES,
    ("users", "contacts"): people.CONTACT_NAMES,
    ("organizations", "accounts"): people.ACCOUNT_NAMES,
    ("groups", "groups"): people.GROUP_NAMES,
    ("ticket_fields", "ticket_fields"): fields.NAMES,
    ("user_fields", "ticket_fields"): fields.NAMES,
    ("ticket_comments", "ticket_comments"): comments.NAMES,
}
"""Stream and unified table to the fields that stand in it under another name."""


def airbyte(stream: str) -> list[Record]:
    lines = (FIXTURES / "airbyte_expected_records" / "expected_records.EXCERPT.jsonl").read_text().splitlines()
    return [line["data"] for line in map(json.loads, lines) if line["stream"] == stream]


def estuary(stream: str) -> list[Record]:
    snapshot = json.loads((FIXTURES / "estuary_snapshot" / "snapshots__capture__capture.stdout.json").read_text())
    found = [record for name, record in snapshot if name == f"acmeCo/{stream}"]
    return [{key: value for key, value in record.items() if value != "redacted"} for record in found]


def go_zendesk(stream: str) -> list[Record]:
    file = FIXTURES / "go_zendesk_fixture" / "GET" / f"{stream}.json"
    if not file.is_file():
        return []
    body = json.loads(file.read_text())
    found = body.get(stream, body.get("comments")) or []
    return [record if stream != "ticket_comments" else {**record, "ticket_id": 2} for record in found]


def real(stream: str) -> list[Record]:
    """All real records of a stream, each id once."""
    records = [*airbyte(stream), *estuary(stream), *go_zendesk(stream)]
    return list({record["id"]: {k: v for k, v in record.items() if k != "_meta"} for record in records}.values())


@pytest.mark.parametrize(("stream", "table"), NAMES, ids=[f"{stream}_into_{table}" for stream, table in NAMES])
def test_no_value_of_a_real_record_is_lost(stream: str, table: str) -> None:
    records = real(stream)
    assert records, f"no real record of {stream}"
    rows = rows_of(mapped(stream, *records), table)
    for record, row in zip(records, rows, strict=True):
        for theirs, ours in NAMES[stream, table].items():
            assert same(record.get(theirs), row[ours]), f"{stream} {record['id']}: {theirs} is lost"


def same(theirs: Any, ours: Any) -> bool:
    """Whether a unified value is the vendor's: ids as text, times as instants, lists and objects as JSON."""
    if theirs is None or isinstance(theirs, bool):
        return theirs is ours
    if isinstance(ours, datetime):
        return ours == datetime.fromisoformat(theirs)
    if isinstance(theirs, list | dict):
        return bool(json.loads(ours) == theirs)
    return str(theirs) == str(ours)


def test_real_custom_fields_keep_every_value() -> None:
    for record in real("tickets"):
        sent = record.get("custom_fields")
        (row,) = rows_of(mapped("tickets", record), "tickets")
        kept = None if row["custom_fields"] is None else json.loads(row["custom_fields"])
        assert kept == (None if sent is None else {str(field["id"]): field["value"] for field in sent})


def test_real_metrics_reach_their_ticket() -> None:
    metrics = [*airbyte("ticket_metrics"), *estuary("ticket_metrics")]
    assert metrics
    for metric in metrics:
        (row,) = rows_of(mapped("tickets", {"id": 1, "status": "open", "metric_set": metric}), "tickets")
        assert (row["reopen_count"], row["reply_count"]) == (metric["reopens"], metric["replies"])
        assert same(metric.get("assigned_at"), row["assigned_at"])
        assert same(metric.get("solved_at"), row["solved_at"])


def test_real_comments_are_the_same_out_of_events() -> None:
    records = real("ticket_comments")
    events = [
        {"id": number, "ticket_id": record["ticket_id"], "timestamp": 0, "child_events": [record]}
        for number, record in enumerate(records)
    ]
    rows = rows_of(mapped("ticket_events", *events), "ticket_comments")
    for record, row in zip(records, rows, strict=True):
        for theirs, ours in comments.NAMES.items():
            assert same(record.get(theirs), row[ours]), f"comment {record['id']}: {theirs} is lost"


def test_real_audits_give_a_row_per_event() -> None:
    audits = [*estuary("ticket_audits"), *go_zendesk("ticket_audits")]
    body = json.loads((FIXTURES / "go_zendesk_fixture" / "GET" / "ticket_audits.json").read_text())
    audits += body["audits"]
    assert audits
    for audit in audits:
        event = {"id": audit["id"], "ticket_id": audit["ticket_id"], "child_events": audit["events"]}
        rows = rows_of(mapped("ticket_events", event), "ticket_events")
        for sent, row in zip(audit["events"], rows, strict=True):
            assert same(sent.get("field_name", "comment"), row["field"])
            if "field_name" in sent:
                assert row["new_value"] == text(sent["value"])
                assert row["old_value"] == text(sent.get("previous_value"))


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)

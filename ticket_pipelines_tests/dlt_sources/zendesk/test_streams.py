from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlt_sources.base import Deletion, Refresh, Stream
from dlt_sources.zendesk import ZENDESK
from dlt_sources.zendesk.client import READERS

FIXTURES = Path(__file__).parents[3].parent / "shared" / "fixtures" / "zendesk"
REFERENCE = {
    "groups",
    "group_memberships",
    "brands",
    "ticket_fields",
    "user_fields",
    "organization_fields",
    "ticket_forms",
    "custom_statuses",
    "sla_policies",
    "schedules",
    "tags",
    "macros",
}
EXPORTS = {"tickets", "users", "organizations", "ticket_events", "ticket_metric_events"}

# connectors and documentation name some streams and records otherwise
ALIASES = {"custom_ticket_statuses": "custom_statuses", "comments": "ticket_comments", "comment": "ticket_comments"}
FOREIGN = {"_meta", "_ab_updated_at", "emitted_at", "result_type"}


@pytest.mark.parametrize("stream", ZENDESK.streams, ids=lambda stream: stream.name)
def test_a_stream_is_declared_whole(stream: Stream) -> None:
    names = [column.name for column in stream.columns]
    assert len(names) == len(set(names))
    assert stream.key not in names
    assert stream.doc.startswith("One row per ")
    assert stream.url.startswith("https://developer.zendesk.com/")
    assert stream.clock is None or stream.clock in names
    assert stream.on_demand or stream.paging in READERS
    declared = {*names, stream.key}
    for rule in stream.deletions:
        assert {rule.field, *(name for name, _ in rule.also)} <= declared
        assert rule.at is None or rule.at in declared


def test_the_streams_are_those_promised() -> None:
    names = {stream.name for stream in ZENDESK.streams}
    assert names == REFERENCE | EXPORTS | {"satisfaction_ratings", "ticket_comments"}
    assert {stream.name for stream in ZENDESK.streams if stream.on_demand} == {"ticket_comments"}
    assert {stream.name for stream in ZENDESK.streams if stream.limit == "incremental"} == EXPORTS
    for name in REFERENCE:
        stream = ZENDESK.stream(name)
        assert stream.refresh is Refresh.SNAPSHOT
        assert stream.scheduled_every == 3600
        assert not stream.clock_trusted


def matches(rule: Deletion, record: dict[str, Any]) -> bool:
    value = record.get(rule.field)
    first = value is not None if rule.equals is None else value == rule.equals
    return first and all(record.get(name) == wanted for name, wanted in rule.also)


@pytest.mark.parametrize(
    ("stream", "record", "kind"),
    [
        ("tickets", {"status": "open", "subject": "SCRUBBED", "description": "X"}, None),
        ("tickets", {"status": "deleted", "subject": "Printer", "description": "on fire"}, "soft"),
        ("tickets", {"status": "deleted", "subject": "SCRUBBED", "description": "on fire"}, "soft"),
        ("tickets", {"status": "deleted", "subject": "SCRUBBED", "description": "X"}, "erased"),
        ("users", {"active": True}, None),
        ("users", {"active": False}, "soft"),
        ("users", {"active": False, "permanently_deleted": False}, "soft"),
        ("users", {"active": False, "permanently_deleted": True}, "permanent"),
        ("organizations", {"deleted_at": None}, None),
        ("organizations", {"deleted_at": "2025-01-01T00:00:00Z"}, "soft"),
        ("ticket_metric_events", {"deleted": False}, None),
        ("ticket_metric_events", {"deleted": True}, "soft"),
        ("groups", {"deleted": True}, "soft"),
        ("brands", {"is_deleted": True}, "soft"),
        ("ticket_forms", {"deleted_at": "2025-01-01T00:00:00Z"}, "soft"),
    ],
)
def test_a_deletion_is_told_from_life(stream: str, record: dict[str, Any], kind: str | None) -> None:
    rules = ZENDESK.stream(stream).deletions
    assert next((rule.kind for rule in rules if matches(rule, record)), None) == kind


def real_records() -> Iterator[tuple[str, dict[str, Any]]]:
    """Recorded and documented records by stream."""
    for name, record in json.loads((FIXTURES / "estuary_snapshot/snapshots__capture__capture.stdout.json").read_text()):
        yield name.partition("/")[2], record
    for line in (FIXTURES / "airbyte_expected_records/expected_records.EXCERPT.jsonl").read_text().splitlines():
        entry = json.loads(line)
        yield entry["stream"], entry["data"]
    for path in (FIXTURES / "go_zendesk_fixture/GET").glob("*.json"):
        for key, value in json.loads(path.read_text()).items():
            for record in value if isinstance(value, list) else [value]:
                if isinstance(record, dict) and path.stem.removesuffix("s") in (key, key.removesuffix("s")):
                    yield key if isinstance(value, list) else f"{key}s", record
    for path in (FIXTURES / "zenpy_specification").glob("*.json"):
        record = json.loads(path.read_text())
        yield {"brand": "brands", "sla_policy": "sla_policies"}.get(path.stem, f"{path.stem}s"), record


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="no shared/fixtures/zendesk beside the project")
def test_every_field_of_real_records_is_declared() -> None:
    seen: set[str] = set()
    unknown: dict[str, set[str]] = {}
    for name, record in real_records():
        stream = next((each for each in ZENDESK.streams if each.name == ALIASES.get(name, name)), None)
        if stream is None:
            continue
        seen.add(stream.name)
        declared = {column.name for column in stream.columns} | {stream.key, *stream.ignored} | FOREIGN
        if more := set(record) - declared:
            unknown.setdefault(stream.name, set()).update(more)
    assert unknown == {}
    assert seen >= {"tickets", "users", "organizations", "ticket_events", "ticket_comments", "schedules", "macros"}

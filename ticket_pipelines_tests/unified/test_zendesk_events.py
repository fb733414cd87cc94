from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ticket_pipelines_tests.unified.vendor_rows import Record, mapped, rows_of

COMMENT: Record = {
    "id": 900,
    "via": {"channel": "email", "source": {"from": {"address": "a@b.c"}, "to": {}, "rel": None}},
    "via_reference_id": None,
    "type": "Comment",
    "author_id": 11,
    "body": "Hello",
    "html_body": "<p>Hello</p>",
    "plain_body": "Hello",
    "public": True,
    "attachments": [],
    "audit_id": 50,
    "created_at": "2026-01-01T10:00:00Z",
    "event_type": "Comment",
}
FILE: Record = {
    "id": 70,
    "file_name": "a.png",
    "content_url": "https://acme.zendesk.com/attachments/token/t/?name=a.png",
    "content_type": "image/png",
    "size": 12,
    "inline": True,
    "deleted": False,
    "malware_scan_result": "malware_not_found",
}


def event(*children: Record, **fields: Any) -> Record:
    return {"id": 50, "ticket_id": 35, "timestamp": 1_767_225_600, "updater_id": 11, "via": "Web form"} | {
        "child_events": list(children),
        **fields,
    }


def done(*children: Record, **fields: Any) -> list[Record]:
    return rows_of(mapped("ticket_events", event(*children, **fields)), "ticket_events")


def comment(**fields: Any) -> Record:
    (row,) = rows_of(mapped("ticket_events", event({**COMMENT, **fields})), "ticket_comments")
    return row


def test_each_child_is_a_row_with_its_position_in_the_id() -> None:
    rows = done(
        {"id": 1, "via": "Rule", "status": "open", "previous_value": "new", "event_type": "Change"},
        COMMENT,
        {"id": 2, "assignee_id": 12, "previous_value": None, "event_type": "Change"},
    )
    assert [(row["id"], row["event_type"], row["field"], row["old_value"], row["new_value"]) for row in rows] == [
        ("50:0", "change", "status", "new", "open"),
        ("50:1", "comment", "comment", None, "900"),
        ("50:2", "assign", "assignee_id", None, "12"),
    ]
    assert {row["event_id"] for row in rows} == {"50"}
    assert {row["ticket_id"] for row in rows} == {"35"}
    assert {row["occurred_at"] for row in rows} == {datetime(2026, 1, 1, tzinfo=UTC)}
    assert [row["via"] for row in rows] == ["Rule", "email", "Web form"]


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ({"status": "new", "event_type": "Create"}, ("create", "status", None, "new")),
        ({"field_name": "status", "value": "open", "type": "Create"}, ("create", "status", None, "open")),
        (
            {"field_name": "1001", "value": ["a"], "previous_value": [], "type": "Change"},
            ("change", "1001", "[]", '["a"]'),
        ),
        (
            {"status": "deleted", "previous_value": "open", "event_type": "Change"},
            ("delete", "status", "open", "deleted"),
        ),
        (
            {"status": "open", "previous_value": "deleted", "event_type": "Change"},
            ("restore", "status", "deleted", "open"),
        ),
        ({"group_id": 4, "previous_value": 3, "event_type": "Change"}, ("assign", "group_id", "3", "4")),
        ({"subject": "", "previous_value": None, "event_type": "Change"}, ("change", "subject", None, "")),
        ({"type": "incident", "previous_value": None, "event_type": "Change"}, ("change", "type", None, "incident")),
        ({"type": None, "previous_value": "task", "event_type": "Change"}, ("change", "type", "task", None)),
        ({"via": "Email", "status": "solved"}, ("change", "status", None, "solved")),
        (
            {"custom_ticket_fields": {"1001": "b"}, "previous_value": "a", "event_type": "Change"},
            ("change", "1001", "a", "b"),
        ),
        (
            {"tags": ["a", "b"], "added_tags": ["b"], "removed_tags": [], "event_type": "Change"},
            ("change", "tags", None, '["a","b"]'),
        ),
        ({"type": "SatisfactionRating", "score": "good", "body": "!"}, ("csat", "satisfaction_score", None, "good")),
        (
            {"type": "CommentPrivacyChange", "comment_id": 453, "public": False},
            ("change", "comment_privacy", None, '{"comment_id":453,"public":false}'),
        ),
        ({"type": "Notification", "subject": "s", "body": "b", "recipients": [1]}, (None, None, None, None)),
        ({"comment_present": True, "comment_public": True}, ("comment", "comment", None, None)),
        ({}, ("change", None, None, None)),
    ],
)
def test_a_child_says_what_it_did(child: Record, expected: tuple[str | None, ...]) -> None:
    (row,) = done(child)
    value = (row["new_value"] or "").replace(", ", ",") if row["new_value"] is not None else None
    assert (row["event_type"], row["field"], row["old_value"], value) == expected


def test_a_child_that_announces_a_comment_beside_fields_says_both() -> None:
    rows = done({"event_type": "Change", "comment_present": True, "status": "open", "previous_value": "new"})
    found = [(row["id"], row["event_type"], row["field"], row["old_value"], row["new_value"]) for row in rows]
    assert found == [("50:0", "comment", "comment", None, None), ("50:0.1", "change", "status", "new", "open")]


def test_a_value_that_did_not_fit_stands_where_its_column_is() -> None:
    unparsed = json.dumps({"updater_id": "bot", "ticket_id": "x", "system": 5})
    found = mapped("ticket_events", event(COMMENT, updater_id=None, ticket_id=None), unparsed=unparsed)
    (done_row,), (said,) = rows_of(found, "ticket_events"), rows_of(found, "ticket_comments")
    assert json.loads(done_row["unparsed"]) == {"actor_id": "bot", "ticket_id": "x"}
    assert json.loads(said["unparsed"]) == {"ticket_id": "x"}


def test_a_child_that_names_several_fields_is_a_row_a_field() -> None:
    rows = done({"status": "open", "priority": "high", "event_type": "Change"}, {"group_id": 4, "event_type": "Change"})
    assert [(row["id"], row["field"]) for row in rows] == [
        ("50:0", "status"),
        ("50:0.1", "priority"),
        ("50:1", "group_id"),
    ]


@pytest.mark.parametrize(("updater", "system", "actor"), [(-1, True, "system"), (11, False, None), (None, None, None)])
def test_the_systems_own_work_says_so(updater: int | None, system: bool | None, actor: str | None) -> None:
    (row,) = done({"status": "closed", "event_type": "Change"}, updater_id=updater)
    assert (row["is_system"], row["actor_type"]) == (system, actor)


def test_a_comment_keeps_every_value() -> None:
    row = comment(attachments=[FILE])
    assert {name: row[name] for name in ("id", "ticket_id", "author_id", "body_text", "body_html", "is_public")} == {
        "id": "900",
        "ticket_id": "35",
        "author_id": "11",
        "body_text": "Hello",
        "body_html": "<p>Hello</p>",
        "is_public": True,
    }
    assert (row["channel"], row["kind"], row["attachment_count"]) == ("email", "reply", 1)
    assert row["created_at"] == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert row["direction"] is None
    assert row["author_type"] is None


def test_a_comment_without_a_time_was_said_when_its_event_happened() -> None:
    assert comment(created_at=None)["created_at"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_private_comment_is_an_internal_note() -> None:
    row = comment(public=False)
    assert (row["kind"], row["direction"], row["is_public"]) == ("note", "internal", False)


@pytest.mark.parametrize(("outbound", "direction"), [(True, "out"), (False, "in"), (None, None)])
def test_a_voice_comment_is_a_call(outbound: bool | None, direction: str | None) -> None:
    row = comment(type="VoiceComment", event_type="VoiceComment", data={"outbound": outbound, "call_id": 171})
    assert (row["kind"], row["direction"]) == ("call", direction)


def test_a_message_of_the_system_says_so() -> None:
    row = comment(author_id=-1)
    assert (row["kind"], row["author_type"]) == ("system", "system")


def test_an_empty_body_stays_empty_and_a_missing_one_is_the_plain_one() -> None:
    assert comment(body="", plain_body="x")["body_text"] == ""
    assert comment(body=None, plain_body="x")["body_text"] == "x"


def test_120_comments_of_one_ticket_are_120_rows() -> None:
    events = [event({**COMMENT, "id": 1000 + n, "public": n % 3 > 0}, id=n) for n in range(120)]
    rows = rows_of(mapped("ticket_events", *events), "ticket_comments")
    assert len({row["id"] for row in rows}) == 120
    assert sum(row["kind"] == "note" for row in rows) == 40


def test_a_file_is_a_row_of_its_comment() -> None:
    (row,) = rows_of(mapped("ticket_events", event({**COMMENT, "attachments": [FILE]})), "attachments")
    assert {name: value for name, value in row.items() if value is not None} == {
        "desk": "acme",
        "id": "70",
        "version": 1_000,
        "synced_at": row["synced_at"],
        "vendor": "zendesk",
        "ticket_id": "35",
        "comment_id": "900",
        "file_name": "a.png",
        "content_type": "image/png",
        "size_bytes": 12,
        "url": FILE["content_url"],
        "is_inline": True,
        "malware_status": "malware_not_found",
    }


def test_a_deleted_file_is_marked() -> None:
    (row,) = rows_of(
        mapped("ticket_events", event({**COMMENT, "attachments": [{**FILE, "deleted": True}]})), "attachments"
    )
    assert (row["deleted_at"], row["deletion_kind"]) == (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "soft")


def test_a_merge_links_the_closed_ticket_to_the_one_that_goes_on() -> None:
    found = mapped("ticket_events", event(COMMENT, merged_ticket_ids=[36, 37]))
    links = rows_of(found, "record_links")
    assert [(link["from_id"], link["link_type"], link["to_id"], link["event_id"]) for link in links] == [
        ("36", "duplicate", "35", "50"),
        ("37", "duplicate", "35", "50"),
    ]
    last = rows_of(found, "ticket_events")[-1]
    assert (last["id"], last["event_type"], last["new_value"]) == ("50:1", "merge", "[36,37]")


def test_a_merge_that_two_events_state_is_one_link() -> None:
    found = mapped("ticket_events", event(merged_ticket_ids=[36]), event(id=51, merged_ticket_ids=[36]))
    (link,) = rows_of(found, "record_links")
    assert link["event_id"] == "51"


def test_the_repair_stream_gives_the_same_comment_and_files() -> None:
    said = {**COMMENT, "attachments": [FILE]}
    by_event = mapped("ticket_events", event(said))
    by_ticket = mapped("ticket_comments", {**said, "ticket_id": 35})
    for table in ("ticket_comments", "attachments"):
        assert rows_of(by_ticket, table) == rows_of(by_event, table)


def test_children_of_another_shape_cost_their_own_event_alone() -> None:
    found = mapped("ticket_events", event(child_events="odd"), event(COMMENT, id=51))
    assert [row["event_id"] for row in rows_of(found, "ticket_events")] == ["51"]
    assert found.warnings == {"child_events has an unknown shape": 1}

"""Records that try to break the load: each comes in as data or is set aside with a reason, and nothing else suffers."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from ticket_pipelines.control.database import quarantine
from ticket_pipelines.sync import layout
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.sync.conftest import MakeDesk, PaperDesk
from ticket_pipelines_tests.sync.paper import ticket

REST = '"clock": 1700000000, "status": "open"'
SCRIPT = "\x01\x1b[31m\u202e<script>alert(1)</script>'; DROP TABLE helpdesk.tickets; --\u2028\\"
TAGS = [f"tag {number}" for number in range(5_000)]
NAMES = {
    '"; DROP TABLE helpdesk.tickets; --': 1,
    "select": 2,
    "a'b": 3,
    "": 4,
    "desk": 5,
    "version": 6,
    "unparsed": 7,
    "_dlt_id": 8,
    "x" * 300: 9,
    "Order ID": 10,
    "order-id": 11,
    "ORDER ID": 12,
    "\x01": 13,
    "synced_at": 14,
    "deleted_at": 15,
    "__proto__": 16,
}
LOADED: dict[str, Any] = {
    "1": ticket(1, subject="x" * 100_000),
    "2": ticket(2, tags=TAGS),
    "3": ticket(3, subject=SCRIPT),
    "4": ticket(4, **NAMES),
    "5": f'{{"id": 5, "priority": 99999999999999999999999, "price": 9007199254740993, {REST}}}',
    "6": f'{{"id": 6, "created_at": "0000-01-01T00:00:00Z", "born": "10000-01-01", {REST}}}',
    "7": f'{{"id": 7, "created_at": "9999-12-31T23:59:59Z", "born": "0001-01-01", {REST}}}',
    "8": f'{{"id": 8, "subject": "first", "subject": "last", {REST}}}',
    "9": f'{{"id": 9, "tags": {"[" * 500}{"]" * 500}, {REST}}}',
    "../../etc/passwd": f'{{"id": "../../etc/passwd", {REST}}}',
    "' OR 1=1 --": f'{{"id": "\' OR 1=1 --", {REST}}}',
    "99999999999999999999999999": f'{{"id": 99999999999999999999999999, {REST}}}',
    "10": '{"id": 10, "clock": 1e22, "status": "open", "other": {"a": 1, "a": 2, "a.b": 3, "": 4}}',
    "11": f'{{"id": 11, "new": "{"ü" * 5_000_000}", {REST}}}',
}
SET_ASIDE: list[tuple[str, str]] = [
    (f'{{"id": 90, "tags": {"[" * 10_000}{"]" * 10_000}, {REST}}}', "nested too deep"),
    (f'{{"id": 91, "other": {"[" * 10_000}{"]" * 10_000}, {REST}}}', "nested too deep"),
    (f'{{"id": 92, "price": NaN, {REST}}}', "not valid JSON text"),
    (f'{{"id": 93, "price": -Infinity, {REST}}}', "not valid JSON text"),
    (f'{{"id": 94, "subject": "half \\ud83d", {REST}}}', "not valid JSON text"),
    (f'{{"id": {"9" * 5_000}, {REST}}}', "a number out of all range"),
    ('{"id": 95, "clock": 1e400, "status": "open"}', "a number out of all range"),
    (f'{{"id": "{"i" * 256}", {REST}}}', "its id has more than 255 letters"),
    (f'{{"id": 1.5, {REST}}}', "no id: field 'id' is missing or not one"),
    ("[]", "not a JSON object"),
]


def waiting(desk: PaperDesk) -> Counter[str]:
    """Reasons in the quarantine."""
    with desk.project.control.connect() as connection:
        return Counter(connection.execute(sa.select(quarantine.c.reason)).scalars())


def test_each_hostile_record_is_data_or_set_aside(make_desk: MakeDesk, warehouse_url: str) -> None:
    desk = make_desk(warehouse_url, tickets=[*LOADED.values(), *(text for text, _ in SET_ASIDE)])
    result = desk.sync()
    assert (result.status, result.rows_failed) == (Status.PARTIAL, len(SET_ASIDE))
    assert waiting(desk) == Counter(reason for _, reason in SET_ASIDE)

    rows = {row["id"]: row for row in desk.table("paper_tickets")}
    assert rows.keys() == LOADED.keys()
    assert {row["id"] for row in desk.table("tickets", "id")} == LOADED.keys()
    unparsed = {key: json.loads(row["unparsed"]) for key, row in rows.items() if row["unparsed"]}
    assert rows["1"]["subject"] == "x" * 100_000
    assert json.loads(rows["2"]["tags"]) == TAGS
    assert rows["3"]["subject"] == SCRIPT
    assert Counter([*unparsed.pop("4").values(), *_given(rows["4"])]) == Counter(NAMES.values())
    assert unparsed == {
        "5": {"priority": 99999999999999999999999, "price": 9007199254740993},
        "6": {"created_at": "0000-01-01T00:00:00Z", "born": "10000-01-01"},
        "7": {"created_at": "9999-12-31T23:59:59Z", "born": "0001-01-01"},
        "10": {"clock": 1e22},
    }
    assert rows["8"]["subject"] == "last"
    assert json.loads(rows["11"]["new"]) == "ü" * 5_000_000

    desk.account.records["tickets"] += [ticket(12)]
    assert desk.sync().status is Status.SUCCESS


def _given(row: dict[str, Any]) -> list[int]:
    """Values of the columns that the record's own fields got."""
    known = {
        "desk",
        "id",
        "version",
        "deleted_at",
        "synced_at",
        "unparsed",
        "content_hash",
        "subject",
        "status",
        "clock",
    }
    return [json.loads(value) for name, value in row.items() if name not in known and value is not None]


def test_more_new_fields_than_a_table_can_hold_wedge_nothing(
    make_desk: MakeDesk, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two desks share a table; what gets no column stands in `unparsed`."""
    monkeypatch.setattr(layout, "MOST_LEARNED", 20)
    monkeypatch.setattr(layout, "MOST_COLUMNS", 46)
    for key in ("acme", "other"):
        fields = {f"{key} {number}": number for number in range(40)}
        desk = make_desk(warehouse_url, key=key, tickets=[ticket(1), ticket(2, **fields), ticket(3)])
        assert desk.sync().status is Status.SUCCESS
        desk.account.records["tickets"].append(ticket(4, **fields))
        assert desk.sync().status is Status.SUCCESS
        rows = desk.table("paper_tickets")
        assert len(rows[0]) <= layout.MOST_COLUMNS
        for row in (rows[1], rows[3]):
            spilled = json.loads(row["unparsed"])
            columns = {name: value for name, value in row.items() if name.startswith(f"{key}_") and value is not None}
            assert sorted([*spilled.values(), *(json.loads(value) for value in columns.values())]) == list(range(40))


@pytest.mark.torture
def test_two_thousand_new_fields_of_four_desks_come_in(make_desk: MakeDesk, warehouse_url: str) -> None:
    for key in ("one", "two", "three", "four"):
        fields = {f"{key} {number}": number for number in range(2_000)}
        desk = make_desk(warehouse_url, key=key, tickets=[ticket(1), ticket(2, **fields)])
        assert desk.sync().status is Status.SUCCESS
        (row,) = [one for one in desk.table("paper_tickets") if one["id"] == "2"]
        columns = [value for name, value in row.items() if name.startswith(f"{key}_") and value is not None]
        assert len(columns) + len(json.loads(row["unparsed"])) == 2_000

"""The unified views give the same rows on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pyarrow as pa
import pytest
from psycopg2.extras import execute_values

from ticket_pipelines.unified.model import TABLES, TICKETS, UNIFIED
from ticket_pipelines.unified.views import views
from ticket_pipelines.warehouse.base import Warehouse
from ticket_pipelines.warehouse.clickhouse import ClickHouseWarehouse
from ticket_pipelines_tests.unified.vendor_rows import Json, Record, mapped

CREATED = "2026-01-01T10:00:00Z"
TICKET: Record = {
    "id": 1,
    "status": "open",
    "custom_status_id": 77,
    "created_at": CREATED,
    "subject": "Printer",
    "description": "Hello",
    "requester_id": 11,
    "submitter_id": 12,
    "assignee_id": 12,
    "organization_id": 4,
    "group_id": 5,
    "custom_fields": [],
}
PEOPLE = [
    {"id": 11, "name": "Ana", "email": "ana@example.com", "phone": "+1", "role": "end-user"},
    {"id": 12, "name": "Bob", "email": "bob@example.com", "role": "agent"},
]

Loader = Callable[..., None]


@pytest.fixture
def warehouse(warehouse_url: str, open_test_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    """An empty warehouse with the unified tables and views, once for each engine."""
    found = open_test_warehouse(warehouse_url)
    found.prepare(list(TABLES.values()), views(found.engine))
    return found


@pytest.fixture
def load(warehouse_url: str, warehouse: Warehouse) -> Loader:
    """Maps records of a stream and puts the unified rows into the warehouse."""

    def load_records(stream: str, *records: Record, **common: Any) -> None:
        for name, rows in mapped(stream, *records, **common).tables.items():
            if isinstance(warehouse, ClickHouseWarehouse):
                put(warehouse, name, rows)
            else:
                insert(warehouse.engine, warehouse_url, name, rows)

    return load_records


def put(warehouse: ClickHouseWarehouse, name: str, rows: pa.Table) -> None:
    with warehouse.connections.taken(wait=30) as client:
        client.insert_arrow(name, rows, database="helpdesk_storage")


def insert(engine: str, url: str, name: str, rows: pa.Table) -> None:
    if not rows.num_rows:
        return
    if engine == "duckdb":
        with duckdb.connect(Path(url.removeprefix("duckdb:///"))) as connection:
            connection.register("incoming", rows)
            connection.execute(f"INSERT INTO helpdesk.{name} BY NAME SELECT * FROM incoming")
        return
    connection = psycopg2.connect(url)
    try:
        values = [tuple(row.values()) for row in rows.to_pylist()]
        with connection, connection.cursor() as cursor:
            execute_values(cursor, f"INSERT INTO helpdesk.{name} ({', '.join(rows.column_names)}) VALUES %s", values)
    finally:
        connection.close()


def found(warehouse: Warehouse, sql: str) -> list[Record]:
    rows: list[Record] = warehouse.query(sql).to_pylist()
    return rows


def load_desk(load: Loader, desk: str = "acme", **changed: Any) -> None:
    """One ticket with everything around it."""
    load("tickets", {**TICKET, **changed}, desk=desk)
    load("users", *[{**person, "name": f"{person['name']} of {desk}"} for person in PEOPLE], desk=desk)
    load("organizations", {"id": 4, "name": f"Rebels of {desk}"}, desk=desk)
    load("groups", {"id": 5, "name": f"Support of {desk}"}, desk=desk)
    statuses = [{"id": 77, "agent_label": "Being looked at", "status_category": "open"}]
    load("ticket_fields", {"id": 9, "type": "custom_status", "custom_statuses": statuses}, desk=desk)


def said(key: int, minute: int, author: int, **changed: Any) -> Record:
    at = f"2026-01-01T10:{minute:02}:00Z"
    comment = {
        "id": key,
        "type": "Comment",
        "author_id": author,
        "body": "b",
        "html_body": f"<p>{key}</p>",
        "public": True,
    }
    child = {**comment, "attachments": [], **changed}
    return {"id": 5000 + key, "ticket_id": 1, "created_at": at, "updater_id": author, "child_events": [child]}


def test_every_column_of_a_ticket_is_in_its_details_with_the_same_type(warehouse: Warehouse) -> None:
    columns = ", ".join(TICKETS.kinds())
    of_table = warehouse.query(f"SELECT {columns} FROM helpdesk.tickets").schema
    assert warehouse.query(f"SELECT {columns} FROM helpdesk.ticket_details").schema == of_table


@pytest.mark.parametrize("view", ["ticket_details", "ticket_field_values"])
def test_a_view_starts_with_the_common_columns(warehouse: Warehouse, view: str) -> None:
    names = warehouse.query(f"SELECT * FROM helpdesk.{view}").schema.names
    assert names[: len(UNIFIED)] == [column.name for column in UNIFIED]


def test_details_join_names_addresses_and_labels(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load)
    (row,) = found(warehouse, "SELECT * FROM helpdesk.ticket_details")
    expected = {
        "subject": "Printer",
        "status_label": "Being looked at",
        "group_name": "Support of acme",
        "assignee_name": "Bob of acme",
        "assignee_email": "bob@example.com",
        "requester_name": "Ana of acme",
        "requester_email": "ana@example.com",
        "requester_phone": "+1",
        "submitter_name": "Bob of acme",
        "account_name": "Rebels of acme",
        "comment_count": None,
        "first_response_at": None,
        "merged_into_id": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_two_desks_with_equal_ids_never_cross(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load, "acme")
    load_desk(load, "globex")
    rows = found(
        warehouse, "SELECT desk, requester_name, account_name, group_name FROM helpdesk.ticket_details ORDER BY 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        (desk, f"Ana of {desk}", f"Rebels of {desk}", f"Support of {desk}") for desk in ("acme", "globex")
    ]


def test_details_fill_what_the_comments_know(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load)
    file = {"id": 70, "file_name": "a.png"}
    load(
        "ticket_events",
        said(1, 0, 11),
        said(2, 5, 12, public=False),
        said(3, 7, 11),
        said(4, 9, 12, attachments=[file]),
        said(5, 11, 12),
    )
    (row,) = found(warehouse, "SELECT * FROM helpdesk.ticket_details")
    assert (row["comment_count"], row["public_comment_count"], row["attachment_count"]) == (5, 4, 1)
    assert row["description_html"] == "<p>1</p>"
    assert row["first_response_at"] == datetime(2026, 1, 1, 10, 9, tzinfo=UTC)
    assert row["last_comment_at"] == datetime(2026, 1, 1, 10, 11, tzinfo=UTC)


def test_a_ticket_opened_by_an_agent_is_not_answered_by_its_first_comment(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load)
    load("ticket_events", said(1, 0, 12), said(2, 5, 11))
    (row,) = found(warehouse, "SELECT first_response_at FROM helpdesk.ticket_details")
    assert row["first_response_at"] is None


def test_a_later_comment_is_not_taken_for_the_description(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load)
    load("ticket_events", said(3, 30, 11))
    (row,) = found(warehouse, "SELECT description_html, comment_count FROM helpdesk.ticket_details")
    assert (row["description_html"], row["comment_count"]) == (None, 1)


def test_an_erased_ticket_shows_no_description(warehouse: Warehouse, load: Loader) -> None:
    load("tickets", {**TICKET, "status": "deleted", "subject": "SCRUBBED", "description": "X"}, deleted=True)
    load("ticket_events", said(1, 0, 11))
    (row,) = found(warehouse, "SELECT description_html, deletion_kind FROM helpdesk.ticket_details")
    assert (row["description_html"], row["deletion_kind"]) == (None, "erased")


def test_details_know_when_a_ticket_was_opened_again(warehouse: Warehouse, load: Loader) -> None:
    load_desk(load)
    steps = [("new", "open"), ("open", "solved"), ("solved", "open"), ("open", "pending"), ("pending", "closed")]
    events = [
        {"id": at, "ticket_id": 1, "timestamp": at, "child_events": [{"status": new, "previous_value": old}]}
        for at, (old, new) in enumerate(steps, start=100)
    ]
    load("ticket_events", *events)
    (row,) = found(warehouse, "SELECT reopened_at FROM helpdesk.ticket_details")
    assert row["reopened_at"] == datetime.fromtimestamp(102, UTC)


def test_details_name_the_ticket_that_a_merged_one_went_into(warehouse: Warehouse, load: Loader) -> None:
    load("tickets", {"id": 1}, {"id": 2})
    load("ticket_events", {"id": 50, "ticket_id": 2, "timestamp": 0, "merged_ticket_ids": [1]})
    rows = found(warehouse, "SELECT id, merged_into_id FROM helpdesk.ticket_details ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("1", "2"), ("2", None)]


FIELDS = [
    {"id": 1, "type": "text", "title": "Order ID"},
    {"id": 2, "type": "integer", "title": "order-id"},
    {"id": 3, "type": "decimal", "title": "order_id"},
    {"id": 4, "type": "checkbox", "title": "Priority"},
    {"id": 5, "type": "date", "title": "Priority"},
    {"id": 6, "type": "tagger", "title": "Colour", "custom_field_options": [{"name": "Deep blue", "value": "blue"}]},
    {
        "id": 7,
        "type": "multiselect",
        "title": "Tastes",
        "custom_field_options": [{"name": "Sweet", "value": "a"}, {"name": 'It\'s "sour"', "value": 'b"'}],
    },
]


VALUES: dict[str, tuple[int, str, Record]] = {
    "empty_text": (1, '""', {"value_text": ""}),
    "digits_in_a_text_field": (1, '"10"', {"value_text": "10"}),
    "number_in_a_text_field": (1, "10", {"value_text": "10", "value_num": 10.0}),
    "integer": (2, "7", {"value_text": "7", "value_num": 7.0}),
    "integer_as_text": (2, '"7"', {"value_text": "7", "value_num": 7.0}),
    "word_in_an_integer_field": (2, '"n/a"', {"value_text": "n/a"}),
    "decimal_as_text": (3, '"1.50"', {"value_text": "1.50", "value_num": 1.5}),
    "decimal": (3, "1.50", {"value_text": "1.5", "value_num": 1.5}),
    **{
        f"number {sent}": (3, sent, {"value_text": text, "value_num": float(sent)})
        for sent, text in {
            "-0.0": "0",
            "-0": "0",
            "1e2": "100",
            "0.30000000000000004": "0.30000000000000004",
            "0.0001": "0.0001",
            "-0.0000123": "-1.23e-05",
            "1e-5": "1e-05",
            "2.5e-6": "2.5e-06",
            "1e-7": "1e-07",
            "1.5e-30": "1.5e-30",
            "999999999999999.9": "999999999999999.9",
            "1e15": "1000000000000000",
            "-1234567890123456.5": "-1234567890123456.5",
            "123456789012345680.0": "123456789012345680",
            "1.152921504606847e+18": "1152921504606847000",
            "900000000000000123": "900000000000000123",
            "1e21": "1e+21",
            "-2.5e99": "-2.5e+99",
        }.items()
    },
    "number_too_large_for_a_double": (3, '"1e999"', {"value_text": "1e999"}),
    "true": (4, "true", {"value_text": "true", "value_bool": True}),
    "false": (4, "false", {"value_text": "false", "value_bool": False}),
    "leap_day": (5, '"2028-02-29"', {"value_text": "2028-02-29", "value_ts": datetime(2028, 2, 29, tzinfo=UTC)}),
    "day_that_does_not_exist": (5, '"2026-02-29"', {"value_text": "2026-02-29"}),
    "instant": (
        5,
        '"2026-02-28T23:30:00+02:00"',
        {"value_text": "2026-02-28T23:30:00+02:00", "value_ts": datetime(2026, 2, 28, 21, 30, tzinfo=UTC)},
    ),
    "choice": (6, '"blue"', {"value_text": "blue", "label": "Deep blue"}),
    "deleted_option": (6, '"gone"', {"value_text": "gone", "label": "gone"}),
    "choices": (7, '["b\\"", "a", "gone"]', {"value_json": ['b"', "a", "gone"], "label": 'It\'s "sour", Sweet, gone'}),
    "no_choice": (7, "[]", {"value_json": []}),
    "object": (1, '{"a": 1}', {"value_json": {"a": 1}}),
    "field_without_a_definition": (99, '"x"', {"value_text": "x"}),
}
"""Case to the field, the value as the vendor sends it, and what is not null in its row."""


def test_a_value_is_one_typed_row(warehouse: Warehouse, load: Loader) -> None:
    load("ticket_fields", *FIELDS)
    tickets = [
        {"id": case, "custom_fields": Json(f'[{{"id":{field},"value":{value}}},{{"id":98,"value":null}}]')}
        for case, (field, value, _) in VALUES.items()
    ]
    load("tickets", *tickets)
    rows = found(warehouse, "SELECT * FROM helpdesk.ticket_field_values")
    assert {row["record_id"]: typed(row) for row in rows} == {
        case: expected for case, (_, _, expected) in VALUES.items()
    }
    assert len(rows) == len(VALUES)
    titles = {str(field["id"]): field["title"] for field in FIELDS}
    for row in rows:
        assert row["id"] == f"ticket:{row['record_id']}:{row['field_id']}"
        assert row["title"] == titles.get(row["field_id"])
        assert row["definition_id"] == (f"ticket:{row['field_id']}" if row["field_id"] in titles else None)


def typed(row: Record) -> Record:
    """What is not null of a value's row."""
    values = {name: value for name, value in row.items() if name.startswith("value_") or name == "label"}
    values["value_json"] = None if values["value_json"] is None else json.loads(values["value_json"])
    return {name: value for name, value in values.items() if value is not None}


def test_values_of_people_and_organizations_are_found_by_key(warehouse: Warehouse, load: Loader) -> None:
    load("user_fields", {"id": 1, "key": "plan", "type": "text", "title": "Plan"})
    load("organization_fields", {"id": 1, "key": "plan", "type": "decimal", "title": "Seats"})
    load("users", {"id": 11, "user_fields": {"plan": "gold", "old": None}})
    load("organizations", {"id": 4, "organization_fields": {"plan": 5}})
    columns = "id, definition_id, title, value_text, value_num"
    rows = found(warehouse, f"SELECT {columns} FROM helpdesk.ticket_field_values ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("organization:4:plan", "organization:1", "Seats", "5", 5.0),
        ("user:11:plan", "user:1", "Plan", "gold", None),
    ]


def test_a_field_made_again_under_its_old_key_gives_one_row(warehouse: Warehouse, load: Loader) -> None:
    load("user_fields", {"id": 1, "key": "plan", "type": "text", "title": "Old"}, deleted=True)
    load("user_fields", {"id": 2, "key": "plan", "type": "text", "title": "New"})
    load("users", {"id": 11, "user_fields": {"plan": "gold"}})
    (row,) = found(warehouse, "SELECT title, definition_id FROM helpdesk.ticket_field_values")
    assert tuple(row.values()) == ("New", "user:2")


def test_field_titles_of_another_desk_never_cross(warehouse: Warehouse, load: Loader) -> None:
    for desk, kind in (("acme", "text"), ("globex", "integer")):
        load("ticket_fields", {"id": 1, "type": kind, "title": f"Field of {desk}"}, desk=desk)
        load("tickets", {"id": 1, "custom_fields": [{"id": 1, "value": "5"}]}, desk=desk)
    rows = found(warehouse, "SELECT desk, title, value_num FROM helpdesk.ticket_field_values ORDER BY desk")
    assert [tuple(row.values()) for row in rows] == [
        ("acme", "Field of acme", None),
        ("globex", "Field of globex", 5.0),
    ]

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.unified.aliases import alias
from ticket_pipelines_tests.unified.vendor_rows import Record, mapped, rows_of

FIELD: Record = {
    "id": 1001,
    "type": "tagger",
    "title": "Colour",
    "position": 3,
    "required": True,
    "removable": True,
    "custom_field_options": [
        {"id": 1, "name": "Deep blue", "raw_name": "Deep blue", "value": "blue"},
        {"id": 2, "name": "Red", "raw_name": "Red", "value": "red"},
    ],
}


def field(stream: str = "ticket_fields", **changed: Any) -> Record:
    (row,) = rows_of(mapped(stream, {**FIELD, **changed}), "ticket_fields")
    return row


def test_a_field_keeps_every_value() -> None:
    row = field()
    assert {name: value for name, value in row.items() if value is not None} == {
        "desk": "acme",
        "id": "ticket:1001",
        "version": 1_000,
        "synced_at": row["synced_at"],
        "vendor": "zendesk",
        "entity": "ticket",
        "title": "Colour",
        "alias": "ticket_colour_1001",
        "data_type_raw": "tagger",
        "data_type": "choice",
        "options": '[{"value":"blue","label":"Deep blue"},{"value":"red","label":"Red"}]',
        "is_system": False,
        "is_required": True,
        "position": 3,
    }


@pytest.mark.parametrize(
    ("stream", "entity"),
    [("ticket_fields", "ticket"), ("user_fields", "user"), ("organization_fields", "organization")],
)
def test_fields_of_tickets_people_and_organizations_never_share_an_id(stream: str, entity: str) -> None:
    row = field(stream, key="colour")
    assert (row["id"], row["entity"], row["key"]) == (f"{entity}:1001", entity, "colour")


def test_a_built_in_field_is_a_system_field() -> None:
    row = field(
        type="priority",
        removable=False,
        custom_field_options=None,
        system_field_options=[{"name": "Low", "value": "low"}],
    )
    assert (row["is_system"], row["data_type"], row["data_type_raw"]) == (True, None, "priority")
    assert json.loads(row["options"]) == [{"value": "low", "label": "Low"}]


def test_custom_statuses_are_options_of_their_field() -> None:
    statuses = [{"id": 77, "agent_label": "Waiting for parts", "status_category": "hold"}]
    row = field(type="custom_status", custom_field_options=None, custom_statuses=statuses)
    assert json.loads(row["options"]) == [{"value": "77", "label": "Waiting for parts"}]


@pytest.mark.parametrize("options", [None, []])
def test_no_options_and_no_list_of_options_differ(options: list[Any] | None) -> None:
    found = field(custom_field_options=options)["options"]
    assert found == (None if options is None else "[]")


def test_colliding_titles_get_an_alias_each() -> None:
    titles = ["Order ID", "order-id", "order_id", "Priority", "Priority"]
    records = [{**FIELD, "id": 1000 + number, "title": title} for number, title in enumerate(titles)]
    rows = rows_of(mapped("ticket_fields", *records), "ticket_fields")
    assert [row["alias"] for row in rows] == [
        "ticket_order_id_1000",
        "ticket_order_id_1001",
        "ticket_order_id_1002",
        "ticket_priority_1003",
        "ticket_priority_1004",
    ]


@given(st.text(max_size=200), st.integers(0, 10**14))
def test_an_alias_is_a_column_name_whatever_the_title(title: str, key: int) -> None:
    found = alias("ticket", str(key), title)
    assert re.fullmatch(r"ticket_([a-z0-9_]+_)?\d+", found)
    assert len(found) <= 63
    assert found.endswith(f"_{key}")

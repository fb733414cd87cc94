from __future__ import annotations

import re

import pytest

from ticket_pipelines.unified.model import TABLES, UNIFIED
from ticket_pipelines.warehouse.naming import column_name
from ticket_pipelines.warehouse.table import TableSpec

RELEASED = {
    "tickets",
    "ticket_comments",
    "ticket_events",
    "contacts",
    "agents",
    "accounts",
    "groups",
    "ticket_fields",
    "attachments",
    "record_links",
}


def test_the_tables_are_those_of_this_release() -> None:
    assert set(TABLES) == RELEASED


@pytest.mark.parametrize("spec", TABLES.values(), ids=TABLES.keys())
def test_a_table_says_its_grain_and_starts_with_the_common_columns(spec: TableSpec) -> None:
    assert re.match(r"One row per \w+", spec.doc)
    assert spec.columns[: len(UNIFIED)] == UNIFIED


@pytest.mark.parametrize("spec", TABLES.values(), ids=TABLES.keys())
def test_every_column_name_is_unique_and_fits_every_engine(spec: TableSpec) -> None:
    own = [column.name for column in spec.columns[len(UNIFIED) :]]
    assert len(set(own)) == len(own)
    assert [name for name in own if column_name(name) != name] == []


@pytest.mark.parametrize("spec", TABLES.values(), ids=TABLES.keys())
def test_names_and_addresses_of_others_are_left_to_the_view(spec: TableSpec) -> None:
    names = set(spec.kinds())
    owners = {name.removesuffix("_id") for name in names if name.endswith("_id")}
    assert not {f"{owner}_{what}" for owner in owners for what in ("name", "email", "phone")} & names

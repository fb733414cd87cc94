"""Streams and columns that follow from what an account says of its modules. Pure."""

from __future__ import annotations

import pytest

from dlt_sources.base import PARENT_ID, Kind, Refresh
from dlt_sources.zoho_crm.metadata import Field, Module, described, streams_of, subform_module, undescribed
from dlt_sources.zoho_crm.streams import STREAMS


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (Field("a", "bigint", "string"), Kind.INTEGER),
        (Field("a", "currency", "double"), Kind.NUMBER),
        (Field("a", "boolean"), Kind.BOOLEAN),
        (Field("a", "datetime", "string"), Kind.TIMESTAMP),
        (Field("a", "date", "string"), Kind.DATE),
        (Field("a", "lookup"), Kind.JSON),
        (Field("a", "formula", "double"), Kind.NUMBER),
        (Field("a", "formula", "string"), Kind.TEXT),
        (Field("a", "text", "jsonarray"), Kind.JSON),
        (Field("a", "hologram"), Kind.TEXT),
    ],
)
def test_columns_are_typed_by_the_vendor_s_types(field: Field, kind: Kind) -> None:
    assert field.kind is kind


def test_a_module_with_a_time_of_change_is_incremental_and_one_without_is_compared() -> None:
    with_clock = described("Machines", [Field("Name"), Field("Modified_Time", "datetime")], {})
    without = described("Machines", [Field("Name")], {})
    assert [(s.clock, s.refresh) for s in streams_of(with_clock)] == [("Modified_Time", Refresh.INCREMENTAL)]
    assert [(s.clock, s.refresh) for s in streams_of(without)] == [(None, Refresh.SNAPSHOT)]


def test_metadata_that_lacks_what_it_may_lack_is_enough() -> None:
    fields = [Field("Name"), Field(None), Field("Name", "integer")]
    (stream,) = streams_of(described("Machines", fields, {}))
    assert [column.name for column in stream.columns].count("Name") == 1


def test_a_subform_is_a_column_and_a_stream_besides() -> None:
    items = Field("Items", "subform", subform={"module": {"api_name": "Ordered_Items"}})
    parent, child = streams_of(described("Cases", [items], {"Items": [Field("Quantity", "integer")]}))
    assert {column.name: column.kind for column in parent.columns}["Items"] is Kind.JSON
    assert (child.name, child.parent, child.records) == ("cases_items", "cases", "Items")
    kinds = {column.name: column.kind for column in child.columns}
    assert (kinds[PARENT_ID], kinds["Quantity"]) == (Kind.TEXT, Kind.INTEGER)


@pytest.mark.parametrize("subform", [{"module": "Rows"}, {"module": {"api_name": "Rows"}}])
def test_the_module_of_a_subform_is_found_in_either_form(subform: object) -> None:
    assert subform_module(Field("Items", "subform", subform=subform)) == "Rows"
    assert subform_module(Field("Items", "text", subform=subform)) is None


def test_what_is_declared_keeps_its_kind_in_each_account() -> None:
    (stream,) = streams_of(described("Deals", [Field("Amount", "text")], {}))
    assert {column.name: column.kind for column in stream.columns}["Amount"] is Kind.NUMBER


@pytest.mark.parametrize(
    ("module", "readable"),
    [
        (Module("A", True, True, "custom"), True),
        (Module("A"), True),
        (Module("A", False), False),
        (Module("A", True, False), False),
        (Module("A", True, True, "linking"), False),
        (Module(None), False),
    ],
)
def test_modules_that_hold_records_are_read(module: Module, readable: bool) -> None:
    assert module.is_readable is readable


def test_a_module_is_never_taken_for_a_stream_that_is_none() -> None:
    names = [undescribed(module).name for module in ("Users", "Fields", "Custom_Modules")]
    assert not {stream.name for stream in STREAMS} & set(names)

"""One form for a record, by list and by file. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlt_sources.zoho_crm.metadata import Field, Option, described
from dlt_sources.zoho_crm.values import Shape, is_carried

DETAILED = Field("a", "multiselectpicklist", "jsonarray")


def forms(field: Field, given: Any, cell: str) -> list[Any]:
    """What becomes of a value by list, and by file."""
    shape = Shape((field,))
    listed = shape.listed()({"id": "1", field.name: given})
    (exported,) = shape.exported(["id", field.name])([["1", cell]])
    return [json.loads(bytes(record))[field.name] for record in (listed, exported)]


@pytest.mark.parametrize(
    ("field", "given", "cell", "form"),
    [
        (Field("a"), "x", "x", "x"),
        (Field("a", "bigint"), "900000000000000001", "900000000000000001", 900000000000000001),
        (Field("a", "integer"), 7, "7", 7),
        (Field("a", "percent"), 10, "10", 10.0),
        (Field("a", "currency"), 12.5, "12.50", 12.5),
        (Field("a", "boolean"), True, "true", True),
        (Field("a", "datetime"), "2026-01-31T05:30:00+05:30", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        (Field("a", "date"), "2026-01-31", "2026-01-31", "2026-01-31"),
        (Field("a", "lookup"), {"name": "Acme", "id": "55"}, "55", {"id": "55"}),
        (Field("a", "ownerlookup"), {"name": "Ann", "id": "1", "email": "a@b"}, "1", {"id": "1"}),
        (DETAILED, ["one", "two"], "one;two", ["one", "two"]),
        (Field("Tag", "text", "jsonarray"), [{"name": "vip", "id": "7"}], "vip", [{"name": "vip"}]),
        (Field("a", "integer"), None, "", None),
    ],
)
def test_a_value_has_one_form(field: Field, given: Any, cell: str, form: Any) -> None:
    assert forms(field, given, cell) == [form, form]
    assert {type(value) for value in forms(field, given, cell)} == {type(form)}


@pytest.mark.parametrize(
    ("field", "value"),
    [(Field("a", "integer"), "n/a"), (Field("a", "currency"), "much"), (Field("a", "datetime"), "soon")],
)
def test_a_value_of_another_type_is_left_as_it_is(field: Field, value: str) -> None:
    assert forms(field, value, value) == [value, value]


def test_the_module_of_a_record_of_several_modules_stays() -> None:
    value = {"name": "Case 1", "id": "5", "module": {"api_name": "Cases", "id": "9"}}
    (form, _) = forms(Field("Parent_Id", "lookup"), value, "5")
    assert form == {"id": "5", "module": {"api_name": "Cases", "id": "9"}}


@pytest.mark.parametrize(
    "field",
    [
        Field("a", "subform", "jsonarray"),
        Field("a", "fileupload", "jsonarray"),
        Field("a", "multiselectlookup", "jsonarray"),
        Field("a", crypt={"mode": "decryption"}),
        Field("a", "multiselectpicklist", "jsonarray", pick_list_values=[Option("large; heavy")]),
    ],
)
def test_what_a_file_does_not_carry_whole_keeps_its_module_out_of_files(field: Field) -> None:
    assert not is_carried(field)
    assert not Shape.of(described("Machines", [field], {})).carried
    assert Shape.of(described("Machines", [Field("a")], {})).carried
    assert not Shape.of(described("Tasks", [Field("a")], {})).carried


def test_a_record_is_the_same_bytes_by_list_and_by_file() -> None:
    fields = [Field("b", "integer"), Field("a"), Field("c", "lookup"), Field("d"), Field("id", "bigint")]
    shape = Shape.of(described("Machines", fields, {}))
    listed = shape.listed()({"d": "", "c": {"id": "5", "name": "x"}, "id": "1", "a": "é", "b": 2, "$approved": True})
    (exported,) = shape.exported(["Id", "d", "c", "b", "a"])([["1", "", "5", "2", "é"]])
    assert bytes(listed) == bytes(exported)
    assert json.loads(bytes(listed)) == {"id": "1", "a": "é", "b": 2, "c": {"id": "5"}, "d": None}


def test_equal_cells_of_a_column_are_one_value_each_in_its_own_row() -> None:
    fields = (Field("at", "datetime"), Field("to", "lookup"))
    rows = [["1", "7", "soon"], ["2", "", "2026-01-31T05:30:00+05:30"], ["3", "7", "9999-12-31T23:59:59-05:00"]]
    records = [json.loads(bytes(one)) for one in Shape(fields).exported(["id", "to", "at"])(rows)]
    assert records == [
        {"id": "1", "at": "soon", "to": {"id": "7"}},
        {"id": "2", "at": "2026-01-31T00:00:00Z", "to": None},
        {"id": "3", "at": "9999-12-31T23:59:59-05:00", "to": {"id": "7"}},
    ]


def test_rows_that_differ_in_length_are_no_records() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Shape((Field("a"),)).exported(["id", "a"])([["1", "x"], ["2"]])


def test_a_file_without_a_column_of_a_field_is_refused() -> None:
    with pytest.raises(KeyError):
        Shape.of(described("Machines", [Field("a")], {})).exported(["id", "b"])

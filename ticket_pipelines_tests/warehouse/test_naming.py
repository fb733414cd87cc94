from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.warehouse.naming import MAX_BYTES, RESERVED, column_name, column_names


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("subject", "subject"),
        ("createdTime", "created_time"),
        ("HTTPServer", "http_server"),
        ("Order ID", "order_id"),
        ("order-id", "order_id"),
        ("__status__", "status"),
        ("a__b", "a_b"),
        ("2fa", "_2fa"),
        ("select", "select"),
        ("Größe", "größe"),
        ("价格", "价格"),
        ('x"; DROP TABLE y; --', "x_drop_table_y"),
        ("id", "id_vendor"),
        ("Version", "version_vendor"),
        ("_dlt_id", "dlt_id"),
    ],
)
def test_a_field_becomes_a_snake_case_column(field: str, name: str) -> None:
    assert column_name(field) == name


@pytest.mark.parametrize("field", ["", "  ", "___", "🙂", "--"])
def test_a_field_without_letters_gets_a_name_of_its_own(field: str) -> None:
    assert column_name(field).startswith("field_")
    assert len({column_name(other) for other in ("", "  ", "___", "🙂", "--")}) == 5


@pytest.mark.parametrize("field", ["x" * 64, "ж" * 40, "Long name " * 12], ids=["ascii", "two bytes", "words"])
def test_a_long_name_is_cut_to_63_bytes_with_a_hash(field: str) -> None:
    name = column_name(field)
    assert len(name.encode()) <= MAX_BYTES
    assert name != column_name(field + "y")


def test_names_that_clash_get_a_hash_whatever_the_order() -> None:
    fields = ["Order ID", "order-id", "orderId"]
    names = column_names(fields)
    assert len(set(names.values())) == 3
    assert all(name.startswith("order_id_") for name in names.values())
    assert column_names(reversed(fields)) == names


def test_a_field_that_is_spelled_as_the_column_keeps_it() -> None:
    names = column_names(["Priority", "priority", "__priority"])
    assert names["priority"] == "priority"
    assert len(set(names.values())) == 3


def test_a_field_that_has_a_column_keeps_it_when_a_clash_comes_later() -> None:
    taken = column_names(["Order ID"])
    assert taken == {"Order ID": "order_id"}
    names = column_names(["order-id", "Order ID"], taken)
    assert names["Order ID"] == "order_id"
    assert names["order-id"] != "order_id"


def test_a_vendor_field_named_like_our_suffix_does_not_clash() -> None:
    names = column_names(["id", "id_vendor"])
    assert names["id_vendor"] == "id_vendor"
    assert names["id"] not in ("id", "id_vendor")


@given(st.lists(st.text(max_size=80), max_size=12, unique=True))
def test_any_fields_get_distinct_names_that_fit_and_are_not_ours(fields: list[str]) -> None:
    names = column_names(fields)
    assert set(names) == set(fields)
    assert len(set(names.values())) == len(fields)
    for name in names.values():
        assert 0 < len(name.encode()) <= MAX_BYTES
        assert name not in RESERVED
        assert not name.endswith("_")
        assert name == name.lower()
        assert not name[0].isdigit()


@given(st.text(max_size=80).map(column_name))
def test_a_column_name_stays_itself(name: str) -> None:
    unprefixed = name.removeprefix("_")
    assert column_name(unprefixed) in (name, unprefixed)

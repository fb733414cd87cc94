"""Events of any content become one row a child; every status is mapped. Records of any content: `test_any_record`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticket_pipelines.unified.labels import STATUSES
from ticket_pipelines_tests.unified.vendor_rows import mapped

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "channel", "x"]), inner)
    ),
    max_leaves=8,
)
CHILD_KEYS = [
    "id",
    "type",
    "event_type",
    "via",
    "status",
    "field_name",
    "value",
    "previous_value",
    "custom_ticket_fields",
    "comment_present",
    "body",
    "author_id",
    "public",
    "attachments",
    "created_at",
    "data",
]
CHILDREN = st.dictionaries(
    st.sampled_from(CHILD_KEYS), JSON_VALUES | st.sampled_from(["Comment", "VoiceComment", "Change", "Create"])
)


@given(st.lists(CHILDREN, max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_child_of_an_event_is_a_row(children: list[dict[str, Any]]) -> None:
    found = mapped("ticket_events", {"id": 50, "ticket_id": 35, "child_events": children})
    ids = found.tables["ticket_events"]["id"].to_pylist()
    assert [f"50:{position}" for position in range(len(children))] == [key for key in ids if "." not in key]


@pytest.mark.parametrize("status", sorted(STATUSES["zendesk"]))
def test_every_status_of_zendesk_is_mapped(status: str) -> None:
    found = mapped("tickets", {"id": 1, "status": status})
    (row,) = found.tables["tickets"].to_pylist()
    assert row["status_raw"] == status
    assert (row["status"] is None) == (status == "deleted")
    assert not found.warnings

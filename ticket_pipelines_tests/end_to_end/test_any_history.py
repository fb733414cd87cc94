"""Any history of an account, cut into syncs anywhere, ends in the same tables as one sync at its end."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ticket_pipelines.sync.rebuild import rebuild_desk
from ticket_pipelines.unified.model import TABLES
from ticket_pipelines_tests.end_to_end.conftest import PAST, MakeDesk, ZendeskDesk

STREAMS = ("tickets", "ticket_events", "users", "groups", "ticket_fields")
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "create_ticket": ("", {}),
    "solve_ticket": ("tickets", {}),
    "close_ticket": ("tickets", {}),
    "automate_ticket": ("tickets", {"priority": "urgent"}),
    "touch_ticket": ("tickets", {}),
    "delete_ticket": ("tickets", {}),
    "scrub_ticket": ("tickets", {}),
    "comment": ("tickets", {"body": "☕", "public": False, "files": [["a.txt", "text/plain", 1]]}),
    "same_second": ("", {"count": 5}),
    "update_user": ("users", {"notes": "called"}),
    "delete_user": ("users", {"permanently": True}),
    "delete_group": ("groups", {}),
    "create_group": ("", {}),
    "add_field": ("", {"title": "Order ID"}),
    "retitle_field": ("ticket_fields", {"title": "Priority"}),
}
"""Operations of the sandbox: the stream that their record is of, and further arguments."""

NUMBERS = count()
HISTORIES = st.lists(
    st.lists(st.tuples(st.sampled_from(list(CHANGES)), st.integers(0, 9)), min_size=4, max_size=10),
    min_size=2,
    max_size=3,
)
"""The changes before each sync, each with a number that picks its record."""


def change(desk: ZendeskDesk, op: str, pick: int) -> None:
    """Does an operation with the record of that number; one that the account refuses did not happen."""
    stream, arguments = CHANGES[op]
    chosen = {}
    if stream:
        ids = sorted(record["id"] for record in desk.held(stream))
        chosen = {"id": ids[pick % len(ids)]}
    try:
        desk.change(op, **chosen, **arguments)
    except ValueError:
        desk.sandbox.zendesk.control.clock(advance=1)


def tables(desk: ZendeskDesk) -> dict[str, list[str]]:
    """All rows of a desk, as text, without what names the desk and without the time at which they were read."""
    found = {}
    for table in [*(f"zendesk_{name}" for name in STREAMS), *TABLES]:
        # a link's id is made of its ends, and they name the desk
        left_out = {"desk", "synced_at", *(("id", "from_desk", "to_desk") if table == "record_links" else ())}
        rows = desk.ask(f"SELECT * FROM helpdesk.{table} WHERE desk = '{desk.key}'")
        found[table] = sorted(repr(sorted(item for item in row.items() if item[0] not in left_out)) for row in rows)
    return found


def check(make_desk: MakeDesk, history: list[list[tuple[str, int]]]) -> None:
    """Syncs after each part of a history, then another desk once: both stand in the same tables, with equal ids."""
    number = next(NUMBERS)
    often = make_desk("", key=f"often_{number}", tickets=15, **PAST)
    for changes in ([], *history):
        for op, pick in changes:
            change(often, op, pick)
        often.synced(streams=STREAMS)

    account = often.sandbox.zendesk
    often.project.desks.add(f"once_{number}", "zendesk", account.config, account.credentials)
    once = ZendeskDesk(often.project, f"once_{number}", often.sandbox)
    once.synced(streams=STREAMS)
    found = tables(often)
    assert found == tables(once)

    rebuild_desk(often.project, often.key)
    assert tables(often) == found


SEEDED = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate],
)
WHOLE = settings(SEEDED, max_examples=60, derandomize=False, phases=[Phase.generate, Phase.shrink])


@SEEDED
@given(history=HISTORIES)
def test_any_history_in_any_number_of_syncs_ends_like_in_one_and_like_a_rebuild(
    make_desk: MakeDesk, history: list[list[tuple[str, int]]]
) -> None:
    check(make_desk, history)


@pytest.mark.torture
@WHOLE
@given(history=HISTORIES)
def test_many_histories_in_any_number_of_syncs(make_desk: MakeDesk, history: list[list[tuple[str, int]]]) -> None:
    check(make_desk, history)

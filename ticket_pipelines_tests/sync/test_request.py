"""Requests: what cannot be done is refused in one sentence before anything is touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlt_sources import VENDORS
from dlt_sources.base import Vendor
from dlt_sources.qcontact import QCONTACT
from dlt_sources.zendesk import ZENDESK
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.position import Walk
from ticket_pipelines.sync.request import make_plan
from ticket_pipelines.sync.result import Mode, SyncRequest
from ticket_pipelines_tests.sync.paper import PAPER

SINCE = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"since": SINCE}, "since and until need mode full or backfill"),
        ({"mode": Mode.BACKFILL}, "a backfill needs since, until or both"),
        ({"mode": Mode.BACKFILL, "since": SINCE, "until": SINCE}, "must be after since"),
        ({"mode": Mode.FULL, "since": SINCE, "until": SINCE - timedelta(1)}, "must be after since"),
        ({"mode": Mode.BACKFILL, "since": datetime(2024, 1, 1)}, "need a time zone"),
        ({"mode": Mode.PUSH}, "is none of a sync"),
        ({"mode": Mode.FULL, "ids": ("1",)}, "exclude each other"),
        ({"streams": ("colours",), "ids": ("1",)}, "does not give records of stream 'colours' by id.* tickets, people"),
        ({"ids": (" ",)}, "'' is no id of Paper"),
        ({"streams": ("nope",)}, "no stream 'nope'; it has tickets, people, colours"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_plan(SyncRequest(**asked), PAPER)


@pytest.mark.parametrize(
    ("asked", "configured", "streams"),
    [
        ({}, (), ["tickets", "people", "colours"]),
        ({}, ("people", "tickets"), ["tickets", "people"]),
        ({"streams": ("colours",)}, ("tickets",), ["colours"]),
        ({"mode": Mode.FULL}, (), ["tickets", "people", "colours"]),
        ({"mode": Mode.BACKFILL, "since": SINCE}, (), ["tickets", "people"]),
        ({"ids": ("1",)}, (), ["tickets"]),
    ],
)
def test_streams(asked: dict[str, Any], configured: tuple[str, ...], streams: list[str]) -> None:
    assert [stream.name for stream in make_plan(SyncRequest(**asked), PAPER, configured).streams] == streams


@pytest.mark.parametrize("id_", ["abc", "1.5", "-1", "٣", "9" * 20, ""])
def test_an_id_that_is_no_number_is_refused_where_ids_are_numbers(id_: str) -> None:
    with pytest.raises(UsageError, match="is no id of Zendesk: its ids are whole numbers"):
        make_plan(SyncRequest(ids=(id_,)), ZENDESK)
    assert make_plan(SyncRequest(ids=("007", "7")), ZENDESK).ids == ("7",)


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
def test_what_is_read_by_id_is_said_by_the_streams(vendor: Vendor) -> None:
    assert vendor.streams[0].by_id
    assert all(stream.by_id for stream in vendor.streams if stream.on_demand)
    for stream in vendor.streams:
        asked = SyncRequest(streams=(stream.name,), ids=("1",))
        if stream.by_id:
            assert make_plan(asked, vendor).streams == (stream,)
        else:
            with pytest.raises(UsageError, match="by id"):
                make_plan(asked, vendor)


def test_what_stands_beside_the_main_stream_is_repaired_with_it() -> None:
    plan = make_plan(SyncRequest(ids=("7",)), QCONTACT)
    assert [stream.name for stream in plan.streams] == ["cases", "case_events"]


def test_chosen_ids_are_a_repair() -> None:
    plan = make_plan(SyncRequest(ids=("2", "1", "2")), PAPER)
    assert (plan.mode, plan.walk, plan.ids) == (Mode.REPAIR, Walk.LIVE, ("2", "1"))

"""Streams that only an account knows: what a request may name, before and after the account was asked. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlt_sources.base import Client, Discovery, Stream, Vendor
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.request import make_plan
from ticket_pipelines.sync.result import SyncRequest
from ticket_pipelines_tests.sync.paper import COLOURS, PAPER, PEOPLE, TICKETS

MACHINES = replace(PEOPLE, name="machines")
PARTS = replace(PEOPLE, name="machines_parts", parent="machines", records="Parts")


def discovering() -> Vendor:
    def streams(_client: Client, _wanted: object) -> tuple[Stream, ...]:
        return (TICKETS, COLOURS, MACHINES, PARTS)

    return replace(PAPER, discovery=Discovery(streams, "others", "All else."))


VENDOR = discovering()
SHOWN = replace(VENDOR, streams=(TICKETS, COLOURS, MACHINES, PARTS))


def planned(*streams: str, shown: Vendor | None = SHOWN, configured: tuple[str, ...] = ()) -> set[str]:
    plan = make_plan(SyncRequest(streams=streams), VENDOR, configured, shown)
    return {stream.name for stream in plan.streams}


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ((), {"tickets", "colours", "machines"}),
        (("machines",), {"machines"}),
        (("others",), {"machines"}),
        (("machines_parts",), {"machines"}),
        (("others", "tickets"), {"tickets", "machines"}),
        (("people", "tickets"), {"tickets"}),
    ],
    ids=["all", "one", "the group", "inside of records", "the group and another", "one that the account lacks"],
)
def test_a_request_names_streams_of_the_account(asked: tuple[str, ...], read: set[str]) -> None:
    assert planned(*asked) == read
    assert planned(configured=asked) == read


def test_before_the_account_was_asked_no_name_is_refused() -> None:
    assert planned("machines", shown=None) == set()
    with pytest.raises(UsageError, match="no stream 'gadgets'; it has tickets, colours, machines"):
        planned("gadgets")
    with pytest.raises(UsageError, match="no stream 'machines'"):
        make_plan(SyncRequest(streams=("machines",)), PAPER)


def test_an_account_without_streams_of_its_own_reads_none_of_the_group() -> None:
    assert planned("others", shown=replace(VENDOR, streams=(TICKETS,))) == set()


def test_what_no_release_knows_belongs_to_the_group_s_asset() -> None:
    assert [VENDOR.asset(name) for name in ("tickets", "machines")] == ["tickets", "others"]
    assert PAPER.asset("machines") == "machines"

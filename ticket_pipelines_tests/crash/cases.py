"""What is synced and killed, vendor by vendor: small pages, small packages, and changes between two syncs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlt_sources.qcontact import cases as qcontact_cases
from dlt_sources.qcontact import refused as qcontact_refused
from dlt_sources.zendesk import reader as zendesk_reader
from dlt_sources.zoho_crm import bulk, walks
from dlt_sources.zoho_crm import client as zoho_crm_client
from dlt_sources.zoho_desk import children
from ticket_pipelines.sandbox.control import Control
from ticket_pipelines.sandbox.log import Entry
from ticket_pipelines.sync.package import Bounds
from ticket_pipelines_tests.fixtures.sandbox import AMPLE

PAST = {"now": "2025-06-01T12:00:00Z", "frozen": True}
"""A vendor whose clock only moves when told to, behind ours: of what we missed, canonical rows do not compare when."""


Put = Callable[[object, str, object], None]
"""`setattr`, or what undoes itself later."""


@dataclass(frozen=True)
class Case:
    """What differs from vendor to vendor.

    Attributes:
        vendor: Its name.
        streams: What is synced.
        shrink: Makes pages small, by putting smaller numbers in the place of some.
        change: Changes the account between two syncs.
        pages: Requests that bring rows behind a position, as a regular expression; others each sync makes anew.
        most: Such requests that a killed sync can have made in vain: those of a package, of the page that did not fit
            into it, and those by which each sync asks whether there is more.
        bounds: Size of a package.
        config: Configuration besides the address.
        settings: Settings of the account.
        login: Name of the credentials.
        rounds: Such requests of streams of which each sync reads again what may have changed unseen, as regular
            expressions.
        named: Tables of people whom other records name: what stands in them is what the record says that was read
            last, so that their keys alone are compared.
        tickets: How many the account has.
    """

    vendor: str
    streams: tuple[str, ...]
    shrink: Callable[[Put], None]
    change: Callable[[Control], None]
    pages: str
    most: int
    bounds: Bounds
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    login: str = "oauth"
    rounds: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    tickets: int = 40

    def read(self, log: list[Entry], pages: str | None = None) -> int:
        """How many such pages were asked for, or how many of some of them."""
        return sum(bool(re.search(pages or self.pages, entry.path)) for entry in log)


def _shrink_zendesk(put: Put) -> None:
    put(zendesk_reader, "EXPORT_PAGE", 25)


def _change_zendesk(control: Control) -> None:
    control.mutate("random", count=25)
    control.mutate("create_group", name="New")
    control.mutate("delete_group", id=control.records("groups")[1]["id"])


def _shrink_zoho_desk(put: Put) -> None:
    put(children, "TOGETHER", 5)


def _change_zoho_desk(control: Control) -> None:
    alive = [row for row in control.records("tickets") if not row["isTrashed"] and not row["isArchived"]]
    one, two, three, four, five = [row["id"] for row in alive if row["statusType"] != "Closed"][:5]
    control.mutate("create_ticket", count=3)
    control.mutate("update_ticket", id=one, subject="Changed")
    control.mutate("reply", id=two)
    control.mutate("customer_reply", id=three)
    control.mutate("comment", id=two, body="noted")
    control.mutate("tag_ticket", id=one, tags=["changed"])
    control.mutate("close_ticket", id=four)
    control.mutate("trash_ticket", id=five)


def _shrink_zoho_crm(put: Put) -> None:
    put(walks, "LIST_PAGE", 10)
    put(zoho_crm_client, "BULK_FROM", 25)
    put(bulk, "FILE_PAGE", 10)
    put(bulk, "_ROWS_AT_ONCE", 5)


def _change_zoho_crm(control: Control) -> None:
    for module in ("Cases", "Leads", "Price_Lists"):
        first, second = (row["id"] for row in control.records(module)[:2])
        control.mutate("create", module=module)
        control.mutate("delete", module=module, id=second, permanently=module == "Cases")
        if module == "Leads":
            control.mutate("update", module=module, id=first, Email="changed@customers.example")
    case = next(row for row in control.records("Cases") if len(row["Items"] or ()) > 1)
    control.mutate("update", module="Cases", id=case["id"], Items=case["Items"][:1], Subject="Changed")


def _shrink_qcontact(put: Put) -> None:
    for module in (qcontact_cases, qcontact_refused):
        put(module, "TOGETHER", 5)


def _change_qcontact(control: Control) -> None:
    control.mutate("random", count=15)


CASES = {
    case.vendor: case
    for case in (
        Case(
            "zendesk",
            ("tickets", "ticket_events", "users", "groups"),
            _shrink_zendesk,
            _change_zendesk,
            pages=r"/incremental/",
            most=9,
            bounds=Bounds(rows=120, read=90),
            settings={"account_total": AMPLE, "incremental_total": AMPLE},
        ),
        Case(
            "zoho_desk",
            ("tickets", "threads", "comments", "contacts", "departments"),
            _shrink_zoho_desk,
            _change_zoho_desk,
            pages=r"/api/v1/(tickets|contacts)",
            most=60,
            bounds=Bounds(rows=20, read=25),
            config={"page_size": 10},
            settings={"mint_total": AMPLE, "live_tokens": AMPLE},
            tickets=24,
        ),
        Case(
            "zoho_crm",
            ("cases", "leads", "price_lists", "users"),
            _shrink_zoho_crm,
            _change_zoho_crm,
            pages=r"/crm/(bulk/)?v8/(Cases|Leads|read)",
            most=10,
            bounds=Bounds(rows=40, read=60),
            config={"modules": ["Cases", "Leads", "Price_Lists"]},
            settings={
                "mint_total": AMPLE,
                "live_tokens": AMPLE,
                "rows": {"Leads": 40},
                "bulk_states": ("COMPLETED",),
                "bulk_downloads": AMPLE,
            },
        ),
        Case(
            "qcontact",
            ("cases", "case_events"),
            _shrink_qcontact,
            _change_qcontact,
            pages=r"/Case/\d+",
            most=40,
            bounds=Bounds(rows=25, read=30),
            config={"page_size": 10},
            login="token",
            rounds={"cases": r"/Case/\d+$", "case_events": r"/Case/\d+/"},
            named=("contacts", "agents", "groups", "ticket_details"),
            tickets=30,
        ),
    )
}

"""Proves a desk's credentials at the vendor, and compares its columns with those of the warehouse."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from dlt_sources.base import Access, Kind, Stream, Vendor
from ticket_pipelines.control.budgets import ControlBudgets
from ticket_pipelines.control.tokens import ControlTokens
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import WarehouseUnavailableError
from ticket_pipelines.project import Project
from ticket_pipelines.sync.layout import vendor_spec
from ticket_pipelines.warehouse.base import Warehouse


def check_desk(project: Project, key: str) -> list[Access]:
    """Asks the vendor what the desk's credentials may read; only its chosen streams are told.

    Where an account has its own columns, a stream's reason names those that another desk's account types otherwise:
    the table keeps the first type, and this desk's values stand in `unparsed`.

    Raises:
        UsageError: There is no such desk.
        CredentialsError: The vendor refuses the credentials.
        ConfigurationError: The address is not one of this vendor's accounts.
        TransientError: The vendor does not answer now.
    """
    desk = project.desks.get(key)
    vendor = find_vendor(desk.vendor)
    credentials = project.desks.credentials(key)
    budgets, tokens = ControlBudgets(project.control), ControlTokens(project.control, project.vault)
    with closing(vendor.open(desk.config, credentials, budgets, tokens)) as client:
        found = client.check()
        shown = vendor.as_shown(client, desk.streams)
    names = set(desk.streams)
    told = [one for one in found if not names or not names.isdisjoint((one.stream, vendor.asset(one.stream)))]
    return told if vendor.discovery is None else compared(told, shown, project.warehouse)


def compared(told: list[Access], vendor: Vendor, warehouse: Warehouse) -> list[Access]:
    """What may be read, with the fields whose type differs from that of their column.

    Args:
        told: What may be read.
        vendor: The vendor, as the account shows it.
        warehouse: The warehouse.
    """
    try:
        real = {stream.name: warehouse.columns(vendor.table(stream)) for stream in vendor.streams}
    except WarehouseUnavailableError:
        said = "the types of its fields could not be compared: the warehouse is away"
        return [replace(access, reason=_joined(access.reason, said)) for access in told]
    differing: dict[str, list[str]] = {}
    for stream in vendor.streams:
        differing.setdefault(stream.parent or stream.name, []).extend(differences(vendor, stream, real[stream.name]))
    return [replace(access, reason=_joined(access.reason, *differing.get(access.stream, ()))) for access in told]


def differences(vendor: Vendor, stream: Stream, real: dict[str, Kind]) -> list[str]:
    """The columns of a stream that the warehouse holds in another type, in words."""
    spec = vendor_spec(vendor, stream)
    return [
        f"{spec.name}.{column.name} is {column.kind.value} in this account and {real[column.name].value} in the table: "
        "values that do not fit stand in unparsed"
        for column in spec.columns
        if real.get(column.name, column.kind) is not column.kind
    ]


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)

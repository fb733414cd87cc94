"""Departments, agents, teams, products, fields, statuses and tags, in every shape that the contract names."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.zoho_desk import records
from ticket_pipelines.sandbox.zoho_desk.state import State
from ticket_pipelines.sandbox.zoho_desk.table import Record

STATUSES = (
    ("Open", "Open"),
    ("Waiting for spare part", "Open"),
    ("Escalated", "Open"),
    ("On Hold", "On Hold"),
    ("Wartet auf Kunde: später", "On Hold"),
    ("Closed", "Closed"),
    ("Won't fix", "Closed"),
)
"""Labels with their status type; each type has one of the account's own."""
PRIORITIES = ("Low", "Medium", "High", "Urgent")
CUSTOM_FIELDS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("cf_order_number", "Order number", "Text", ()),
    ("cf_order_number_1", "Order Number", "Text", ()),
    ("cf_numberofitems", "Number of items", "Number", ()),
    ("cf_severitypercentage", "Severity", "Percent", ()),
    ("cf_dateofpurchase", "Date of purchase", "Date", ()),
    ("cf_visit", "Visit", "DateTime", ()),
    ("cf_products", "Products", "Multiselect", ("Kettle", "Lamp", "Toaster; small")),
    ("cf_warranty", "Warranty", "Boolean", ()),
    ("cf_amount", "Amount", "Currency", ()),
)
"""API name, label, type and options; two labels differ in their case only."""
SYSTEM_FIELDS = (
    ("subject", "Subject", "Text"),
    ("status", "Status", "Picklist"),
    ("priority", "Priority", "Picklist"),
    ("departmentId", "Department", "LookUp"),
    ("contactId", "Contact Name", "LookUp"),
    ("dueDate", "Due Date", "DateTime"),
    ("description", "Description", "Textarea"),
)
TAGS = ("vip", "refund", "größe", "spare part")


def fill(state: State, at: float) -> None:
    """Creates the records that tickets refer to."""
    departments = [
        add(state, "departments", **_department(name, enabled, default))
        for name, enabled, default in (("Support", True, True), ("Técnica", True, False), ("Returns", False, False))
    ]
    ids = [department["id"] for department in departments]
    people: tuple[tuple[str, str, Record], ...] = (
        ("Ann", "Admin", {"rolePermissionType": "Admin"}),
        ("Ben", "Bakker", {}),
        ("Chloé", "Şahin", {"phone": "+31 20 123 4567"}),
        ("Lou", "Light", {"isLightAgent": True, "rolePermissionType": "Light"}),
        ("Dee", "Disabled", {"status": "DISABLED"}),
        ("Una", "Unconfirmed", {"isConfirmed": False}),
    )
    for first, last, given in people:
        key = state.take_id("agents")
        state.tables["agents"].put(records.agent(key, first, last, ids[:2], **given))
    agents = list(state.tables["agents"].rows)
    for name in ("First line", "Field engineers"):
        team = {"name": name, "description": None, "departmentId": ids[0], "agents": agents[:2]}
        add(state, "teams", **team, logoUrl=None, derivedAgents=agents[:2], roles=[])
    add(state, "products", productName="Kettle 2000", productCode="K2", createdTime=records.stamp(at))
    for value, kind in STATUSES:
        add(state, "statuses", status=value, statusType=kind)
    for position, (api_name, label, kind) in enumerate(SYSTEM_FIELDS):
        state.tables["fields"].put(field(state, api_name, label, kind, position=position, custom=False))
    for position, (api_name, label, kind, options) in enumerate(CUSTOM_FIELDS):
        state.tables["fields"].put(field(state, api_name, label, kind, options, position=position + 20))
    for name in TAGS:
        add(state, "tags", name=name)


def put(state: State, kind: str, record: Record) -> Record:
    """Keeps a record."""
    state.tables[kind].put(record)
    return record


def add(state: State, kind: str, **fields: Any) -> Record:
    """Creates a record of a kind."""
    return put(state, kind, {"id": state.take_id(kind), **fields})


def field(
    state: State,
    api_name: str,
    label: str,
    kind: str,
    options: tuple[str, ...] = (),
    *,
    position: int = 99,
    custom: bool = True,
) -> Record:
    """A field of tickets, not yet in a table."""
    values: list[Record] = [{"value": value} for value in options]
    if api_name == "status":
        values = [{"value": value, "statusType": status_type} for value, status_type in STATUSES]
    if api_name == "priority":
        values = [{"value": value} for value in PRIORITIES]
    return {
        "id": state.take_id("fields"),
        "apiName": api_name,
        "name": api_name,
        "displayLabel": label,
        "i18NLabel": label,
        "type": kind,
        "maxLength": 255 if kind == "Text" else None,
        "isMandatory": api_name in ("subject", "departmentId", "contactId"),
        "isCustomField": custom,
        "isEncryptedField": False,
        "isSystemMandatory": not custom,
        "showToHelpCenter": True,
        "sortBy": position,
        "toolTip": "",
        "defaultValue": None,
        **({"allowedValues": values} if values else {}),
    }


def _department(name: str, enabled: bool, default: bool) -> Record:
    return {
        "name": name,
        "nameInCustomerPortal": name,
        "description": None,
        "isEnabled": enabled,
        "isDefault": default,
        "isVisibleInCustomerPortal": enabled,
        "isAssignToTeamEnabled": True,
        "hasLogo": False,
        "chatStatus": "AVAILABLE",
        "sanitizedName": name.lower(),
        "creatorId": None,
        "createdTime": None,
        "associatedAgentIds": [],
    }

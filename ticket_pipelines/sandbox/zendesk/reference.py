"""Reference records of the emulated account: groups, brands, fields, forms, statuses, SLAs, schedules, tags, macros.

They carry the traps of the contract: three field titles that fold to one name and a field called "Priority"
(`TITLES`), a title of more than 63 bytes, deleted groups and brands, inactive fields, schedules in Rails time zones.
"""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.zendesk.records import API
from ticket_pipelines.sandbox.zendesk.state import State
from ticket_pipelines.sandbox.zendesk.table import Record

LONG_TITLE = "Reference number of the purchase order as it is printed on the delivery note of the warehouse"
TITLES: tuple[tuple[str, str], ...] = (
    ("Order ID", "text"),
    ("order-id", "text"),
    ("order_id", "integer"),
    ("Priority", "tagger"),
    ("Product", "tagger"),
    ("Topics", "multiselect"),
    ("Refund wanted", "checkbox"),
    ("Amount", "decimal"),
    ("Delivery date", "date"),
    ("Contract holder", "lookup"),
    ("注文番号 📦", "text"),
    (LONG_TITLE, "text"),
)
"""Title and type of the custom ticket fields."""

_SYSTEM = (
    ("Subject", "subject"),
    ("Description", "description"),
    ("Status", "status"),
    ("Type", "tickettype"),
    ("Priority", "priority"),
    ("Group", "group"),
    ("Assignee", "assignee"),
    ("Ticket status", "custom_status"),
)
_SYSTEM_OPTIONS = {
    "status": ("open", "pending", "hold", "solved"),
    "priority": ("low", "normal", "high", "urgent"),
    "tickettype": ("question", "incident", "problem", "task"),
}
_OPTIONS = {
    "Priority": ("Gold", "Silver"),
    "Product": ("Kettle", "Toaster", "Lamp::Desk lamp", "Lamp::Floor lamp"),
    "Topics": ("Billing", "Shipping", "Warranty"),
}
_STATUSES = (
    ("new", "New", True),
    ("open", "Open", True),
    ("pending", "Pending", True),
    ("hold", "On-hold", True),
    ("solved", "Solved", True),
    ("open", "Waiting for engineering", False),
    ("pending", "Waiting for the carrier 🚚", False),
)
_WORKING_DAYS = range(1, 6)


def fill(state: State, at: int) -> None:
    """Creates all reference records.

    Args:
        state: The account's data.
        at: When they were created, Unix seconds.
    """
    for step in (_groups, _brands, _statuses, _ticket_fields, _people_fields, _forms, _policies, _schedules, _others):
        step(state, at)


def add(state: State, resource: str, at: int, **fields: Any) -> Record:
    """Creates one record of a resource."""
    kind = {"ticket_fields": "field", "user_fields": "field", "organization_fields": "field"}.get(resource, resource)
    key = state.take_id(kind)
    path = {"sla_policies": "slas/policies", "schedules": "business_hours/schedules"}.get(resource, resource)
    record = {"url": f"{API}/{path}/{key}.json", "id": key, **fields, "created_at": iso(at), "updated_at": iso(at)}
    state.tables[resource].put(record)
    return record


def add_field(state: State, entity: str, at: int, title: str, kind: str, *, removable: bool = True) -> Record:
    """Creates a field of tickets, users or organizations.

    Args:
        state: The account's data.
        entity: ticket, user or organization.
        at: Unix seconds.
        title: Its title.
        kind: The vendor's type.
        removable: False for a system field.
    """
    resource = f"{entity}_fields"
    record = add(
        state,
        resource,
        at,
        type=kind,
        title=title,
        raw_title=title,
        description=f"{title} of the {entity}",
        raw_description=f"{title} of the {entity}",
        position=len(state.tables[resource].rows),
        active=True,
        regexp_for_validation=None,
        tag="refund_wanted" if kind == "checkbox" else None,
        key=None if entity == "ticket" else option_value(title),
        **(_of_tickets(title, removable=removable) if entity == "ticket" else {"system": not removable}),
    )
    if removable and kind in ("tagger", "multiselect", "dropdown"):
        record["custom_field_options"] = [option(state, name) for name in _OPTIONS.get(title, ("One", "Two"))]
    if kind in _SYSTEM_OPTIONS:
        record["system_field_options"] = [{"name": name.title(), "value": name} for name in _SYSTEM_OPTIONS[kind]]
    if kind == "lookup":
        record["relationship_target_type"] = "zen:organization"
        record["relationship_filter"] = {"all": [], "any": []}
    if kind == "custom_status":
        record["custom_statuses"] = list(state.tables["custom_statuses"].rows.values())
    state.tables[resource].put(record)
    return record


def _of_tickets(title: str, *, removable: bool) -> Record:
    """What a ticket field has and those of users and organizations lack."""
    return {
        "required": False,
        "collapsed_for_agents": False,
        "title_in_portal": title,
        "raw_title_in_portal": title,
        "visible_in_portal": False,
        "editable_in_portal": False,
        "required_in_portal": False,
        "agent_can_edit": True,
        "removable": removable,
        "agent_description": None,
    }


def option(state: State, name: str) -> Record:
    """An option of a drop-down field."""
    return {"id": state.take_id("option"), "name": name, "raw_name": name, "value": option_value(name)}


def option_value(name: str) -> str:
    """The tag that stands for an option."""
    return name.lower().replace("::", "__").replace(" ", "_")


def _groups(state: State, at: int) -> None:
    for name in ("Support", "Billing", "Lámpara 💡", "Closed department"):
        add(
            state,
            "groups",
            at,
            name=name,
            description="" if name == "Support" else f"Group {name}",
            is_public=name != "Billing",
            default=name == "Support",
            deleted=name == "Closed department",
        )


def _brands(state: State, at: int) -> None:
    for name, deleted in (("Sandbox", False), ("Sandbox Pro", False), ("Old brand", True)):
        subdomain = option_value(name).replace("_", "-")
        add(
            state,
            "brands",
            at,
            name=name,
            brand_url=f"https://{subdomain}.zendesk.com",
            subdomain=subdomain,
            host_mapping=None,
            has_help_center=not deleted,
            help_center_state="disabled" if deleted else "enabled",
            active=not deleted,
            default=name == "Sandbox",
            is_deleted=deleted,
            logo=None,
            ticket_form_ids=[],
            signature_template="{{agent.signature}}",
            user_separation=False,
        )


def _statuses(state: State, at: int) -> None:
    for category, label, default in _STATUSES:
        add(
            state,
            "custom_statuses",
            at,
            status_category=category,
            agent_label=label,
            raw_agent_label=label,
            end_user_label="Open" if category == "new" else label,
            raw_end_user_label="Open" if category == "new" else label,
            description=f"Ticket is {label}",
            raw_description=f"Ticket is {label}",
            end_user_description="We are working on it",
            raw_end_user_description="We are working on it",
            active=True,
            default=default,
        )


def _ticket_fields(state: State, at: int) -> None:
    for title, kind in _SYSTEM:
        add_field(state, "ticket", at, title, kind, removable=False)
    for title, kind in TITLES:
        add_field(state, "ticket", at, title, kind)
    unused = add_field(state, "ticket", at, "No longer used", "text")
    unused["active"] = False
    state.tables["ticket_fields"].put(unused)


def _people_fields(state: State, at: int) -> None:
    for title, kind in (("Plan", "dropdown"), ("Newsletter", "checkbox"), ("Customer since", "date")):
        add_field(state, "user", at, title, kind)
    for title, kind in (("Region", "dropdown"), ("Seats", "integer"), ("Plan", "text")):
        add_field(state, "organization", at, title, kind)


def _forms(state: State, at: int) -> None:
    field_ids = list(state.tables["ticket_fields"].rows)
    for name, active in (("Default Ticket Form", True), ("Returns", True), ("Retired form", False)):
        add(
            state,
            "ticket_forms",
            at,
            name=name,
            raw_name=name,
            display_name=name,
            raw_display_name=name,
            end_user_visible=active,
            position=len(state.tables["ticket_forms"].rows) + 1,
            ticket_field_ids=field_ids,
            active=active,
            default=name.startswith("Default"),
            in_all_brands=True,
            restricted_brand_ids=[],
            agent_conditions=[],
            end_user_conditions=[],
            form_type="standard",
            deleted_at=None,
        )


def _policies(state: State, at: int) -> None:
    for position, title in enumerate(("Incidents", "Everything else"), start=1):
        metrics = [
            {
                "priority": priority,
                "metric": metric,
                "target": target,
                "target_in_seconds": target * 60,
                "business_hours": metric == "first_reply_time",
            }
            for priority, target in (("urgent", 10), ("high", 60), ("normal", 240), ("low", 480))
            for metric in ("first_reply_time", "requester_wait_time")
        ]
        value: str | int = "incident" if position == 1 else position
        add(
            state,
            "sla_policies",
            at,
            title=title,
            description=f"SLA for {title.lower()}",
            position=position,
            filter={"all": [{"field": "type", "operator": "is", "value": value}], "any": []},
            policy_metrics=metrics,
            metric_settings=None,
        )


def _schedules(state: State, at: int) -> None:
    for name, zone in (("Office hours", "Amsterdam"), ("US desk", "Pacific Time (US & Canada)")):
        intervals = [{"start_time": day * 1440 + 540, "end_time": day * 1440 + 1020} for day in _WORKING_DAYS]
        schedule = add(state, "schedules", at, name=name, time_zone=zone, intervals=intervals)
        del schedule["url"]
        for holiday, start, end in (
            ("New Year", "2026-01-01", "2026-01-01"),
            ("Christmas", "2026-12-25", "2026-12-26"),
        ):
            key = state.take_id("holidays")
            record = {"id": key, "name": holiday, "start_date": start, "end_date": end, "schedule_id": schedule["id"]}
            state.tables["holidays"].put(record, at)


def _others(state: State, at: int) -> None:
    group = next(iter(state.tables["groups"].rows))
    actions: tuple[tuple[str, list[Record]], ...] = (
        ("Take it!", [{"field": "group_id", "value": "current_groups"}, {"field": "status", "value": "open"}]),
        ("Close and thank", [{"field": "comment_value", "value": ["channel:all", "Thank you! 🙏"]}]),
    )
    for title, steps in actions:
        add(
            state,
            "macros",
            at,
            title=title,
            raw_title=title,
            description=None,
            actions=steps,
            active=True,
            default=False,
            position=9999,
            restriction={"type": "Group", "id": group, "ids": [group]} if "thank" in title else None,
        )

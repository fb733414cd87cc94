"""Modules, fields, users and the organization (contract, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_crm import fields as field_metadata
from ticket_pipelines.sandbox.zoho_crm import modules as module_metadata
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Record

_USERS: Mapping[str, Callable[[Record], bool]] = {
    "AllUsers": lambda _: True,
    "ActiveUsers": lambda user: bool(user["status"] == "active"),
    "DeactiveUsers": lambda user: bool(user["status"] == "disabled"),
    "ConfirmedUsers": lambda user: bool(user["confirm"]),
    "NotConfirmedUsers": lambda user: not user["confirm"],
    "ActiveConfirmedUsers": lambda user: bool(user["status"] == "active" and user["confirm"]),
    "CurrentUser": lambda user: bool(user["role"]["name"] == "CEO"),
}


def modules(call: Call) -> Reply:
    """`/settings/modules`."""
    return ok({"modules": [module_metadata.described(table.module) for table in call.state.tables.values()]})


def module(call: Call) -> Reply:
    """`/settings/modules/{module}`."""
    if call.ids["module"] not in call.state.tables:
        raise refused("INVALID_MODULE", resource_path_index=0)
    return ok({"modules": [module_metadata.described(call.state.tables[call.ids["module"]].module)]})


def fields(call: Call) -> Reply:
    """`/settings/fields` of a module, which must be given."""
    name = call.params.get("module")
    if name is None:
        raise refused("REQUIRED_PARAM_MISSING", param_name="module")
    table = call.state.tables.get(name)
    if table is None or not table.module.api_supported:
        raise refused("INVALID_MODULE", param_name="module")
    if not table.fields:
        return Reply(204, b"")
    return ok({"fields": [field_metadata.described(name, field) for field in table.fields.values()]})


def users(call: Call) -> Reply:
    """`/users`."""
    fits = _USERS.get(call.params.get("type", "AllUsers"))
    if fits is None:
        raise refused("INVALID_DATA", param_name="type", supported_values=list(_USERS))
    since = call.since()
    found = [user for user in call.state.users.values() if fits(user)]
    if since is not None:
        found = [user for user in found if epoch(user["Modified_Time"]) > since]
    return call.numbered(found, "users")


def user(call: Call) -> Reply:
    """`/users/{id}`."""
    found = call.state.users.get(call.ids["id"])
    return ok({"users": [found]}) if found else Reply(204, b"")


def org(call: Call) -> Reply:
    """`/org`."""
    told = {
        "id": "39841200000000001",
        "zgid": "641203987",
        "company_name": "Sandbox Ltd",
        "primary_email": "user0@sandbox.example",
        "country_code": "IN",
        "currency": "Euro - EUR",
        "iso_code": "EUR",
        "time_zone": "Asia/Kolkata",
        "type": "Production",
        "max_per_page": 200,
        "license_details": {"paid": True, "paid_type": call.settings.edition, "users_license_purchased": 4},
        "created_time": call.moment(call.clock.now() - 400 * 86_400),
    }
    return ok({"org": [told]})

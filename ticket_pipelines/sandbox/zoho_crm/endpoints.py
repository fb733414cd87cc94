"""All endpoints of the emulated vendor, as data: path, method, handler, scopes, credits (contract, section 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import compile_path

from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_crm import access, bulk, metadata, rows
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.modules import MODULES

CRM = "/crm/v8/"
DOWNLOAD = f"{bulk.PATH}/{{job:int}}/result"
_BULK_COST = 50
_DELETED_COST = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        path: Its path.
        answer: Makes the answer; None: the service itself does.
        scopes: Of which one is needed; those of modules are checked where the module is known.
        cost: Credits.
        method: HTTP method.
        sub: True when it falls under the smaller limit of concurrent calls.
    """

    path: str
    answer: Callable[[Call], Reply] | None
    scopes: tuple[str, ...] = ()
    cost: int = 1
    method: str = "GET"
    sub: bool = False


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(f"{CRM}settings/modules", metadata.modules, access.SETTINGS_MODULES),
    Endpoint(f"{CRM}settings/modules/{{module}}", metadata.module, access.SETTINGS_MODULES),
    Endpoint(f"{CRM}settings/fields", metadata.fields, access.SETTINGS_FIELDS),
    Endpoint(f"{CRM}settings/recycle_bin", rows.recycle_bin, access.RECYCLE_BIN),
    Endpoint(f"{CRM}users", metadata.users, access.USERS),
    Endpoint(f"{CRM}users/{{id:int}}", metadata.user, access.USERS),
    Endpoint(f"{CRM}org", metadata.org, access.ORG),
    Endpoint(f"{CRM}{{module}}/search", rows.search, sub=True),
    Endpoint(f"{CRM}{{module}}/deleted", rows.deleted, cost=_DELETED_COST),
    Endpoint(f"{CRM}{{module}}/actions/count", rows.count),
    Endpoint(f"{CRM}{{module}}/{{id:int}}", rows.show),
    Endpoint(f"{CRM}{{module}}", rows.index),
    Endpoint(bulk.PATH, bulk.create, access.BULK, _BULK_COST, "POST"),
    Endpoint(f"{bulk.PATH}/{{job:int}}", bulk.show, access.BULK),
    Endpoint(DOWNLOAD, None, access.BULK),
)
_COMPILED = [(compile_path(endpoint.path)[0], endpoint) for endpoint in ENDPOINTS]
_FIXED = {"settings", "users", "org", "coql"}


def find(path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint of a path and the values in it."""
    for pattern, endpoint in _COMPILED:
        match = pattern.match(path)
        if match and match.groupdict().get("module") not in _FIXED:
            return endpoint, match.groupdict()
    return None


def stream_pattern(stream: str) -> str:
    """Regular expression for the paths of a module, of `users`, `org`, `modules`, `fields` or `bulk`.

    Raises:
        KeyError: No such stream.
    """
    fixed = {
        "users": f"{CRM}users",
        "org": f"{CRM}org",
        "modules": f"{CRM}settings/modules",
        "fields": f"{CRM}settings/fields",
        "recycle_bin": f"{CRM}settings/recycle_bin",
        "bulk": bulk.PATH,
    }
    path = fixed[stream] if stream in fixed else f"{CRM}{MODULES[stream].api_name}"
    return "^" + re.escape(path) + r"(?:/|\?|$)"

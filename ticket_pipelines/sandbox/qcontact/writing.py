"""Writes: a case's fields, and notes (contract, section 2.3)."""

from __future__ import annotations

from typing import Any

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.qcontact import views
from ticket_pipelines.sandbox.qcontact.access import may_write_notes
from ticket_pipelines.sandbox.qcontact.call import Call
from ticket_pipelines.sandbox.qcontact.change import REFERENCES, add_note, set_fields
from ticket_pipelines.sandbox.qcontact.errors import invalid, refused
from ticket_pipelines.sandbox.qcontact.settings import STATUS_LABELS
from ticket_pipelines.sandbox.qcontact.state import CASE, moment


def patch(call: Call) -> Reply:
    """`PATCH /entities/{Entity}/{id}`: fields are set where they stand below `fields`; elsewhere they are ignored.

    Either way the answer is a 200 with the record. A status is set by its exact token alone.

    Raises:
        Refusal: 404, 400 or 422.
    """
    case = call.entity()
    fields = call.body().get("fields")
    if isinstance(fields, dict):
        known = {name: value for name, value in fields.items() if name in case.fields or name.startswith("c__")}
        set_fields(call.state, case, _checked(call, known), call.clock.now(), call.user)
    return ok(views.detail(call.state, case, call.settings))


def note(call: Call) -> Reply:
    """`POST /entities/Note`.

    Raises:
        Refusal: 403 for limited users; 400, 404 or 422.
    """
    if not may_write_notes(call.uid):
        raise refused("forbidden")
    given = call.body()
    text, public = given.get("subtitle"), given.get("public_note", False)
    if not isinstance(text, str) or not text or not isinstance(public, bool):
        raise invalid("subtitle can't be blank")
    case = call.state.find(CASE, given.get("entity_id")) if given.get("entity_type") == CASE else None
    if case is None:
        raise refused("not_found")
    event = add_note(call.state, case, text, public, call.clock.now(), call.user)
    told = {"id": event["id"], "entity_type": "Note", "label": text, "created_at": moment(call.clock.now())}
    return ok({**told, "fields": {"subtitle": text, "public_note": public}}, 201)


def _checked(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    found = dict(fields)
    for name, kind in REFERENCES.items():
        if fields.get(name) is not None and call.state.find(kind, fields[name]) is None:
            raise invalid(f"{name} must exist")
    if "status" in fields:
        known = STATUS_LABELS.get(str(fields["status"]))
        if known is None and call.settings.bad_status == "refuse":
            raise invalid("status is not included in the list")
        found["status"] = known
        if known is None:
            del found["status"]
    return found

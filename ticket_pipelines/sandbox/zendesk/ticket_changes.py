"""Operations on tickets and their comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticket_pipelines.sandbox.zendesk import lifecycle, records, texts
from ticket_pipelines.sandbox.zendesk.change import Change, Operation
from ticket_pipelines.sandbox.zendesk.state import Said, is_comment
from ticket_pipelines.sandbox.zendesk.table import Record


def create_ticket(
    change: Change, count: int = 1, body: str | None = None, public: bool = True, **fields: Any
) -> dict[str, Any]:
    """Opens tickets, all in the same second; `custom_fields` by id."""
    keys = []
    for _ in range(count):
        customer = change.customer()
        given = {
            "via": records.via("web"),
            "subject": change.rng.choice(texts.SUBJECTS),
            "requester_id": customer["id"],
            "submitter_id": customer["id"],
            "organization_id": customer["organization_id"],
            **_fields(fields),
        }
        said = Said(change.rng.choice(texts.BODIES) if body is None else body, given["requester_id"], public)
        keys.append(change.state.open_ticket(change.at, given, said, by=given["submitter_id"]))
    return {"id": keys[0], "ids": keys} if keys else {"ids": []}


def update_ticket(
    change: Change,
    key: int,
    comment: str | None = None,
    public: bool = True,
    **fields: Any,
) -> dict[str, Any]:
    """Changes fields of a ticket by an agent, with a comment or without."""
    change.state.ticket(key)
    agent = change.agent()
    said = None if comment is None else Said(comment, agent, public)
    change.state.change(key, change.at, _fields(fields), by=agent, said=said)
    return {"id": key}


def automate_ticket(change: Change, key: int, **fields: Any) -> dict[str, Any]:
    """Changes fields without an event: `generated_timestamp` moves, `updated_at` does not."""
    change.state.ticket(key)
    change.state.change(key, change.at, _fields(fields), event=False)
    return {"id": key}


def touch_ticket(change: Change, key: int) -> dict[str, Any]:
    """Emits a ticket again, unchanged but for `generated_timestamp`."""
    change.state.change(key, change.at, {}, event=False)
    return {"id": key}


def solve_ticket(change: Change, key: int) -> dict[str, Any]:
    """Solves a ticket with a public comment."""
    return update_ticket(change, key, comment=texts.REPLIES[0], status="solved")


def close_ticket(change: Change, key: int) -> dict[str, Any]:
    """Closes a ticket, as the vendor's automation does."""
    change.state.ticket(key)
    change.state.change(key, change.at, {"status": "closed"}, channel="Rule")
    return {"id": key}


def delete_ticket(change: Change, key: int, bump: bool = True) -> dict[str, Any]:
    """Soft-deletes a ticket; without `bump` its `updated_at` stays."""
    before = change.state.ticket(key)["updated_at"]
    lifecycle.remove(change.state, key, change.at, change.agent())
    if not bump:
        record = change.state.tables["tickets"].rows[key]
        record["updated_at"] = before
        change.state.tables["tickets"].put(record)
    return {"id": key}


def restore_ticket(change: Change, key: int) -> dict[str, Any]:
    """Brings a soft-deleted ticket back."""
    lifecycle.restore(change.state, key, change.at)
    return {"id": key}


def scrub_ticket(change: Change, key: int) -> dict[str, Any]:
    """Erases a ticket's text, after deleting it where that was not done."""
    if key not in change.state.removals:
        lifecycle.remove(change.state, key, change.at, change.agent())
    lifecycle.scrub(change.state, key, change.at)
    return {"id": key}


def merge_tickets(change: Change, loser: int, winner: int) -> dict[str, Any]:
    """Merges one ticket into another."""
    lifecycle.merge(change.state, loser, winner, change.at, change.agent())
    return {"loser": loser, "winner": winner}


def comment(
    change: Change,
    key: int,
    body: str,
    public: bool = True,
    voice: bool = False,
    files: Sequence[Sequence[Any]] = (),
) -> dict[str, Any]:
    """Adds an agent's comment; `files` are (name, content type, bytes)."""
    change.state.ticket(key)
    agent = change.agent()
    attached = tuple((str(name), str(kind), int(size)) for name, kind, size in files)
    change.state.change(key, change.at, {}, by=agent, said=Said(body, agent, public, voice, attached))
    return {"id": key, "comment": change.state.comments(key)[-1]["id"]}


def make_private(change: Change, comment: int) -> dict[str, Any]:
    """Turns a public comment into an internal note; exports tell by a new event, the old one stays as it was."""
    return _change_comment(change, comment, "CommentPrivacyChange", {"public": False})


def redact_comment(change: Change, comment: int, text: str = "▇▇▇▇▇") -> dict[str, Any]:
    """Blackens a comment; exports tell by a new event, the old one stays as it was."""
    shown = {"body": text, "plain_body": text, "html_body": f'<div class="zd-comment" dir="auto">{text}</div>'}
    return _change_comment(change, comment, "CommentRedactionEvent", shown)


def same_second(change: Change, count: int) -> dict[str, Any]:
    """Changes so many tickets in one second, the lowest ids first."""
    rows = change.state.tables["tickets"].rows
    keys = [key for key in sorted(rows) if key not in change.state.removals][:count]
    for key in keys:
        change.state.change(key, change.at, {"tags": [*rows[key]["tags"], "bulk"]}, channel="Rule")
    return {"ids": keys}


def set_custom_field(change: Change, key: int, field: int, value: Any) -> dict[str, Any]:
    """Sets a custom field to any value, whatever the field's type."""
    return update_ticket(change, key, custom_fields={field: value})


def add_property(change: Change, name: str, value: Any = None) -> dict[str, Any]:
    """Gives all tickets a new top-level field; none is emitted again for it, as when an API grows."""
    table = change.state.tables["tickets"]
    for record in table.rows.values():
        record[name] = value
    change.state.extra[name] = value
    table.changed()
    return {"tickets": len(table.rows)}


def emit_event_again(change: Change, key: int) -> dict[str, Any]:
    """Lets an old ticket event appear in the export again, with its old time (contract, section 5.4)."""
    table = change.state.tables["ticket_events"]
    table.put(table.rows[key], change.at)
    return {"id": key}


def rate_ticket(change: Change, key: int, score: str = "good", said: str | None = None) -> dict[str, Any]:
    """A requester rates a ticket."""
    of = change.state.ticket(key)
    rating = records.rating(change.state.take_id("rating"), change.at, of, score, said)
    change.state.tables["satisfaction_ratings"].put(rating, change.at)
    given = {"score": score, "id": rating["id"], "comment": said}
    change.state.change(key, change.at, {"satisfaction_rating": given}, by=of["requester_id"])
    return {"id": key, "rating": rating["id"]}


def _change_comment(change: Change, key: int, kind: str, shown: Record) -> dict[str, Any]:
    rows = change.state.tables["ticket_events"].rows.values()
    found = next((event, child) for event in rows for child in event["child_events"] if _is(child, key))
    ticket_id = found[0]["ticket_id"]
    change.state.comment_changes[key] = {**change.state.comment_changes.get(key, {}), **shown}
    told = {"comment_id": key, **({"public": False} if "public" in shown else {})}
    record = change.state.tables["tickets"].rows[ticket_id]
    record["generated_timestamp"] = change.at
    change.state.tables["tickets"].put(record)
    child = change.state.child("Web", kind, told)
    event = change.state.add_event(ticket_id, change.at, change.agent(), "Web", [child])
    return {"id": ticket_id, "comment": key, "event": event}


def _is(child: Record, key: int) -> bool:
    return is_comment(child) and child["id"] == key


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with the ids of custom fields as integers, which they cannot be as JSON keys."""
    if "custom_fields" not in given:
        return dict(given)
    return {**given, "custom_fields": {int(key): value for key, value in given["custom_fields"].items()}}


TICKET_OPERATIONS: Mapping[str, Operation] = {
    function.__name__: function
    for function in (
        create_ticket,
        update_ticket,
        automate_ticket,
        touch_ticket,
        solve_ticket,
        close_ticket,
        delete_ticket,
        restore_ticket,
        scrub_ticket,
        merge_tickets,
        comment,
        make_private,
        redact_comment,
        same_second,
        set_custom_field,
        add_property,
        emit_event_again,
        rate_ticket,
    )
}

"""Operations of the control plane's `mutate`: by name, with arguments; each answers with the ids that it touched.

Every operation takes `at` (Unix seconds or ISO 8601) for when it happens; without it, it happens now.

| operation | arguments |
|---|---|
| `create_ticket` | `count`, `body`, fields of a ticket (`cf` by name) |
| `update_ticket` | `id`, fields; `bump=False` leaves `modifiedTime` alone |
| `close_ticket`, `reopen_ticket`, `escalate_ticket`, `archive_ticket` | `id`; close: `status` |
| `assign_ticket` | `id`, `agent` |
| `reply`, `customer_reply`, `comment` | `id`, `body`; comment: `public` |
| `edit_comment`, `delete_comment` | `id` of the ticket, `comment`, `body` |
| `tag_ticket`, `untag_ticket` | `id`, `tags` |
| `merge_tickets` | `loser`, `winner` |
| `trash_ticket`, `restore_ticket`, `erase_ticket` | `id` |
| `create`, `update`, `remove` | `stream` of contacts, accounts, agents, departments, teams, fields, …; `id`; fields |
| `add_field` | `api_name`, `label`, `kind`, `options` |
| `patch` | `stream`, `id`, `fields`: sets raw values without an event or a new time |
| `random` | `count` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zoho_desk import lifecycle, records, reference, texts
from ticket_pipelines.sandbox.zoho_desk.change import Change, Operation
from ticket_pipelines.sandbox.zoho_desk.records import stamp
from ticket_pipelines.sandbox.zoho_desk.table import Record

_NEW: Mapping[str, Callable[..., Record]] = {"contacts": records.contact, "accounts": records.account}


def apply(change: Change, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Does one operation.

    Raises:
        ValueError: Unknown operation, unknown id, or arguments that do not fit.
    """
    if op not in OPERATIONS:
        raise ValueError(f"no operation {op!r}; one of: {', '.join(sorted(OPERATIONS))}")
    given = {"key" if name == "id" else name: value for name, value in arguments.items()}
    if "at" in given:
        change = replace(change, at=epoch(given.pop("at")))
    try:
        return OPERATIONS[op](change, **given)
    except KeyError as error:
        raise ValueError(f"{op}: there is no {error}") from error
    except TypeError as error:
        raise ValueError(f"{op}: {error}") from error


def create_ticket(change: Change, count: int = 1, body: str | None = None, **fields: Any) -> dict[str, Any]:
    """Opens tickets, all in the same second."""
    keys = []
    for _ in range(count):
        usual = {"contactId": change.contact(), "departmentId": change.department()}
        given = {"subject": change.rng.choice(texts.SUBJECTS), **usual, **fields}
        keys.append(
            change.state.open_ticket(change.at, given, change.rng.choice(texts.BODIES) if body is None else body)
        )
    return {"id": keys[0], "ids": keys} if keys else {"ids": []}


def update_ticket(change: Change, key: str, bump: bool = True, **fields: Any) -> dict[str, Any]:
    """Changes fields of a ticket by an agent; a status takes its type with it."""
    change.state.ticket(key)
    status = lifecycle.to_status(change.state, fields["status"], change.at) if "status" in fields else {}
    change.state.change(key, change.at, {**status, **fields}, change.agent(), bump=bump)
    return {"id": key}


def close_ticket(change: Change, key: str, status: str = "Closed") -> dict[str, Any]:
    """Closes a ticket."""
    return update_ticket(change, key, status=status)


def reopen_ticket(change: Change, key: str) -> dict[str, Any]:
    """Opens a ticket again."""
    return update_ticket(change, key, status="Open")


def escalate_ticket(change: Change, key: str) -> dict[str, Any]:
    """Escalates a ticket, as a rule does."""
    change.state.ticket(key)
    change.state.change(key, change.at, {"isEscalated": True, "isOverDue": True}, event="TicketEscalated")
    return {"id": key}


def assign_ticket(change: Change, key: str, agent: str | None = None) -> dict[str, Any]:
    """Gives a ticket to an agent; without one, to some."""
    chosen = agent or change.agent()
    update_ticket(change, key, assigneeId=change.state.tables["agents"].rows[chosen]["id"])
    return {"id": key, "agent": chosen}


def reply(change: Change, key: str, body: str = texts.REPLIES[0], **given: Any) -> dict[str, Any]:
    """An agent's reply; whether it moves `modifiedTime` is a setting of the account."""
    change.state.ticket(key)
    thread = change.state.say(key, change.at, body, change.agent(), bump=change.replies_bump, **given)
    return {"id": key, "thread": thread}


def customer_reply(change: Change, key: str, body: str = texts.CUSTOMER_REPLIES[0], **given: Any) -> dict[str, Any]:
    """The contact's reply: `customerResponseTime` moves."""
    contact = change.state.ticket(key).get("contactId")
    thread = change.state.say(key, change.at, body, contact, bump=change.replies_bump, **given)
    return {"id": key, "thread": thread}


def comment(change: Change, key: str, body: str, public: bool = False) -> dict[str, Any]:
    """An agent's comment."""
    change.state.ticket(key)
    made = change.state.note(key, change.at, body, change.agent(), public=public, bump=change.replies_bump)
    return {"id": key, "comment": made}


def edit_comment(change: Change, key: str, comment: str, body: str) -> dict[str, Any]:
    """Changes the text of a comment."""
    held = next((row for row in change.state.comments[key] if row["id"] == comment), None)
    if held is None:
        raise KeyError(comment)
    held |= {"content": body, "encodedContent": body, "modifiedTime": stamp(change.at)}
    change.state.change(key, change.at, {}, change.agent(), event="CommentEdited", bump=change.replies_bump)
    return {"id": key, "comment": comment}


def delete_comment(change: Change, key: str, comment: str) -> dict[str, Any]:
    """Takes a comment away."""
    kept = [row for row in change.state.comments[key] if row["id"] != comment]
    if len(kept) == len(change.state.comments[key]):
        raise KeyError(comment)
    change.state.comments[key] = kept
    change.state.change(key, change.at, {}, change.agent(), event="CommentDeleted", bump=change.replies_bump)
    return {"id": key, "comment": comment}


def tag_ticket(change: Change, key: str, tags: Sequence[str]) -> dict[str, Any]:
    """Adds tags."""
    lifecycle.tag(change.state, change.state.ticket(key)["id"], change.at, tags, change.agent())
    return {"id": key}


def untag_ticket(change: Change, key: str, tags: Sequence[str]) -> dict[str, Any]:
    """Takes tags away."""
    lifecycle.tag(change.state, change.state.ticket(key)["id"], change.at, tags, change.agent(), remove=True)
    return {"id": key}


def merge_tickets(change: Change, loser: str, winner: str) -> dict[str, Any]:
    """Merges one ticket into another."""
    lifecycle.merge(change.state, loser, winner, change.at, change.agent())
    return {"loser": loser, "winner": winner}


def trash_ticket(change: Change, key: str) -> dict[str, Any]:
    """Moves a ticket to the recycle bin."""
    lifecycle.trash(change.state, key, change.at, change.agent())
    return {"id": key}


def restore_ticket(change: Change, key: str) -> dict[str, Any]:
    """Brings a ticket back from the recycle bin."""
    lifecycle.restore(change.state, key, change.at, change.agent())
    return {"id": key}


def erase_ticket(change: Change, key: str) -> dict[str, Any]:
    """Deletes a ticket for good."""
    lifecycle.erase(change.state, key, change.at, change.agent())
    return {"id": key}


def archive_ticket(change: Change, key: str) -> dict[str, Any]:
    """Archives a ticket."""
    lifecycle.archive(change.state, key, change.at)
    return {"id": key}


def create(change: Change, stream: str, **fields: Any) -> dict[str, Any]:
    """Creates a record of another stream than tickets: a contact by `lastName`, an account by `accountName`, …."""
    key = change.state.take_id(stream)
    record: Record = {"id": key}
    if stream in _NEW:
        record = _NEW[stream](key, change.at, "New")
    elif stream == "agents":
        record = records.agent(key, "New", "Agent", [change.department()])
    change.state.tables[stream].put({**record, **fields})
    return {"id": key}


def update(change: Change, stream: str, key: str, **fields: Any) -> dict[str, Any]:
    """Changes a record of another stream than tickets; `modifiedTime` moves where it has one."""
    record = change.state.tables[stream].rows[key]
    moved = {"modifiedTime": stamp(change.at)} if "modifiedTime" in record else {}
    change.state.tables[stream].put({**record, **moved, **fields})
    return {"id": key}


def remove(change: Change, stream: str, key: str) -> dict[str, Any]:
    """Takes a record of another stream than tickets out."""
    change.state.tables[stream].remove(key)
    return {"id": key}


def add_field(
    change: Change, api_name: str, label: str, kind: str = "Text", options: Sequence[str] = ()
) -> dict[str, Any]:
    """Adds a custom field to tickets."""
    field = reference.field(change.state, api_name, label, kind, tuple(options))
    change.state.tables["fields"].put(field)
    return {"id": field["id"]}


def patch(change: Change, stream: str, key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Sets raw values of a record, without an event and a new time."""
    change.state.tables[stream].put({**change.state.tables[stream].rows[key], **fields})
    return {"id": key}


_RANDOM: tuple[str, ...] = (
    "create_ticket",
    "update_ticket",
    "reply",
    "customer_reply",
    "comment",
    "close_ticket",
    "trash_ticket",
)


def random_changes(change: Change, count: int = 10) -> dict[str, Any]:
    """Does so many operations, chosen by chance; the same seed chooses the same."""
    done: list[dict[str, Any]] = []
    for _ in range(count):
        op = change.rng.choice(_RANDOM)
        done.append({"op": op, **apply(change, op, _chosen(change, op))})
    return {"done": done}


def _chosen(change: Change, op: str) -> dict[str, Any]:
    if op == "create_ticket":
        return {}
    rows = change.state.tables["tickets"].rows
    chosen = {"id": change.rng.choice([key for key, row in rows.items() if not row.get("isTrashed")])}
    if op == "update_ticket":
        return {**chosen, "priority": change.rng.choice(reference.PRIORITIES)}
    return {**chosen, "body": f"Message {change.rng.randint(0, 9999)} ☕"} if op == "comment" else chosen


OPERATIONS: Mapping[str, Operation] = {
    operation.__name__: operation
    for operation in (
        *(create_ticket, update_ticket, close_ticket, reopen_ticket, escalate_ticket, assign_ticket, archive_ticket),
        *(reply, customer_reply, comment, edit_comment, delete_comment, tag_ticket, untag_ticket, merge_tickets),
        *(trash_ticket, restore_ticket, erase_ticket, create, update, remove, add_field, patch),
    )
} | {"random": random_changes}

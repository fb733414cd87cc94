"""Operations of the control plane's `mutate`: by name, with arguments; each answers with the ids that it touched.

Every operation takes `at` (Unix seconds or ISO 8601) for when it happens (without it, it happens now) and `by`, the id
of the user who does it. A status is given as it is read (`In Progress`).

| operation | arguments |
|---|---|
| `create` | `count`, `title`, fields of the case |
| `update` | `id`, fields; `quiet=True` writes no event |
| `close` | `id` |
| `note` | `id`, `text`, `public` |
| `message` | `id`, `html`: what the customer wrote |
| `delete` | `id`; `soft=True`: the case is still there, marked deleted |
| `restore` | `id` |
| `hide`, `show` | `id`: whether lists show the case |
| `rename` | `id` of any record, `title` |
| `random` | `count`: any of the above on cases |
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.qcontact.change import add_note, set_fields
from ticket_pipelines.sandbox.qcontact.state import CASE, CONTACT, STATUSES, USER, Entity, State

Operation = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        state: The tenant's data.
        rng: Source of choices.
        at: When it happens, Unix seconds.
        by: Id of the user who does it.
    """

    state: State
    rng: random.Random
    at: float
    by: int | None = None

    def case(self, key: str | int) -> Entity:
        """A case that is not gone.

        Raises:
            KeyError: There is none.
        """
        found = self.state.find(CASE, key)
        if found is None or found.gone:
            raise KeyError(key)
        return found


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
    change = replace(change, by=given.pop("by", None) or change.state.of(USER)[0].id)
    try:
        return OPERATIONS[op](change, **given)
    except KeyError as error:
        raise ValueError(f"{op}: there is no {error}") from error
    except TypeError as error:
        raise ValueError(f"{op}: {error}") from error


def create(change: Change, count: int = 1, title: str = "Connection Issue", **fields: Any) -> dict[str, Any]:
    """Creates cases, all in the same second."""
    blank = dict.fromkeys(("category", "description", "assigned_to", "contact", "telephone", "email", "address"))
    keys = []
    for _ in range(count):
        case = change.state.add(CASE, title, change.at, **{"status": "New", **blank, **fields})
        change.state.event(case, "system", change.at, None, subtitle="Case created")
        keys.append(str(case.id))
    return {"id": keys[0], "ids": keys} if keys else {"ids": []}


def update(change: Change, key: str, quiet: bool = False, **fields: Any) -> dict[str, Any]:
    """Changes fields of a case."""
    case = change.case(key)
    if quiet:
        case.fields.update(fields)
        case.updated_at = change.at
    else:
        set_fields(change.state, case, fields, change.at, change.by)
    return {"id": str(key)}


def close(change: Change, key: str) -> dict[str, Any]:
    """Closes a case."""
    return update(change, key, status="Closed")


def note(change: Change, key: str, text: str = "A note", public: bool = False) -> dict[str, Any]:
    """Adds a note."""
    event = add_note(change.state, change.case(key), text, public, change.at, change.by)
    return {"id": str(key), "event_id": str(event["id"])}


def message(change: Change, key: str, html: str = "<p>Hello</p>") -> dict[str, Any]:
    """Adds a message of the customer."""
    case = change.case(key)
    case.updated_at = change.at
    event = change.state.event(case, "message", change.at, None, html=html, public=True)
    return {"id": str(key), "event_id": str(event["id"])}


def delete(change: Change, key: str, soft: bool = False) -> dict[str, Any]:
    """Deletes a case."""
    case = change.case(key)
    case.gone, case.updated_at = "soft" if soft else "hard", change.at
    return {"id": str(key)}


def restore(change: Change, key: str) -> dict[str, Any]:
    """Brings a deleted case back."""
    case = change.state.entities[int(key)]
    case.gone, case.updated_at = "", change.at
    return {"id": str(key)}


def hide(change: Change, key: str) -> dict[str, Any]:
    """Takes a case out of lists, but not away."""
    change.case(key).hidden = True
    return {"id": str(key)}


def show(change: Change, key: str) -> dict[str, Any]:
    """Lets lists show a case again."""
    change.case(key).hidden = False
    return {"id": str(key)}


def rename(change: Change, key: str, title: str) -> dict[str, Any]:
    """Calls a user, contact, team or case something else."""
    change.state.entities[int(key)].title = title
    return {"id": str(key)}


def random_changes(change: Change, count: int = 10) -> dict[str, Any]:
    """Does so many operations on cases, chosen by chance; the same seed chooses the same."""
    done: list[dict[str, Any]] = []
    for _ in range(count):
        living = [case.id for case in change.state.of(CASE) if not case.gone]
        op = change.rng.choice(("create", "update", "update", "note", "message", "delete")) if living else "create"
        chosen: dict[str, Any] = {} if op == "create" else {"key": str(change.rng.choice(living))}
        if op == "update":
            chosen |= _random_fields(change)
        done.append({"op": op, **OPERATIONS[op](change, **chosen)})
    return {"done": done}


def _random_fields(change: Change) -> dict[str, Any]:
    choices = {
        "status": STATUSES,
        "assigned_to": [user.id for user in change.state.of(USER)],
        "contact": [contact.id for contact in change.state.of(CONTACT)],
        "c__dr_location": (f"DR{change.rng.randint(1, 9_999)}", None),
    }
    name = change.rng.choice(sorted(choices))
    return {name: change.rng.choice(choices[name])}


OPERATIONS: Mapping[str, Operation] = {
    operation.__name__: operation
    for operation in (create, update, close, note, message, delete, restore, hide, show, rename)
} | {"random": random_changes}

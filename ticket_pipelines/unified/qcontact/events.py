"""What happened to cases: rows of `ticket_events`, and of `ticket_comments` for what was said.

An event gives a row for each field that it changes, or one row where it changes none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ticket_pipelines.unified import Mapped
from ticket_pipelines.unified.columns import BOOLEAN, INSTANT, Members, child_table, column, front
from ticket_pipelines.unified.markup import text_of
from ticket_pipelines.unified.model import AGENTS, CONTACTS, TICKET_COMMENTS, TICKET_EVENTS
from ticket_pipelines.unified.qcontact.people import VENDOR, Person, named

NAMES: Mapping[str, str] = {"case_id": "ticket_id", "raised_at": "occurred_at"}
KINDS: Mapping[str, str] = {"note": "note", "message": "reply", "conversation": "chat"}
"""Kind of a comment by the kind of its event; other events say nothing that is a comment."""
_TYPES: Mapping[str, str] = {"status_change": "change", "assignment": "assign"}
"""Type of an event that names no field."""
_SYSTEM = frozenset({"system", "automation"})


class User(msgspec.Struct, gc=False):
    """Who did it: a user, by name and address."""

    label: str | None = None
    name: str | None = None
    email: str | None = None

    @property
    def key(self) -> str | None:
        """Its id in `contacts`: the address, since an event has no other."""
        return self.email.strip().lower() if self.email and self.email.strip() else None


class Change(msgspec.Struct, gc=False):
    """What became of one field."""

    field: str | None = None
    old_value: Any = None
    new_value: Any = None


_USER: Members[User] = Members(User)
_CHANGES: Members[dict[str, Change]] = Members(dict[str, Change])

Record = dict[str, Any]


def rows(found: pa.Table) -> Mapped:
    """Rows of `qcontact_case_events` into `ticket_events`, `ticket_comments`, `agents` and `contacts`."""
    warnings: Counter[str] = Counter()
    base = front(found, VENDOR, (), NAMES)
    users = _USER.decode(found, "user", warnings)
    kinds = column(found, "event_type").to_pylist()
    times = pc.coalesce(column(found, "raised_at", INSTANT), column(found, "created_at", INSTANT)).to_pylist()
    formatted = _CHANGES.decode(found, "formatted_changes", warnings)
    raw = _CHANGES.decode(found, "changes", warnings)
    keys, cases = base["id"].to_pylist(), column(found, "case_id").to_pylist()
    parents: list[int] = []
    made: list[Record] = []
    for place, key in enumerate(keys):
        said = {"event_id": key, "ticket_id": cases[place], "occurred_at": times[place], "event_type_raw": kinds[place]}
        said |= who(users[place], kinds[place])
        for position, change in enumerate(changes(kinds[place], key, formatted[place], raw[place])):
            parents.append(place)
            made.append({"id": f"{key}:{position}", **said, **change})
    named_users = list(_named(users))
    return Mapped(
        {
            "ticket_events": child_table(TICKET_EVENTS, base, parents, made),
            "ticket_comments": _comments(found, base, users, times),
            "agents": named(AGENTS, base, named_users),
            "contacts": named(CONTACTS, base, named_users),
        },
        warnings,
    )


def changes(
    kind: str | None, key: str, formatted: Mapping[str, Change] | None, raw: Mapping[str, Change] | None
) -> Iterator[Record]:
    """What an event did, field by field; never nothing. What people see beats what is stored.

    Args:
        kind: Kind of the event.
        key: Its id, by which a comment is found.
        formatted: Changes as people see them, by names such as `$t.fields.status`.
        raw: Changes by field.
    """
    shown = {one.field or name.rpartition(".")[2]: one for name, one in (formatted or {}).items()}
    for field, change in {**(raw or {}), **shown}.items():
        event_type = "assign" if field == "assigned_to" else "change"
        yield {
            "field": field,
            "old_value": _text(change.old_value),
            "new_value": _text(change.new_value),
            "event_type": event_type,
        }
    if formatted or raw:
        return
    if kind in KINDS:
        yield {"field": "comment", "old_value": None, "new_value": key, "event_type": "comment"}
        return
    yield {"field": None, "old_value": None, "new_value": None, "event_type": _TYPES.get(kind or "")}


def who(user: User | None, kind: str | None) -> Record:
    """Who did it, as far as the event says."""
    system = kind in _SYSTEM
    return {
        "actor_id": user.key if user else None,
        "actor_type": "system" if system else ("agent" if user else None),
        "is_system": system,
    }


def _comments(found: pa.Table, base: Mapping[str, pa.Array], users: list[User | None], times: list[Any]) -> pa.Table:
    texts = {name: column(found, name).to_pylist() for name in ("event_type", "case_id", "subtitle", "html", "content")}
    public = pc.coalesce(column(found, "public_note", BOOLEAN), column(found, "public", BOOLEAN)).to_pylist()
    parents = [place for place, kind in enumerate(texts["event_type"]) if kind in KINDS]
    made = []
    for place in parents:
        user, kind = users[place], KINDS[texts["event_type"][place]]
        body, markup = body_of(*(texts[name][place] for name in ("subtitle", "html", "content")))
        made.append(
            {
                "id": base["id"][place].as_py(),
                "ticket_id": texts["case_id"][place],
                "kind": kind,
                "direction": direction_of(kind, public[place], user is not None),
                "is_public": public[place],
                "author_id": user.key if user else None,
                "author_type": "agent" if user else None,
                "body_text": body,
                "body_html": markup,
                "created_at": times[place],
            }
        )
    return child_table(TICKET_COMMENTS, base, parents, made)


def body_of(subtitle: str | None, markup: str | None, content: str | None) -> tuple[str | None, str | None]:
    """Text and HTML of what was said; `content` may be either."""
    if markup is None and content is not None and "<" in content:
        markup = content
    if markup is not None:
        return text_of(markup), markup
    return (content if content is not None else subtitle), None


def direction_of(kind: str, public: bool | None, by_user: bool) -> str | None:
    """Internal for what the contact cannot see, out for what a user wrote; else the event does not say."""
    if public is False or (kind == "note" and public is None):
        return "internal"
    return "out" if by_user else None


def _named(users: list[User | None]) -> Iterator[Person]:
    for place, user in enumerate(users):
        if user is not None and user.key:
            yield place, {"id": user.key, "name": user.label or user.name, "email": user.email}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()

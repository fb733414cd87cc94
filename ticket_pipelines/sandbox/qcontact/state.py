"""The emulated tenant's data: entities with their fields, events of cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
CASE, CONTACT, USER, TEAM = "Case", "Contact", "User", "Team"
STATUSES = (
    "New",
    "Open",
    "Assigned",
    "In Progress",
    "Escalated",
    "Pending Customer Response",
    "Pending Company Response",
    "In Review",
    "Reviewed",
    "Solved",
    "Unsolved - No Response",
    "Closed",
)
"""As they are read (section 3)."""
_ACTORS = ("label", "name")


@dataclass(slots=True)
class Entity:
    """A record of any kind.

    Attributes:
        id: Its id, unique over all kinds.
        kind: Its entity type.
        title: What it is called; a case's reference is added.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        fields: By name; references to others are their ids.
        gone: `hard`: 404; `soft`: still there, marked deleted; empty: alive.
        hidden: True where no list shows it, though it is there (a user's filter or rights).
        events: What happened to it, oldest first.
    """

    id: int
    kind: str
    title: str
    created_at: float
    updated_at: float
    fields: Record = field(default_factory=dict)
    gone: str = ""
    hidden: bool = False
    events: list[Record] = field(default_factory=list)

    @property
    def listed(self) -> bool:
        """True where lists show it."""
        return not self.gone and not self.hidden


@dataclass(slots=True)
class State:
    """All data of the tenant.

    Attributes:
        entities: By id.
        by_email: Ids of users by address.
        taken: The last id that was given away.
        event_taken: The last id of an event that was given away.
    """

    entities: dict[int, Entity] = field(default_factory=dict)
    by_email: dict[str, int] = field(default_factory=dict)
    taken: int = 490_000
    event_taken: int = 8_000_000

    def add(self, kind: str, title: str, at: float, **fields: Any) -> Entity:
        """Adds a record."""
        self.taken += 1
        entity = Entity(self.taken, kind, title, at, at, fields)
        if kind == CASE:
            fields.setdefault("reference", f"FT{entity.id}")
        if kind == USER and fields.get("email"):
            self.by_email[fields["email"]] = entity.id
        self.entities[entity.id] = entity
        return entity

    def find(self, kind: str, key: int | str | None) -> Entity | None:
        """A record that is not gone for good, of that kind."""
        try:
            entity = self.entities.get(int(key)) if key is not None else None
        except ValueError:
            return None
        return entity if entity and entity.kind == kind and entity.gone != "hard" else None

    def of(self, kind: str) -> list[Entity]:
        """All records of a kind, gone ones among them, oldest first."""
        return [entity for entity in self.entities.values() if entity.kind == kind]

    def event(self, case: Entity, kind: str, at: float, by: int | None, **given: Any) -> Record:
        """Adds an event; names of its keys differ from one to the next, as they do at the vendor (section 2.2)."""
        self.event_taken += 1
        odd = self.event_taken % 2
        actor = self.entities.get(by) if by else None
        user = actor and {_ACTORS[odd]: actor.title, "email": actor.fields.get("email")}
        record = {
            "id": self.event_taken,
            "event_type": kind,
            "user": user,
            ("raised_at", "created_at")[odd]: moment(at),
            "pinned": False,
            **given,
        }
        case.events.append(record)
        return record


def moment(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

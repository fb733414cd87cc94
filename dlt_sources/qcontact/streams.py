"""The streams of QContact as data.

Declared are the fields that the contract knows; those that a tenant added stand in `custom_fields`.
"""

from __future__ import annotations

import re

from dlt_sources.base import Deletion, Refresh, Stream
from dlt_sources.columns import boolean, moment, nested, text
from dlt_sources.qcontact.config import CASE

OTHER_ENTITIES = "other_entities"
"""Stands for all entities that no release knows."""
CUSTOM_FIELDS, RELATIONSHIPS = "custom_fields", "relationships"
GONE = "$gone"
"""Field of a record that stands for one that QContact has no more."""
CASE_ID = "case_id"
"""Field that an event is given: the id of its case."""
DOCS = "https://www.qcontact.com"
DELETIONS = (Deletion(GONE, True, "permanent"), Deletion("deleted", True, "soft"))

_HEAD = (
    text("entity_type"),
    text("label", "What people see: of a case its title and reference."),
    text("icon"),
    moment("created_at"),
    moment("updated_at", "Last change, where QContact tells it; the row's version."),
)
_TAIL = (
    nested(CUSTOM_FIELDS, "Object: name of each field that the tenant added (`c__…`) to its raw value."),
    nested(RELATIONSHIPS, "Object: name to the linked record, with id, label and entity_type."),
    boolean("deleted", "QContact marks it as deleted."),
    boolean(GONE, "QContact has it no more: asking for it gives a 404."),
)
CASES = Stream(
    name="cases",
    doc=(
        "One row per case, as its own page shows it, deleted ones among them. A case is read when its row in the list "
        "changed, and in every sync until it has been closed for a week."
    ),
    url=DOCS,
    path="/entities/Case",
    records="results",
    # not every tenant tells a time of change
    clock_trusted=False,
    deletions=DELETIONS,
    paging="records",
    by_id=True,
    plan="view cases",
    priority=10,
    columns=(
        *_HEAD,
        text("status", "Label of the status; the tenant may define its own."),
        text("category", "Category and subcategory in one text, parted by :: or |."),
        text("priority", "No tenant is known to have it."),
        text("reference", "Number that people quote: FT…"),
        text("description"),
        text("source"),
        text("telephone", "Of the contact on this case."),
        text("email", "Of the contact on this case."),
        text("address"),
        text("assigned_to_id", "Id of the user who works on it."),
        text("assigned_to_label"),
        text("contact_id", "Id of the contact who asks."),
        text("contact_label"),
        text("created_by_id"),
        text("created_by_label"),
        text("team_id"),
        text("team_label"),
        *_TAIL,
    ),
)
CASE_EVENTS = Stream(
    name="case_events",
    doc=(
        "One row per event of a case: changes of fields, notes, messages. Read for the same cases as their own page; a "
        "full sync reads those of all."
    ),
    url=DOCS,
    path="/entities/Case/{id}/events",
    records="results",
    clock=None,
    paging="events",
    by_id=True,
    by_parent=True,
    beside=True,
    plan="view cases",
    priority=20,
    columns=(
        text(CASE_ID, "Id in cases."),
        text("event_type", "update, status_change, assignment, message, conversation, system, automation or note."),
        text("subtitle", "Text of a note; of others, what they say in short."),
        text("html"),
        text("content"),
        nested("formatted_changes", "Object: field to {field, old_value, new_value}, as people see them."),
        nested("changes", "Object: field to {old_value, new_value}."),
        nested("user", "Who did it: label or name, and e-mail; no id."),
        moment("raised_at", "When it happened; some events have created_at instead."),
        moment("created_at"),
        boolean("public_note", "The contact can see it; some events have public instead."),
        boolean("public"),
        boolean("pinned"),
    ),
)
CASE_COLUMNS = Stream(
    name="case_columns",
    doc="One row per column that the list of cases describes, those that the tenant added among them.",
    url=DOCS,
    path="/entities/Case",
    records="columns",
    key="name",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    paging="columns",
    priority=5,
    scheduled_every=3_600,
    columns=(text("label", "Name that people see."), text("type", "Type in QContact's words.")),
)


def entity_stream(entity: str) -> Stream:
    """The stream of an entity other than cases."""
    return Stream(
        name=stream_name(entity),
        doc=f"One row per record of the entity {entity}, deleted ones too; read when its row in the list changed.",
        url=DOCS,
        path=f"/entities/{entity}",
        records="results",
        clock_trusted=False,
        deletions=DELETIONS,
        paging="records",
        by_id=True,
        plan=f"view {entity}",
        priority=30,
        columns=(*_HEAD, text("name"), text("email"), text("telephone"), text("status"), *_TAIL),
    )


def stream_name(entity: str) -> str:
    """Name of an entity's stream: `Contact` gives contacts, `FaultType` fault_types."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", entity).lower()
    return f"{words}s"


CONTACTS, USERS = entity_stream("Contact"), entity_stream("User")
STREAMS: tuple[Stream, ...] = (CASES, CASE_COLUMNS, CASE_EVENTS, CONTACTS, USERS)
"""Streams that a release knows; which of them a desk has, its `entities` say."""
_OF_CASES = (CASES, CASE_COLUMNS, CASE_EVENTS)


def streams_of(entities: tuple[str, ...]) -> tuple[Stream, ...]:
    """The streams of these entities; those of cases come first."""
    others = tuple(entity_stream(entity) for entity in entities if entity != CASE)
    return (*(_OF_CASES if CASE in entities else ()), *others)


def entity_of(stream: Stream) -> str:
    """Name of the entity that a stream reads."""
    return stream.path.split("/")[2]

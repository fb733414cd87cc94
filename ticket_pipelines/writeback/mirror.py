"""The mirror: a table or view in the user's own Postgres whose changed rows become entries of the outbox.

    rows now, rows as last seen -> changed values -> not what the vendor shows already (an echo) -> entries

A row that is seen for the first time is remembered and sends nothing: nobody knows which side is right. The entries of
a row and what was seen of it are committed together, so that no change is taken up twice or lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import mirror_rows
from ticket_pipelines.desks.desk import Desk
from ticket_pipelines.desks.registration import find_vendor
from ticket_pipelines.errors import MirrorError
from ticket_pipelines.project import Project
from ticket_pipelines.unified.labels import normal, status_of, statuses_of
from ticket_pipelines.writeback.config import Mirror, Writing
from ticket_pipelines.writeback.entry import STATUS_FIELD, Draft, drafts
from ticket_pipelines.writeback.keys import MIRROR_URL
from ticket_pipelines.writeback.mirror_table import batches
from ticket_pipelines.writeback.outbox import Outbox
from ticket_pipelines.writeback.stored import Moved, Stored, stored_changes, stored_tickets
from ticket_pipelines.writeback.values import plain, same, token_of

_AT_ONCE = 500


@dataclass(slots=True)
class Mirrored:
    """What a look at the mirror found.

    Attributes:
        rows: Rows of the table that name a ticket.
        remembered: Rows that were seen for the first time.
        echoes: Changed values that the vendor shows already.
        entries: Entries that were made.
        unusable: Rows whose key is no id of the vendor, or stands twice.
        error: Why the table could not be read.
    """

    rows: int = 0
    remembered: int = 0
    echoes: int = 0
    entries: int = 0
    unusable: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was last seen.

    Attributes:
        row: The table's values, by field of the vendor.
        theirs: What the vendor showed then: the base of a change since.
        at: When that was brought in (ISO 8601).
        count: How many changes were taken up: a part of their idempotency keys.
    """

    row: Mapping[str, Any]
    theirs: Mapping[str, Any]
    at: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What is made of a row.

    Attributes:
        drafts: Entries.
        echoes: Changed values that the vendor shows already.
        seen: The row as it is seen now.
    """

    drafts: tuple[Draft, ...]
    echoes: int
    seen: Seen


def look(
    ticket: str,
    row: Mapping[str, Any],
    before: Seen | None,
    stored: Stored | None,
    writing: Writing,
    moved: Sequence[Moved] = (),
) -> Found:
    """What is made of a row. Pure.

    Args:
        ticket: The vendor's id.
        row: The table's values now, by field of the vendor.
        before: The row as it was last seen; None: never.
        stored: The ticket as the warehouse holds it; None: it does not.
        writing: What the desk's configuration says.
        moved: What changed of the ticket at the vendor, oldest first.
    """
    theirs = stored.fields(row) if stored else {}
    at = stored.synced_at.isoformat() if stored else None
    if before is None:
        return Found((), 0, Seen(row, theirs, at))
    changed = {name: value for name, value in row.items() if plain(name, value) != plain(name, before.row.get(name))}
    echoes = {
        name
        for name, value in changed.items()
        if name in theirs
        and any(shows(name, value, one, writing) for one in (theirs[name], *_since(name, before.theirs, moved)))
    }
    ours = {name: value for name, value in changed.items() if name not in echoes}
    made = drafts(
        ticket,
        ours,
        base=before.theirs,
        base_version=stored.version if stored else None,
        based_at=datetime.fromisoformat(before.at) if before.at else None,
    )
    keyed = tuple(
        Draft(one.ticket, one.operation, one.payload, one.base_version, _key(ticket, before.count, one)) for one in made
    )
    return Found(keyed, len(echoes), Seen(row, theirs, at, before.count + 1 if changed else before.count))


def _since(field: str, base: Mapping[str, Any], moved: Sequence[Moved]) -> list[str | None]:
    """What the vendor showed of a field after its base; an application that lags behind may say any of it."""
    changes = [one for one in moved if one.field == field]
    left = [place for place, one in enumerate(changes) if field in base and same(field, one.old, base[field])]
    return [one.new for one in changes[left[-1] :]] if left else []


def shows(field: str, word: Any, theirs: Any, writing: Writing) -> bool:
    """Whether the vendor shows already what the table says; of a status in its words, ours, or the table's own."""
    if same(field, word, theirs):
        return True
    if field != STATUS_FIELD or theirs is None or word is None:
        return False
    vendor, label = writing.rules.vendor, str(theirs)
    statuses = statuses_of(vendor, writing.rules.labels)
    words = {normal(one): said for one, said in (writing.mirror.status_words if writing.mirror else {}).items()}
    # where the table has a word of its own for this status, the wider one of the unified tables means another
    if str(word) == (words.get(normal(label)) or status_of(statuses, label)):
        return True
    token = token_of(vendor, word, writing.own_tokens)
    return token is not None and same(field, token, theirs)


def collect(project: Project, desk: Desk, writing: Writing, *, keep: list[Draft] | None = None) -> Mirrored:
    """Looks at the mirrored table, and puts what changed into the outbox.

    Args:
        project: The installation.
        desk: The desk, whose lease the caller holds.
        writing: What its configuration says; with a mirror.
        keep: Gets the entries instead of the outbox, and nothing is remembered: a dry run.

    Raises:
        MirrorError: The table cannot be read.
        WarehouseUnavailableError: The warehouse cannot be read.
    """
    mirror = writing.mirror
    assert mirror is not None  # noqa: S101  (the caller looked)
    url = project.desks.mirror_url(desk.key)
    if url is None:
        raise MirrorError(
            f"desk {desk.key!r} has a mirror and no address of its database.\nGive {MIRROR_URL} beside its credentials."
        )
    found = Mirrored()
    taken: set[str] = set()
    numeric = find_vendor(desk.vendor).numeric_ids
    for rows in _batches(url, mirror):
        usable: dict[str, dict[str, Any]] = {}
        for key, row in rows:
            ticket = str(key).strip()
            if ticket in taken or not ticket or (numeric and not (ticket.isascii() and ticket.isdecimal())):
                found.unusable += 1
                continue
            taken.add(ticket)
            usable[ticket] = row
        _take(project, desk, writing, usable, found, keep)
    return found


def _take(
    project: Project,
    desk: Desk,
    writing: Writing,
    rows: Mapping[str, Mapping[str, Any]],
    found: Mirrored,
    keep: list[Draft] | None,
) -> None:
    outbox = Outbox(project.control, project.vault)
    known = _known(project, desk.key, list(rows))
    stored = stored_tickets(project.warehouse, desk, list(rows))
    changed = [
        ticket
        for ticket, row in rows.items()
        if look(ticket, row, known.get(ticket), stored.get(ticket), writing).drafts
    ]
    moved = stored_changes(project.warehouse, desk, changed) if changed else {}
    for ticket, row in rows.items():
        before = known.get(ticket)
        made = look(ticket, row, before, stored.get(ticket), writing, moved.get(ticket, ()))
        found.rows += 1
        found.remembered += before is None
        found.echoes += made.echoes
        found.entries += len(made.drafts)
        if keep is not None:
            keep += made.drafts
        elif made.seen != before:
            with project.control.begin() as connection:
                for draft in made.drafts:
                    outbox.insert(connection, desk.key, draft)
                _remember(project, connection, desk.key, ticket, made.seen, new=before is None)


def _known(project: Project, desk: str, tickets: Sequence[str]) -> dict[str, Seen]:
    query = sa.select(mirror_rows.c.ticket, mirror_rows.c.seen).where(
        mirror_rows.c.desk == desk, mirror_rows.c.ticket.in_(tickets)
    )
    with reading(project.control) as connection:
        rows = connection.execute(query).all()
    return {row.ticket: Seen(**json.loads(project.vault.decrypt(row.seen))) for row in rows}


def _remember(project: Project, connection: sa.Connection, desk: str, ticket: str, seen: Seen, *, new: bool) -> None:
    document = {"row": dict(seen.row), "theirs": dict(seen.theirs), "at": seen.at, "count": seen.count}
    values = {"seen": project.vault.encrypt(json.dumps(document).encode()), "updated_at": datetime.now(UTC)}
    if new:
        connection.execute(sa.insert(mirror_rows).values(desk=desk, ticket=ticket, **values))
        return
    mine = sa.and_(mirror_rows.c.desk == desk, mirror_rows.c.ticket == ticket)
    connection.execute(sa.update(mirror_rows).where(mine).values(**values))


def _key(ticket: str, count: int, draft: Draft) -> str:
    text = json.dumps([ticket, count, draft.operation, dict(draft.payload.fields)], sort_keys=True)
    return f"mirror-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def _batches(url: str, mirror: Mirror) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    fields = list(mirror.columns.values())
    for rows in batches(url, mirror, _AT_ONCE):
        yield [(key, dict(zip(fields, values, strict=True))) for key, *values in rows]

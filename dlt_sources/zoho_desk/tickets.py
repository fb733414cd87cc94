"""The stream `tickets`: what changed, then the details of it, then what was archived.

All three write the same rows, each the fields that it knows: their pages are parts (`Page.partial`). State: that of the
feed, `details` (that of a reading ticket by ticket) and `archived`, when the archive was last read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dlt_sources.base import Page, State, Stream, Window
from dlt_sources.errors import (
    AccessError,
    CredentialsError,
    LimitError,
    MalformedError,
    NotFoundError,
    SourceError,
    StalledError,
    TransientError,
    UnavailableError,
)
from dlt_sources.zoho_desk import children
from dlt_sources.zoho_desk.bodies import Brief, members, values, with_fields
from dlt_sources.zoho_desk.failures import OutOfRangeError
from dlt_sources.zoho_desk.feed import Feed
from dlt_sources.zoho_desk.reader import Reader
from dlt_sources.zoho_desk.times import millis, stamp

ARCHIVE_PATH = "/tickets/archivedTickets"
ARCHIVE_EVERY = 86_400
"""Seconds between two readings of the archive, which cannot be asked for news."""
PARTS = {
    "contacts": "contact",
    "products": "product",
    "departments": "department",
    "team": "team",
    "assignee": "assignee",
}
"""What a ticket refers to: as it is asked for, and the field in which it comes."""

ALIVE = {"isTrashed": False, "isDeleted": False, "isArchived": False}
"""What a ticket is that the search or the list shows: neither shows others (contract, section 0.6 and 0.7)."""


def tickets(reader: Reader, feed: Feed, stream: Stream, state: State, window: Window | None) -> Iterator[Page]:
    """All tickets that changed since a position, or that were created in a window."""
    apart: State = {name: state[name] for name in ("details", "archived") if name in state}
    cursors = {name: value for name, value in state.items() if name not in apart}
    for batch in feed.changed(cursors, window, afresh=True):
        cursors = batch.after
        records = [shown(record) for record in batch.records]
        yield Page(stream.name, records, {**cursors, **apart}, cleaned=batch.cleaned, partial=True)
    state = {**cursors, **apart}
    if window is None:
        for page in _more(reader, feed, stream, state):
            state = page.state
            yield page
    yield Page(stream.name, [], state, last=True, partial=True)


def listed(reader: Reader, feed: Feed, stream: Stream, state: State) -> Iterator[Page]:
    """All tickets as search and archive show them, without a request a ticket; state: that of the feed."""
    for batch in feed.changed(state, None, afresh=True):
        state = batch.after
        yield Page(stream.name, [shown(record) for record in batch.records], state, partial=True)
    try:
        yield from _archive(reader, feed, stream, state)
    except (UnavailableError, StalledError) as error:
        yield Page(stream.name, [], state, partial=True)
        raise AccessError(f"stream {stream.name}: the archive is not listed whole: {error}") from error
    yield Page(stream.name, [], state, last=True, partial=True)


def shown(record: msgspec.Raw) -> msgspec.Raw:
    """A ticket as search or list show it, with what that says of it."""
    found = members(record)
    missing = {name: value for name, value in ALIVE.items() if name not in found}
    return with_fields(record, missing)


def detail(reader: Reader, stream: Stream, ticket: Brief, _read_before: int | None = None) -> list[msgspec.Raw]:
    """A ticket as its own page shows it, with its tags and what it refers to.

    Raises:
        NotFoundError: It is gone.
    """
    return [_detail(reader, stream, ticket, {"include": ",".join(PARTS)})]


def own_detail(reader: Reader, stream: Stream, ticket: Brief, _read_before: int | None = None) -> list[msgspec.Raw]:
    """The same without what it refers to, which the search shows in another form: each would undo the other.

    Raises:
        NotFoundError: It is gone.
    """
    record = members(_detail(reader, stream, ticket, {}))
    own = {name: value for name, value in record.items() if name not in PARTS.values()}
    return [msgspec.Raw(msgspec.json.encode(own))]


def by_ids(reader: Reader, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
    """Chosen tickets; of one that is gone, that it is.

    Raises:
        MalformedError: What was shown of a ticket is not it; all others were read.
    """
    broken: MalformedError | None = None
    for number, key in enumerate(ids, 1):
        try:
            records = detail(reader, stream, Brief(key))
        except NotFoundError:
            records = [tombstone(key)]
        except MalformedError as error:
            broken = broken or error
            continue
        yield Page(stream.name, records, {}, last=number == len(ids), partial=True)
    if broken is not None:
        raise broken


def vanished(reader: Reader, feed: Feed, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
    """Of these tickets the ones that are deleted; without ids, of those that turned out to be gone.

    Raises:
        LimitError: The reserve of credits is reached.
        SourceError: One of those that turned out to be gone is refused, which is told once, or nobody answered; all
            others were asked for.
    """
    failed: SourceError | None = None
    for key in ids or sorted(feed.gone):
        if ids:
            # what turned out to be gone is a credit each, and is not found out once more
            reader.spare_credits(stream)
        try:
            record = _as_it_is(reader, stream, key)
        except (CredentialsError, LimitError):
            raise
        except SourceError as error:
            if ids or isinstance(failed, TransientError):
                raise
            failed = error
            if not isinstance(error, TransientError):
                feed.gone.discard(key)
            continue
        if record is None:
            continue
        if _is_deleted(record):
            yield Page(stream.name, [record], {}, partial=True)
        feed.gone.discard(key)
    yield Page(stream.name, [], {}, last=True, partial=True)
    if failed is not None:
        raise failed


def _as_it_is(reader: Reader, stream: Stream, key: str) -> msgspec.Raw | None:
    """A ticket's own page, or that it is gone; None where nobody can say: the next round asks again."""
    try:
        return reader.one(stream, f"/tickets/{key}", key=key)
    except NotFoundError:
        return tombstone(key)
    except MalformedError:
        return None


def tombstone(key: str) -> msgspec.Raw:
    """What is said of a ticket that is gone: its id, and that it is deleted."""
    return msgspec.Raw(msgspec.json.encode({"id": key, "isDeleted": True}))


def _more(reader: Reader, feed: Feed, stream: Stream, state: State) -> Iterator[Page]:
    """The archive once a day, then the details of what changed; an archive that fails is said after them."""
    cursor = millis(state.get("archived"))
    failed: SourceError | None = None
    if cursor is None or reader.now() - cursor // 1000 >= ARCHIVE_EVERY:
        began = stamp(reader.now() * 1000)
        try:
            # only behind its last page the archive was read; who may not read it has it said each time
            yield from _archive(reader, feed, stream, state)
            state = {**state, "archived": began}
        except (AccessError, UnavailableError):
            failed = AccessError(
                f"stream {stream.name}: archived tickets cannot be read; they need the scopes Desk.tickets.READ and "
                "Desk.search.READ, which a new refresh_token may have. All others are read."
            )
        except StalledError as error:
            state, failed = {**state, "archived": began}, error
        except (CredentialsError, LimitError):
            raise
        except SourceError as error:
            # the details of what changed do not wait for an archive that is away
            failed = error
        yield Page(stream.name, [], state, partial=True)
    if reader.choices.details:
        read = own_detail if feed.searchable else detail
        found = children.of_changed(reader, feed, stream, state.get("details", {}), None, read)
        for page in children.pages(stream, found):
            state = {**state, "details": page.state}
            yield Page(stream.name, page.records, state, partial=True)
    if failed is not None:
        yield Page(stream.name, [], state, partial=True)
        raise failed


def _detail(reader: Reader, stream: Stream, ticket: Brief, params: Mapping[str, str]) -> msgspec.Raw:
    record = reader.one(stream, f"/tickets/{ticket.key}", params, key=ticket.key)
    tagged = members(record).get("tagCount")
    if tagged is None or bytes(tagged).strip(b'"') in (b"0", b"null"):
        return with_fields(record, {"tags": []})
    rows = reader.page(stream, f"/tickets/{ticket.key}/tags", {}, most=0, child=True)
    names = [values(tag).get("name") for tag in rows.records]
    return with_fields(record, {"tags": names})


def _archive(reader: Reader, feed: Feed, stream: Stream, state: State) -> Iterator[Page]:
    for department in feed.departments():
        try:
            for rows in reader.pages(stream, ARCHIVE_PATH, {"departmentId": department}):
                records = [with_fields(record, {**ALIVE, "isArchived": True}) for record in rows.records]
                yield Page(stream.name, records, state, cleaned=rows.cleaned, partial=True)
        except OutOfRangeError as error:
            raise StalledError(
                f"stream {stream.name}: department {department} has more archived tickets than the {error.most} that "
                "Zoho lists; those behind are as they were when they were archived."
            ) from None


def _is_deleted(record: msgspec.Raw) -> bool:
    found = members(record)
    return any(bytes(found.get(name, msgspec.Raw(b"false"))) == b"true" for name in ("isTrashed", "isDeleted"))

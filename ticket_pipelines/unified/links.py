"""Links between records: their ids, and the rows that a vendor's own word gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import pyarrow as pa

from ticket_pipelines.unified.columns import child_table
from ticket_pipelines.unified.model import RECORD_LINKS

_NAMESPACE = UUID("6b1f5a0e-3c52-5d0b-9a5e-2f6d1c8e7a41")


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two tickets of one desk that the vendor itself states.

    Attributes:
        parent: Position of the vendor row that states it.
        from_id: The one end.
        to_id: The other end.
        link_type: What `from` is to `to`.
        ticket_id: The ticket whose record states it.
        event_id: The event that states it.
    """

    parent: int
    from_id: str
    to_id: str
    link_type: str
    ticket_id: str | None = None
    event_id: str | None = None


def link_id(desk: str, link: Link) -> str:
    """The link's id: the same ends and type give the same id, whoever states it."""
    ends = ("tickets", desk, link.from_id, "tickets", desk, link.to_id, link.link_type)
    return str(uuid5(_NAMESPACE, "\n".join(ends)))


def link_table(front: Mapping[str, pa.Array], links: Sequence[Link]) -> pa.Table:
    """Rows of `record_links`; of links with one id, that of the vendor row with the highest version stays.

    Args:
        front: Columns that a row takes from its vendor row, one value a vendor row.
        links: The links, in the order of their vendor rows.
    """
    desks, versions = front["desk"], front["version"]
    newest: dict[str, Link] = {}
    for link in links:
        key = link_id(desks[link.parent].as_py(), link)
        other = newest.get(key)
        if other is None or (versions[link.parent].as_py() or 0) >= (versions[other.parent].as_py() or 0):
            newest[key] = link
    rows = [_row(key, desks[link.parent].as_py(), link) for key, link in newest.items()]
    return child_table(RECORD_LINKS, front, [link.parent for link in newest.values()], rows)


def _row(key: str, desk: str, link: Link) -> dict[str, str | None]:
    return {
        "id": key,
        "unparsed": None,
        "from_table": "tickets",
        "from_desk": desk,
        "from_id": link.from_id,
        "to_table": "tickets",
        "to_desk": desk,
        "to_id": link.to_id,
        "link_type": link.link_type,
        "method": "sync",
        "status": "confirmed",
        "ticket_id": link.ticket_id,
        "event_id": link.event_id,
    }

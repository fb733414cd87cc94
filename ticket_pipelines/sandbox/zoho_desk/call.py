"""One request on its way through this vendor, and its page (contract, section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.clock import Clock, epoch
from ticket_pipelines.sandbox.emulator import Asked, Reply
from ticket_pipelines.sandbox.zoho_desk.errors import invalid_parameter, out_of_range
from ticket_pipelines.sandbox.zoho_desk.settings import Settings
from ticket_pipelines.sandbox.zoho_desk.state import State
from ticket_pipelines.sandbox.zoho_desk.table import Record

T = TypeVar("T")
_TEXT_BOOLEANS = frozenset({"isDeleted", "isFollowing", "isEndUser"})
DEEPER = ((2_000, 3), (10_000, 5), (50_000, 10), (100_000, 50))
"""Credits of a list call up to an offset; beyond, 100 (section 2.6)."""
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is cut.

    Attributes:
        default: Rows of a page for which no size is asked.
        most: Largest page.
        least: Smallest page.
        cap: Setting that holds the highest `from`; empty: there is none.
    """

    default: int
    most: int
    least: int = 1
    cap: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request with all that is needed to answer it.

    Attributes:
        asked: The request.
        params: Query parameters; of repeated ones the last.
        ids: Values in the path, by name.
        stream: The endpoint's stream.
        paging: How the endpoint's list is cut; None: it is no list.
        state: The account's data.
        settings: The account's settings.
        clock: The account's clock.
    """

    asked: Asked
    params: Mapping[str, str]
    ids: Mapping[str, str]
    stream: str
    paging: Paging | None
    state: State
    settings: Settings
    clock: Clock

    def integer(self, name: str, default: int) -> int:
        """A parameter as an integer.

        Raises:
            Refusal: 422, it is none.
        """
        text = self.params.get(name, str(default))
        if not text.isdigit():
            raise invalid_parameter(name)
        return int(text)

    def several(self, name: str) -> list[str]:
        """A parameter as a list."""
        return [part for part in self.params.get(name, "").split(",") if part]

    def window(self) -> tuple[int, int]:
        """First row and number of rows of the page that is asked for.

        Raises:
            Refusal: 422, a number out of its range.
        """
        paging = self.paging or Paging(0, 0)
        most = self.settings.page_limits.get(self.stream, paging.most)
        size = self.integer("limit", min(paging.default, most))
        if not paging.least <= size <= most:
            raise out_of_range("limit", paging.least, most)
        base = 0 if paging.cap else self.settings.from_base
        start = self.integer("from", base)
        cap = getattr(self.settings, paging.cap) if paging.cap else None
        if cap is not None and start > cap:
            raise out_of_range("from", 0, cap)
        # a first row of 0 is taken for 1 where rows count from 1
        return max(0, start - base), size

    def cost(self) -> int:
        """Credits of a list call."""
        offset = self.params.get("from", "0")
        depth = int(offset) if offset.isdigit() else 0
        return next((cost for most, cost in DEEPER if depth <= most), DEEPEST)

    def page(self, rows: Sequence[T], show: Callable[[T], Record], **more: Any) -> Reply:
        """The page that is asked for; no rows are a 204 without a body."""
        start, size = self.window()
        if self.asked.repeat:
            start = 0
        return self.listed([show(row) for row in rows[start : start + size]], **more)

    def listed(self, records: Sequence[Record], key: str = "data", **more: Any) -> Reply:
        """A list that is not cut further."""
        if not records:
            return Reply(204, b"")
        return ok({key: [self.shaped(record) for record in records], **more})

    def one(self, record: Record) -> Reply:
        """A single record."""
        return ok(self.shaped(record))

    def shaped(self, record: Record) -> Record:
        """A record in the account's forms of times and booleans."""
        if self.settings.text_booleans:
            record = {name: str(v).lower() if name in _TEXT_BOOLEANS else v for name, v in record.items()}
        if self.settings.epoch_times:
            record = {name: _milliseconds(name, value) for name, value in record.items()}
        return record


def _milliseconds(name: str, value: Any) -> Any:
    return round(epoch(value) * 1000) if isinstance(value, str) and name.endswith(("Time", "Date")) else value

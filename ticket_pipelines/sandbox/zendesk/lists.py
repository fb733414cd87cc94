"""Lists of resources, declared as data (contract, section 5.11), and ratings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ticket_pipelines.sandbox.answers import Refusal, encoded, ok
from ticket_pipelines.sandbox.clock import epoch, iso
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk import paging
from ticket_pipelines.sandbox.zendesk.call import Call
from ticket_pipelines.sandbox.zendesk.errors import NOT_FOUND, TOO_RECENT
from ticket_pipelines.sandbox.zendesk.paging import Place
from ticket_pipelines.sandbox.zendesk.table import Record, Table

Pager = Callable[[Call, str, list[Place], Callable[[Place], bytes]], Reply]
_NO_MASK = frozenset[str]()
COUNT_CAP = 100_000


def _all(_: Call, __: Record) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Listing:
    """One list.

    Attributes:
        path: Below `/api/v2/`.
        resource: Where its records come from; also the stream's name.
        pager: Its pagination.
        shown: Whether a record is in the list.
        key: Name of the list in the body; empty: the resource's.
        hidden: Fields that the answer leaves out.
        admin: True when only an admin may read it.
    """

    path: str
    resource: str
    pager: Pager = paging.either
    shown: Callable[[Call, Record], bool] = _all
    key: str = ""
    hidden: frozenset[str] = field(default=_NO_MASK)
    admin: bool = False

    def answer(self, call: Call) -> Reply:
        """A page of the list."""
        places, raw = self._content(call)
        return self.pager(call, self.key or self.resource, places, raw)

    def count(self, call: Call) -> Reply:
        """The count of the list."""
        return counted(call, len(self._content(call)[0]))

    def _content(self, call: Call) -> tuple[list[Place], Callable[[Place], bytes]]:
        table = call.state.tables[self.resource]
        places: list[Place] = [(key,) for key in table.ids() if self.shown(call, table.rows[key])]
        return places, lambda place: _masked(table, place[0], self.hidden)


def counted(call: Call, value: int) -> Reply:
    """Body of a count; large ones are capped while the vendor still counts."""
    if value > COUNT_CAP:
        return ok({"count": {"value": COUNT_CAP, "refreshed_at": None}})
    return ok({"count": {"value": value, "refreshed_at": _offset_iso(call.clock.now())}})


def ratings(call: Call) -> Reply:
    """`satisfaction_ratings`, oldest change first, bounded by `start_time` and `end_time`.

    Raises:
        Refusal: 400, a bound is too recent.
    """
    since, until = call.integer("start_time"), call.integer("end_time")
    newest = call.clock.now() - call.settings.export_delay
    if any(bound is not None and bound > newest for bound in (since, until)):
        raise Refusal(400, TOO_RECENT)
    table = call.state.tables["satisfaction_ratings"]
    score = call.params.get("score")
    places: list[Place] = [
        place
        for place in table.order()
        if (since or 0) <= epoch(table.rows[place[1]]["updated_at"]) <= (newest if until is None else until)
        and score in (None, table.rows[place[1]]["score"])
    ]
    return paging.either(call, "satisfaction_ratings", places, lambda place: table.raw(place[1]))


def holidays(call: Call) -> Reply:
    """Holidays of a schedule.

    Raises:
        Refusal: 404, no such schedule.
    """
    if call.ids["id"] not in call.state.tables["schedules"].rows:
        raise Refusal(404, NOT_FOUND)
    rows = call.state.tables["holidays"].rows.values()
    shown = [_without(row, frozenset({"schedule_id"})) for row in rows if row["schedule_id"] == call.ids["id"]]
    return ok({"holidays": shown})


def field_options(call: Call) -> Reply:
    """Options of a drop-down field of tickets.

    Raises:
        Refusal: 404, no such field.
    """
    record = call.state.tables["ticket_fields"].rows.get(call.ids["id"])
    if record is None:
        raise Refusal(404, NOT_FOUND)
    options = record.get("custom_field_options", [])
    return ok({"custom_field_options": options, "count": len(options), "next_page": None, "previous_page": None})


def one(resource: str, key: str) -> Callable[[Call], Reply]:
    """A record by its id."""

    def read(call: Call) -> Reply:
        record = call.state.tables[resource].rows.get(call.ids["id"])
        if record is None:
            raise Refusal(404, NOT_FOUND)
        return ok({key: record})

    return read


def _masked(table: Table, key: int, hidden: frozenset[str]) -> bytes:
    return encoded(_without(table.rows[key], hidden)) if hidden else table.raw(key)


def _without(record: Record, hidden: frozenset[str]) -> Record:
    return {name: value for name, value in record.items() if name not in hidden}


def _offset_iso(seconds: float) -> str:
    return iso(seconds).replace("Z", "+00:00")


def _asks(name: str, value: str) -> Callable[[Call], bool]:
    return lambda call: call.params.get(name) == value


_WITH_DELETED_GROUPS = _asks("exclude_deleted", "false")
_WITH_DELETED_BRANDS = _asks("include_deleted", "true")


def _group(call: Call, record: Record) -> bool:
    return not record["deleted"] or _WITH_DELETED_GROUPS(call)


def _brand(call: Call, record: Record) -> bool:
    return not record["is_deleted"] or _WITH_DELETED_BRANDS(call)


def _active_user(_: Call, record: Record) -> bool:
    return bool(record["active"])


def _deleted_user(_: Call, record: Record) -> bool:
    return not record["active"]


def _kept(_: Call, record: Record) -> bool:
    return record.get("deleted_at") is None


LISTINGS: tuple[Listing, ...] = (
    Listing("users", "users", shown=_active_user),
    Listing("deleted_users", "users", shown=_deleted_user, key="deleted_users"),
    Listing("organizations", "organizations", shown=_kept),
    Listing("groups", "groups", shown=_group),
    Listing("group_memberships", "group_memberships"),
    Listing("brands", "brands", shown=_brand),
    Listing("ticket_fields", "ticket_fields", paging.cursor_or_whole),
    Listing("user_fields", "user_fields", paging.cursor_or_whole),
    Listing("organization_fields", "organization_fields", paging.cursor_or_whole),
    Listing("ticket_forms", "ticket_forms", shown=_kept),
    Listing("custom_statuses", "custom_statuses", paging.whole),
    Listing("slas/policies", "sla_policies", paging.by_offset, admin=True),
    Listing("business_hours/schedules", "schedules", paging.whole),
    Listing("tags", "tags", hidden=frozenset({"id"})),
    Listing("macros", "macros"),
)

"""All endpoints of the emulated vendor, as data: path, handler, the stream that a plan may lack, limit and role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import compile_path

from ticket_pipelines.sandbox.answers import Refusal
from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zendesk import export_streams, lists, tickets, whoami
from ticket_pipelines.sandbox.zendesk.call import Call
from ticket_pipelines.sandbox.zendesk.errors import FORBIDDEN

PREFIX = "/api/v2/"
EXPORTS = "incremental-exports"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        path: Below `/api/v2/`, with `{id:int}` for an id.
        answer: Makes the answer.
        stream: Name under which a plan may lack it and a fault may name it.
        limit: Its limit besides the account's.
        admin: True when an agent is refused.
        anonymous: True when it answers without credentials.
    """

    path: str
    answer: Callable[[Call], Reply]
    stream: str = ""
    limit: str = "account"
    admin: bool = False
    anonymous: bool = False


def audit_logs(_: Call) -> Reply:
    """`audit_logs`: this account keeps none that could be read.

    Raises:
        Refusal: 403, always.
    """
    raise Refusal(403, FORBIDDEN)


def _export(path: str, answer: Callable[[Call], Reply], stream: str) -> Endpoint:
    return Endpoint(f"incremental/{path}", answer, stream, limit=EXPORTS, admin=True)


_EXPORTS = (
    _export("tickets/cursor", export_streams.tickets_by_cursor, "tickets"),
    _export("tickets", export_streams.tickets_by_time, "tickets"),
    _export("users/cursor", export_streams.of_resource("users", cursor=True), "users"),
    _export("users", export_streams.of_resource("users", cursor=False), "users"),
    _export("organizations", export_streams.of_resource("organizations", cursor=False), "organizations"),
    _export("ticket_events", export_streams.ticket_events, "ticket_events"),
    _export("ticket_metric_events", export_streams.metric_events, "ticket_metric_events"),
    *(
        _export(f"{resource}/sample", export_streams.sample(resource), resource)
        for resource in ("tickets", "ticket_events", "users", "organizations")
    ),
)
_TICKETS = (
    Endpoint("tickets", tickets.index, "tickets_index", limit="tickets-index"),
    Endpoint("tickets/count", tickets.count),
    Endpoint("tickets/show_many", tickets.show_many),
    Endpoint("tickets/{id:int}", tickets.show),
    Endpoint("tickets/{id:int}/comments", tickets.comments, "ticket_comments"),
    Endpoint("tickets/{id:int}/comments/count", tickets.comments_count),
    Endpoint("tickets/{id:int}/audits", tickets.audits, "ticket_audits"),
    Endpoint("tickets/{id:int}/metrics", tickets.metrics, "ticket_metrics"),
    Endpoint("tickets/{id:int}/related", tickets.related),
    Endpoint("ticket_metrics", tickets.all_metrics, "ticket_metrics"),
    Endpoint("deleted_tickets", tickets.deleted, "deleted_tickets", limit="deleted-tickets"),
    Endpoint("search", tickets.search, "search", limit="search"),
)
_OTHERS = (
    Endpoint("users/me", whoami.me, anonymous=True),
    Endpoint("users/show_many", tickets.users_show_many),
    Endpoint("users/{id:int}", lists.one("users", "user")),
    Endpoint("organizations/{id:int}", lists.one("organizations", "organization")),
    Endpoint("account/settings", whoami.account_settings),
    Endpoint("oauth/tokens/current", whoami.current_token),
    Endpoint("satisfaction_ratings", lists.ratings, "satisfaction_ratings", admin=True),
    Endpoint("business_hours/schedules/{id:int}/holidays", lists.holidays, "holidays"),
    Endpoint("ticket_fields/{id:int}/options", lists.field_options),
    Endpoint("audit_logs", audit_logs, "audit_logs", admin=True),
)
_LISTS = tuple(
    endpoint
    for listing in lists.LISTINGS
    for endpoint in (
        Endpoint(listing.path, listing.answer, listing.resource, admin=listing.admin),
        Endpoint(f"{listing.path}/count", listing.count),
    )
)
ENDPOINTS: tuple[Endpoint, ...] = _EXPORTS + _TICKETS + _OTHERS + _LISTS

_COMPILED = [(compile_path(PREFIX + endpoint.path)[0], endpoint) for endpoint in ENDPOINTS]
_FIXED = {PREFIX + endpoint.path: endpoint for endpoint in ENDPOINTS if "{" not in endpoint.path}


def find(path: str) -> tuple[Endpoint, dict[str, int]] | None:
    """The endpoint of a path, with or without `.json`, and the ids in the path."""
    path = path.removesuffix(".json")
    if path in _FIXED:
        return _FIXED[path], {}
    for pattern, endpoint in _COMPILED:
        match = pattern.match(path)
        if match:
            return endpoint, {name: int(value) for name, value in match.groupdict().items()}
    return None


def stream_pattern(stream: str) -> str:
    """Regular expression for the paths of a stream.

    Raises:
        KeyError: No such stream.
    """
    patterns = [pattern.pattern.rstrip("$") for pattern, endpoint in _COMPILED if endpoint.stream == stream]
    if not patterns:
        raise KeyError(f"no stream {stream!r}")
    unnamed = [pattern.replace("(?P<id>", "(?:") for pattern in patterns]
    return "(?:" + "|".join(unnamed) + r")(?:\.json)?(?:\?|$)"

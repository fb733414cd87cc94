"""All endpoints of the emulated vendor, as data: path, handler, stream, scopes, parameters and page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import compile_path

from ticket_pipelines.sandbox.emulator import Reply
from ticket_pipelines.sandbox.zoho_desk import children, lists, search, tickets
from ticket_pipelines.sandbox.zoho_desk.call import Call, Paging

PREFIX = "/api/v1/"
TICKETS = (("Desk.tickets.READ",),)
SEARCH = (("Desk.search.READ",),)
CONTACTS = (("Desk.contacts.READ",),)
BASIC = ("Desk.basic.READ", "Desk.settings.READ")
_COUNT_COST = 50


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        path: Below `/api/v1/`, with `{id:int}` for an id.
        answer: Makes the answer.
        stream: Name under which a setting may refuse it and a fault may name it.
        scopes: Groups of scopes: of each group one is needed.
        params: Query parameters besides those of the page; any other is a 422.
        paging: How its list is cut; None: it is no list, and `from` and `limit` are refused.
        cost: Credits; 0: 1 for a single answer, what its depth costs for a list.
        org: True when the organization must be named in a header.
    """

    path: str
    answer: Callable[[Call], Reply]
    stream: str
    scopes: tuple[tuple[str, ...], ...] = TICKETS
    params: frozenset[str] = frozenset()
    paging: Paging | None = None
    cost: int = 0
    org: bool = True


def _child(
    path: str, answer: Callable[[Call], Reply], stream: str, params: str = "", page: Paging | None = None
) -> Endpoint:
    return Endpoint(f"tickets/{{id:int}}{path}", answer, stream, TICKETS, frozenset(params.split()), page)


_TICKETS = (
    Endpoint(
        "tickets",
        tickets.index,
        "tickets",
        params=frozenset({*tickets.FILTERS, "include", "viewId", "receivedInDays", "fields", "sortBy"}),
        paging=Paging(25, 100),
    ),
    Endpoint(
        "tickets/search",
        search.tickets,
        "tickets",
        (*TICKETS, *SEARCH),
        search.PARAMS,
        Paging(10, 100, cap="search_from_max"),
    ),
    Endpoint(
        "tickets/archivedTickets",
        tickets.archived,
        "archived_tickets",
        (*TICKETS, *SEARCH),
        frozenset({"departmentId", "include", "viewType"}),
        Paging(25, 100, cap="archived_from_max"),
    ),
    _child("", tickets.show, "tickets", "include"),
    _child("/threads", children.threads, "threads", "sortBy", Paging(25, 200)),
    _child("/threads/{thread:int}", children.thread, "threads", "include"),
    _child("/latestThread", children.latest_thread, "threads", "include needPublic needIncomingThread threadStatus"),
    _child("/conversations", children.conversations, "conversations", "", Paging(100, 200)),
    _child("/comments", children.comments, "comments", "sortBy include", Paging(50, 100)),
    _child("/comments/{comment:int}", children.comment, "comments", "include"),
    _child("/History", children.history, "ticket_history", "eventFilter fieldName", Paging(50, 50)),
    _child("/history", children.history, "ticket_history", "eventFilter fieldName", Paging(50, 50)),
    _child("/metrics", children.metrics, "ticket_metrics"),
    _child("/tags", children.tags, "ticket_tags"),
    _child("/attachments", children.attachments, "attachments", "sortBy include", Paging(25, 100)),
    _child("/resolution", children.resolution, "resolutions"),
    _child("/resolutionHistory", children.nothing, "resolutions", "", Paging(50, 100)),
    _child("/timeEntry", children.nothing, "time_entries", "", Paging(25, 100)),
    _child("/followers", children.nothing, "followers"),
    Endpoint("ticketsCount", tickets.count, "tickets_count", params=frozenset(tickets.FILTERS), cost=_COUNT_COST),
    Endpoint(
        "ticketsCountByFieldValues",
        tickets.count_by_values,
        "tickets_count",
        params=frozenset({*tickets.FILTERS, "field"}),
        cost=_COUNT_COST,
    ),
    Endpoint("agentsTicketsCount", tickets.agents_count, "tickets_count", params=frozenset({"agentIds"})),
    Endpoint("recycleBin", tickets.recycle_bin, "recycle_bin", paging=Paging(25, 100)),
    Endpoint("ticketTags", lists.tags, "tags", params=frozenset({"departmentId"}), paging=Paging(25, 100)),
)
_SORT = frozenset({"include", "sortBy", "viewId", "isSpam"})
_PEOPLE = (
    Endpoint("contacts", lists.contacts, "contacts", CONTACTS, _SORT, Paging(10, 100)),
    Endpoint("contacts/{id:int}", lists.one("contacts", lists.contact), "contacts", CONTACTS, frozenset({"include"})),
    Endpoint("contacts/{id:int}/tickets", tickets.of_contact, "tickets", (*TICKETS, *CONTACTS), _SORT, Paging(25, 100)),
    Endpoint(
        "contacts/search",
        search.people("contacts", lists.contact),
        "contacts",
        SEARCH,
        search.PEOPLE_PARAMS,
        Paging(10, 100, cap="search_from_max"),
    ),
    Endpoint(
        "accounts", lists.accounts, "accounts", (("Desk.contacts.READ", "Desk.accounts.READ"),), _SORT, Paging(10, 100)
    ),
    Endpoint("accounts/{id:int}", lists.one("accounts"), "accounts", (("Desk.contacts.READ", "Desk.accounts.READ"),)),
    Endpoint(
        "accounts/search",
        search.people("accounts", lists.plain),
        "accounts",
        SEARCH,
        search.PEOPLE_PARAMS,
        Paging(10, 100, cap="search_from_max"),
    ),
    Endpoint(
        "agents",
        lists.agents,
        "agents",
        (("Desk.agents.READ", *BASIC),),
        frozenset(
            {"include", "status", "departmentIds", "roleIds", "profileIds", "isConfirmed", "isLightAgent", "sortOrder"}
        ),
        Paging(10, 200, least=0),
    ),
    Endpoint("agents/{id:int}", lists.one("agents"), "agents", (("Desk.agents.READ", *BASIC),), frozenset({"include"})),
    Endpoint("agentsByIds", lists.agents_by_ids, "agents", (("Desk.agents.READ", *BASIC),), frozenset({"agentIds"})),
    Endpoint(
        "departments",
        lists.departments,
        "departments",
        (("Desk.departments.READ", *BASIC),),
        frozenset({"isEnabled", "chatStatus", "searchStr"}),
        Paging(10, 200),
    ),
    Endpoint("departments/{id:int}", lists.one("departments"), "departments", (("Desk.departments.READ", *BASIC),)),
    Endpoint("teams", lists.teams, "teams", (BASIC,)),
    Endpoint(
        "products",
        lists.products,
        "products",
        (("Desk.products.READ", *BASIC),),
        frozenset({"departmentId"}),
        Paging(10, 100),
    ),
)
_ACCOUNT = (
    Endpoint(
        "fields",
        lists.fields,
        "fields",
        (("Desk.basic.READ", "Desk.fields.READ"),),
        frozenset({"module", "apiNames", "filter", "associatedDepartments"}),
    ),
    Endpoint("organizationFields", lists.fields, "fields", (BASIC,), frozenset({"module", "apiNames"})),
    Endpoint("ticketStatuses", lists.statuses, "ticket_statuses", (BASIC,), frozenset({"departmentId"})),
    Endpoint("organizations", lists.organizations, "organizations", (BASIC,), org=False),
    Endpoint("organizations/{id:int}", lists.organization, "organizations", (BASIC,), org=False),
    Endpoint("accessibleOrganizations", lists.organizations, "organizations", (BASIC,)),
    Endpoint("myinfo", lists.myinfo, "agents", (BASIC,)),
)
ENDPOINTS: tuple[Endpoint, ...] = _TICKETS + _PEOPLE + _ACCOUNT

_COMPILED = [(compile_path(PREFIX + endpoint.path)[0], endpoint) for endpoint in ENDPOINTS]


def find(path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint of a path and the ids in it."""
    for pattern, endpoint in _COMPILED:
        if match := pattern.match(path):
            return endpoint, match.groupdict()
    return None


def stream_pattern(stream: str) -> str:
    """Regular expression for the paths of a stream.

    Raises:
        KeyError: No such stream.
    """
    patterns = [pattern.pattern.rstrip("$") for pattern, endpoint in _COMPILED if endpoint.stream == stream]
    if not patterns:
        raise KeyError(f"no stream {stream!r}")
    unnamed = [
        pattern.replace("?P<id>", "?:").replace("?P<thread>", "?:").replace("?P<comment>", "?:") for pattern in patterns
    ]
    return "(?:" + "|".join(unnamed) + r")(?:\?|$)"

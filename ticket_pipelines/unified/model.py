"""The unified tables as data: one model over all vendors.

Every table starts with the common columns, `vendor` and `deletion_kind`. Rows hold ids; names, addresses and labels are
joined by the view `ticket_details`, so that they are never stale. A value that the vendor did not give is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlt_sources.base import Kind
from ticket_pipelines.warehouse.table import COMMON, TableColumn, TableSpec

UNIFIED = (
    *COMMON,
    TableColumn("vendor", Kind.TEXT, "Vendor of the desk: zendesk, …"),
    TableColumn("deletion_kind", Kind.TEXT, "soft, permanent, merged, swept or erased; null while alive."),
)
"""Columns that every unified table starts with."""


def _text(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.TEXT, meaning)


def _integer(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.INTEGER, meaning)


def _boolean(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.BOOLEAN, meaning)


def _moment(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.TIMESTAMP, meaning)


def _json(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.JSON, meaning)


def _number(name: str, meaning: str = "") -> TableColumn:
    return TableColumn(name, Kind.NUMBER, meaning)


TICKETS = TableSpec(
    name="tickets",
    doc="One row per ticket (or case, or deal kept as a record) of a desk, deleted ones among them.",
    columns=(
        *UNIFIED,
        _text("record_type", "ticket, case or deal."),
        _text("number", "Number that people quote."),
        _text("subject"),
        _text("description_text", "What the requester wrote first, as text."),
        _text("description_html", "The same as HTML, where the ticket's own record has it."),
        _text("status_raw", "Status in the vendor's words."),
        _text("status_id_raw", "The vendor's id of the status, where statuses can be defined."),
        _text("status", "new, open, assigned, in_progress, escalated, pending, on_hold, solved, closed or cancelled."),
        _text("status_category", "open, in_progress, on_hold or closed."),
        _text("priority_raw", "Priority in the vendor's words."),
        _text("priority", "urgent, high, normal or low."),
        _integer("priority_rank", "4 (urgent) to 1 (low)."),
        _text("type_raw", "Type in the vendor's words."),
        _text("type", "question, incident, problem or task."),
        _text("category"),
        _text("subcategory"),
        _text("channel_raw", "Channel in the vendor's words."),
        _text(
            "channel", "email, web, mobile, api, phone, sms, whatsapp, chat, messaging, …; one word for all vendors."
        ),
        _text("group_id", "Id in groups."),
        _text("team_id", "Id in groups, of kind team."),
        _text("brand_id"),
        _text("form_id"),
        _text("product_id"),
        _text("layout_id"),
        _text("assignee_id", "Id in contacts and agents: who works on it."),
        _text("requester_id", "Id in contacts: who asks."),
        _text("submitter_id", "Id in contacts: who entered it."),
        _text("account_id", "Id in accounts."),
        _text("external_id", "Id that the company's own systems gave it."),
        _text("parent_id", "Id in tickets."),
        _text("problem_id", "Id in tickets: the problem that this incident belongs to."),
        _json("tags", "List of texts."),
        _boolean("is_public", "Some comment is public."),
        _boolean("is_spam"),
        _boolean("is_escalated"),
        _boolean("is_archived"),
        _boolean("has_incidents", "A problem with incidents linked to it."),
        _text("location_address"),
        _text("location_ref"),
        _number("amount"),
        _text("currency"),
        _number("probability", "Per cent."),
        TableColumn("close_date", Kind.DATE, "Day on which a deal is expected to close."),
        _moment("created_at"),
        _moment("updated_at", "Last change that the vendor counts as one."),
        _moment("system_updated_at", "Last change of any kind, the vendor's automatic ones among them."),
        _moment("first_response_at"),
        _moment("assigned_at", "Last time it was given to somebody."),
        _moment("solved_at", "Last time it was solved."),
        _moment("closed_at"),
        _moment("due_at"),
        _moment("reopened_at"),
        _moment("sla_due_at"),
        _boolean("is_overdue"),
        _text("satisfaction_score", "The requester's rating in the vendor's words."),
        _text("satisfaction_comment"),
        _integer("comment_count"),
        _integer("thread_count"),
        _integer("attachment_count"),
        _integer("reopen_count", "Times it was opened again after it was solved."),
        _integer("reply_count", "Public replies by agents."),
        _text("url", "Address of the ticket for agents."),
        _json("custom_fields", "Object: the vendor's field id to the value as the vendor sent it."),
    ),
)

TICKET_COMMENTS = TableSpec(
    name="ticket_comments",
    lookups=("ticket_id",),
    doc="One row per comment of a ticket: replies, internal notes, calls.",
    columns=(
        *UNIFIED,
        _text("ticket_id", "Id in tickets."),
        _text("kind", "reply, note, call, chat, sms, whatsapp or system."),
        _text("direction", "in, out or internal; null where the comment's own record does not say."),
        _boolean("is_public", "The requester can see it."),
        _text("author_id", "Id in contacts; -1 is the vendor's system."),
        _text("author_type", "agent, contact, bot or system; null where the comment's own record does not say."),
        _text("body_text"),
        _text("body_html"),
        _text("channel", "As in tickets."),
        _json("via_json", "Channel and source as the vendor sent them."),
        _integer("attachment_count"),
        _moment("created_at"),
        _moment("edited_at"),
        _boolean("redacted", "Some of it was blanked by an agent."),
    ),
)

TICKET_EVENTS = TableSpec(
    name="ticket_events",
    lookups=("ticket_id",),
    doc=(
        "One row per single thing that an event did to a ticket: a field set or changed, a comment, a merge. "
        "`id` is `<event id>:<position in the event>`."
    ),
    columns=(
        *UNIFIED,
        _text("ticket_id", "Id in tickets."),
        _text("event_id", "The vendor's id of the event; equal for all that was done in one go."),
        _moment("occurred_at"),
        _text("actor_id", "Id in contacts; -1 is the vendor's system."),
        _text("actor_type", "agent, contact, bot or system; null where the event does not say."),
        _text("field", "The vendor's field, for a custom field its id; for a comment `comment`."),
        _text("old_value", "Text as it is, other values as JSON."),
        _text("new_value", "Text as it is, other values as JSON; for a comment its id in ticket_comments."),
        _text("event_type_raw", "Kind of event in the vendor's words."),
        _text("event_type", "create (first value), change, comment, assign, merge, sla, csat, delete or restore."),
        _text("via", "Channel in the vendor's words."),
        _boolean("is_system", "Done by the vendor's system and not by a person."),
    ),
)

CONTACTS = TableSpec(
    name="contacts",
    doc="One row per person: everybody whom the desk knows, agents among them.",
    columns=(
        *UNIFIED,
        _text("name"),
        _text("first_name"),
        _text("last_name"),
        _text("email", "Main address."),
        _json("emails", "List of all addresses, where the vendor gives a list."),
        _text("phone"),
        _json("phones", "List of all numbers, where the vendor gives a list."),
        _text("mobile"),
        _text("account_id", "Id in accounts."),
        _text("external_id", "Id that the company's own systems gave the person."),
        _text("role", "The vendor's role."),
        _text("locale"),
        _text("time_zone", "IANA name where the vendor gives it."),
        _boolean("is_active"),
        _boolean("is_suspended"),
        _json("tags", "List of texts."),
        _json("custom_fields", "Object: the vendor's field key to the value as the vendor sent it."),
        _moment("created_at"),
        _moment("updated_at"),
    ),
)

AGENTS = TableSpec(
    name="agents",
    doc="One row per person who works on tickets, admins among them. One who no longer does is marked deleted.",
    columns=(
        *UNIFIED,
        _text("name"),
        _text("email"),
        _text("role", "The vendor's role."),
        _text("role_id", "The vendor's id of a role that the company defined."),
        _boolean("is_active"),
        _boolean("is_light_agent", "May read and write internal notes only."),
        _json("group_ids", "List of ids in groups, where the person's own record has it."),
        _text("locale"),
        _text("time_zone", "IANA name where the vendor gives it."),
        _moment("last_login_at"),
    ),
)

ACCOUNTS = TableSpec(
    name="accounts",
    doc="One row per company whose people write in.",
    columns=(
        *UNIFIED,
        _text("name"),
        _json("domains", "List of e-mail domains."),
        _text("external_id", "Id that the company's own systems gave it."),
        _text("owner_id", "Id in agents."),
        _text("industry"),
        _text("phone"),
        _text("address"),
        _text("parent_id", "Id in accounts."),
        _json("tags", "List of texts."),
        _json("custom_fields", "Object: the vendor's field key to the value as the vendor sent it."),
        _moment("created_at"),
        _moment("updated_at"),
    ),
)

GROUPS = TableSpec(
    name="groups",
    doc="One row per group, department or team of agents.",
    columns=(
        *UNIFIED,
        _text("name"),
        _text("kind", "group, department or team."),
        _text("parent_id", "Id in groups."),
        _boolean("is_default", "New agents become members."),
        _boolean("is_private"),
    ),
)

TICKET_FIELDS = TableSpec(
    name="ticket_fields",
    doc=(
        "One row per field of tickets, people and accounts, built-in ones among them. "
        "`id` is `<entity>:<the vendor's id>`."
    ),
    columns=(
        *UNIFIED,
        _text("entity", "ticket, user or organization."),
        _text("title", "Name that people see; it may change, and two fields may share it."),
        _text("key", "The vendor's key of the field, where custom_fields is keyed by it."),
        _text("alias", "Name for a column: letters, digits and _; unique in the desk."),
        _text("data_type_raw", "Type in the vendor's words."),
        _text("data_type", "text, integer, number, boolean, date, choice, choices or lookup; null for built-in ones."),
        _json("options", "List of {value, label}, in the vendor's order."),
        _boolean("is_system", "Built in."),
        _boolean("is_required"),
        _integer("position"),
    ),
)

ATTACHMENTS = TableSpec(
    name="attachments",
    lookups=("ticket_id",),
    doc="One row per file attached to a comment. The file itself stays at the vendor.",
    columns=(
        *UNIFIED,
        _text("ticket_id", "Id in tickets."),
        _text("comment_id", "Id in ticket_comments."),
        _text("file_name"),
        _text("content_type"),
        _integer("size_bytes"),
        _text("url", "Address of the file at the vendor; it may ask for a login."),
        _boolean("is_inline", "Shown inside the text."),
        _text("malware_status", "Result of the vendor's scan."),
        _text("stored_uri", "Where a copy was stored."),
        _text("sha256"),
    ),
)

RECORD_LINKS = TableSpec(
    name="record_links",
    lookups=("ticket_id",),
    doc="One row per link between two records, read from left to right: `from` is a follow_up of `to`.",
    columns=(
        *UNIFIED,
        _text("from_table", "Unified table of the one end."),
        _text("from_desk"),
        _text("from_id"),
        _text("to_table", "Unified table of the other end."),
        _text("to_desk"),
        _text("to_id"),
        _text(
            "link_type",
            "same_customer, duplicate, follow_up, incident_of, mirrors, escalated_to, child_of or mentions.",
        ),
        _text("method", "rule, exact, score, manual, or sync (the vendor itself says so)."),
        _number("score", "0 to 1, where method is score."),
        _json("evidence", "What the link was concluded from."),
        _text("status", "proposed, confirmed or rejected."),
        _text("created_by"),
        _moment("created_at"),
        _text("ticket_id", "The ticket whose record says so; null where an event does."),
        _text("event_id", "The event that says so; null where a ticket's record does."),
    ),
)

TABLES: Mapping[str, TableSpec] = {
    spec.name: spec
    for spec in (
        TICKETS,
        TICKET_COMMENTS,
        TICKET_EVENTS,
        CONTACTS,
        AGENTS,
        ACCOUNTS,
        GROUPS,
        TICKET_FIELDS,
        ATTACHMENTS,
        RECORD_LINKS,
    )
}
"""All unified tables by name. `ticket_field_values` and `ticket_details` are views (`views.py`)."""

"""What hangs on a ticket, read ticket by ticket (contract, sections 2.2 and 2.4)."""

from __future__ import annotations

from dlt_sources.base import Stream
from dlt_sources.columns import boolean, integer, moment, nested, text
from dlt_sources.zoho_desk.limits import DOCS

THREADS = Stream(
    name="threads",
    doc="One row per message to or from a contact, with its content.",
    url=f"{DOCS}#Threads",
    path="/tickets/{id}/threads",
    records="data",
    clock="createdTime",
    clock_trusted=False,
    paging="by_ticket",
    limit="threads",
    plan="Desk.tickets.READ",
    priority=30,
    columns=(
        text("ticketId", "Id in tickets."),
        text("channel"),
        text("status", "SUCCESS, PENDING, FAILED or DRAFT."),
        text("direction", "in or out."),
        text("visibility", "public or private."),
        moment("createdTime"),
        nested("author"),
        text("summary"),
        text("content", "Null where only the summary was read."),
        text("plainText"),
        text("contentType"),
        boolean("isDescriptionThread", "It opened the ticket."),
        boolean("isForward"),
        boolean("isContentTruncated"),
        text("fullContentURL"),
        boolean("hasAttach"),
        integer("attachmentCount"),
        nested("attachments"),
        text("responderId", "Id in agents."),
        moment("respondedIn"),
        text("fromEmailAddress"),
        text("to"),
        text("cc"),
        text("bcc"),
        text("replyTo"),
        boolean("canReply"),
        nested("source"),
    ),
)

COMMENTS = Stream(
    name="comments",
    doc="One row per comment of an agent on a ticket, public or not.",
    url=f"{DOCS}#TicketsComments",
    path="/tickets/{id}/comments",
    records="data",
    clock="commentedTime",
    # an edited comment keeps the time when it was made
    clock_trusted=False,
    paging="by_ticket",
    limit="comments",
    plan="Desk.tickets.READ",
    priority=31,
    columns=(
        text("ticketId", "Id in tickets."),
        text("content"),
        text("contentType", "plainText or html."),
        boolean("isPublic"),
        moment("commentedTime"),
        moment("modifiedTime"),
        text("commenterId", "Id in agents or contacts."),
        nested("commenter"),
        nested("attachments"),
        text("encodedContent"),
        nested("mention"),
        nested("impersonatedUser"),
    ),
)

TICKET_HISTORY = Stream(
    name="ticket_history",
    doc=(
        "One row per event of a ticket: created, changed, merged, escalated, deleted. Zoho gives them no id: ours is "
        "made of ticket, time, name, actor and a number."
    ),
    url=f"{DOCS}#Tickets",
    path="/tickets/{id}/History",
    records="data",
    clock="eventTime",
    clock_trusted=False,
    paging="by_ticket",
    limit="ticket_history",
    plan="Desk.tickets.READ",
    priority=60,
    optional=True,
    columns=(
        text("ticketId", "Id in tickets."),
        text("eventName"),
        moment("eventTime"),
        text("source"),
        nested("actor"),
        nested("actorInfo"),
        nested("eventInfo", "What the event did, a property each."),
    ),
)

TICKET_METRICS = Stream(
    name="ticket_metrics",
    doc="One row per ticket: Zoho's own response and resolution times, as it writes them and in minutes.",
    url=f"{DOCS}#Tickets",
    path="/tickets/{id}/metrics",
    records="data",
    key="ticketId",
    clock=None,
    paging="by_ticket",
    limit="ticket_metrics",
    plan="Desk.tickets.READ",
    priority=61,
    optional=True,
    columns=(
        text("ticketId", "Id in tickets."),
        text("firstResponseTime", "In Zoho's words, `01:50 hrs`."),
        integer("firstResponseMinutes", "The same in minutes."),
        text("totalResponseTime", "In Zoho's words."),
        integer("totalResponseMinutes", "The same in minutes."),
        text("resolutionTime", "In Zoho's words."),
        integer("resolutionMinutes", "The same in minutes."),
        integer("responseCount"),
        integer("outgoingCount"),
        integer("threadCount"),
        integer("reopenCount"),
        integer("reassignCount"),
        nested("agentsHandled", "Agents with their times, in Zoho's words."),
        nested("stagingData", "Statuses with their times, in Zoho's words."),
    ),
)

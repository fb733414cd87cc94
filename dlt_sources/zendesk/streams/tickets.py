"""Tickets and what happens to them."""

from __future__ import annotations

from dlt_sources.base import Clock, Deletion, Stream
from dlt_sources.columns import boolean, integer, moment, nested, number, text
from dlt_sources.zendesk.limits import ADMIN, DOCS, EXPORTS

TICKETS = Stream(
    name="tickets",
    doc=(
        "One row per ticket, deleted ones among them. A deleted ticket keeps its last content; about 30 days later "
        "Zendesk scrubs it (subject SCRUBBED)."
    ),
    url=f"{DOCS}/ticket-management/incremental_exports/#incremental-ticket-export-cursor-based",
    path="/api/v2/incremental/tickets/cursor",
    records="tickets",
    clock="generated_timestamp",
    clock_by_id=False,
    clock_unit=Clock.EPOCH_SECONDS,
    deletions=(
        # a living ticket may have any subject: only together with the status it says that Zendesk erased the ticket
        Deletion("status", "deleted", "erased", also=(("subject", "SCRUBBED"), ("description", "X"))),
        Deletion("status", "deleted", "soft"),
    ),
    paging="cursor_export",
    by_id=True,
    # support_type_scope defaults to `agent`, which silently leaves out the tickets of AI agents
    params={"include": "metric_sets", "support_type_scope": "all"},
    limit=EXPORTS,
    plan=ADMIN,
    priority=10,
    ignored=("fields",),
    columns=(
        text("url", "Address of the ticket in the API."),
        text("external_id", "Id that the account's own systems gave the ticket."),
        text("encoded_id", "Id as it stands in e-mail threads."),
        nested("via", "Channel and source through which the ticket came."),
        moment("created_at"),
        moment("updated_at", "Last change that made a ticket event; system changes do not move it."),
        integer("generated_timestamp", "Last change of any kind, in seconds since 1970; the row's version."),
        text("type", "problem, incident, question or task."),
        text("subject"),
        text("raw_subject", "Subject before dynamic content is filled in."),
        text("description", "The first comment."),
        text("priority", "urgent, high, normal or low."),
        text("status", "new, open, pending, hold, solved, closed or deleted: the category of a custom status."),
        integer("custom_status_id", "Id in custom_statuses."),
        text("recipient", "Address that the requester wrote to."),
        integer("requester_id", "Id in users."),
        integer("submitter_id", "Id in users."),
        integer("assignee_id", "Id in users."),
        integer("organization_id", "Id in organizations."),
        integer("group_id", "Id in groups."),
        integer("brand_id", "Id in brands."),
        integer("ticket_form_id", "Id in ticket_forms."),
        integer("deleted_ticket_form_id", "Id of the form where it is deleted."),
        nested("collaborator_ids", "Ids of users in copy."),
        nested("follower_ids", "Ids of agents who follow."),
        nested("email_cc_ids", "Ids of users in e-mail copy."),
        nested("sharing_agreement_ids"),
        nested("followup_ids", "Ids of the tickets that follow up this closed one."),
        integer("forum_topic_id"),
        integer("problem_id", "Id of the problem ticket that this incident belongs to."),
        boolean("has_incidents", "A problem with incidents linked to it."),
        boolean("is_public", "Some comment is public."),
        moment("due_at", "Only tickets of type task."),
        nested("tags"),
        nested("custom_fields", "List of {id, value}; a drop-down's value is the option's tag."),
        nested("satisfaction_rating", "Score, and comment and reason where the requester gave them."),
        number("satisfaction_probability"),
        boolean("allow_channelback"),
        boolean("allow_attachments"),
        boolean("from_messaging_channel"),
        text("support_type", "agent or ai_agent."),
        nested("metric_set", "Zendesk's own metrics of the ticket; null once it is deleted."),
    ),
)

TICKET_EVENTS = Stream(
    name="ticket_events",
    doc="One row per change of a ticket (an audit), its comments and field changes in child_events.",
    url=f"{DOCS}/ticket-management/incremental_exports/#incremental-ticket-event-export",
    path="/api/v2/incremental/ticket_events",
    records="ticket_events",
    clock="timestamp",
    clock_unit=Clock.EPOCH_SECONDS,
    # an event keeps its time when a comment in it is redacted
    clock_trusted=False,
    paging="time_export",
    params={"include": "comment_events", "support_type_scope": "all"},
    limit=EXPORTS,
    plan=ADMIN,
    priority=20,
    columns=(
        integer("ticket_id", "Id in tickets."),
        integer("timestamp", "Time of the change, in seconds since 1970; the row's version."),
        moment("created_at"),
        integer("updater_id", "Id in users; -1 is the system."),
        text("via", "Channel in words."),
        nested("child_events", "Each changed field and each comment."),
        nested("system", "Client, place and address of the one who made the change."),
        nested("metadata"),
        text("event_type"),
        nested("merged_ticket_ids", "Ids of the tickets that were merged into this one."),
    ),
)

TICKET_METRIC_EVENTS = Stream(
    name="ticket_metric_events",
    doc="One row per event of a ticket's metric: its clock starts, pauses, ends, breaches its target.",
    url=f"{DOCS}/tickets/ticket_metric_events/",
    path="/api/v2/incremental/ticket_metric_events",
    records="ticket_metric_events",
    clock="time",
    # a breach that is taken back comes again with deleted=true and the same time
    clock_trusted=False,
    deletions=(Deletion("deleted", True, "soft"),),
    paging="time_export",
    limit=EXPORTS,
    plan=ADMIN,
    priority=25,
    columns=(
        integer("ticket_id", "Id in tickets."),
        text("metric", "reply_time, requester_wait_time, agent_work_time, …"),
        integer("instance_id", "Number of the metric's run on this ticket."),
        text("type", "activate, pause, fulfill, apply_sla, apply_group_sla, breach, update_status or measure."),
        moment("time"),
        boolean("deleted", "The breach did not happen after all."),
        nested("sla", "Policy and target in minutes, where type is apply_sla."),
        nested("group_sla", "Policy and target, where type is apply_group_sla."),
        nested("status", "Minutes {calendar, business}, where type is update_status."),
    ),
)

SATISFACTION_RATINGS = Stream(
    name="satisfaction_ratings",
    doc=(
        "One row per satisfaction rating. Zendesk does not say which time its filter compares: each read goes back "
        "7 days, older answers come with a full sync (and at once in the ticket's own satisfaction_rating)."
    ),
    url=f"{DOCS}/ticket-management/satisfaction_ratings/",
    path="/api/v2/satisfaction_ratings",
    records="satisfaction_ratings",
    clock_trusted=False,
    paging="ratings",
    plan="Support Professional or Suite Growth, read by an admin",
    priority=30,
    columns=(
        text("url"),
        integer("ticket_id", "Id in tickets."),
        integer("requester_id", "Id in users."),
        integer("assignee_id", "Id in users, at the time of the rating."),
        integer("group_id", "Id in groups, at the time of the rating."),
        text("score", "offered, unoffered, good or bad, the last two also with a suffix for a comment."),
        text("comment"),
        text("reason"),
        integer("reason_id"),
        integer("reason_code"),
        moment("created_at"),
        moment("updated_at"),
    ),
)

TICKET_COMMENTS = Stream(
    name="ticket_comments",
    doc=(
        "One row per comment of chosen tickets, read ticket by ticket. A repair: a sync gets comments from "
        "ticket_events, at a thousandth of the requests."
    ),
    url=f"{DOCS}/tickets/ticket_comments/",
    path="/api/v2/tickets/{id}/comments",
    records="comments",
    clock="created_at",
    clock_trusted=False,
    paging="by_ticket",
    priority=90,
    by_id=True,
    on_demand=True,
    by_parent=True,
    columns=(
        integer("ticket_id", "Id in tickets."),
        text("type", "Comment or VoiceComment."),
        integer("author_id", "Id in users; -1 is the system."),
        text("body"),
        text("html_body"),
        text("plain_body"),
        boolean("public", "False for an internal note."),
        nested("attachments"),
        integer("audit_id", "Id in ticket_events."),
        nested("via"),
        integer("via_reference_id"),
        moment("created_at"),
        integer("timestamp"),
        text("event_type"),
        nested("metadata", "Client, place and address of the author; flags."),
        nested("data", "Call of a VoiceComment."),
        text("formatted_from", "Caller of a VoiceComment."),
        text("formatted_to", "Number that was called, of a VoiceComment."),
        boolean("transcription_visible"),
        text("recording_url"),
    ),
)

"""How the organization has set up its tickets (contract, section 2.2)."""

from __future__ import annotations

from dlt_sources.base import Refresh, Stream
from dlt_sources.columns import boolean, integer, nested, text
from dlt_sources.zoho_desk.limits import DOCS

FIELDS = Stream(
    name="fields",
    doc="One row per field of tickets, contacts and accounts, built-in ones among them.",
    url=f"{DOCS}#Fields",
    path="/fields",
    records="data",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    paging="fields",
    plan="Desk.fields.READ or Desk.basic.READ",
    scheduled_every=3600,
    priority=53,
    columns=(
        text("module", "tickets, contacts or accounts."),
        text("apiName", "Key of the field in `cf`, for a custom one."),
        text("name"),
        text("displayLabel"),
        text("i18NLabel"),
        text("type"),
        integer("maxLength"),
        boolean("isMandatory"),
        boolean("isCustomField"),
        boolean("isEncryptedField"),
        boolean("isSystemMandatory"),
        boolean("showToHelpCenter"),
        integer("sortBy"),
        text("toolTip"),
        nested("defaultValue"),
        nested("allowedValues", "List of {value}; of a status with its statusType."),
    ),
)

TICKET_TAGS = Stream(
    name="ticket_tags",
    doc="One row per tag that tickets may have.",
    url=f"{DOCS}#TicketTags",
    path="/ticketTags",
    records="data",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    paging="whole_100",
    plan="Desk.tickets.READ",
    scheduled_every=3600,
    priority=54,
    columns=(text("name"), integer("count", "Tickets that have it.")),
)

TICKET_STATUSES = Stream(
    name="ticket_statuses",
    doc="One row per status; read only to split a second with too many changed tickets.",
    url=f"{DOCS}#TicketStatuses",
    path="/ticketStatuses",
    records="data",
    clock=None,
    plan="Desk.settings.READ",
    columns=(text("status"), text("statusType")),
)

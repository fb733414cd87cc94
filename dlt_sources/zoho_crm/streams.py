"""The streams that every account may have, as data: the standard modules, users, and the fields of all modules.

Declared are the fields that Zoho ships a module with and that the unified tables are made of; all others come from the
account's own metadata (`metadata.py`). A module that an account lacks, or may not read, is no stream of its desk.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlt_sources.base import Column, Deletion, Kind, Refresh, Stream
from dlt_sources.columns import boolean, integer, moment, nested, number, text
from dlt_sources.zoho_crm.limits import DOCS

CLOCK = "Modified_Time"
CUSTOM_FIELDS = "$custom_fields"
DELETION_TYPE, DELETED_TIME, DELETED_BY = "$deletion_type", "$deleted_time", "$deleted_by"

DELETIONS = (
    Deletion(DELETION_TYPE, "permanent", "permanent", at=DELETED_TIME),
    Deletion(DELETION_TYPE, None, "soft", at=DELETED_TIME),
)
"""`/deleted` says recycle (in the recycle bin) or permanent."""

CUSTOM_MODULES = "custom_modules"
"""Stands for all modules that a company made."""

MAPPED = frozenset({"Cases", "Deals", "Contacts", "Leads", "Accounts"})
"""Modules whose custom fields the unified tables hold."""

SEVERAL_PARENTS = frozenset({"Notes", "Tasks", "Calls", "Events"})
"""Modules whose records belong to records of several modules: a bulk read does not say of which."""

RELATED_MODULE = "$se_module"


def _lookup(name: str, to: str) -> Column:
    return nested(name, f"Id and name of a row of {to}.")


def _day(name: str, meaning: str = "") -> Column:
    return Column(name, Kind.DATE, meaning)


MODULE_COLUMNS = (
    _lookup("Owner", "users"),
    _lookup("Created_By", "users"),
    _lookup("Modified_By", "users"),
    moment("Created_Time"),
    moment(CLOCK, "Last change; the row's version."),
    nested("Tag", "List of {name, id}."),
    text(DELETION_TYPE, "recycle (in the recycle bin) or permanent; null while alive."),
    moment(DELETED_TIME),
    nested(DELETED_BY, "Who deleted it."),
)
"""Fields of every module."""

_CUSTOM = nested(CUSTOM_FIELDS, "Object: API name of each custom field to its value; the columns hold the same.")

_RELATED = text(RELATED_MODULE, "API name of the module of the record that it belongs to.")

_FIELDS: Mapping[str, tuple[Column, ...]] = {
    "Cases": (
        text("Case_Number"),
        text("Subject"),
        text("Description"),
        text("Status"),
        text("Priority"),
        text("Type"),
        text("Case_Reason"),
        text("Case_Origin", "Channel: Email, Phone, Web, …"),
        _lookup("Contact_Name", "contacts"),
        _lookup("Related_To", "contacts"),
        _lookup("Account_Name", "accounts"),
        _lookup("Deal_Name", "deals"),
        _lookup("Product_Name", "products"),
        text("Reported_By"),
        text("Email"),
        text("Phone"),
        text("Solution"),
        nested("Layout"),
    ),
    "Deals": (
        text("Deal_Name"),
        text("Stage"),
        number("Amount"),
        text("Currency"),
        number("Probability", "Per cent."),
        _day("Closing_Date", "Day on which it is expected to close."),
        text("Type"),
        text("Lead_Source"),
        text("Description"),
        _lookup("Contact_Name", "contacts"),
        _lookup("Account_Name", "accounts"),
        nested("Layout"),
    ),
    "Contacts": (
        text("First_Name"),
        text("Last_Name"),
        text("Full_Name"),
        text("Email"),
        text("Secondary_Email"),
        text("Phone"),
        text("Mobile"),
        text("Title"),
        _lookup("Account_Name", "accounts"),
    ),
    "Leads": (
        text("First_Name"),
        text("Last_Name"),
        text("Full_Name"),
        text("Company"),
        text("Email"),
        text("Secondary_Email"),
        text("Phone"),
        text("Mobile"),
        text("Lead_Source"),
        text("Lead_Status"),
    ),
    "Accounts": (
        text("Account_Name"),
        text("Phone"),
        text("Website"),
        text("Industry"),
        text("Account_Number"),
        _lookup("Parent_Account", "accounts"),
        text("Billing_Street"),
        text("Billing_City"),
        text("Billing_State"),
        text("Billing_Code"),
        text("Billing_Country"),
    ),
    "Notes": (
        text("Note_Title"),
        text("Note_Content"),
        nested("Parent_Id", "Id and name of the record that it is a note of, with that record's module."),
    ),
}
"""Fields of the modules that the unified tables are made of."""

_GRAINS: Mapping[str, str] = {
    "Cases": "case of a customer",
    "Deals": "deal, open or closed",
    "Contacts": "contact, a person of a customer",
    "Leads": "lead, a person who may become a customer; converted ones among them",
    "Accounts": "account, a customer or another company",
    "Notes": "note on a record",
    "Tasks": "task",
    "Calls": "call",
    "Events": "meeting",
    "Products": "product",
    "Campaigns": "campaign",
    "Solutions": "solution, an answer to be used again",
    "Quotes": "quote",
    "Sales_Orders": "sales order",
    "Purchase_Orders": "purchase order",
    "Invoices": "invoice",
    "Vendors": "vendor that the company buys from",
    "Price_Books": "price book",
}
"""The standard modules in reading order, and what a row of each is."""


def module_stream(module: str) -> Stream:
    """The stream of a module, with the fields that are known without asking the account."""
    grain = _GRAINS.get(module)
    custom = (_CUSTOM,) if module in MAPPED else ()
    related = (_RELATED,) if module in SEVERAL_PARENTS else ()
    name = module.lower()
    return Stream(
        # a company may call a module of its own like a stream that is none
        name=f"{name}_module" if name in ("users", "fields", CUSTOM_MODULES) else name,
        doc=f"One row per {grain}." if grain else f"One row per record of the module {module}.",
        url=f"{DOCS}/get-records.html",
        path=f"/crm/v8/{module}",
        records="data",
        columns=(*_FIELDS.get(module, ()), *related, *MODULE_COLUMNS, *custom),
        clock=CLOCK,
        # a record that comes back from the recycle bin may have its old time, and formulas change without a new one
        clock_trusted=False,
        deletions=DELETIONS,
        paging="module",
        by_id=True,
        priority=10 + list(_GRAINS).index(module) if grain else 40,
    )


BY_MODULE: Mapping[str, Stream] = {module: module_stream(module) for module in _GRAINS}
"""Streams of the standard modules by API name."""

USERS = Stream(
    name="users",
    doc="One row per user of the account, inactive ones among them.",
    url=f"{DOCS}/get-users.html",
    path="/crm/v8/users",
    records="users",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    paging="users",
    scheduled_every=3_600,
    priority=50,
    columns=(
        text("full_name"),
        text("first_name"),
        text("last_name"),
        text("email"),
        text("phone"),
        text("mobile"),
        text("status", "active, disabled, deleted, …"),
        boolean("confirm", "The user took up the invitation."),
        nested("role", "Id and name."),
        nested("profile", "Id and name."),
        text("locale"),
        text("language"),
        text("country"),
        text("country_locale"),
        text("street"),
        text("city"),
        text("state"),
        text("zip"),
        text("time_zone"),
        text("zuid", "Zoho's id of the person, over all of Zoho."),
        text("category"),
        text("alias"),
        Column("dob", Kind.DATE, "Day of birth."),
        text("fax"),
        text("website"),
        text("signature"),
        text("Currency"),
        text("status_reason__s"),
        text("name_format__s"),
        text("date_format"),
        text("time_format"),
        text("decimal_separator"),
        text("number_separator"),
        text("sort_order_preference__s"),
        text("default_tab_group"),
        boolean("microsoft"),
        boolean("sandboxDeveloper"),
        nested("theme"),
        nested("customize_info"),
        boolean("personal_account"),
        moment("created_time"),
        moment("Modified_Time"),
        nested("created_by"),
        nested("Modified_By"),
        nested("Reporting_To"),
    ),
    ignored=("Isonline", "offset", "$current_shift", "$next_shift", "$shift_effective_from"),
)

FIELDS = Stream(
    name="fields",
    doc="One row per field of each module that is read, as the account's settings have it.",
    url=f"{DOCS}/field-meta.html",
    path="/crm/v8/settings/fields",
    records="fields",
    clock=None,
    refresh=Refresh.SNAPSHOT,
    paging="fields",
    scheduled_every=3_600,
    priority=51,
    columns=(
        text("module", "API name of its module."),
        text("api_name", "Name of the field in the API; its column is this in snake_case."),
        text("field_label", "Name that people see."),
        text("display_label"),
        text("data_type", "Type in Zoho's words."),
        text("json_type"),
        integer("length"),
        integer("decimal_place"),
        boolean("custom_field", "Made by the company."),
        boolean("system_mandatory"),
        boolean("visible"),
        boolean("read_only"),
        boolean("field_read_only"),
        boolean("virtual_field"),
        boolean("filterable"),
        boolean("searchable"),
        boolean("sortable"),
        boolean("mass_update"),
        text("default_value"),
        text("created_source"),
        moment("created_time"),
        moment("modified_time"),
        integer("sequence_number"),
        nested("pick_list_values", "List of the values that may be chosen."),
        nested("lookup"),
        nested("multiselectlookup"),
        nested("subform"),
        nested("formula"),
        nested("unique"),
        nested("tooltip"),
        nested("external", "Of an external id."),
        nested("rollup_summary"),
        nested("crypt", "How it is encrypted; null where it is not."),
    ),
)

OTHER_STREAMS = (USERS, FIELDS)
"""Streams that are no module."""

STREAMS: tuple[Stream, ...] = (*BY_MODULE.values(), *OTHER_STREAMS)
"""In reading order. The first one, cases, speaks for a desk."""

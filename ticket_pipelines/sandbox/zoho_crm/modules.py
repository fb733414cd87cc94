"""The account's modules, as data: of every awkward kind that the contract and the issues of connectors name.

| module | is awkward because |
|---|---|
| `Cases`, `Contacts`, … | standard ones, with lookups, multi-selects, subforms and encrypted fields |
| `Wide_Surveys` | has 130 fields: more than a call may name |
| `Meter_Readings` | is long: 12 rows a ticket, or what the setting `rows` says |
| `Price_Lists` | has no `Modified_Time`, and metadata without `length` |
| `Order`, `CustomModule12` | are named like a keyword, or not at all; with names that differ in their case only |
| `Payroll` | is listed, and refuses to be read: 403 NO_PERMISSION |
| `Ordered_Items` | is a subform's module: it has fields, but cannot be read |
| `Deals_X_Products`, `Web_Tab`, `Visits` | are linking, web, or not for the API |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ticket_pipelines.sandbox.zoho_crm.fields import Field, Record, fixed_id

OWNER = Field("Owner", "ownerlookup")
CREATED = Field("Created_Time", "datetime")
MODIFIED = Field("Modified_Time", "datetime")
SYSTEM = (
    OWNER,
    CREATED,
    MODIFIED,
    Field("Created_By", "ownerlookup"),
    Field("Modified_By", "ownerlookup"),
    Field("Tag", "tag"),
)


@dataclass(frozen=True, slots=True)
class Module:
    """A module.

    Attributes:
        api_name: Its name.
        label: Its name in the plural, as people see it.
        fields: Its fields.
        display: The field that names a row.
        share: Rows for each ticket of the options.
        generated_type: default, custom, linking or web.
        api_supported: False when the API does not know it.
        viewable: False when the user does not see it.
        bulk: False when bulk reads refuse it.
        refused: Code with which its rows are refused; empty: they are not.
    """

    api_name: str
    label: str
    fields: tuple[Field, ...]
    display: str = "Name"
    share: float = 0.1
    generated_type: str = "default"
    api_supported: bool = True
    viewable: bool = True
    bulk: bool = True
    refused: str = ""

    @property
    def readable(self) -> bool:
        """True when it holds rows that can be read."""
        return self.api_supported and self.viewable

    @property
    def has_clock(self) -> bool:
        """True when its rows tell when they changed."""
        return MODIFIED in self.fields


def shown(module: Module, hidden: Sequence[str]) -> Module:
    """A module without some of its fields."""
    return replace(module, fields=tuple(field for field in module.fields if field.api_name not in hidden))


def described(module: Module) -> Record:
    """A module's metadata."""
    return {
        "api_name": module.api_name,
        "module_name": module.api_name,
        "id": fixed_id(f"module {module.api_name}"),
        "plural_label": module.label,
        "singular_label": module.label.rstrip("s"),
        "generated_type": module.generated_type,
        "api_supported": module.api_supported,
        "viewable": module.viewable,
        "visible": module.viewable,
        "creatable": True,
        "editable": True,
        "deletable": True,
        "visibility": 1,
        "status": "visible",
        "per_page": 200,
        "sequence_number": 1,
        "show_as_tab": module.viewable,
        "global_search_supported": True,
        "parent_module": {},
        "modified_by": None,
        "modified_time": None,
        "profiles": [],
        "arguments": [],
        "web_link": None,
    }


def _texts(*names: str, custom: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, custom=custom) for name in names)


_WIDE_TYPES = ("text", "integer", "currency", "date", "boolean", "datetime", "percent")
_STATUSES = ("New", "On Hold", "Escalated", "Closed")
_STAGES = ("Qualification", "Needs Analysis", "Proposal/Price Quote", "Closed Won", "Closed Lost")
_SOURCES = ("Advertisement", "Cold Call", "-None-")
_PERSON = (
    *_texts("First_Name", "Last_Name", "Full_Name"),
    Field("Email", "email"),
    Field("Phone", "phone"),
    Field("Mobile", "phone"),
    Field("Lead_Source", "picklist", _SOURCES),
    Field("Description", "textarea"),
)

_MODULES = (
    Module(
        "Leads",
        "Leads",
        (*_PERSON, *_texts("Company"), Field("Annual_Revenue", "currency"), *SYSTEM),
        "Full_Name",
        0.25,
    ),
    Module(
        "Contacts",
        "Contacts",
        (
            *_PERSON,
            Field("Account_Name", "lookup", of="Accounts"),
            Field("Date_of_Birth", "date"),
            Field("Email_Opt_Out", "boolean"),
            Field("Passport", crypt=True, custom=True),
            Field("Interests", "multiselectpicklist", ("Kettles", "Lamps; large", "Größe"), custom=True),
            *SYSTEM,
        ),
        "Full_Name",
        0.5,
    ),
    Module(
        "Accounts",
        "Accounts",
        (
            *_texts("Account_Name"),
            Field("Website", "website"),
            Field("Employees", "integer"),
            Field("Parent_Account", "lookup", of="Accounts"),
            Field("Annual_Revenue", "currency"),
            *SYSTEM,
        ),
        "Account_Name",
        0.2,
    ),
    Module(
        "Deals",
        "Deals",
        (
            *_texts("Deal_Name"),
            Field("Stage", "picklist", _STAGES),
            Field("Amount", "currency"),
            Field("Probability", "integer"),
            Field("Closing_Date", "date"),
            Field("Account_Name", "lookup", of="Accounts"),
            Field("Contact_Name", "lookup", of="Contacts"),
            Field("Products", "multiselectlookup", of="Products", custom=True),
            Field("Expected_Revenue", "formula"),
            *SYSTEM,
        ),
        "Deal_Name",
        0.3,
    ),
    Module(
        "Cases",
        "Cases",
        (
            *_texts("Subject"),
            Field("Case_Number", "autonumber"),
            Field("Status", "picklist", _STATUSES),
            Field("Priority", "picklist", ("-None-", "High", "Medium", "Low")),
            Field("Type", "picklist", ("Problem", "Question")),
            Field("Case_Reason", "picklist", ("User did not attend any training", "Complex functionality")),
            Field("Case_Origin", "picklist", ("Email", "Phone", "Web")),
            Field("Related_To", "lookup", of="Contacts"),
            Field("Account_Name", "lookup", of="Accounts"),
            Field("Description", "textarea"),
            Field("Solution", "textarea"),
            Field("Items", "subform", of="Ordered_Items", custom=True),
            Field("Photos", "imageupload", custom=True),
            Field("Visit", "datetime", custom=True),
            Field("External_Ref", "bigint", custom=True),
            *SYSTEM,
        ),
        "Subject",
        1,
    ),
    Module(
        "Products",
        "Products",
        (
            *_texts("Product_Name", "Product_Code"),
            Field("Unit_Price", "currency"),
            Field("Product_Active", "boolean"),
            *SYSTEM,
        ),
        "Product_Name",
    ),
    Module(
        "Notes",
        "Notes",
        (
            *_texts("Note_Title"),
            Field("Note_Content", "textarea"),
            Field("Parent_Id", "lookup", of="Cases"),
            *SYSTEM[:-1],
        ),
        "Note_Title",
        0.5,
    ),
    Module(
        "Wide_Surveys",
        "Wide Surveys",
        (
            *_texts("Name"),
            *(Field(f"Question_{n}", _WIDE_TYPES[n % len(_WIDE_TYPES)], custom=True) for n in range(1, 124)),
            *SYSTEM,
        ),
        generated_type="custom",
    ),
    Module(
        "Meter_Readings",
        "Meter Readings",
        (*_texts("Name"), Field("Reading", "double"), Field("Read_At", "datetime"), *SYSTEM),
        share=12,
        generated_type="custom",
    ),
    Module(
        "Price_Lists",
        "Price Lists",
        (Field("Name", bare=True), Field("Price", "currency", bare=True), Field("Odd", "hologram", bare=True), OWNER),
        generated_type="custom",
        bulk=False,
    ),
    Module(
        "Order",
        "Orders",
        (*_texts("Name", "select", "Order", "Order_ID", "Order_Id", "group__by", custom=True), *SYSTEM),
        generated_type="custom",
    ),
    Module("CustomModule12", "Réparations à domicile", (*_texts("Name"), *SYSTEM), generated_type="custom"),
    Module("Payroll", "Payroll", (*_texts("Name"), *SYSTEM), generated_type="custom", refused="NO_PERMISSION"),
    Module(
        "Deals_X_Products",
        "Deals X Products",
        (Field("Products", "lookup", of="Products"), Field("Deals", "lookup", of="Deals")),
        "Products",
        generated_type="linking",
    ),
    Module("Web_Tab", "Our wiki", (), generated_type="web", api_supported=False),
    Module("Visits", "Visits", (*_texts("Name"), *SYSTEM), api_supported=False),
    Module("Ordered_Items", "Ordered Items", (*_texts("Item"), Field("Quantity", "integer")), viewable=False),
)
MODULES: Mapping[str, Module] = {module.api_name: module for module in _MODULES}
"""By name."""

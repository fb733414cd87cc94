"""What happens at the emulated vendors: the history that every engine follows. One step is changes, then a sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.sandbox.server import Listening
from ticket_pipelines_tests.equivalence.values import (
    BEYOND,
    DATES,
    DOUBLES,
    DRIFT,
    EXTREMES,
    INSTANTS,
    LONG,
    TEXTS,
    WHOLE,
)

Account = Listening
NEXT = 120
"""Seconds between two changes: exports withhold what is newer than a minute."""
TICKETS = ("tickets", "ticket_events", "groups", "ticket_fields")


@dataclass(frozen=True, slots=True)
class Step:
    """Changes at an account, and the sync that finds them.

    Attributes:
        desk: Key of the desk; its vendor's name and the number of its account.
        change: Makes the changes; gives what the request needs besides.
        request: Fields of the sync's request.
    """

    desk: str
    change: Callable[[Account], Mapping[str, Any] | None]
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """Name of the vendor."""
        return self.desk.rpartition("_")[0]


def do(account: Account, op: str, **arguments: Any) -> dict[str, Any]:
    """One change; time passes."""
    done = account.control.mutate(op, **arguments)
    account.control.clock(advance=NEXT)
    return done


def ids(account: Account, stream: str) -> list[Any]:
    """Ids of the records that the vendor holds."""
    return sorted(record["id"] for record in account.control.records(stream))


def living(account: Account) -> list[Any]:
    """Ids of the tickets that are not deleted, trashed or archived."""
    tickets = account.control.records("tickets")
    gone = ("isTrashed", "isArchived")
    return sorted(
        ticket["id"]
        for ticket in tickets
        if ticket["status"] != "deleted" and not any(ticket.get(name) for name in gone)
    )


def zendesk_begins(account: Account) -> None:
    """Odd values wherever there is a column of their kind, and fields that nobody declared."""
    tickets = living(account)
    custom = next(record["id"] for record in account.control.records("ticket_fields") if record["title"] == "order_id")
    for number, text in enumerate(TEXTS):
        given = {"external_id": text, "subject": text, "recipient": None, LONG: text, f"{LONG} 2": DRIFT[number % 11]}
        given |= {"due_at": INSTANTS[number], "forum_topic_id": (*WHOLE, *BEYOND)[number % 13]}
        given |= {"Über-Feld": {"zahl": (*EXTREMES, *DOUBLES)[number % 14], "text": text}, "desk": text, "": text}
        do(account, "patch", stream="tickets", id=tickets[number], fields=given)
        do(account, "set_custom_field", id=tickets[number], field=custom, value=(*DOUBLES, *DRIFT)[number])
    user, other = ids(account, "users")[-2:]
    do(account, "patch", stream="users", id=user, fields={"name": "", "notes": None, "last_login_at": INSTANTS[3]})
    do(account, "patch", stream="users", id=other, fields={"email": "", "details": TEXTS[11], "phone": TEXTS[6]})
    do(account, "comment", id=tickets[0], body=TEXTS[6], public=False, files=[["ä b.txt", "text/plain", 0]])


def zendesk_changes(account: Account) -> None:
    """A change of every kind; fields that are new, retitled, and of another type."""
    tickets = living(account)
    fields = {record["title"]: record["id"] for record in account.control.records("ticket_fields")}
    added = do(account, "add_field", title="Order ID")["id"]
    do(account, "add_field", title=LONG, kind="tagger")
    do(account, "retitle_field", id=fields["order_id"], title="Priority")
    do(account, "add_option", id=fields["Priority"], name='Größe XL, "rund"')
    made = do(account, "create_ticket", body="☕", custom_fields={added: "", fields["Priority"]: "gold"})["id"]
    do(account, "rate_ticket", id=made, score="bad", said="")
    do(account, "same_second", count=3)
    do(account, "automate_ticket", id=tickets[3], priority="urgent", status="solved")
    do(account, "touch_ticket", id=tickets[4])
    do(account, "update_ticket", id=tickets[5], priority="low", comment="seen")
    do(account, "solve_ticket", id=tickets[6])
    do(account, "close_ticket", id=tickets[7])
    do(account, "delete_ticket", id=tickets[8])
    do(account, "scrub_ticket", id=tickets[9])
    do(account, "merge_tickets", loser=tickets[10], winner=tickets[11])
    said = do(account, "comment", id=tickets[12], body="secret", files=[["a.png", "image/png", 2**40]])["comment"]
    do(account, "redact_comment", comment=said)
    do(account, "make_private", comment=said)
    tickets = living(account)
    for number, value in enumerate(DRIFT):
        do(account, "set_custom_field", id=tickets[number], field=fields["order_id"], value=value)
        do(account, "patch", stream="tickets", id=tickets[number], fields={"is_public": value, "new field": value})
    do(account, "add_property", name="added_to_all", value="")
    users = [record["id"] for record in account.control.records("users") if record["role"] == "end-user"]
    do(account, "update_user", id=users[0], name="Ὀδυσσεύς", user_fields={"vip": True, "level": 1.0})
    do(account, "delete_user", id=users[1])
    do(account, "delete_user", id=users[2], permanently=True)
    do(account, "create_organization", name="", domain_names=["a.example", ""], details=None)
    do(account, "delete_organization", id=ids(account, "organizations")[0])
    do(account, "create_group", name="Ünique")
    groups = ids(account, "groups")
    do(account, "delete_group", id=groups[1])
    do(account, "erase", stream="groups", id=groups[2])


def zendesk_turns_back(account: Account) -> None:
    """What was deleted comes back; values change their type once more."""
    tickets = living(account)
    fields = {record["title"]: record["id"] for record in account.control.records("ticket_fields")}
    deleted = [ticket for ticket in account.control.records("tickets") if ticket["status"] == "deleted"]
    do(account, "restore_ticket", id=next(ticket["id"] for ticket in deleted if ticket["subject"] != "SCRUBBED"))
    do(account, "patch", stream="groups", id=ids(account, "groups")[1], fields={"deleted": False})
    do(account, "delete_field", id=fields["Order ID"])
    for number, value in enumerate(reversed(DRIFT)):
        do(account, "patch", stream="tickets", id=tickets[number], fields={"new field": value, "subject": value})
    do(account, "patch", stream="tickets", id=tickets[0], fields={"external_id": None}, drop=["due_at"])


def zendesk_elsewhere(account: Account) -> None:
    """The same fields with other types, and others again."""
    tickets = living(account)
    for number, value in enumerate(reversed(DRIFT)):
        given = {LONG: value, "new field": {"of": "two"}, "Über-Feld": number, f"{LONG} 3": "", "über_feld": 1}
        do(account, "patch", stream="tickets", id=tickets[number], fields=given)


def zoho_desk_begins(account: Account) -> None:
    """Odd values in tickets and contacts, and fields of the account's own."""
    tickets = living(account)
    do(account, "add_field", api_name="cf_number", label=LONG, kind="Number")
    for number, text in enumerate(TEXTS):
        custom = {"cf_order_number": text, "cf_number": DRIFT[number % len(DRIFT)]}
        given = {"subject": text, "category": text, "phone": None, "cf": custom, "dueDate": INSTANTS[number]}
        do(account, "update_ticket", id=tickets[number % len(tickets)], **given)
    for number, contact in enumerate(ids(account, "contacts")[:4]):
        do(account, "update", stream="contacts", id=contact, lastName=TEXTS[6 + number], mobile="", title=None)


def zoho_desk_changes(account: Account) -> Mapping[str, Any]:
    """A change of every kind. Deletions are told by asking for the ids."""
    alive = living(account)
    do(account, "add_field", api_name="cf_new", label="New", kind="Picklist", options=["", "a, b"])
    made = do(account, "create_ticket", body="☕", cf={"cf_new": "a, b"})["id"]
    do(account, "tag_ticket", id=made, tags=["ünïcode", "a, b", ""])
    said = do(account, "comment", id=made, body=TEXTS[6], public=True)["comment"]
    do(account, "edit_comment", id=made, comment=said, body="")
    do(account, "reply", id=alive[0])
    do(account, "customer_reply", id=alive[1])
    do(account, "close_ticket", id=alive[2])
    do(account, "escalate_ticket", id=alive[3])
    do(account, "assign_ticket", id=alive[4])
    do(account, "archive_ticket", id=alive[2])
    do(account, "create", stream="accounts", accountName="")
    do(account, "remove", stream="teams", id=ids(account, "teams")[0])
    for number, value in enumerate(DRIFT[:4]):
        do(account, "update_ticket", id=alive[number], cf={"cf_number": value}, newField=value, category=value)
    return {}


def zoho_desk_deletes(account: Account) -> Mapping[str, Any]:
    """Tickets are trashed, merged and erased; asking for their ids says so."""
    alive = living(account)
    do(account, "trash_ticket", id=alive[0])
    do(account, "merge_tickets", loser=alive[1], winner=alive[3])
    do(account, "erase_ticket", id=alive[-1])
    return {"ids": [alive[0], alive[1], alive[-1]]}


def zoho_desk_turns_back(account: Account) -> None:
    """A trashed ticket comes back."""
    trashed = [record["id"] for record in account.control.records("tickets") if record["isTrashed"]]
    do(account, "restore_ticket", id=trashed[0])


def zoho_crm_begins(account: Account) -> None:
    """Odd values in columns of every type, and custom fields with names that no engine takes."""
    cases, deals, contacts = (ids(account, module) for module in ("Cases", "Deals", "Contacts"))
    do(account, "add_field", module="Cases", api_name="A" * 80, data_type="double")
    do(account, "add_field", module="Cases", api_name="A" * 81, data_type="bigint")
    do(account, "add_field", module="Cases", api_name="Level", data_type="integer")
    for number, text in enumerate(TEXTS):
        given: dict[str, Any] = {
            "Subject": text,
            "Description": text,
            "Solution": None,
            "Visit": INSTANTS[number],
            "Level": number,
        }
        given |= {"A" * 80: DOUBLES[number % len(DOUBLES)], "A" * 81: WHOLE[number % len(WHOLE)]}
        do(account, "update", module="Cases", id=cases[number], **given)
    for number, deal in enumerate(deals):
        given = {"Closing_Date": DATES[number % len(DATES)], "Amount": (*EXTREMES, *DOUBLES)[number % 14]}
        do(account, "update", module="Deals", id=deal, **given)
    do(account, "update", module="Contacts", id=contacts[0], Last_Name="", Email=None, Date_of_Birth="1900-01-01")


def zoho_crm_changes(account: Account) -> None:
    """A change of every kind; fields that are new, gone, and of another type."""
    cases, deals = ids(account, "Cases"), ids(account, "Deals")
    do(account, "add_field", module="Cases", api_name="Neu", data_type="datetime")
    do(account, "remove_field", module="Cases", api_name="Solution")
    do(account, "retype_field", module="Cases", api_name="Level", data_type="text")
    do(account, "create", module="Cases", count=2, Subject="☕", Neu=INSTANTS[5], Status="Escalated")
    for number, value in enumerate(DRIFT):
        do(account, "update", module="Cases", id=cases[number], Level=value, Neu=INSTANTS[number])
    do(account, "update", module="Cases", id=cases[1], Tag=[{"name": ""}, {"name": "a, b"}], Items=[])
    do(account, "delete", module="Cases", id=cases[2])
    do(account, "delete", module="Cases", id=cases[3], permanently=True)
    do(account, "delete", module="Deals", id=deals[0])
    do(account, "create", module="Notes", Note_Title="", Note_Content=TEXTS[6])
    prices = ids(account, "Price_Lists")
    do(account, "delete", module="Price_Lists", id=prices[0])
    do(account, "update_user", id=ids(account, "users")[0], first_name="Ὀδυσσεύς", zip=None)


def zoho_crm_turns_back(account: Account) -> None:
    """A deleted case comes back, a row in a module without a clock too."""
    gone = account.control.emulator.state.table("Cases").gone  # type: ignore[attr-defined]
    do(account, "restore", module="Cases", id=str(min(key for key, one in gone.items() if one.kind == "recycle")))


def zoho_crm_elsewhere(account: Account) -> None:
    """The same field with another type."""
    do(account, "add_field", module="Cases", api_name="Level", data_type="datetime")
    for number, case in enumerate(ids(account, "Cases")[:5]):
        do(account, "update", module="Cases", id=case, Level=INSTANTS[number], Subject=TEXTS[number])


def qcontact_begins(account: Account) -> None:
    """Cases with odd texts, and notes of all kinds."""
    cases = ids(account, "cases")
    for case, text in zip(cases, TEXTS, strict=False):
        do(account, "update", id=case, description=text, category=f"{text}::{text}", address=None)
        do(account, "note", id=case, text=text, public=True)
    do(account, "create", title=LONG, telephone="", email="")


def qcontact_changes(account: Account) -> None:
    """A change of every kind."""
    cases = ids(account, "cases")
    do(account, "create", count=2, title="☕")
    do(account, "update", id=cases[0], status="In Progress", assigned_to=account.control.records("users")[1]["id"])
    do(account, "close", id=cases[1])
    do(account, "message", id=cases[2], html="<p>Zażółć &amp; <b>x</b></p>")
    do(account, "delete", id=cases[3])
    do(account, "delete", id=cases[4], soft=True)
    do(account, "hide", id=cases[5])


def qcontact_turns_back(account: Account) -> None:
    """Deleted and hidden cases come back."""
    gone = [one.id for one in account.control.emulator.state.entities.values() if one.gone]  # type: ignore[attr-defined]
    for case in gone:
        do(account, "restore", id=case)


HISTORY: tuple[Step, ...] = (
    Step("qcontact_one", qcontact_begins),
    Step("zendesk_one", zendesk_begins),
    Step("zoho_desk_one", zoho_desk_begins),
    Step("zoho_crm_one", zoho_crm_begins),
    Step("zendesk_two", zendesk_elsewhere, {"streams": ["tickets", "users", "ticket_fields"]}),
    Step("zoho_crm_two", zoho_crm_elsewhere, {"streams": ["cases", "fields"]}),
    Step("zendesk_one", zendesk_changes, {"streams": [*TICKETS, "users", "organizations", "satisfaction_ratings"]}),
    Step("zoho_desk_one", zoho_desk_changes),
    Step("zoho_crm_one", zoho_crm_changes),
    Step("qcontact_one", qcontact_changes),
    Step("zoho_desk_one", zoho_desk_deletes, {"streams": ["tickets"]}),
    Step("zendesk_one", zendesk_turns_back, {"mode": "full", "streams": TICKETS}),
    Step("zoho_desk_one", zoho_desk_turns_back, {"mode": "full", "streams": ["tickets", "threads"]}),
    Step("qcontact_one", qcontact_turns_back, {"mode": "full", "streams": ["cases"]}),
    Step("zoho_crm_one", zoho_crm_turns_back, {"mode": "full", "streams": ["cases", "price_lists"]}),
)
"""In this order, at both accounts of each vendor."""

CONFIG: Mapping[str, Mapping[str, Any]] = {
    "zoho_crm": {"modules": ["Cases", "Deals", "Contacts", "Accounts", "Notes", "Price_Lists", "Order"]},
}
"""Configuration of a vendor's desks besides its address."""

"""New records with every key that the vendor sends, and which keys a view shows (contract, section 2.3).

Addresses name a fixed host: the same seed gives the same bytes on any port.
"""

from __future__ import annotations

import time
from typing import Any

from ticket_pipelines.sandbox.zoho_desk.table import Record

HOST = "https://desk.sandbox.example"
SYSTEM = {"id": None, "name": "System", "type": "System"}

TICKET: Record = {
    "ticketNumber": "",
    "subject": "",
    "status": "Open",
    "statusType": "Open",
    "priority": None,
    "channel": "Email",
    "channelCode": None,
    "category": None,
    "subCategory": None,
    "departmentId": None,
    "contactId": None,
    "accountId": None,
    "assigneeId": None,
    "teamId": None,
    "productId": None,
    "email": None,
    "phone": None,
    "language": "English",
    "createdTime": None,
    "closedTime": None,
    "dueDate": None,
    "responseDueDate": None,
    "onholdTime": None,
    "customerResponseTime": None,
    "lockedTime": None,
    "isSpam": False,
    "isArchived": False,
    "sentiment": None,
    "relationshipType": None,
    "source": {"appName": None, "extId": None, "permalink": None, "type": "SYSTEM", "appPhotoURL": None},
    "layoutId": None,
    "modifiedTime": None,
    "modifiedBy": None,
    "createdBy": None,
    "description": None,
    "resolution": None,
    "classification": None,
    "isOverDue": False,
    "isResponseOverdue": False,
    "isEscalated": False,
    "isTrashed": False,
    "isDeleted": False,
    "isRead": True,
    "isFollowing": False,
    "slaId": None,
    "contractId": None,
    "secondaryContacts": [],
    "sharedDepartments": [],
    "entitySkills": [],
    "sourceTicket": None,
    "channelRelatedInfo": None,
    "taskCount": "0",
    "approvalCount": "0",
    "timeEntryCount": "0",
    "followerCount": "0",
    "sharedCount": "0",
}
"""A ticket whose optional fields are empty; the state keeps only what differs."""

LIST = (
    *("id", "ticketNumber", "subject", "status", "statusType", "priority", "channel", "channelCode", "category"),
    *("subCategory", "departmentId", "contactId", "accountId", "assigneeId", "teamId", "productId", "email", "phone"),
    *("language", "createdTime", "closedTime", "dueDate", "responseDueDate", "onholdTime", "customerResponseTime"),
    *("lockedTime", "isSpam", "threadCount", "commentCount", "lastThread", "sentiment", "relationshipType", "source"),
    *("layoutId", "webUrl"),
)
LIST_UNNAMED = ("subStatus", "statusText", "isArchived")
"""Shown by default, refused when asked for by name (section 0, fact 2)."""
DETAIL = (
    *LIST,
    *("modifiedTime", "modifiedBy", "createdBy", "description", "resolution", "classification", "cf", "customFields"),
    *("isOverDue", "isResponseOverdue", "isEscalated", "isTrashed", "isDeleted", "isArchived", "isRead", "isFollowing"),
    *("slaId", "contractId", "secondaryContacts", "sharedDepartments", "entitySkills", "sourceTicket"),
    *("layoutDetails", "channelRelatedInfo", "attachmentCount", "taskCount", "approvalCount", "timeEntryCount"),
    *("followerCount", "tagCount", "sharedCount"),
)
SEARCH = (
    *LIST,
    *("modifiedTime", "modifiedBy", "createdBy", "description", "resolution", "classification", "cf"),
    *("isOverDue", "isEscalated", "isRead", "sharedDepartments", "isArchived"),
)
NAMED = frozenset(DETAIL) - set(LIST_UNNAMED) - {"customFields"}
"""What the list's `fields` may name."""


def stamp(seconds: float) -> str:
    """A time as the vendor writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def contact(key: str, at: float, last: str, **given: Any) -> Record:
    """A contact."""
    record = {
        "id": key,
        "lastName": last,
        "firstName": None,
        "email": None,
        "secondaryEmail": None,
        "phone": None,
        "mobile": None,
        "type": None,
        "title": None,
        "description": None,
        "accountId": None,
        "ownerId": None,
        "street": None,
        "city": None,
        "state": None,
        "zip": None,
        "country": None,
        "facebook": None,
        "twitter": None,
        "photoURL": None,
        "isEndUser": False,
        "isSpam": False,
        "zohoCRMContact": None,
        "customerHappiness": {"badPercentage": "0", "okPercentage": "0", "goodPercentage": "100"},
        "cf": {"cf_permanentaddress": None, "cf_lastcontactedon": None},
        "createdTime": stamp(at),
        "modifiedTime": stamp(at),
        "webUrl": f"{HOST}/support/sandbox/ShowHomePage.do#Contacts/dv/{key}",
    }
    return {**record, **given}


def account(key: str, at: float, name: str, **given: Any) -> Record:
    """An account: the company of contacts."""
    record = {
        "id": key,
        "accountName": name,
        "email": None,
        "phone": None,
        "fax": None,
        "website": None,
        "industry": None,
        "annualrevenue": None,
        "code": None,
        "description": None,
        "ownerId": None,
        "street": None,
        "city": None,
        "state": None,
        "country": None,
        "cf": {"cf_contactcount": "1"},
        "createdTime": stamp(at),
        "modifiedTime": stamp(at),
        "webUrl": f"{HOST}/support/sandbox/ShowHomePage.do#Accounts/dv/{key}",
    }
    return {**record, **given}


def agent(key: str, first: str, last: str, departments: list[str], **given: Any) -> Record:
    """An agent; it has no time of change."""
    record = {
        "id": key,
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "emailId": f"{first.lower()}@sandbox.example",
        "zuid": key[-9:],
        "status": "ACTIVE",
        "isConfirmed": True,
        "isLightAgent": False,
        "roleId": None,
        "profileId": None,
        "rolePermissionType": "AgentPublic",
        "associatedDepartmentIds": departments,
        "channelExpert": [],
        "aboutInfo": None,
        "phone": None,
        "mobile": None,
        "extn": None,
        "countryCode": "en_US",
        "langCode": "en_US",
        "timeZone": "Europe/Amsterdam",
        "photoURL": f"{HOST}/api/v1/agents/{key}/photo",
    }
    return {**record, **given}


def thread(key: str, at: float, author: Record, content: str, **given: Any) -> Record:
    """A thread with its content; lists leave the content out."""
    record = {
        "id": key,
        "channel": "EMAIL",
        "status": "SUCCESS",
        "direction": "in",
        "visibility": "public",
        "createdTime": stamp(at),
        "author": author,
        "summary": content[:100],
        "content": content,
        "plainText": content,
        "contentType": "text/html",
        "isDescriptionThread": False,
        "isForward": False,
        "isContentTruncated": False,
        "fullContentURL": None,
        "hasAttach": False,
        "attachmentCount": "0",
        "attachments": [],
        "responderId": None,
        "respondedIn": None,
        "fromEmailAddress": author["email"],
        "to": '"Support"<support@sandbox.example>',
        "cc": "",
        "bcc": "",
        "replyTo": None,
        "canReply": True,
    }
    return {**record, **given}


def comment(key: str, at: float, commenter: Record, content: str, *, public: bool) -> Record:
    """A comment."""
    return {
        "id": key,
        "commentedTime": stamp(at),
        "modifiedTime": None,
        "isPublic": public,
        "contentType": "plainText",
        "content": content,
        "commenterId": commenter["id"],
        "commenter": commenter,
        "attachments": [],
        "mention": [],
        "encodedContent": content,
        "impersonatedUser": None,
    }


def event(at: float, name: str, actor: Record, info: list[Record]) -> Record:
    """An event of a ticket's history; it has no id (section 2.4)."""
    return {
        "eventTime": stamp(at),
        "eventName": name,
        "source": "Web",
        "actor": actor,
        "actorInfo": None,
        "eventInfo": info,
    }

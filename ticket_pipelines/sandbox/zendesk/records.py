"""New records, with every key that the vendor sends (contract, sections 5.1 to 5.12).

Addresses in records name a fixed host: the same seed gives the same bytes on any port.
"""

from __future__ import annotations

from html import escape
from typing import Any

from ticket_pipelines.sandbox.clock import iso
from ticket_pipelines.sandbox.zendesk.table import Record

HOST = "https://sandbox.zendesk.com"
API = f"{HOST}/api/v2"
SYSTEM_USER = -1


def via(channel: str, rel: str | None = None, sender: Record | None = None) -> Record:
    """How something came in."""
    return {"channel": channel, "source": {"from": sender or {}, "to": {}, "rel": rel}}


def ticket(key: int, at: int) -> Record:
    """A new ticket whose optional fields are empty."""
    return {
        "url": f"{API}/tickets/{key}.json",
        "id": key,
        "encoded_id": f"SB{key:06d}",
        "external_id": None,
        "via": via("web"),
        "created_at": iso(at),
        "updated_at": iso(at),
        "generated_timestamp": at,
        "type": None,
        "subject": "",
        "raw_subject": "",
        "description": "",
        "priority": None,
        "status": "new",
        "custom_status_id": None,
        "recipient": None,
        "requester_id": None,
        "submitter_id": None,
        "assignee_id": None,
        "organization_id": None,
        "group_id": None,
        "brand_id": None,
        "ticket_form_id": None,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "sharing_agreement_ids": [],
        "followup_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [],
        "custom_fields": [],
        "fields": [],
        "satisfaction_rating": {"score": "unoffered"},
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        "support_type": "agent",
    }


def user(key: int, at: int, name: str, **given: Any) -> Record:
    """A user; an end-user unless told otherwise."""
    record = {
        "id": key,
        "url": f"{API}/users/{key}.json",
        "name": name,
        "email": None,
        "created_at": iso(at),
        "updated_at": iso(at),
        "time_zone": "Amsterdam",
        "iana_time_zone": "Europe/Amsterdam",
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 1,
        "locale": "en-US",
        "organization_id": None,
        "role": "end-user",
        "verified": True,
        "external_id": None,
        "tags": [],
        "alias": "",
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": "",
        "notes": "",
        "role_type": None,
        "custom_role_id": None,
        "moderator": False,
        "ticket_restriction": "requested",
        "only_private_comments": False,
        "restricted_agent": True,
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "user_fields": {},
    }
    return {**record, **given}


def organization(key: int, at: int, name: str, **given: Any) -> Record:
    """An organization."""
    record = {
        "url": f"{API}/organizations/{key}.json",
        "id": key,
        "name": name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": iso(at),
        "updated_at": iso(at),
        "domain_names": [],
        "details": "",
        "notes": "",
        "group_id": None,
        "tags": [],
        "organization_fields": {},
        "deleted_at": None,
    }
    return {**record, **given}


def comment(key: int, audit: int, at: int, author: int, body: str, *, public: bool, channel: Record) -> Record:
    """A comment, as the child of a ticket event."""
    return {
        "id": key,
        "via": channel,
        "via_reference_id": None,
        "type": "Comment",
        "author_id": author,
        "body": body,
        "html_body": f'<div class="zd-comment" dir="auto">{escape(body, quote=False)}</div>',
        "plain_body": body,
        "public": public,
        "attachments": [],
        "audit_id": audit,
        "created_at": iso(at),
        "event_type": "Comment",
    }


def voiced(record: Record) -> Record:
    """A comment as the note of a phone call."""
    call = {
        "from": "+31201234567",
        "to": "+31207654321",
        "recording_url": f"{API}/recordings/{record['id']}",
        "call_duration": 93,
        "started_at": record["created_at"],
        "transcription_text": record["body"],
        "answered_by_id": None,
        "location": "Netherlands",
    }
    return {**record, "type": "VoiceComment", "event_type": "VoiceComment", "data": call}


def attachment(key: int, name: str, content_type: str, size: int, *, inline: bool = False) -> Record:
    """An attachment of a comment."""
    content_url = f"{HOST}/attachments/token/t{key}/?name={name.replace(' ', '+')}"
    return {
        "url": f"{API}/attachments/{key}.json",
        "id": key,
        "file_name": name,
        "content_url": content_url,
        "mapped_content_url": content_url,
        "content_type": content_type,
        "size": size,
        "width": 80 if content_type.startswith("image/") else None,
        "height": 80 if content_type.startswith("image/") else None,
        "inline": inline,
        "deleted": False,
        "malware_access_override": False,
        "malware_scan_result": "malware_not_found",
        "thumbnails": [],
    }


def event(key: int, ticket_id: int, at: int, updater: int, channel: str, children: list[Record]) -> Record:
    """A ticket event: one update with what it changed and said."""
    return {
        "id": key,
        "ticket_id": ticket_id,
        "timestamp": at,
        "created_at": iso(at),
        "updater_id": updater,
        "via": channel,
        "system": {
            "client": "Sandbox/1.0",
            "location": "Amsterdam, NH, Netherlands",
            "latitude": 52.4,
            "longitude": 4.9,
        },
        "metadata": {},
        "event_type": "Audit",
        "child_events": children,
    }


def rating(key: int, at: int, of: Record, score: str, said: str | None) -> Record:
    """A satisfaction rating of a ticket."""
    return {
        "id": key,
        "url": f"{API}/satisfaction_ratings/{key}.json",
        "assignee_id": of["assignee_id"],
        "group_id": of["group_id"],
        "requester_id": of["requester_id"],
        "ticket_id": of["id"],
        "score": score,
        "comment": said,
        "reason": "No reason provided" if score == "bad" else None,
        "reason_id": 1000 if score == "bad" else None,
        "reason_code": 0 if score == "bad" else None,
        "created_at": iso(at),
        "updated_at": iso(at),
    }

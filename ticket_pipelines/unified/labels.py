"""What vendors' own words for status, priority, type and channel mean: data, and pure functions that look it up.

A label is compared without regard to case and spaces. A vendor is a key of each map, so another one is more data.
The vendor's own word always stays beside the canonical one; a word that no map knows gives NULL, never a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pyarrow as pa

CATEGORIES: Mapping[str, str] = {
    "new": "open",
    "open": "open",
    "assigned": "open",
    "in_progress": "in_progress",
    "escalated": "in_progress",
    "pending": "on_hold",
    "on_hold": "on_hold",
    "solved": "closed",
    "closed": "closed",
    "cancelled": "closed",
}
"""Category of every canonical status."""

STATUSES: Mapping[str, Mapping[str, str | None]] = {
    "zendesk": {
        "new": "new",
        "open": "open",
        "pending": "pending",
        "hold": "on_hold",
        "solved": "solved",
        "closed": "closed",
        # a deletion is a flag and never a status
        "deleted": None,
    },
    # companies add labels of their own: those count by their type
    "zoho_desk": {
        "open": "open",
        "inprogress": "in_progress",
        "escalated": "escalated",
        "waiting": "pending",
        "pending": "pending",
        "onhold": "on_hold",
        "closed": "closed",
        "cancelled": "cancelled",
        "canceled": "cancelled",
    },
    # statuses of cases, then stages of deals
    "zoho_crm": {
        "new": "new",
        "open": "open",
        "onhold": "on_hold",
        "escalated": "escalated",
        "closed": "closed",
        "qualification": "new",
        "needsanalysis": "open",
        "valueproposition": "open",
        "id.decisionmakers": "open",
        "identifydecisionmakers": "open",
        "proposal": "in_progress",
        "proposal/pricequote": "in_progress",
        "negotiation": "in_progress",
        "negotiation/review": "in_progress",
        "closedwon": "closed",
        "closedlost": "cancelled",
        "closedlosttocompetition": "cancelled",
        "-none-": None,
        "": None,
    },
    # tenants may define others: a desk's `status_map` says what they mean
    "qcontact": {
        "new": "new",
        "open": "open",
        "assigned": "assigned",
        "inprogress": "in_progress",
        "inreview": "in_progress",
        "escalated": "escalated",
        "pending": "pending",
        "pendingcustomer": "pending",
        "pendingcustomerresponse": "pending",
        "pendingcompanyresponse": "on_hold",
        "reviewed": "solved",
        "solved": "solved",
        "closed": "closed",
        "unsolved": "cancelled",
        "unsolved-noresponse": "cancelled",
    },
}
"""Vendor to its status labels to the canonical status; None: known, and has none."""

Statuses = Mapping[str, str | None]
"""Status labels, as `normal` gives them, to the canonical status; None: known, and has none."""

RANKS: Mapping[str, int] = {"urgent": 4, "high": 3, "normal": 2, "low": 1}
"""Rank of every canonical priority, the highest first."""

PRIORITIES: Mapping[str, Mapping[str, str | None]] = {
    "zendesk": {"urgent": "urgent", "high": "high", "normal": "normal", "low": "low", "": None},
    "zoho_desk": {
        "critical": "urgent",
        "urgent": "urgent",
        "high": "high",
        "medium": "normal",
        "normal": "normal",
        "low": "low",
        "-none-": None,
        "": None,
    },
    "zoho_crm": {
        "critical": "urgent",
        "high": "high",
        "medium": "normal",
        "normal": "normal",
        "low": "low",
        "-none-": None,
        "": None,
    },
    "qcontact": {
        "critical": "urgent",
        "urgent": "urgent",
        "high": "high",
        "medium": "normal",
        "normal": "normal",
        "low": "low",
        "": None,
    },
}
"""Vendor to its priority labels to the canonical priority; None: known, and means none."""

TYPES: Mapping[str, Mapping[str, str]] = {
    "zendesk": {"question": "question", "incident": "incident", "problem": "problem", "task": "task"},
    "zoho_desk": {"question": "question", "incident": "incident", "problem": "problem", "task": "task"},
    "zoho_crm": {"question": "question", "incident": "incident", "problem": "problem", "task": "task"},
    "qcontact": {"question": "question", "query": "question", "incident": "incident", "problem": "problem"},
}
"""Vendor to its labels of a ticket's type to the canonical type."""

CHANNELS: Mapping[str, Mapping[str, str]] = {
    "zendesk": {
        "email": "email",
        "web": "web",
        "help_center": "web",
        "helpcenter": "web",
        "webform": "web",
        "web_widget": "web",
        "mobile": "mobile",
        "mobile_sdk": "mobile",
        "api": "api",
        "webservice(api)": "api",
        "voice": "phone",
        "phone": "phone",
        "phonecall(inbound)": "phone",
        "phonecall(outbound)": "phone",
        "voicemail": "phone",
        "sms": "sms",
        "whatsapp": "whatsapp",
        "chat": "chat",
        "native_messaging": "messaging",
        "messaging": "messaging",
        "facebook": "facebook",
        "twitter": "twitter",
        "instagram_dm": "instagram",
        "rule": "rule",
        "sample_ticket": "sample",
    },
    "zoho_desk": {
        "email": "email",
        "web": "web",
        "webform": "web",
        "customerportal": "web",
        "phone": "phone",
        "chat": "chat",
        "livechat": "chat",
        "sms": "sms",
        "whatsapp": "whatsapp",
        "instantmessaging": "messaging",
        "facebook": "facebook",
        "twitter": "twitter",
        "instagram": "instagram",
        "forums": "community",
        "community": "community",
        "feedback": "feedback",
        "feedbackwidget": "feedback",
        "api": "api",
    },
    "zoho_crm": {
        "email": "email",
        "web": "web",
        "phone": "phone",
        "chat": "chat",
        "facebook": "facebook",
        "twitter": "twitter",
        "whatsapp": "whatsapp",
    },
    "qcontact": {
        "email": "email",
        "web": "web",
        "phone": "phone",
        "call": "phone",
        "chat": "chat",
        "sms": "sms",
        "whatsapp": "whatsapp",
        "facebook": "facebook",
        "api": "api",
    },
}
"""Vendor to its labels of a channel to one word for all vendors."""


def normal(label: str) -> str:
    """The label as it is compared: lower case, without any space."""
    return "".join(label.split()).lower()


def statuses_of(vendor: str, own: Mapping[str, str] | None = None) -> Statuses:
    """The status labels of one desk.

    Args:
        vendor: Name of its vendor.
        own: What the desk's configuration says (`status_map`): it beats what the vendor's labels usually mean.
    """
    return {**STATUSES[vendor], **{normal(label): status for label, status in (own or {}).items()}}


def status_of(known: Statuses, label: str | None) -> str | None:
    """Canonical status of a label; None where there is none, or the label is unknown."""
    return None if label is None else known.get(normal(label))


def category_of(status: str | None) -> str | None:
    """Category of a canonical status."""
    return None if status is None else CATEGORIES[status]


def priority_of(vendor: str, label: str | None) -> str | None:
    """Canonical priority of a vendor's label; None where there is none, or the label is unknown."""
    return None if label is None else PRIORITIES[vendor].get(normal(label))


def rank_of(priority: str | None) -> int | None:
    """Rank of a canonical priority: 4 is urgent, 1 is low."""
    return None if priority is None else RANKS[priority]


def type_of(vendor: str, label: str | None) -> str | None:
    """Canonical type of a vendor's label; None where there is none, or the label is unknown."""
    return None if label is None else TYPES[vendor].get(normal(label))


def channel_of(vendor: str, label: str | None) -> str | None:
    """Canonical channel of a vendor's label; None where there is none, or the label is unknown."""
    return None if label is None else CHANNELS[vendor].get(normal(label))


def unmapped(labels: pa.Array, known: Mapping[str, str | None]) -> Counter[str]:
    """The labels of a column that a map does not know, with the count of their rows."""
    counts = labels.value_counts().to_pylist()
    return Counter(
        {
            entry["values"]: entry["counts"]
            for entry in counts
            if entry["values"] is not None and normal(entry["values"]) not in known
        }
    )


def each_distinct(column: pa.Array, meaning: Callable[[str | None], str | int | None], kind: pa.DataType) -> pa.Array:
    """A column through a pure function that is called once per distinct value; NULL stays NULL."""
    encoded = column.dictionary_encode()
    values = pa.array([meaning(label) for label in encoded.dictionary.to_pylist()], kind)
    return values.take(encoded.indices)

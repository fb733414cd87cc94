"""Pages of made-up Zendesk tickets, built once and kept as files of bytes.

A data set is a folder of two files: `pages.bin` (the bodies of the export's pages, one after the other) and
`index.json` (offset and length of each page, and the cursor that stands at its end). It is made from a seed alone, so
each run on each machine serves the same bytes.
"""

from __future__ import annotations

import base64
import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

PAGE = 1000
"""Tickets a page, the vendor's largest."""

FORMAT = 1
"""Part of a data set's name; a change of what is made here needs a new one."""

START = 1_600_000_000
"""`generated_timestamp` of the first ticket of revision 0; the rest follow 30 seconds apart."""

REVISION_STEP = 20_000_000
"""Seconds by which the change clock of all tickets moves from one revision to the next."""

VOCABULARY = (
    "invoice router signal account order delivery refund password screen customer agent contract number line meter "
    "reading address street payment date cancel replace visit technician slow broken again urgent please thanks über "
    "perché città señal niño Zürich"
)
WORDS = VOCABULARY.split()


@dataclass(frozen=True, slots=True)
class Pages:
    """One data set on disk.

    Attributes:
        tickets: Count of tickets.
        offsets: Where each page starts in `pages.bin`, bytes.
        lengths: Length of each page, bytes.
        cursors: `after_cursor` of each page.
    """

    tickets: int
    offsets: list[int]
    lengths: list[int]
    cursors: list[str]


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(rng: random.Random, low: int, high: int) -> str:
    size = rng.randint(low, high)
    return " ".join(rng.choices(WORDS, k=size // 5))[:size]


def _custom_value(rng: random.Random, position: int) -> Any:
    """Values as the vendor mixes them: text, drop-down tags, numbers, checkboxes, multiselects, many nulls."""
    if rng.random() < 0.3:
        return None
    match position % 5:
        case 0:
            return _text(rng, 8, 30)
        case 1:
            return f"{rng.choice(WORDS)}_{rng.randint(1, 40)}"
        case 2:
            return str(rng.randint(1, 10**6))
        case 3:
            return rng.random() < 0.5
        case _:
            return [f"option_{n}" for n in rng.sample(range(30), 2)]


def ticket(position: int, revision: int = 0, *, metric_set: bool = False) -> dict[str, Any]:
    """The ticket at a position of the data set, 45 fields as recorded accounts send them (46 with the metric set).

    A higher revision has a later change clock and another status, subject and tag list.
    """
    rng = random.Random(position)
    number = 100_000 + position
    generated = START + 30 * position + REVISION_STEP * revision
    created = START + 30 * position - 86_400
    custom = [{"id": 360_000_000_100 + n, "value": _custom_value(rng, n)} for n in range(25)]
    subject = _text(rng, 20, 80) + (f" (changed {revision})" if revision else "")
    status = ("new", "open", "pending", "hold", "solved", "closed")[(position + revision) % 6]
    requester = 370_000_000_000 + rng.randrange(50_000)
    agent = 380_000_000_000 + rng.randrange(200) if position % 6 else None
    made: dict[str, Any] = {
        "url": f"https://benchdesk.zendesk.com/api/v2/tickets/{number}.json",
        "id": number,
        "external_id": f"crm-{number}" if position % 4 == 0 else None,
        "via": {
            "channel": rng.choice(("web", "email", "api", "chat", "voice")),
            "source": {"from": {"address": f"c{position}@example.com", "name": "A Customer"}, "to": {}, "rel": None},
        },
        "created_at": _iso(created),
        "updated_at": _iso(generated - 5),
        "generated_timestamp": generated,
        "type": rng.choice(("question", "incident", "problem", "task", None)),
        "subject": subject,
        "raw_subject": subject,
        "description": _text(rng, 200, 1100),
        "priority": rng.choice(("low", "normal", "high", "urgent", None)),
        "status": status,
        "recipient": "support@example.com",
        "requester_id": requester,
        "submitter_id": requester,
        "assignee_id": agent,
        "organization_id": 390_000_000_000 + rng.randrange(3_000) if position % 3 else None,
        "group_id": 360_000_000_000 + rng.randrange(20),
        "collaborator_ids": [],
        "follower_ids": [380_000_000_000 + rng.randrange(200)] if position % 9 == 0 else [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": 100_000 + position // 2 if position % 50 == 49 else None,
        "has_incidents": position % 50 == 0,
        "is_public": True,
        "due_at": _iso(created + 604_800) if position % 5 == 0 else None,
        "tags": [f"{rng.choice(WORDS)}_{n}" for n in range(rng.randint(0, 5))] + ([f"r{revision}"] if revision else []),
        "custom_fields": custom,
        "satisfaction_rating": {"score": "good", "id": number, "comment": "thanks"}
        if position % 20 == 0
        else {"score": "unoffered"},
        "sharing_agreement_ids": [],
        "custom_status_id": 1_500_000_000_000 + (position + revision) % 6,
        "encoded_id": f"{number:X}-{position % 9973:04X}",
        "fields": custom,
        "followup_ids": [number + 1] if position % 100 == 7 else [],
        "ticket_form_id": 360_000_000_900 + position % 4,
        "brand_id": 360_000_000_800 + position % 2,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        "custom_fields_version": 3,
        "merged_to_ids": [],
        "deleted_at": None,
        "support_type": "agent",
        "ticket_lang": "it",
    }
    if metric_set:
        made["metric_set"] = _metric_set(rng, number, created)
    return made


def _metric_set(rng: random.Random, number: int, created: int) -> dict[str, Any]:
    def minutes() -> dict[str, int]:
        calendar = rng.randint(1, 20_000)
        return {"calendar": calendar, "business": calendar // 3}

    return {
        "url": f"https://benchdesk.zendesk.com/api/v2/ticket_metrics/{number}.json",
        "id": 900_000_000_000 + number,
        "ticket_id": number,
        "created_at": _iso(created),
        "updated_at": _iso(created + 3_600),
        "group_stations": 1,
        "assignee_stations": 1,
        "reopens": rng.randint(0, 2),
        "replies": rng.randint(0, 9),
        "assignee_updated_at": _iso(created + 600),
        "requester_updated_at": _iso(created + 1_200),
        "status_updated_at": _iso(created + 1_800),
        "initially_assigned_at": _iso(created + 300),
        "assigned_at": _iso(created + 300),
        "solved_at": None,
        "latest_comment_added_at": _iso(created + 1_500),
        "reply_time_in_minutes": minutes(),
        "first_resolution_time_in_minutes": minutes(),
        "full_resolution_time_in_minutes": minutes(),
        "agent_wait_time_in_minutes": minutes(),
        "requester_wait_time_in_minutes": minutes(),
        "on_hold_time_in_minutes": minutes(),
    }


def _cursor(last: dict[str, Any]) -> str:
    """The vendor's own form: base64 of the last row's change clock and id."""
    return base64.b64encode(f"{last['generated_timestamp']}.0||{last['id']}|".encode()).decode()


def build(folder: Path, tickets: int, revision: int = 0, *, metric_set: bool = False) -> Path:
    """Makes a data set below `folder` where it is not there yet; returns its own folder."""
    target = folder / f"tickets-v{FORMAT}-{tickets}-r{revision}{'-metrics' if metric_set else ''}"
    if (target / "index.json").exists():
        return target
    target.mkdir(parents=True, exist_ok=True)
    index = Pages(tickets, [], [], [])
    with (target / "pages.bin").open("wb") as file:
        for first in range(0, tickets, PAGE):
            rows = [ticket(n, revision, metric_set=metric_set) for n in range(first, min(first + PAGE, tickets))]
            cursor = _cursor(rows[-1])
            body = msgspec.json.encode(
                {
                    "tickets": rows,
                    "after_url": f"https://benchdesk.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor={cursor}",
                    "after_cursor": cursor,
                    "before_url": None,
                    "before_cursor": None,
                    "end_of_stream": first + PAGE >= tickets,
                }
            )
            index.offsets.append(file.tell())
            index.lengths.append(len(body))
            index.cursors.append(cursor)
            file.write(body)
    (target / "index.json").write_bytes(msgspec.json.encode(asdict(index)))
    return target


def read_index(folder: Path) -> Pages:
    """The index of a data set."""
    return msgspec.json.decode((folder / "index.json").read_bytes(), type=Pages)

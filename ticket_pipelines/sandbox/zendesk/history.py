"""Real ticket histories as this vendor's tickets: one ticket a case, one ticket event a row, no more and no less.

The file is a CSV, gzipped or not, ordered by case and event. Its columns become:

| column | becomes |
|---|---|
| `case_id` ("Case 12") | the ticket's id (12), `external_id`, subject |
| `event_index` | order of the events |
| `concept:name` | the status after the event (`STATUS_AFTER`), and the custom field "Activity" as it stands |
| `org:resource` | the agent who did it (`updater_id`), and the assignee |
| `time:timestamp` | the event's `timestamp`; the first and the last make `created_at` and `updated_at` |
| `customer` | the requester and the organization |
| `product` | the custom field "Product of the case" |
| `seriousness`, `service_type`, `service_level` | custom fields of these names |
| `seriousness_2` | the priority (`PRIORITY`) and a custom field of this name |
| `workgroup` | the group |
| `support_section`, `responsible_section` | custom fields of these names |

There are no texts in it, so no comments. Values that do not change from row to row make no child events.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from ticket_pipelines.sandbox.clock import epoch
from ticket_pipelines.sandbox.zendesk import records
from ticket_pipelines.sandbox.zendesk.access import ADMIN_EMAIL, AGENT_EMAIL
from ticket_pipelines.sandbox.zendesk.reference import add, add_field
from ticket_pipelines.sandbox.zendesk.state import State
from ticket_pipelines.sandbox.zendesk.table import Record

Row = dict[str, str]
STATUS_AFTER = {
    "Insert ticket": "new",
    "Assign seriousness": "open",
    "Take in charge ticket": "open",
    "Resolve SW anomaly": "open",
    "Wait": "pending",
    "Require upgrade": "hold",
    "Create SW anomaly": "hold",
    "Schedule intervention": "hold",
    "Resolve ticket": "solved",
    "VERIFIED": "solved",
    "RESOLVED": "solved",
    "INVALID": "solved",
    "DUPLICATE": "solved",
    "Closed": "closed",
}
"""Status after an activity; an activity that is not listed leaves the status alone."""
PRIORITY = {"Value 1": "low", "Value 2": "normal", "Value 3": "high", "Value 4": "urgent"}
_FIELDS = {
    "concept:name": "Activity",
    "product": "Product of the case",
    "seriousness": "seriousness",
    "seriousness_2": "seriousness_2",
    "service_type": "service_type",
    "service_level": "service_level",
    "support_section": "support_section",
    "responsible_section": "responsible_section",
}


class _Cast:
    """People, groups and fields, made when a value first names them."""

    def __init__(self, state: State, at: int) -> None:
        self.state = state
        self.at = at
        self._made: dict[tuple[str, str], int] = {}
        self.fields = {column: add_field(state, "ticket", at, title, "text")["id"] for column, title in _FIELDS.items()}
        for email, role in ((ADMIN_EMAIL, "admin"), (AGENT_EMAIL, "agent")):
            state.tables["users"].put(records.user(state.take_id("user"), at, email, email=email, role=role))

    def agent(self, value: str) -> int:
        """Id of the agent of a resource."""
        return self._user("agent", value, role="agent", email=f"{_slug(value)}@agents.example")

    def customer(self, value: str) -> tuple[int, int]:
        """Ids of the requester and the organization of a customer."""
        organization = self._made.get(("organization", value))
        if organization is None:
            organization = self.state.take_id("organization")
            self._made["organization", value] = organization
            self.state.tables["organizations"].put(records.organization(organization, self.at, f"Customer {value}"))
        email = f"{_slug(value)}@customers.example"
        return self._user("customer", value, email=email, organization_id=organization), organization

    def group(self, value: str) -> int:
        """Id of the group of a workgroup."""
        if ("group", value) not in self._made:
            fields = {"description": "", "is_public": True, "default": False, "deleted": False}
            record = add(self.state, "groups", self.at, name=f"Workgroup {value}", **fields)
            self._made["group", value] = record["id"]
        return self._made["group", value]

    def _user(self, kind: str, value: str, **given: object) -> int:
        if (kind, value) not in self._made:
            key = self._made[kind, value] = self.state.take_id("user")
            self.state.tables["users"].put(records.user(key, self.at, f"{kind.title()} {value}", **given))
        return self._made[kind, value]


def fill(state: State, path: str) -> None:
    """Creates the tickets of a file.

    Args:
        state: The account's data, with its reference records.
        path: The CSV file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It lacks a column.
    """
    with _opened(Path(path)) as file:
        rows = list(csv.DictReader(file))
    missing = {"case_id", "org:resource", "time:timestamp", "customer", "workgroup", *_FIELDS} - set(
        rows[0] if rows else ()
    )
    if missing:
        raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}")
    cast = _Cast(state, int(min(epoch(row["time:timestamp"]) for row in rows)) - 86_400)
    for case, events in groupby(rows, key=itemgetter("case_id")):
        _case(cast, int(case.split()[-1]), events)


def _case(cast: _Cast, key: int, events: Iterator[Row]) -> None:
    held: Record = {}
    for row in events:
        at = int(epoch(row["time:timestamp"]))
        agent = cast.agent(row["org:resource"])
        fields = _fields(cast, row, agent)
        if not held:
            first = {"subject": row["case_id"], "external_id": row["case_id"], "via": records.via("api")}
            whose = {"submitter_id": fields["requester_id"]}
            cast.state.open_ticket(at, {**first, **whose, **fields}, None, by=agent, channel="API", key=key)
        else:
            cast.state.change(key, at, _changed(held, fields), by=agent, channel="API")
        held = fields


def _fields(cast: _Cast, row: Row, agent: int) -> Record:
    requester, organization = cast.customer(row["customer"])
    found: Record = {
        "requester_id": requester,
        "organization_id": organization,
        "assignee_id": agent,
        "group_id": cast.group(row["workgroup"]),
        "priority": PRIORITY.get(row["seriousness_2"]),
        "custom_fields": {cast.fields[column]: row[column] for column in _FIELDS},
    }
    status = STATUS_AFTER.get(row["concept:name"])
    return {"status": status, **found} if status else found


def _changed(before: Record, after: Record) -> Record:
    found = {name: value for name, value in after.items() if name != "custom_fields" and before.get(name) != value}
    custom = {key: value for key, value in after["custom_fields"].items() if before["custom_fields"].get(key) != value}
    return {**found, "custom_fields": custom}


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _slug(value: str) -> str:
    return value.lower().replace(" ", "-")

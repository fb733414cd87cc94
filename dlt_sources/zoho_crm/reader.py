"""Sends the requests of Zoho CRM: limits, envelopes, and what an answer is about (contract, section 3).

An empty answer is a 204 without a body, or a 304 where `If-Modified-Since` was sent: both mean no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

import msgspec

from dlt_sources.errors import MalformedError
from dlt_sources.http import Request, Session
from dlt_sources.limits import Limit
from dlt_sources.zoho_crm.failures import NotModifiedError
from dlt_sources.zoho_crm.limits import REQUESTS

LIST_PAGE = 200
IDS_PAGE = 100
FIELDS_PAGE = 50
"""Rows, ids and field names that one request may ask for."""

Record = dict[str, Any]


class Info(msgspec.Struct):
    """`info` of a page."""

    more_records: bool = False
    next_page_token: str | None = None


class Body(msgspec.Struct, kw_only=True):
    """A page of records; without a body there are none."""

    data: list[Record] = msgspec.field(default_factory=list)
    users: list[msgspec.Raw] = msgspec.field(default_factory=list)
    modules: list[msgspec.Raw] = msgspec.field(default_factory=list)
    fields: list[msgspec.Raw] = msgspec.field(default_factory=list)
    info: Info | None = None
    count: Any = None

    @property
    def more(self) -> bool:
        """Whether there is another page."""
        return self.info is not None and self.info.more_records

    @property
    def token(self) -> str | None:
        """Token of the next page."""
        return None if self.info is None else self.info.next_page_token


@cache
def _decoder(holds: str) -> msgspec.json.Decoder[Body]:
    """Decoder of an answer that has that field: an error that comes with status 200 is no empty list."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(Body)}
    kind = msgspec.defstruct("Body", [(holds, kinds[holds])], bases=(Body,), kw_only=True)
    return cast("msgspec.json.Decoder[Body]", msgspec.json.Decoder(kind))


class Reader:
    """Reads single answers.

    Args:
        session: Session of the account.
        ceiling: The user's own limit, if there is one.
    """

    def __init__(self, session: Session, ceiling: Limit | None = None) -> None:
        self.session = session
        self._ceiling = (ceiling,) if ceiling is not None else ()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits that a request takes one of."""
        return (*self._ceiling, REQUESTS)

    def get(
        self, path: str, params: Mapping[str, str], about: str, since: datetime | None = None, holds: str = "data"
    ) -> tuple[Body, int]:
        """One answer, and the count of cleaned characters.

        Args:
            path: Path below the API's address.
            params: Query parameters.
            about: What it is for, in messages.
            since: Only what was changed since.
            holds: The field of `Body` that such an answer has, unless it is empty (204).
        """
        headers = {} if since is None else {"If-Modified-Since": since.isoformat(timespec="seconds")}
        request = Request(path, params, self.limits, headers=headers, about=about)
        try:
            return self.session.fetch(request, lambda body: _decoder(holds).decode(body) if body.strip() else Body())
        except NotModifiedError:
            return Body(), 0

    def records(
        self, module: str, fields: Sequence[str], params: Mapping[str, str], since: datetime | None = None
    ) -> tuple[Body, int]:
        """A page of a module with all of its fields, each record complete.

        Zoho gives 50 fields at a time. The further ones are asked for by the ids of the page: a walk of its own would
        show other records once one changes meanwhile. A record that is gone by then is left out.

        Args:
            module: API name.
            fields: Names of its fields, without the id.
            params: Query parameters but `fields`.
            since: Only records that were changed since.
        """
        chunks = field_chunks(fields)
        about, path = f"module {module}", f"/crm/v8/{module}"
        body, cleaned = self.get(path, {**params, "fields": ",".join(chunks[0])}, about, since)
        if body.data and body.info is None:
            raise MalformedError(f"{about}: Zoho does not say whether there are more records.")
        for chunk in chunks[1:]:
            found: dict[Any, Record] = {}
            ids = [str(record.get("id")) for record in body.data]
            for start in range(0, len(ids), IDS_PAGE):
                part = ids[start : start + IDS_PAGE]
                asked = {
                    **_lasting(params),
                    "fields": ",".join(chunk),
                    "ids": ",".join(part),
                    "per_page": str(len(part)),
                }
                more, count = self.get(path, asked, about)
                cleaned += count
                found |= {record.get("id"): record for record in more.data}
            body.data = [{**found[record["id"]], **record} for record in body.data if record.get("id") in found]
        return body, cleaned

    def count(self, module: str) -> int:
        """How many records a module has."""
        body, _ = self.get(f"/crm/v8/{module}/actions/count", {}, f"module {module}", holds="count")
        try:
            return int(body.count)
        except (TypeError, ValueError):
            raise MalformedError(f"module {module}: Zoho does not say how many records it has.") from None


def field_chunks(fields: Sequence[str]) -> list[list[str]]:
    """The names in groups that one request may ask for, each with the id: 49 and the id."""
    size = FIELDS_PAGE - 1
    return [["id", *fields[start : start + size]] for start in range(0, len(fields), size)] or [["id"]]


def _lasting(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name == "converted"}

"""Sends the requests of QContact: limits, envelopes, and what an answer is about (contract, section 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from dlt_sources.errors import MalformedError, NotFoundError
from dlt_sources.http import Request, Session
from dlt_sources.limits import Limit
from dlt_sources.qcontact.config import Choices
from dlt_sources.qcontact.failures import RefusedError
from dlt_sources.qcontact.limits import ACCOUNT

API = "/api/v2"
T = TypeVar("T")

Record = dict[str, Any]


class Pagination(msgspec.Struct):
    """`pagination` of a list."""

    count: int | None = None
    pages: int | None = None


class Listed(msgspec.Struct):
    """A page of a list."""

    results: list[msgspec.Raw]
    columns: list[Record] = msgspec.field(default_factory=list)
    pagination: Pagination = msgspec.field(default_factory=Pagination)


class _Wrapped(msgspec.Struct):
    results: list[Record]


_listed = msgspec.json.Decoder(Listed).decode
_record = msgspec.json.Decoder(Record).decode
_array = msgspec.json.Decoder(list[Record]).decode
_wrapped = msgspec.json.Decoder(_Wrapped).decode


class Reader:
    """Reads single answers of one tenant.

    Attributes:
        session: The tenant's session.
        choices: What the configuration chooses.
    """

    def __init__(self, session: Session, choices: Choices, own: Limit | None = None) -> None:
        """Makes no request.

        Args:
            session: Session of the tenant.
            choices: What the configuration chooses.
            own: The user's own limit, if there is one.
        """
        self.session, self.choices = session, choices
        self._limits = (ACCOUNT,) if own is None else (own, ACCOUNT)

    def now(self) -> float:
        """Unix time."""
        return self.session.clock.now()

    def me(self) -> None:
        """Proves the credentials.

        Raises:
            CredentialsError: They are refused.
            ConfigurationError: The address is no QContact.
        """
        self._get("/me", {}, _record, "current user")

    def listed(self, entity: str, page: int, items: int) -> tuple[Listed, int]:
        """A page of an entity's list, within the filters of the configuration, and the count of cleaned characters.

        Args:
            entity: Name of the entity.
            page: Number, from 1.
            items: Rows of a page.
        """
        params = {"page": str(page), "items": str(items), "sort": ""}
        if self.choices.filters:
            params["filters"] = self.choices.filters
        return self._get(f"/entities/{entity}", params, _listed, f"list of {entity}", gated=True)

    def record(self, entity: str, key: str) -> tuple[Record, int]:
        """A record's own page, and the count of cleaned characters.

        Raises:
            NotFoundError: It is gone.
            MalformedError: What comes is another one, or none: an error that says 200.
        """
        record, cleaned = self._get(f"/entities/{entity}/{key}", {}, _record, f"{entity} {key}", child=True)
        if str(record.get("id")) != key:
            raise MalformedError(f"{entity} {key}: what QContact shows is not this record.")
        return record, cleaned

    def events(self, entity: str, key: str, page: int) -> tuple[list[Record], int]:
        """A page of what happened to a record, newest first; none is a 404 or a 400 at some tenants."""
        params = {"expand_conversations": "false", "page": str(page), "sort": "id DESC"}
        path = f"/entities/{entity}/{key}/events"
        try:
            return self._get(path, params, _events, f"events of {entity} {key}", child=True)
        except (NotFoundError, RefusedError):
            return [], 0

    def _get(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], T],
        about: str,
        *,
        child: bool = False,
        gated: bool = False,
    ) -> tuple[T, int]:
        headers = {"Content-Type": "application/json"}
        request = Request(f"{API}{path}", params, self._limits, headers=headers, about=about, child=child, gated=gated)
        return self.session.fetch(request, parse)


def _events(body: bytes) -> list[Record]:
    return _array(body) if body.lstrip()[:1] == b"[" else _wrapped(body).results

"""One request on its way through this vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.answers import ok
from ticket_pipelines.sandbox.clock import Clock, epoch
from ticket_pipelines.sandbox.emulator import Asked, Reply
from ticket_pipelines.sandbox.zoho.accounts import Token
from ticket_pipelines.sandbox.zoho_crm.access import of_module
from ticket_pipelines.sandbox.zoho_crm.errors import refused
from ticket_pipelines.sandbox.zoho_crm.fields import Record
from ticket_pipelines.sandbox.zoho_crm.settings import Settings
from ticket_pipelines.sandbox.zoho_crm.state import State
from ticket_pipelines.sandbox.zoho_crm.table import Table


@dataclass(frozen=True, slots=True)
class Call:
    """A request with all that is needed to answer it.

    Attributes:
        asked: The request.
        params: Query parameters; of repeated ones the last.
        ids: Values in the path, by name.
        token: With what it is made.
        state: The account's data.
        settings: The account's settings.
        clock: The account's clock.
    """

    asked: Asked
    params: Mapping[str, str]
    ids: Mapping[str, str]
    token: Token
    state: State
    settings: Settings
    clock: Clock

    def integer(self, name: str, default: int, most: int) -> int:
        """A parameter from 1 to a bound.

        Raises:
            Refusal: 400.
        """
        text = self.params.get(name, str(default))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise refused("INVALID_DATA", param_name=name, maximum=most)
        return int(text)

    def table(self) -> Table:
        """The rows of the module in the path.

        Raises:
            Refusal: 400, 401 or 403: it is unknown, not granted, or forbidden.
        """
        return self.readable(self.ids["module"])

    def readable(self, name: str) -> Table:
        """The rows of a module.

        Raises:
            Refusal: 400, 401 or 403: it is unknown, not granted, or forbidden.
        """
        try:
            table = self.state.table(name)
        except KeyError:
            raise refused("INVALID_MODULE", resource_path_index=0) from None
        if not self.token.may(of_module(name)):
            raise refused("OAUTH_SCOPE_MISMATCH")
        code = self.settings.unavailable.get(name, table.module.refused)
        if code:
            raise refused(code, permissions=[f"Crm_Implied_View_{name}"])
        return table

    def since(self) -> float | None:
        """Instant of `If-Modified-Since`, Unix seconds.

        Raises:
            Refusal: 400, it is none.
        """
        text = self.asked.headers.get("if-modified-since")
        try:
            return None if text is None else epoch(text)
        except ValueError:
            raise refused("INVALID_DATA", header="If-Modified-Since") from None

    def numbered(self, rows: Sequence[Record], key: str = "data") -> Reply:
        """A page of rows by its number; none are a 204, or what an unmodified list gets."""
        size = self.integer("per_page", self.settings.per_page, self.settings.per_page)
        number = self.integer("page", 1, 1_000_000)
        shown = rows[(number - 1) * size : number * size]
        if not shown:
            return self.empty()
        info = {"per_page": size, "count": len(shown), "page": number, "more_records": number * size < len(rows)}
        return ok({key: shown, "info": info})

    def empty(self) -> Reply:
        """No rows: without a body."""
        return Reply(204 if self.since() is None else self.settings.not_modified_status, b"")

    def moment(self, seconds: float) -> str:
        """A time in the organization's zone."""
        return next(iter(self.state.tables.values())).world.moment(seconds)

    def named(self, key: int | str) -> dict[str, Any]:
        """A user as others refer to it."""
        user = self.state.users[str(key)]
        return {"name": user["full_name"], "id": user["id"]}

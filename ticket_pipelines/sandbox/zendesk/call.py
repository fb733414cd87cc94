"""One request on its way through this vendor: what was asked, by whom, and the account that it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ticket_pipelines.sandbox.answers import Refusal, encoded
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Reply
from ticket_pipelines.sandbox.zendesk.access import Identity
from ticket_pipelines.sandbox.zendesk.errors import named
from ticket_pipelines.sandbox.zendesk.settings import Settings
from ticket_pipelines.sandbox.zendesk.state import State
from ticket_pipelines.sandbox.zendesk.table import Record


@dataclass(frozen=True, slots=True)
class Call:
    """A request with all that is needed to answer it.

    Attributes:
        asked: The request.
        params: Query parameters; of repeated ones the last.
        ids: Values in the path, by name.
        who: Whom it is made for; None: anonymous.
        state: The account's data.
        settings: The account's settings.
        clock: The account's clock.
    """

    asked: Asked
    params: Mapping[str, str]
    ids: Mapping[str, int]
    who: Identity | None
    state: State
    settings: Settings
    clock: Clock

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A parameter as an integer.

        Raises:
            Refusal: 400, it is no integer.
        """
        text = self.params.get(name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            raise Refusal(400, named("InvalidValue", f"{name} must be an integer")) from None

    def url(self, **changed: Any) -> str:
        """Address of this request with some parameters changed; None takes one out."""
        params = {**self.params, **changed}
        kept = {name: value for name, value in params.items() if value is not None}
        query = urlencode(kept)
        return f"{self.asked.origin}{self.asked.path}" + (f"?{query}" if query else "")

    def in_scope(self, ticket: Record) -> bool:
        """True when `support_type_scope` lets a ticket be seen; the default hides AI agents' (section 0, fact 3)."""
        scope = self.params.get("support_type_scope", "agent")
        return scope == "all" or (ticket["support_type"] or "agent") == scope


def page(key: str, records: bytes, rest: Mapping[str, Any]) -> Reply:
    """A page whose records are encoded already.

    Args:
        key: Name of the list.
        records: JSON array.
        rest: What else the body holds.
    """
    tail = encoded(rest)[1:]
    return Reply(200, b"{" + encoded(key) + b":" + records + (b"," if tail != b"}" else b"") + tail)

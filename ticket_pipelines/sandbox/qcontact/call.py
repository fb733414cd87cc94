"""One request on its way through this vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked
from ticket_pipelines.sandbox.qcontact.errors import invalid, refused
from ticket_pipelines.sandbox.qcontact.settings import Settings
from ticket_pipelines.sandbox.qcontact.state import Entity, State


@dataclass(frozen=True, slots=True)
class Call:
    """A request with all that is needed to answer it.

    Attributes:
        asked: The request.
        params: Query parameters; of repeated ones the last.
        ids: Values in the path, by name.
        uid: Address of the user who asks.
        state: The tenant's data.
        settings: The tenant's settings.
        clock: The tenant's clock.
    """

    asked: Asked
    params: Mapping[str, str]
    ids: Mapping[str, str]
    uid: str
    state: State
    settings: Settings
    clock: Clock

    def integer(self, name: str, default: int) -> int:
        """A parameter of at least 1.

        Raises:
            Refusal: 400.
        """
        text = self.params.get(name) or str(default)
        if not text.isdigit() or int(text) < 1:
            raise invalid(f"{name} is not a number", 400)
        return int(text)

    @property
    def page(self) -> int:
        """Number of the page; one that repeats itself is the first."""
        return 1 if self.asked.repeat else self.integer("page", 1)

    def body(self) -> dict[str, Any]:
        """The body, an object.

        Raises:
            Refusal: 400.
        """
        try:
            return msgspec.json.decode(self.asked.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise invalid("the body is not a JSON object", 400) from None

    def entity(self) -> Entity:
        """The record in the path.

        Raises:
            Refusal: 404.
        """
        found = self.state.find(self.ids["entity"], self.ids["id"])
        if found is None:
            raise refused("not_found")
        return found

    @property
    def user(self) -> int | None:
        """Id of the user who asks."""
        return self.state.by_email.get(self.uid)

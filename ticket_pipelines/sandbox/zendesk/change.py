"""What every operation on the data needs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.zendesk.state import State

Operation = Callable[..., dict[str, Any]]
"""Takes a `Change` and named arguments; returns ids."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        state: The account's data.
        rng: Source of choices.
        at: When it happens, Unix seconds.
    """

    state: State
    rng: random.Random
    at: int

    def agent(self) -> int:
        """Some agent."""
        agents = [user for user in self._users() if user["role"] != "end-user" and user["active"]]
        return int(self.rng.choice(agents)["id"])

    def customer(self) -> dict[str, Any]:
        """Some active end-user."""
        return self.rng.choice([user for user in self._users() if user["role"] == "end-user" and user["active"]])

    def _users(self) -> list[dict[str, Any]]:
        return list(self.state.tables["users"].rows.values())

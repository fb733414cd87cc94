"""What every operation on the data needs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.zoho_desk.state import State

Operation = Callable[..., dict[str, Any]]
"""Takes a `Change` and named arguments; returns ids."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        state: The account's data.
        rng: Source of choices.
        at: When it happens, Unix seconds.
        replies_bump: True when a reply moves `modifiedTime`.
    """

    state: State
    rng: random.Random
    at: float
    replies_bump: bool = True

    def agent(self) -> str:
        """Some active agent."""
        agents = self.state.tables["agents"].rows
        return self.rng.choice([key for key, agent in agents.items() if agent["status"] == "ACTIVE"])

    def contact(self) -> str:
        """Some contact."""
        return self.rng.choice([key for key in self.state.tables["contacts"].rows if key not in self.state.unlisted])

    def department(self) -> str:
        """The default department."""
        departments = self.state.tables["departments"].rows.values()
        return str(next(row["id"] for row in departments if row["isDefault"]))

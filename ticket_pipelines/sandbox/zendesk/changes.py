"""placeholder until the operations are in."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ticket_pipelines.sandbox.zendesk.state import State


@dataclass
class Change:
    state: State
    rng: random.Random
    at: int


def chance(seed: int) -> random.Random:
    return random.Random(seed)


def apply(change: Change, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    raise ValueError("unknown operation")

"""What a vendor that can be written offers: its folder has a module `writing` with `open_writer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from dlt_sources.base import OnWait, Usage
from dlt_sources.limits import Budgets
from dlt_sources.oauth import SHARED, TokenStore
from dlt_sources.retry import Clock, Policy


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a ticket, as far as a writer needs it.

    Attributes:
        id: Rises with time.
        changes: New values by field.
        note: Text, where it is a note.
        by_us: Whether the credentials' own user did it.
    """

    id: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    by_us: bool = False


class Writer(Protocol):
    """One account of a vendor, open for changes of single tickets. Not thread-safe.

    A change is sent once: what is not answered with success raises, and the caller looks before it sends again.

    Attributes:
        usage: What it has used so far.
        on_wait: Called before each wait.
    """

    usage: Usage
    on_wait: OnWait | None

    def read(self, ticket: str) -> dict[str, Any]:
        """The ticket's fields now, values as the vendor shows them.

        Raises:
            NotFoundError: There is no such ticket.
        """
        ...

    def events(self, ticket: str, after: int) -> Sequence[Event]:
        """The ticket's events after that one, newest first."""
        ...

    def newest_event(self, ticket: str) -> int:
        """Id of the ticket's newest event; 0 where it has none."""
        ...

    def change(self, ticket: str, fields: Mapping[str, Any]) -> None:
        """Sets fields.

        Raises:
            AccessError: The credentials may not.
            ChangeRefusedError: The vendor does not take it, and says why.
            TransientError: Whether it took effect is not known.
        """
        ...

    def note(self, ticket: str, text: str, *, public: bool) -> None:
        """Adds a note; raises as `change`."""
        ...

    def close(self) -> None:
        """Frees the connections."""
        ...


def can_write(vendor: str) -> bool:
    """Whether there is a writer for this vendor."""
    return find_spec(f"dlt_sources.{vendor}.writing") is not None


def open_writer(
    vendor: str,
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    budgets: Budgets,
    *,
    tokens: TokenStore = SHARED,
    clock: Clock | None = None,
    policy: Policy | None = None,
) -> Writer:
    """Opens an account for writing; makes no request.

    Args:
        vendor: Name of the vendor.
        config: Configuration of the desk.
        credentials: One of the vendor's forms.
        budgets: Where the account's requests are counted.
        tokens: Where access tokens are kept.
        clock: Time, for tests.
        policy: Patience, for tests.

    Raises:
        ConfigurationError: Configuration or credentials are not of the right form.
    """
    module = import_module(f"dlt_sources.{vendor}.writing")
    writer: Writer = module.open_writer(config, credentials, budgets, tokens=tokens, clock=clock, policy=policy)
    return writer

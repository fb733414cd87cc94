"""What only some clients can do beside reading (`base.Client`)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Protocol, runtime_checkable

from dlt_sources.base import Page, State, Stream

Recall = Callable[[Stream, Sequence[str]], Container[str]]
"""Tells which of these ids of a stream are stored."""


@runtime_checkable
class Recalls(Protocol):
    """A client that leaves out what is stored already and cannot have changed."""

    recall: Recall | None
    """Set by whoever stores what is read; None: nothing counts as stored."""


@runtime_checkable
class Rechecks(Protocol):
    """A client that can be asked whether records still exist."""

    @property
    def gone(self) -> set[str]:
        """Ids of records that turned out to be missing while something of them was read, until `vanished` has asked."""
        ...

    def vanished(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Of these records the ones that are deleted; without ids, of those in `gone`.

        Each comes as a part (`Page.partial`) that the stream's deletion rules read.

        Raises:
            SourceError: Pages yielded before stay valid.
        """
        ...


@runtime_checkable
class Lists(Protocol):
    """A client that can list a stream's records cheaper than by reading them whole."""

    def listed(self, stream: Stream, state: State) -> Iterator[Page]:
        """All records that the vendor shows of a stream, with id and clock, and of the rest as little as it allows.

        Args:
            stream: The stream.
            state: That of the last page of a list that was cut off; {}: from the start.

        Raises:
            SourceError: Pages yielded before stay valid.
        """
        ...


@runtime_checkable
class Confirms(Protocol):
    """A client that tells a record that is gone from one that it may not see, where `by_ids` leaves out both."""

    def is_gone(self, stream: Stream, key: str) -> bool:
        """Whether the vendor says of a record's own address that there is no such record.

        Raises:
            AccessError: It may not be seen.
        """
        ...

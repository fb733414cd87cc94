"""What only some clients can do beside reading (`base.Client`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from dlt_sources.base import Page, State, Stream


@runtime_checkable
class Rechecks(Protocol):
    """A client that can be asked whether records still exist."""

    def vanished(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Of these records, and of those that this client found missing while it read, the ones that are deleted.

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

"""Sends the requests of streams: limits, page sizes, and what an answer is about."""

from __future__ import annotations

from collections.abc import Mapping

from dlt_sources.base import Stream
from dlt_sources.errors import ConnectionFailedError
from dlt_sources.http import Request, Session
from dlt_sources.limits import Limit
from dlt_sources.zendesk.bodies import Body, decoder
from dlt_sources.zendesk.failures import PageTooLargeError
from dlt_sources.zendesk.limits import ACCOUNT, ADMIN, ASSUMED

EXPORT_PAGE = 1000
SMALLEST_EXPORT_PAGE = 25
LIST_PAGE = 100

WITHHELD = 61
"""Zendesk refuses a start within the last 60 seconds; one more for a clock that runs ahead."""


class Reader:
    """Reads single pages of streams.

    Args:
        session: Session of the account.
        start: Unix time from which a first sync reads.
        ceiling: The user's own limit, if there is one.
    """

    def __init__(self, session: Session, start: int = 0, ceiling: Limit | None = None) -> None:
        self.start = start
        self._session = session
        self._ceiling = (ceiling,) if ceiling is not None else ()

    def latest_start(self) -> int:
        """The latest time that an export may start from."""
        return int(self._session.clock.now()) - WITHHELD

    def page(
        self,
        stream: Stream,
        params: Mapping[str, str],
        *,
        path: str | None = None,
        child: bool = False,
        records: str | None = None,
        passed: frozenset[int] = frozenset(),
    ) -> tuple[Body, int]:
        """One page of a stream.

        Args:
            stream: The stream.
            params: Query parameters.
            path: Path, where it is not the stream's own.
            child: The page belongs to one record, which may be gone (NotFoundError).
            records: Key of the records, where it is not the stream's own.
            passed: Statuses that are raised at once.

        Returns:
            The page, and the count of cleaned characters.
        """
        request = Request(
            path=path or stream.path,
            params=params,
            limits=self.limits(stream.limit if path is None else ACCOUNT),
            about=f"stream {stream.name}",
            passed=passed,
            plan=stream.plan,
            gated=stream.plan not in ("", ADMIN),
            child=child,
        )
        return self._session.fetch(request, decoder(records or stream.records).decode)

    def limits(self, name: str = ACCOUNT) -> tuple[Limit, ...]:
        """The limits that a request takes one of, the narrowest last."""
        account = ASSUMED[ACCOUNT]
        return (*self._ceiling, account) if name == ACCOUNT else (*self._ceiling, account, ASSUMED[name])

    def export(self, stream: Stream) -> Export:
        """The pages of an export."""
        return Export(self, stream)

    def pause(self, failures: int) -> None:
        """Waits before a smaller page is asked for."""
        self._session.pause(self._session.policy.backoff(failures), "page too large for Zendesk")


class Export:
    """Reads pages of an export, as large as Zendesk manages: a 504 halves the page for the rest of the read.

    Attributes:
        size: Rows that a page is asked for.
    """

    def __init__(self, reader: Reader, stream: Stream) -> None:
        self.size = EXPORT_PAGE
        self._reader, self._stream = reader, stream
        self._failures = 0

    def page(self, params: Mapping[str, str]) -> tuple[Body, int]:
        """The page, and the count of cleaned characters."""
        while True:
            asked = {**self._stream.params, **params, "per_page": str(self.size)}
            try:
                return self._reader.page(self._stream, asked, passed=frozenset((504,)))
            except PageTooLargeError:
                self._failures += 1
                if self.size // 2 < SMALLEST_EXPORT_PAGE:
                    raise ConnectionFailedError(
                        f"stream {self._stream.name}: Zendesk answers 504 even for pages of {self.size} rows. "
                        "Try later."
                    ) from None
                self.size //= 2
                self._reader.pause(self._failures)

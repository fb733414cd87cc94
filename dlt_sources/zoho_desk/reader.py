"""Sends the requests of streams: page sizes that are learned, the reserve of credits, what an answer is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dlt_sources.abilities import Recall
from dlt_sources.base import Stream
from dlt_sources.errors import LimitError, MalformedError, NotFoundError, StalledError
from dlt_sources.http import Request, Session
from dlt_sources.limits import Limit
from dlt_sources.zoho_desk.bodies import Form, Rows, envelope, form, members, one
from dlt_sources.zoho_desk.config import Choices
from dlt_sources.zoho_desk.failures import OutOfRangeError
from dlt_sources.zoho_desk.limits import ACCOUNT, Credits

API = "/api/v1"
_LATER = 3600.0
"""Seconds after which it is worth looking at the credits again."""


class Reader:
    """Reads lists and single records of one organization.

    Attributes:
        choices: What the configuration chooses.
        recall: See `abilities.Recalls`.
    """

    recall: Recall | None = None

    def __init__(self, session: Session, credits_left: Credits, choices: Choices, own: Limit | None = None) -> None:
        """Makes no request.

        Args:
            session: Session of the account.
            credits_left: The credits that the answers tell of.
            choices: What the configuration chooses.
            own: The user's own limit, if there is one.
        """
        self.choices = choices
        self._session, self._credits = session, credits_left
        self._limits = (ACCOUNT,) if own is None else (own, ACCOUNT)
        self._sizes: dict[str, int] = {}
        self._forms: dict[str, Form] = {}

    def now(self) -> int:
        """Unix seconds."""
        return int(self._session.clock.now())

    def size(self, stream: Stream, most: int) -> int:
        """Rows of a page: what was learned, else what the documents say, within what the user wants."""
        return self._sizes.get(stream.name, min(self.choices.page_size, most) if most <= 100 else most)

    def page(
        self,
        stream: Stream,
        path: str,
        params: Mapping[str, str],
        *,
        start: int = 0,
        most: int = 100,
        child: bool = False,
    ) -> Rows:
        """One page of a list.

        Args:
            stream: The stream that it is read for.
            path: Path below /api/v1.
            params: Query parameters besides those of the page.
            start: Number of the first row, from 0.
            most: Rows of a page that the documents allow; 0: the list is not cut, and refuses to be.
            child: The list belongs to one record, which may be gone (NotFoundError).

        Raises:
            OutOfRangeError: The list does not go as far as `start`.
        """
        while True:
            size = self.size(stream, most) if most else 0
            cut = {"from": str(start), "limit": str(size)} if most else {}
            request = self._request(stream, path, {**params, **cut}, child=child)
            try:
                rows, cleaned = self._session.fetch(request, envelope(stream.records))
            except OutOfRangeError as error:
                if error.field != "limit" or not 0 < error.most < size:
                    raise
                self._sizes[stream.name] = error.most
                continue
            bring = self._form(stream)
            return Rows([bring(record) for record in rows.records], rows.count, cleaned)

    def pages(
        self, stream: Stream, path: str, params: Mapping[str, str], *, most: int = 100, child: bool = False
    ) -> Iterator[Rows]:
        """All pages of a list: from row 0, as far as rows come (contract, section 2.1).

        Some lists count rows from 1 and take 0 for 1, so that the last row of a page comes again on the next one.

        Raises:
            StalledError: The same page comes again and again.
        """
        start, seen = 0, set[bytes]()
        while True:
            rows = self.page(stream, path, params, start=start, most=most, child=child)
            page = _digest(rows.records)
            if rows.records and page in seen:
                raise StalledError(f"stream {stream.name}: Zoho gives the same page again and again.")
            yield rows
            if not most or len(rows.records) < self.size(stream, most):
                return
            start += len(rows.records)
            seen.add(page)

    def one(self, stream: Stream, path: str, params: Mapping[str, str] | None = None, *, key: str = "") -> msgspec.Raw:
        """A single record.

        Args:
            stream: The stream that it is read for.
            path: Path below /api/v1.
            params: Query parameters.
            key: Its id; empty: such a record has none.

        Raises:
            NotFoundError: It is gone.
            MalformedError: What comes is another one, or none: an error that says 200.
        """
        request = self._request(stream, path, params or {}, child=True)
        found, _ = self._session.fetch(request, one)
        if found is None:
            raise NotFoundError(f"{request.about} ({path}): gone.")
        if key and bytes(members(found).get("id", msgspec.Raw(b""))).strip(b'"') != key.encode():
            raise MalformedError(f"{request.about} ({path}): what Zoho shows is not this record.")
        return self._form(stream)(found)

    def spare_credits(self, stream: Stream) -> None:
        """Makes sure that what is read ticket by ticket leaves the reserve alone.

        Raises:
            LimitError: The reserve is reached.
        """
        if not self._credits.spare(self.choices.credit_reserve):
            raise LimitError(
                f"stream {stream.name}: {self._credits.remaining} of the organization's API credits are left "
                f"for today, and credit_reserve keeps {self.choices.credit_reserve} for others; it goes on from "
                "here when there are more.",
                self._session.clock.now() + _LATER,
            )

    def _request(self, stream: Stream, path: str, params: Mapping[str, str], *, child: bool) -> Request:
        return Request(
            path=f"{API}{path}",
            params=params,
            limits=self._limits,
            about=f"stream {stream.name}",
            plan=stream.plan,
            child=child,
        )

    def _form(self, stream: Stream) -> Form:
        if stream.name not in self._forms:
            self._forms[stream.name] = form(stream)
        return self._forms[stream.name]


def _digest(records: Sequence[msgspec.Raw]) -> bytes:
    return hashlib.blake2b(b"\n".join(bytes(record) for record in records), digest_size=16).digest()

"""The emulated account as a whole: a request passes its path, token, limits and scopes, then its endpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import Refusal
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Options, Reply
from ticket_pipelines.sandbox.limits import Windows
from ticket_pipelines.sandbox.zoho.accounts import TOKEN_PATH, Accounts
from ticket_pipelines.sandbox.zoho.credits import DAY, Credits
from ticket_pipelines.sandbox.zoho_crm import bulk, census, changes, endpoints, errors
from ticket_pipelines.sandbox.zoho_crm.access import CONSENTS, PRODUCT
from ticket_pipelines.sandbox.zoho_crm.call import Call
from ticket_pipelines.sandbox.zoho_crm.errors import PRESETS, refused
from ticket_pipelines.sandbox.zoho_crm.settings import Settings
from ticket_pipelines.sandbox.zoho_crm.state import State, invented


class ZohoCrmEmulator:
    """One emulated Zoho CRM account (see `sandbox.emulator.Emulator`)."""

    def __init__(self, options: Options) -> None:
        self.clock = Clock(options.now, frozen=options.frozen)
        self.settings = Settings().changed(options.settings)
        self.presets = PRESETS
        self._options = options
        self._anchor = int(self.clock.now() // DAY) * DAY
        self._accounts = Accounts(self.clock, PRODUCT, CONSENTS)
        self._credits = Credits(self.clock)
        self._downloads = Windows(self.clock)
        self._chance = random.Random(options.seed)  # noqa: S311 - choices must be repeatable, not secret

    @cached_property
    def state(self) -> State:
        """The account's data, invented on first use."""
        offset = (self.settings.offset_seconds, self.settings.utc_offset)
        chosen = self.settings
        return invented(
            self._options.tickets, self._options.same_second, self._anchor, chosen.rows, offset, chosen.hidden
        )

    def stream_pattern(self, stream: str) -> str:
        """See `Emulator`."""
        return endpoints.stream_pattern(stream)

    def answer(self, asked: Asked) -> Reply:
        """See `Emulator`."""
        if asked.path == TOKEN_PATH:
            return self._accounts.answer(asked, self.settings)
        headers: dict[str, str] = {}
        try:
            reply = self._within_limits(asked, headers)
        except Refusal as refusal:
            reply = refusal.reply()
        return Reply(reply.status, reply.body, {**headers, **reply.headers})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """See `Emulator`; numbers of rows, hidden fields and the zone stay as they were invented."""
        self.settings = self.settings.changed(settings)

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """See `Emulator` and `zoho.accounts`."""
        return self._accounts.afflict(kind, arguments)

    def mutate(self, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Emulator`."""
        return changes.apply(changes.Change(self.state, self._chance, int(self.clock.now())), op, arguments)

    def counts(self) -> dict[str, Any]:
        """See `Emulator`."""
        return census.counts(self.state)

    def versions(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.versions(self.state, stream)

    def records(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.records(self.state, stream)

    def _within_limits(self, asked: Asked, headers: dict[str, str]) -> Reply:
        """Answers an API request; fills `headers` with what the credits say."""
        found = endpoints.find(asked.path)
        if found is None:
            raise refused("INVALID_URL_PATTERN")
        endpoint, ids = found
        if asked.method != endpoint.method:
            raise refused("INVALID_REQUEST_METHOD")
        token = self._accounts.identify(asked.headers.get("authorization", ""))
        if token is None:
            raise refused("INVALID_TOKEN")
        params = dict(parse_qsl(asked.query, keep_blank_values=True))
        self._refuse_crowd(asked, endpoint.sub or "sort_by" in params or "cvid" in params)
        self._pay(3 if "cvid" in params else endpoint.cost, headers)
        if not token.may(endpoint.scopes):
            raise refused("OAUTH_SCOPE_MISMATCH")
        call = Call(asked, params, ids, token, self.state, self.settings, self.clock)
        return endpoint.answer(call) if endpoint.answer else bulk.result(call, self._downloads)

    def _refuse_crowd(self, asked: Asked, sub: bool) -> None:
        if asked.in_flight > self.settings.concurrency_total:
            raise refused("TOO_MANY_REQUESTS")
        if sub and asked.in_flight > self.settings.sub_concurrency:
            raise refused("TOO_MANY_REQUESTS", errors.SUB_CONCURRENCY)

    def _pay(self, cost: int, headers: dict[str, str]) -> None:
        """Takes credits of the last 24 hours; what is left is told once half of them are used."""
        total = self.settings.credits_total
        paid = self._credits.spend(cost, total, self.clock.now() - DAY)
        if paid.remaining * 2 <= total:
            headers["x-api-credits-remaining"] = str(paid.remaining)
        if not paid.granted:
            raise refused("TOO_MANY_REQUESTS", errors.CREDITS)

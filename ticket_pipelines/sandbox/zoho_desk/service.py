"""The emulated account as a whole: a request passes its path, token, organization, limits, scopes and parameters."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import Refusal
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Options, Reply
from ticket_pipelines.sandbox.zoho.accounts import TOKEN_PATH, Accounts, Token
from ticket_pipelines.sandbox.zoho.credits import DAY, Credits
from ticket_pipelines.sandbox.zoho_desk import census, changes, endpoints, reference, stories
from ticket_pipelines.sandbox.zoho_desk.access import CONSENTS, ORG_ID, PRODUCT
from ticket_pipelines.sandbox.zoho_desk.call import Call
from ticket_pipelines.sandbox.zoho_desk.change import Change
from ticket_pipelines.sandbox.zoho_desk.errors import PRESETS, extra_parameter, refused, unprocessable
from ticket_pipelines.sandbox.zoho_desk.settings import Settings
from ticket_pipelines.sandbox.zoho_desk.state import State

_PAGE = frozenset({"from", "limit"})


class ZohoDeskEmulator:
    """One emulated Zoho Desk account (see `sandbox.emulator.Emulator`)."""

    def __init__(self, options: Options) -> None:
        self.clock = Clock(options.now, frozen=options.frozen)
        self.settings = Settings().changed(options.settings)
        self.presets = PRESETS
        self._options = options
        self._anchor = int(self.clock.now() // DAY) * DAY
        self._accounts = Accounts(self.clock, PRODUCT, CONSENTS)
        self._credits = Credits(self.clock)
        self._chance = random.Random(options.seed)  # noqa: S311 - choices must be repeatable, not secret

    @cached_property
    def state(self) -> State:
        """The account's data, invented on first use: a server that is asked for one vendor pays for no other."""
        state = State()
        reference.fill(state, self._anchor - stories.HISTORY - 2 * DAY)
        stories.fill(state, self._options.seed, self._options.tickets, self._anchor, self._options.same_second)
        return state

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
        """See `Emulator`."""
        self.settings = self.settings.changed(settings)

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """See `Emulator` and `zoho.accounts`."""
        return self._accounts.afflict(kind, arguments)

    def mutate(self, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Emulator`."""
        change = Change(self.state, self._chance, int(self.clock.now()), self.settings.replies_bump)
        return changes.apply(change, op, arguments)

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
            raise refused("URL_NOT_FOUND")
        endpoint, ids = found
        if asked.method != "GET":
            raise refused("METHOD_NOT_ALLOWED")
        token = self._accounts.identify(asked.headers.get("authorization", ""))
        if token is None:
            raise refused("INVALID_OAUTH")
        if asked.in_flight > self.settings.concurrency_total:
            raise refused("TOO_MANY_REQUESTS")
        params = dict(parse_qsl(asked.query, keep_blank_values=True))
        call = Call(asked, params, ids, endpoint.stream, endpoint.paging, self.state, self.settings, self.clock)
        self._pay(endpoint.cost or (call.cost() if endpoint.paging else 1), headers)
        if endpoint.org:
            _refuse_organization(asked)
        self._refuse_stream(endpoint, token)
        for name in params:
            if name not in endpoint.params and not (endpoint.paging and name in _PAGE):
                raise extra_parameter(name)
        return endpoint.answer(call)

    def _pay(self, cost: int, headers: dict[str, str]) -> None:
        midnight = self.clock.now() // DAY * DAY
        paid = self._credits.spend(cost, self.settings.credits_total, midnight)
        headers["x-rate-limit-request-weight-v3"] = str(cost)
        headers["x-rate-limit-remaining-v3"] = str(paid.remaining)
        if not paid.granted:
            left = int(midnight + DAY - self.clock.now()) + 1
            raise refused("THRESHOLD_EXCEEDED", headers={"retry-after": str(left)})

    def _refuse_stream(self, endpoint: endpoints.Endpoint, token: Token) -> None:
        if not all(token.may(group) for group in endpoint.scopes):
            raise refused("SCOPE_MISMATCH", status=self.settings.scope_mismatch_status)
        if endpoint.stream in self.settings.unavailable:
            raise refused(self.settings.unavailable[endpoint.stream])


def _refuse_organization(asked: Asked) -> None:
    given = asked.headers.get("orgid")
    if given is None:
        raise unprocessable("The header 'orgId' is missing.")
    if given != ORG_ID:
        raise refused("OAUTH_ORG_MISMATCH")

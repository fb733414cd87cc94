"""The emulated account as a whole: a request passes authentication, limits, role, scope and plan, then its endpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import Refusal, ok
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Options, Reply
from ticket_pipelines.sandbox.limits import Allowance, Windows
from ticket_pipelines.sandbox.zendesk import census, changes, endpoints, history, reference, stories
from ticket_pipelines.sandbox.zendesk.access import Access, Identity
from ticket_pipelines.sandbox.zendesk.call import Call
from ticket_pipelines.sandbox.zendesk.change import Change
from ticket_pipelines.sandbox.zendesk.errors import (
    FORBIDDEN,
    INVALID_ENDPOINT,
    PRESETS,
    TOO_MANY_OF_BUCKET,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    missing_scope,
)
from ticket_pipelines.sandbox.zendesk.settings import Settings
from ticket_pipelines.sandbox.zendesk.state import State

_DAY = 86_400
_READ_SCOPES = frozenset({"read"})


class ZendeskEmulator:
    """One emulated Zendesk account (see `sandbox.emulator.Emulator`)."""

    def __init__(self, options: Options) -> None:
        self.clock = Clock(options.now, frozen=options.frozen)
        self.settings = Settings().changed(options.settings)
        self.presets = PRESETS
        self._options = options
        self._access = Access(self.clock)
        self._windows = Windows(self.clock)
        self._anchor = int(self.clock.now() // _DAY) * _DAY
        self._chance = random.Random(options.seed)  # noqa: S311 - choices must be repeatable, not secret
        if options.data:
            # a file that cannot be read is said before anything is served
            history.fill(self.state, options.data)

    @cached_property
    def state(self) -> State:
        """The account's data, invented on first use: a server that is asked for one vendor pays for no other."""
        state = State()
        reference.fill(state, self._anchor - stories.HISTORY - _DAY)
        if not self._options.data:
            stories.fill(state, self._options.seed, self._options.tickets, self._anchor, self._options.same_second)
        return state

    def stream_pattern(self, stream: str) -> str:
        """See `Emulator`."""
        return endpoints.stream_pattern(stream)

    def answer(self, asked: Asked) -> Reply:
        """See `Emulator`."""
        headers: dict[str, str] = {}
        try:
            if asked.path == "/oauth/tokens":
                return self._token(asked)
            reply = self._within_limits(asked, headers)
        except Refusal as refusal:
            reply = refusal.reply()
        return Reply(reply.status, reply.body, {**headers, **reply.headers})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """See `Emulator`."""
        self.settings = self.settings.changed(settings)

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """See `Emulator`."""
        return not arguments and self._access.afflict(kind)

    def mutate(self, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Emulator`."""
        return changes.apply(Change(self.state, self._chance, int(self.clock.now())), op, arguments)

    def counts(self) -> dict[str, Any]:
        """See `Emulator`."""
        return census.counts(self.state, self.clock.now())

    def versions(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.versions(self.state, stream)

    def records(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.records(self.state, stream)

    def _token(self, asked: Asked) -> Reply:
        if asked.method != "POST":
            raise Refusal(404, INVALID_ENDPOINT)
        return ok(self._access.mint(asked.body, self.settings), self.settings.token_status)

    def _within_limits(self, asked: Asked, headers: dict[str, str]) -> Reply:
        """Answers an API request; fills `headers` with what the limits say."""
        who = self._access.identify(asked.headers.get("authorization", ""), self.settings)
        found = endpoints.find(asked.path) if asked.method == "GET" else None
        endpoint, ids = found or (endpoints.Endpoint("", _unknown), {})
        if who is None and not endpoint.anonymous:
            raise Refusal(401, UNAUTHORIZED)
        allowances = self._windows.take(self.settings.rules(endpoint.limit))
        headers.update(_limit_headers(allowances, self.settings.header_family))
        _refuse_over_limit(allowances)
        if who is not None:
            _refuse_role_and_scope(who, endpoint, asked)
        refusal = self.settings.refusal(endpoint.stream)
        if refusal:
            raise Refusal(refusal, FORBIDDEN if refusal == 403 else INVALID_ENDPOINT)
        params = dict(parse_qsl(asked.query, keep_blank_values=True))
        return endpoint.answer(Call(asked, params, ids, who, self.state, self.settings, self.clock))


def _unknown(_: Call) -> Reply:
    raise Refusal(404, INVALID_ENDPOINT)


def _refuse_over_limit(allowances: list[Allowance]) -> None:
    for allowance in allowances:
        if not allowance.granted:
            body = TOO_MANY_REQUESTS if allowance.rule.name == "account" else TOO_MANY_OF_BUCKET
            raise Refusal(429, body, {"retry-after": str(allowance.resets)})


def _refuse_role_and_scope(who: Identity, endpoint: endpoints.Endpoint, asked: Asked) -> None:
    topic = asked.path.removeprefix(endpoints.PREFIX).partition("/")[2 if endpoint.limit == endpoints.EXPORTS else 0]
    needed = f"{topic.partition('/')[0].partition('.')[0]}:read"
    if not _READ_SCOPES & set(who.scopes) and needed not in who.scopes:
        raise Refusal(403, missing_scope("read"))
    if endpoint.admin and who.role != "admin":
        raise Refusal(403, FORBIDDEN)


def _limit_headers(allowances: list[Allowance], family: str) -> dict[str, str]:
    """The account's limit under three names, each other one under its bucket's (contract, section 3)."""
    account, *others = allowances
    prefix, total_name = ("ratelimit", "ratelimit-limit") if family == "new" else ("rate-limit", "rate-limit")
    total, remaining = str(account.rule.total), str(account.remaining)
    headers = {
        "x-rate-limit": total,
        "x-rate-limit-remaining": remaining,
        total_name: total,
        f"{prefix}-remaining": remaining,
        f"{prefix}-reset": str(account.resets),
    }
    for other in others:
        said = f"total={other.rule.total}; remaining={other.remaining}; resets={other.resets}"
        headers[f"zendesk-{prefix}-{other.rule.name}"] = said
    return headers

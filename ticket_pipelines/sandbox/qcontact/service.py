"""The emulated tenant as a whole: a request passes its path, limit and token, then its endpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from ticket_pipelines.sandbox.answers import Refusal
from ticket_pipelines.sandbox.clock import Clock
from ticket_pipelines.sandbox.emulator import Asked, Options, Reply
from ticket_pipelines.sandbox.limits import Rule, Windows
from ticket_pipelines.sandbox.qcontact import census, changes, endpoints
from ticket_pipelines.sandbox.qcontact.access import SIGN_IN, Access
from ticket_pipelines.sandbox.qcontact.call import Call
from ticket_pipelines.sandbox.qcontact.errors import PRESETS, refused
from ticket_pipelines.sandbox.qcontact.settings import Settings
from ticket_pipelines.sandbox.qcontact.state import State
from ticket_pipelines.sandbox.qcontact.stories import DAY, invented


class QContactEmulator:
    """One emulated QContact tenant (see `sandbox.emulator.Emulator`)."""

    def __init__(self, options: Options) -> None:
        self.clock = Clock(options.now, frozen=options.frozen)
        self.settings = Settings().changed(options.settings)
        self.presets = PRESETS
        self._options = options
        self._anchor = int(self.clock.now() // DAY) * DAY
        self._access = Access(self.clock)
        self._windows = Windows(self.clock)
        self._chance = random.Random(options.seed)  # noqa: S311 - choices must be repeatable, not secret

    @cached_property
    def state(self) -> State:
        """The tenant's data, invented on first use."""
        return invented(self._options.seed, self._options.tickets, self._anchor, self._options.same_second)

    def stream_pattern(self, stream: str) -> str:
        """See `Emulator`."""
        return endpoints.stream_pattern(stream)

    def answer(self, asked: Asked) -> Reply:
        """See `Emulator`."""
        renewed: dict[str, str] = {}
        try:
            reply = self._answered(asked, renewed)
        except Refusal as refusal:
            reply = refusal.reply()
        return Reply(reply.status, reply.body, {**renewed, **reply.headers})

    def configure(self, settings: Mapping[str, Any]) -> None:
        """See `Emulator`."""
        self.settings = self.settings.changed(settings)

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """See `Emulator` and `access`."""
        return self._access.afflict(kind, arguments)

    def mutate(self, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """See `Emulator`."""
        return changes.apply(changes.Change(self.state, self._chance, self.clock.now()), op, arguments)

    def counts(self) -> dict[str, Any]:
        """See `Emulator`."""
        return census.counts(self.state)

    def versions(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.versions(self.state, stream, self.settings)

    def records(self, stream: str) -> list[dict[str, Any]]:
        """See `Emulator`."""
        return census.records(self.state, stream, self.settings)

    def _answered(self, asked: Asked, renewed: dict[str, str]) -> Reply:
        """Answers a request; fills `renewed` with the headers of a rotated token."""
        self._refuse_crowd()
        if asked.path == SIGN_IN:
            return self._access.sign_in(asked, self.settings)
        try:
            endpoint, ids = endpoints.find(asked.method, asked.path)
        except KeyError:
            raise refused("not_found") from None
        if endpoint is None:
            raise refused("method_not_allowed")
        params = dict(parse_qsl(asked.query, keep_blank_values=True))
        given = {**params, **asked.headers} if endpoint.by_query else asked.headers
        uid = self._access.identify(given, self.settings, renewed)
        self._access.refuse_entity(ids.get("entity", ""))
        return endpoint.answer(Call(asked, params, ids, uid, self.state, self.settings, self.clock))

    def _refuse_crowd(self) -> None:
        """Refuses what exceeds the limit, where the tenant has one."""
        if self.settings.requests_total is None:
            return
        (taken,) = self._windows.take([Rule("all", self.settings.requests_total, self.settings.requests_period)])
        if not taken.granted:
            headers = {"retry-after": str(taken.resets)} if self.settings.retry_after else {}
            raise refused("too_many_requests", headers)

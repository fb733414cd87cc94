"""Settings of the emulated account: plan, limits, delays and the forms in which real accounts differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ticket_pipelines.sandbox.limits import Rule

PLANS: Mapping[str, int] = {"team": 200, "growth": 400, "professional": 400, "enterprise": 700, "enterprise_plus": 2500}
"""Requests per minute of the Suite plans (contract, section 3)."""

GATED: Mapping[str, Mapping[str, int]] = {
    "team": {"ticket_forms": 403, "sla_policies": 404, "schedules": 404, "holidays": 404, "audit_logs": 403},
    "growth": {"ticket_forms": 403, "audit_logs": 403},
    "professional": {"audit_logs": 403},
}
"""Streams that a plan lacks, with the status of the refusal (contract, sections 4 and 5.11)."""

HIGH_VOLUME_TOTAL = 2500


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen about the account.

    Attributes:
        plan: One of `PLANS`.
        high_volume: True with the High Volume add-on: 2,500 requests a minute, 30 of them exports.
        account_total: Requests a minute; None: what the plan has.
        incremental_total: Requests a minute to all incremental exports together; None: 10, with the add-on 30.
        header_family: `new` (ratelimit-…, zendesk-ratelimit-…) or `old` (rate-limit-…, zendesk-rate-limit-…).
        export_delay: Seconds for which exports withhold what is new.
        unavailable: Streams that are refused besides the plan's, with the status: 403 or 404.
        api_tokens: False when the account has no API tokens any more.
        token_seconds: Lifetime of an OAuth token for which none was asked.
        token_status: Status of an answer with a token: 200 or 201.
        too_recent_status: 400, or 422 for the historical form of "start_time too recent".
        whole_seconds: False to cut export pages inside a second even where that cannot advance.
        slow_above: Export pages larger than this end in a 504; None: never.
        metric_events_end_of_stream: False when the metric events' export does not say `end_of_stream`.
        null_when_empty: True when an empty export page has null in place of its position.
    """

    plan: str = "enterprise"
    high_volume: bool = False
    account_total: int | None = None
    incremental_total: int | None = None
    header_family: str = "new"
    export_delay: int = 60
    unavailable: Mapping[str, int] = field(default_factory=dict)
    api_tokens: bool = True
    token_seconds: int = 1800
    token_status: int = 201
    too_recent_status: int = 400
    whole_seconds: bool = True
    slow_above: int | None = None
    metric_events_end_of_stream: bool = True
    null_when_empty: bool = False

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise ValueError(f"unknown plan {self.plan!r}; one of: {', '.join(PLANS)}")
        if self.header_family not in ("new", "old"):
            raise ValueError("header_family is new or old")

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some changed.

        Raises:
            ValueError: An unknown setting or value.
        """
        try:
            return replace(self, **changes)
        except TypeError as error:
            raise ValueError(f"unknown setting: {error}") from error

    def refusal(self, stream: str) -> int | None:
        """Status with which a stream is refused; None when it is there."""
        return {**GATED.get(self.plan, {}), **self.unavailable}.get(stream)

    def rules(self, limit: str) -> list[Rule]:
        """The limits that a request of a limit class falls under, the account's first."""
        account = self.account_total or (HIGH_VOLUME_TOTAL if self.high_volume else PLANS[self.plan])
        rules = [Rule("account", account)]
        if limit == "incremental-exports":
            rules.append(Rule(limit, self.incremental_total or (30 if self.high_volume else 10)))
        elif limit != "account":
            rules.append(Rule(limit, BUCKETS[limit]))
        return rules


BUCKETS: Mapping[str, int] = {"tickets-index": 100, "search": 100, "deleted-tickets": 10}
"""Requests a minute to endpoints with a limit of their own (contract, section 3)."""

"""Run configuration: what may be written, and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_pipelines.defs.config import SyncConfig, config_of
from ticket_pipelines.errors import UsageError
from ticket_pipelines.sync.result import Mode, SyncRequest, Trigger

moments = st.datetimes(datetime(1970, 1, 1), datetime(2290, 1, 1), timezones=st.just(UTC))
names = st.lists(st.text("abc_", min_size=1), max_size=3).map(tuple)
requests = st.builds(
    SyncRequest,
    mode=st.sampled_from([Mode.INCREMENTAL, Mode.FULL, Mode.BACKFILL]),
    trigger=st.sampled_from(Trigger),
    since=st.none() | moments,
    until=st.none() | moments,
    streams=names,
    ids=names,
    wait=st.booleans(),
    due_only=st.booleans(),
    dagster_run_id=st.just("run"),
)


@given(requests)
def test_a_request_survives_its_configuration(request: SyncRequest) -> None:
    config = config_of(request)
    assert SyncConfig(**config.model_dump()).request("incremental", config.streams, "run") == request


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T08:00:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00+05:30", datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("", None),
        (None, None),
    ],
)
def test_instants(text: str | None, meant: datetime | None) -> None:
    assert SyncConfig(since=text).request("backfill", (), "run").since == meant


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"mode": "push"}, "mode: 'push' is not known; write one of incremental, full, backfill"),
        ({"trigger": "cron"}, "trigger: 'cron' is not known; write one of schedule, manual, api, webhook"),
        (
            {"until": "yesterday"},
            "until: 'yesterday' is not a date or time; write ISO such as 2026-01-31 or 2026-01-31T08:00:00Z",
        ),
    ],
    ids=["mode", "trigger", "until"],
)
def test_what_cannot_be_read_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        SyncConfig(**config).request("incremental", (), "run")
    assert str(error.value) == said


def test_the_mode_of_the_job_holds_where_none_is_written() -> None:
    assert SyncConfig().request("full", (), "run").mode is Mode.FULL
    assert SyncConfig(mode="incremental").request("full", (), "run").mode is Mode.INCREMENTAL

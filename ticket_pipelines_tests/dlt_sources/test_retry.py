from __future__ import annotations

import pytest

from dlt_sources.retry import Policy, retry_after

NOW = 1_750_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("Sun, 15 Jun 2025 15:07:10 GMT", 30.0),
        ("Sun, 15 Jun 2025 15:06:10 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_an_absent_retry_after_names_no_time() -> None:
    assert retry_after({}, NOW) is None


def test_waits_double_up_to_the_longest_and_vary() -> None:
    policy = Policy(first_wait=1.0, longest_wait=20.0)
    for attempt, base in enumerate([1, 2, 4, 8, 16, 20, 20], start=1):
        assert base <= policy.backoff(attempt) <= base * 1.25
    assert len({policy.backoff(3) for _ in range(20)}) > 1

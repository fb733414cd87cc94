from __future__ import annotations

import pytest

from dlt_sources.limits import Announcement
from dlt_sources.zendesk.limits import announcements


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, []),
        ({"Content-Type": "application/json"}, []),
        (
            {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699", "ratelimit-reset": "26"},
            [Announcement("account", 700, 699, 26)],
        ),
        (
            {"Rate-Limit": "400", "Rate-Limit-Remaining": "0", "Rate-Limit-Reset": "12"},
            [Announcement("account", 400, 0, 12)],
        ),
        (
            {"RATELIMIT-LIMIT": "2500", "ratelimit-remaining": "2", "ratelimit-reset": "1"},
            [Announcement("account", 2500, 2, 1)],
        ),
        (
            {"zendesk-ratelimit-incremental-exports": "total=10; remaining=9; resets=2"},
            [Announcement("incremental", 10, 9, 2)],
        ),
        (
            {"Zendesk-Rate-Limit-Incremental-Exports": "total=30; remaining=0;resets=41"},
            [Announcement("incremental", 30, 0, 41)],
        ),
        ({"zendesk-ratelimit-incremental-exports": "soon"}, [Announcement("incremental", None, None, None)]),
        ({"zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=2"}, []),
        ({"X-Rate-Limit": "many", "X-Rate-Limit-Remaining": "few"}, []),
    ],
    ids=[
        "none",
        "others",
        "lasting names",
        "names until 2023",
        "names since 2024",
        "exports",
        "exports, old name",
        "exports, garbage",
        "another bucket",
        "garbage",
    ],
)
def test_both_families_of_headers_are_read(headers: dict[str, str], said: list[Announcement]) -> None:
    assert list(announcements(headers)) == said

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources.text import clean

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@pytest.mark.parametrize(
    ("body", "cleaned", "count"),
    [
        (rb'"a\u0000b"', b'"ab"', 1),
        (rb'"a\\u0000b"', rb'"a\\u0000b"', 0),
        (rb'"a\\\u0000b"', rb'"a\\b"', 1),
        (b'"a\x00b\x00"', b'"ab"', 2),
        (rb'"\ud83d"', rb'"\ufffd"', 1),
        (rb'"\udc00 x"', rb'"\ufffd x"', 1),
        (rb'"\uD83D\uDC4D"', rb'"\uD83D\uDC4D"', 0),
        (rb'"\ud83d\ud83d\udc4d"', rb'"\ufffd\ud83d\udc4d"', 1),
        (rb'"\udc4d\ud83d"', rb'"\ufffd\ufffd"', 2),
        (rb'"\\ud83d"', rb'"\\ud83d"', 0),
        (rb'"\\ud83d\udc4d"', rb'"\\ud83d\ufffd"', 1),
        (b'"\xff"', '"\ufffd"'.encode(), 1),
        (b'"\xed\xa0\x80"', '"\ufffd\ufffd\ufffd"'.encode(), 3),
        ('"\ufffd ünï"'.encode(), '"\ufffd ünï"'.encode(), 0),
    ],
)
def test_what_no_database_takes_is_cleaned_and_counted(body: bytes, cleaned: bytes, count: int) -> None:
    assert clean(body) == (cleaned, count)


@given(st.lists(TEXT), st.booleans())
def test_whole_text_is_left_as_it_is(texts: list[str], ascii_only: bool) -> None:
    body = json.dumps(texts, ensure_ascii=ascii_only).encode()
    cleaned, count = clean(body)
    assert cleaned == body
    assert count == 0


@given(st.lists(st.sampled_from(["a", "\\", "\x00", "\ud83d", "\udc4d", "\\u0000", "\U0001f44d", '"'])))
def test_any_mixture_becomes_text_that_can_be_stored(parts: list[str]) -> None:
    body = json.dumps("".join(parts)).encode()
    # json joins the halves of a pair; what is left of them stands alone
    whole: str = json.loads(body)
    wanted = re.sub("[\ud800-\udfff]", "\ufffd", whole).replace("\x00", "")
    cleaned, count = clean(body)
    assert msgspec.json.decode(cleaned, type=str) == wanted
    assert count == len(re.findall("[\x00\ud800-\udfff]", whole))


def test_a_clean_body_is_not_copied() -> None:
    body = json.dumps({"html_body": "a \u003c b", "emoji": "\U0001f44d"}).encode()
    assert clean(body)[0] is body

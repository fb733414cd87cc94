"""Text made of HTML."""

from __future__ import annotations

import html
import re

import pyarrow as pa

from ticket_pipelines.unified.columns import TEXT

_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z!][^>]*>", re.IGNORECASE)
_LINES = re.compile(r"[ \t]*\n[ \t]*(?:\n[ \t]*)+")


def text_of(markup: str | None) -> str | None:
    """The text of an HTML fragment; a text without markup stays as it is."""
    if markup is None or not ("<" in markup or "&" in markup):
        return markup
    plain = html.unescape(_TAG.sub("", _BREAK.sub("\n", _HIDDEN.sub("", markup))))
    return _LINES.sub("\n\n", plain).strip()


def texts_of(markup: pa.Array) -> pa.Array:
    """A column of HTML as text."""
    return pa.array([text_of(one) for one in markup.to_pylist()], TEXT)

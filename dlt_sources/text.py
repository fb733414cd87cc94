r"""Cleans the text of a JSON body before it is decoded.

No database takes a NUL in text, and a lone surrogate is no character. Both reach us as escapes (`\u0000`, `\ud83d`
without its other half), as raw NUL bytes, or as bytes that are not UTF-8. A clean body is only looked through, by the
search of the C library.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|u([0-9a-fA-F]{4})"
    rb"|.)",
    re.DOTALL,
)
_HALF = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.DOTALL)
_REPLACEMENT = rb"\ufffd"
_SURROGATES = frozenset((b"d8", b"d9", b"da", b"db", b"dc", b"dd", b"de", b"df"))


def clean(body: bytes) -> tuple[bytes, int]:
    """Removes NULs, replaces lone surrogates and bytes that are not UTF-8 by U+FFFD.

    Returns:
        The body (the same object where nothing was wrong) and the count of what was removed or replaced.
    """
    body, nul_bytes = _without_nul_bytes(body)
    body, broken = _valid_utf8(body)
    escapes = 0
    if rb"\u0000" in body or _may_hold_half_a_pair(body):
        body, escapes = _repair_escapes(body)
    return body, nul_bytes + broken + escapes


def _without_nul_bytes(body: bytes) -> tuple[bytes, int]:
    if b"\x00" not in body:
        return body, 0
    return body.replace(b"\x00", b""), body.count(b"\x00")


def _valid_utf8(body: bytes) -> tuple[bytes, int]:
    if body.isascii():
        return body, 0
    try:
        body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
        already = body.count("\ufffd".encode())
        return text.encode(), text.count("\ufffd") - already
    return body, 0


def _may_hold_half_a_pair(body: bytes) -> bool:
    if rb"\ud" not in body and rb"\uD" not in body:
        return False
    # after an escaped backslash the regular expression cannot tell text from escape; the repair can
    return rb"\\ud" in body or rb"\\uD" in body or _HALF.search(body) is not None


def _repair_escapes(body: bytes) -> tuple[bytes, int]:
    repaired = 0

    def repair(match: re.Match[bytes]) -> bytes:
        nonlocal repaired
        digits = match.group(1)
        if digits == b"0000":
            repaired += 1
            return b""
        if digits is not None and digits[:2].lower() in _SURROGATES:
            repaired += 1
            return _REPLACEMENT
        return match.group()

    return _ESCAPE.sub(repair, body), repaired

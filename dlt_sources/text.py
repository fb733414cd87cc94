r"""Cleans the text of a JSON body before it is decoded.

No database takes a NUL in text, and a lone surrogate is no character. Both reach us as escapes (`\u0000`, `\ud83d`
without its other half), as raw NUL bytes, or as bytes that are not UTF-8. A clean body is only looked through, by the
search of the C library.
"""

from __future__ import annotations

import codecs
import re

_ESCAPE = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|u([0-9a-fA-F]{4})"
    rb"|.)",
    re.DOTALL,
)
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F]..)", re.DOTALL)
_PIECE = 64 * 1024
_REPLACEMENT = rb"\ufffd"
_HIGH = frozenset((b"8", b"9", b"a", b"b", b"A", b"B"))
_SURROGATES = frozenset((b"d8", b"d9", b"da", b"db", b"dc", b"dd", b"de", b"df"))


def clean(body: bytes) -> tuple[bytes, int]:
    """Removes NULs, replaces lone surrogates and bytes that are not UTF-8 by U+FFFD.

    Returns:
        The body (the same object where nothing was wrong) and the count of what was removed or replaced.
    """
    body, nul_bytes = _without_nul_bytes(body)
    body, broken = _valid_utf8(body)
    escapes = 0
    if _may_need_repair(body):
        body, escapes = _repair_escapes(body)
    return body, nul_bytes + broken + escapes


def _without_nul_bytes(body: bytes) -> tuple[bytes, int]:
    if b"\x00" not in body:
        return body, 0
    return body.replace(b"\x00", b""), body.count(b"\x00")


def _valid_utf8(body: bytes) -> tuple[bytes, int]:
    if body.isascii():
        return body, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    try:
        # piece by piece: the whole text at once would take four times the body where it holds an emoji
        for start in range(0, len(body), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
        already = body.count("\ufffd".encode())
        return text.encode(), text.count("\ufffd") - already
    return body, 0


def _may_need_repair(body: bytes) -> bool:
    """False for a body whose surrogate escapes all stand in pairs; looks at nothing but suspects."""
    open_until = -1
    for match in _SUSPECT.finditer(body):
        start = match.start()
        after_backslash = body[start - 1 : start] == b"\\"
        high = body[start + 3 : start + 4] in _HIGH
        if after_backslash or body[start + 2 : start + 6] == b"0000" or high == (open_until == start):
            return True
        if open_until not in (-1, start):
            return True
        open_until = match.end() if high else -1
    return open_until != -1


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

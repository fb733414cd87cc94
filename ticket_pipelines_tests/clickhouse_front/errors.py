"""What goes wrong, in the vendor's codes, and the HTTP status that each code travels under."""

from __future__ import annotations

import re

AUTHENTICATION_FAILED = 516
INTO_OUTFILE_NOT_ALLOWED = 358
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
UNKNOWN_COMPRESSION_METHOD = 89
UNKNOWN_EXCEPTION = 1002

STATUSES = {
    401: {194},
    403: {192, 193, 497, 512, 516},
    400: {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676},
    404: {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511},
    408: {159},
    411: {381},
    413: {229},
    415: {779},
    501: {48},
    503: {76, 209, 439},
}
"""The server's own table (`exceptionCodeToHTTPStatus`); every other code is a 500."""
STATUS_OF = {code: status for status, codes in STATUSES.items() for code in codes}

NAMES = {
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    INTO_OUTFILE_NOT_ALLOWED: "INTO_OUTFILE_NOT_ALLOWED",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
    159: "TIMEOUT_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    319: "UNKNOWN_STATUS_OF_INSERT",
    999: "KEEPER_EXCEPTION",
}
"""Names of the codes that the front raises itself, or that a test may order by a fault."""


class ClickHouseError(Exception):
    """An exception as a server reports it: a code, and a message that begins with it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        return STATUS_OF.get(self.code, 500)


def raised_here(code: int, text: str) -> ClickHouseError:
    """An error of the front's own, worded like the server's."""
    return ClickHouseError(code, f"Code: {code}. DB::Exception: {text} ({NAMES.get(code, 'UNKNOWN_EXCEPTION')})")


def raised_by_engine(error: Exception) -> ClickHouseError:
    """chDB's exception without what chDB puts around the engine's message."""
    found = re.search(r"Code: (\d+)\. DB::\w*Exception: (.*)", str(error), re.DOTALL)
    if found is None:
        return raised_here(UNKNOWN_EXCEPTION, str(error))
    text = re.sub(r"\s*\(in query: .*", "", found[2], flags=re.DOTALL)
    text = re.sub(r"^Code: \d+\. DB::\w*Exception: ", "", text).strip()
    return ClickHouseError(int(found[1]), f"Code: {found[1]}. DB::Exception: {text}")

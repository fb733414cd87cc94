"""Just enough of ClickHouse's grammar for what its HTTP handler does: find an INSERT's data, refuse a second one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ticket_pipelines_tests.clickhouse_front.errors import (
    INTO_OUTFILE_NOT_ALLOWED,
    NOT_IMPLEMENTED,
    SYNTAX_ERROR,
    raised_here,
)

LEXEMES = re.compile(
    rb"""(?P<comment>--[^\n]*|/\*.*?\*/)
       | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*`)
       | (?P<word>[A-Za-z_]\w*)
       | (?P<mark>[();.])
       | (?P<other>[^\s])""",
    re.DOTALL | re.VERBOSE,
)
DATA_BEGINS = re.compile(rb"[ \t\f]*\r?\n?")
"""The server skips blanks and at most one line end between the format's name and the data."""
ROWS = {"SELECT", "WITH", "FROM", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "EXISTS", "CHECK", "KILL"}
"""Statements whose answer has a format."""
NEED_A_SESSION = {("SET",), ("USE",), ("CREATE", "TEMPORARY"), ("CREATE", "OR", "REPLACE", "TEMPORARY")}


@dataclass(frozen=True)
class Lexeme:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """One statement; an INSERT with data is taken apart, since the data go through a file."""

    text: bytes
    """All of it; of an INSERT with data what stands before its settings."""
    kind: str
    format: str | None = None
    settings: bytes = b""
    data_at: int | None = None
    """Where the data of an INSERT begin."""

    @property
    def gives_rows(self) -> bool:
        return self.kind in ROWS


def lexemes(sql: bytes) -> Iterator[Lexeme]:
    """What is outside comments and parentheses, as upper-case words, quoted names, and single other characters."""
    depth = 0
    for found in LEXEMES.finditer(sql):
        kind, text = str(found.lastgroup), found[0].decode(errors="replace")
        if text == ")":
            depth -= 1
        if depth <= 0 and kind != "comment" and text not in "()":
            yield Lexeme(kind, text.upper() if kind == "word" else text, found.start(), found.end())
        if text == "(":
            depth += 1


def kind_of(sql: bytes) -> str:
    """The first word: INSERT, SELECT, ALTER."""
    first = next(lexemes(sql), None)
    return first.text if first is not None and first.kind == "word" else ""


def read_insert(sql: bytes) -> Statement | None:
    """The INSERT that `sql` begins with if its data follow in a named format; they are not looked at."""
    parts = lexemes(sql)
    if next(parts, None) is None or not re.match(
        rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*INSERT\b", sql, re.IGNORECASE | re.DOTALL
    ):
        return None
    settings_at, before = None, ""
    for part in parts:
        named_so = before == "." or before == "INTO"
        before = part.text
        if part.kind != "word" or named_so:
            continue
        if part.text == "SETTINGS":
            settings_at = part.start
        elif part.text == "FORMAT":
            name = next(parts, None)
            following = DATA_BEGINS.match(sql, name.end) if name else None
            if name is None or following is None:
                raise raised_here(SYNTAX_ERROR, "Syntax error: failed at end of query: a format's name is expected.")
            end = part.start if settings_at is None else settings_at
            written = sql[name.start : name.end].decode()
            return Statement(sql[:end], "INSERT", written, sql[end : part.start], following.end())
        elif part.text in {"SELECT", "WITH", "VALUES", "FROM"}:
            return None
    return None


def read_statement(sql: bytes) -> Statement:
    """The one statement in `sql`; raises what a server says to several of them, and to what needs a session."""
    parts = list(lexemes(sql))
    ends = next((index for index, part in enumerate(parts) if part.text == ";"), len(parts))
    if any(part.text != ";" for part in parts[ends:]):
        raise raised_here(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed): failed after the first ';'.")
    parts = parts[:ends]
    words = tuple(part.text if part.kind == "word" else "" for part in parts)
    if any(words[: len(opening)] == opening for opening in NEED_A_SESSION):
        raise raised_here(NOT_IMPLEMENTED, f"The test front keeps no sessions: {' '.join(words[:2])} would be lost.")
    if ("INTO", "OUTFILE") in itertools.pairwise(words):
        raise raised_here(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed.")
    kind = words[0] if words else "SELECT" if sql.lstrip().startswith(b"(") else ""
    named = [index for index, word in enumerate(words[:-1]) if word == "FORMAT" and kind in ROWS]
    return Statement(sql, kind, parts[named[-1] + 1].text if named else None)

"""The head of a record: id, version, hash and deletion, read without building its columns.

Most records of a repeated read are unchanged. Their heads are enough to see that (`settle.py`), at a fraction of the
cost of shaping them. A record that has no readable head is rejected here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import xxhash

from dlt_sources.base import Clock, Deletion, Stream
from ticket_pipelines.logs import topic
from ticket_pipelines.sync import instants

log = topic("sync")

SHAPE_VERSION = 1
"""Seed of the content hash. Raised when records are shaped in another way, so that a full sync writes all rows."""

MAX_VERSION = 2**62
"""Above it a clock is nonsense; the margin leaves room to count on."""

LIST = 128
"""Records that are decoded by one call."""

LONGEST_ID = 255
"""Letters: vendors' ids have 40 at most, and an index of Postgres takes no key much longer."""

TOO_DEEP = "nested too deep"
_INT64 = 2**63


@dataclass(slots=True)
class Head:
    """What settling needs to know of a record.

    Attributes:
        raw: The record as it came.
        id: The vendor's id, as text.
        version: Its clock in milliseconds; None where there is none, or it cannot be read.
        content_hash: Hash of the record's bytes.
        deleted_at: When it was deleted; None while alive.
        older: It may be older than what was read before; see `Page.older`.
        partial: It lacks fields that the stored row holds; see `Page.partial`.
        as_of: Since when at least it was so; see `Page.as_of`.
    """

    raw: msgspec.Raw
    id: str
    version: int | None
    content_hash: int
    deleted_at: datetime | None
    older: bool = False
    partial: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be loaded, with the reason.

    Attributes:
        stream: Name of its stream.
        stage: shape, map or load.
        reason: One line.
        payload: The record as it came.
        record_id: The vendor's id, where one could be read.
        version: Its version, where one could be read.
        partial: It lacks fields that the stored row holds; see `Page.partial`.
    """

    stream: str
    stage: str
    reason: str
    payload: bytes
    record_id: str | None = None
    version: int | None = None
    partial: bool = False


class HeadReader:
    """Reads the heads of one stream's records."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        fields = dict.fromkeys([stream.key, *([stream.clock] if stream.clock else [])])
        for rule in stream.deletions:
            fields |= dict.fromkeys([rule.field, *([rule.at] if rule.at else []), *(name for name, _ in rule.also)])
        places = {field: f"f{number}" for number, field in enumerate(fields)}
        head = msgspec.defstruct(
            "RecordHead",
            [(place, Any, None) for place in places.values()],
            rename={place: field for field, place in places.items()},
            gc=False,
        )
        self._one = msgspec.json.Decoder(head).decode
        self._many = msgspec.json.Decoder(list[head]).decode  # type: ignore[valid-type]
        self._key = places[stream.key]
        self._clock = places[stream.clock] if stream.clock else None
        self._rules = [_Rule(rule, places) for rule in stream.deletions]
        self._deciding = {rule.field for rule in stream.deletions}

    def read(self, records: Sequence[msgspec.Raw], now: datetime) -> tuple[list[Head], list[Rejected]]:
        """The heads of these records in order, and the records that have none.

        Args:
            records: Records of one page.
            now: Stands in for the time of a deletion that the vendor does not date.
        """
        records, heads, rejected = self._decoded(records)
        versions = self._versions(heads)
        deletions = self._deletions(heads, versions, now)
        place = self._key
        read = []
        for number, (raw, head, version) in enumerate(zip(records, heads, versions, strict=True)):
            key = getattr(head, place)
            if type(key) is int:
                key = str(key)
            elif type(key) is not str or not key:
                rejected.append(self._rejected(raw, f"no id: field {self._stream.key!r} is missing or not one"))
                continue
            if len(key) > LONGEST_ID:
                rejected.append(self._rejected(raw, f"its id has more than {LONGEST_ID} letters"))
                continue
            read.append(Head(raw, key, version, content_hash(raw), deletions.get(number)))
        return read, rejected

    def tells_deletion(self, raw: msgspec.Raw) -> bool:
        """Whether a record has a field that says whether it is deleted. It was read before."""
        return not self._deciding or not self._deciding.isdisjoint(_names(raw))

    def _decoded(self, records: Sequence[msgspec.Raw]) -> tuple[Sequence[msgspec.Raw], Sequence[Any], list[Rejected]]:
        """The records that decode, their heads, and those that do not."""
        heads: list[Any] = []
        try:
            for text in lists(records):
                check_utf8(text)
                heads += self._many(text)
            if len(heads) == len(records):
                return records, heads, []
        except _FAILURES as error:
            log.debug("a page of %s is read record by record: %s", self._stream.name, type(error).__name__)
        good, found, rejected = [], [], []
        for raw in records:
            try:
                check_utf8(bytes(raw))
                found.append(self._one(raw))
            except _FAILURES as error:
                rejected.append(self._rejected(raw, why(error)))
            else:
                good.append(raw)
        return good, found, rejected

    def _versions(self, heads: Sequence[Any]) -> list[int | None]:
        if self._clock is None:
            return [None] * len(heads)
        clock = self._clock
        values = [getattr(head, clock) for head in heads]
        if self._stream.clock_unit is Clock.EPOCH_SECONDS:
            return [_from_seconds(value) for value in values]
        try:
            microseconds = pa.array(values, pa.string()).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
        except (pa.ArrowException, TypeError):
            return [_from_text(value) for value in values]
        return [None if value is None else value // 1000 for value in microseconds]

    def _deletions(self, heads: Sequence[Any], versions: Sequence[int | None], now: datetime) -> dict[int, datetime]:
        """When records were deleted, by their number; the first rule that matches counts."""
        found: dict[int, datetime] = {}
        for rule in self._rules:
            for number in rule.matching(heads):
                if number not in found:
                    given = instants.parse(getattr(heads[number], rule.at)) if rule.at else None
                    version = versions[number]
                    dated = instants.from_milliseconds(version) if version is not None else None
                    found[number] = given or dated or now
        return found

    def _rejected(self, raw: msgspec.Raw, reason: str) -> Rejected:
        return Rejected(self._stream.name, "shape", reason, bytes(raw))


_FAILURES = (msgspec.MsgspecError, RecursionError, pa.ArrowInvalid)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def lists(records: Sequence[msgspec.Raw]) -> Iterator[bytes]:
    """The records as the texts of JSON lists, `LIST` records each: few enough to stay in the processor's cache."""
    for start in range(0, len(records), LIST):
        yield b"[" + b",".join(records[start : start + LIST]) + b"]"


def content_hash(raw: msgspec.Raw) -> int:
    """Hash of a record's bytes as a signed 64-bit number."""
    found = xxhash.xxh3_64_intdigest(raw, SHAPE_VERSION)
    return found - 2 * _INT64 if found >= _INT64 else found


def check_utf8(data: bytes) -> None:
    """Proves that bytes are UTF-8; many times faster than decoding them.

    Raises:
        pyarrow.ArrowInvalid: They are not.
    """
    offsets = pa.py_buffer(struct.pack("<qq", 0, len(data)))
    pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)]).validate(full=True)


def why(error: Exception) -> str:
    """Why a record cannot be read, without any of its text."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, msgspec.ValidationError):
        return "a number out of all range" if "out of range" in str(error) else "not a JSON object"
    return "not valid JSON text"


class _Rule:
    """A `Deletion` whose fields are places of the head's struct."""

    def __init__(self, rule: Deletion, places: dict[str, str]) -> None:
        self.at = places[rule.at] if rule.at else None
        self._needs = [(places[rule.field], rule.equals), *((places[name], value) for name, value in rule.also)]

    def matching(self, heads: Sequence[Any]) -> list[int]:
        """Numbers of the heads that match."""
        numbers = list(range(len(heads)))
        for place, wanted in self._needs:
            if wanted is None:
                numbers = [number for number in numbers if getattr(heads[number], place) is not None]
            else:
                kind = type(wanted)
                numbers = [
                    number
                    for number in numbers
                    if (value := getattr(heads[number], place)) == wanted and type(value) is kind
                ]
        return numbers


def _from_seconds(value: Any) -> int | None:
    if type(value) is int:
        return value * 1000 if abs(value) < MAX_VERSION // 1000 else None
    if type(value) is float:
        return round(value * 1000) if abs(value) < MAX_VERSION // 1000 else None
    return None


def _from_text(value: Any) -> int | None:
    instant = instants.parse(value) if isinstance(value, str) else None
    return None if instant is None else instants.to_milliseconds(instant)

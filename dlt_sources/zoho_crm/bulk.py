"""Bulk read (contract, section 3.1): a job at Zoho writes a module into a CSV file of up to 200,000 rows.

    create job -> poll -> download the zip to a temporary file -> CSV, row by row -> pages

Memory holds one page, whatever the file's size. A file is what the module was when its job ran: whoever reads it reads
the changes since then as well.

State, under `bulk`: `job` (its id), `began` (Zoho's time of the first job), `page` and `token` (which file it is) and
`done` (rows of it that were read). A job's file stays for a day, so a read that was cut off goes on in it.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any, BinaryIO, cast

import msgspec

from dlt_sources.base import Page, State
from dlt_sources.errors import ConnectionFailedError, MalformedError
from dlt_sources.http import Request
from dlt_sources.zoho_crm.failures import NoBulkError
from dlt_sources.zoho_crm.limits import DOWNLOADS
from dlt_sources.zoho_crm.reader import Reader
from dlt_sources.zoho_crm.walks import Target, instant

BULK_FROM = 2_000
"""Records from which a module is read so: fewer cost less by list (a job costs 50 credits, a page of 200 one)."""

FILE_PAGE, FILE_PAGE_BYTES = 40_000, 12 * 2**20
"""Rows that become one page, or fewer, of so many bytes of CSV. More than a list's page has: whatever its size, a read
that was cut off fetches the file once more, and each load costs a tenth of a CPU second besides its rows."""
_ROWS_AT_ONCE = 500

JOBS = "/crm/bulk/v8/read"
LONGEST_CELL = 2**27
"""Characters of a cell, at most; the csv module's own bound is below what a rich text may hold."""

_FIRST_WAIT, _LONGEST_WAIT, _PATIENCE = 2.0, 30.0, 3_600.0
_WORKING = frozenset({"ADDED", "QUEUED", "IN PROGRESS", "IN_PROGRESS"})


class Result(msgspec.Struct):
    """`result` of a job that is done."""

    more_records: bool = False
    next_page_token: str | None = None


class Details(msgspec.Struct):
    """`details` of a job that was created."""

    id: str | None = None
    created_time: str | None = None


class Job(msgspec.Struct):
    """A job, as it was created (`details`) or as it stands (`state`, `result`)."""

    state: str | None = None
    result: Result | None = None
    details: Details = msgspec.field(default_factory=Details)
    created_time: str | None = None


class Jobs(msgspec.Struct):
    """Answer about one job."""

    data: list[Job]


_jobs = msgspec.json.Decoder(Jobs).decode


def export(reader: Reader, target: Target, state: State) -> Iterator[Page]:
    """All records of a module; none is the last page. Afterwards, `began` in the state says since when changes count.

    Args:
        reader: Reads.
        target: The module; each of its fields is one that a bulk read carries.
        state: Position; other keys than `bulk` are handed on.

    Raises:
        NoBulkError: Zoho gives this module by its list only.
    """
    at: dict[str, Any] = dict(state.get("bulk") or _created(reader, target, {}))
    while True:
        result = _finished(reader, target, at)
        with tempfile.TemporaryFile() as opened:
            file = cast("BinaryIO", opened)
            _download(reader, target, at, file)
            yield from _pages(target, file, at, state)
        if not result.more_records:
            return
        at = _created(reader, target, {**at, "page": at["page"] + 1, "token": result.next_page_token})


def _created(reader: Reader, target: Target, at: dict[str, Any]) -> dict[str, Any]:
    """Creates the job of the next file."""
    number, token = at.get("page", 1), at.get("token")
    place: dict[str, Any] = {"page_token": token} if token else {"page": number}
    query = {"module": {"api_name": target.module}, "fields": sorted(target.names), **place}
    request = Request(
        JOBS,
        limits=reader.limits,
        body={"query": query, "file_type": "csv"},
        about=f"bulk read of {target.module}",
    )
    job = _only(target, reader.session.fetch(request, _jobs)[0])
    if not job.details.id:
        raise MalformedError(f"bulk read of {target.module}: Zoho does not say which job it made.")
    began = at.get("began") or job.details.created_time
    return {"job": job.details.id, "began": began, "page": number, "token": token, "done": 0}


def _finished(reader: Reader, target: Target, at: dict[str, Any]) -> Result:
    """Waits for a job."""
    request = Request(f"{JOBS}/{at['job']}", limits=reader.limits, about=f"bulk read of {target.module}")
    wait, waited = _FIRST_WAIT, 0.0
    while True:
        job = _only(target, reader.session.fetch(request, _jobs)[0])
        if job.state == "COMPLETED":
            return job.result or Result()
        if job.state not in _WORKING:
            raise NoBulkError(f"bulk read of {target.module}: Zoho's job failed.")
        if waited >= _PATIENCE:
            raise ConnectionFailedError(f"bulk read of {target.module}: not done after {waited:.0f} s. Try later.")
        reader.session.pause(wait, f"Zoho writes {target.module} into a file")
        waited, wait = waited + wait, min(wait * 2, _LONGEST_WAIT)


def _download(reader: Reader, target: Target, at: dict[str, Any], file: BinaryIO) -> None:
    request = Request(
        f"{JOBS}/{at['job']}/result",
        limits=(*reader.limits, DOWNLOADS),
        headers={"Accept": "*/*"},
        about=f"bulk read of {target.module}",
    )
    reader.session.download(request, file)


def _pages(target: Target, file: BinaryIO, at: dict[str, Any], state: State) -> Iterator[Page]:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
            # line ends belong to the text of a cell
            text = _Text(member)
            rows = csv.reader(text)
            csv.field_size_limit(LONGEST_CELL)
            header = next(rows, [])
            try:
                shaped = target.shape.exported(header)
            except KeyError as error:
                if not header:
                    return
                raise NoBulkError(f"bulk read of {target.module}: the file has no column {error}.") from None
            done = at["done"]
            left = islice(rows, done, None)
            for records in _parts(left, member, shaped):
                done += len(records)
                yield Page(
                    target.stream,
                    records,
                    {**state, "bulk": {**at, "done": done}},
                    cleaned=text.take_cleaned(),
                    older=True,
                    as_of=instant(at.get("began")),
                )
    except (zipfile.BadZipFile, EOFError, IndexError, ValueError, csv.Error) as error:
        raise ConnectionFailedError(
            f"bulk read of {target.module}: the file is broken ({type(error).__name__})."
        ) from None


def _parts(
    rows: Iterator[list[str]], member: IO[bytes], shaped: Callable[[list[list[str]]], list[msgspec.Raw]]
) -> Iterator[list[msgspec.Raw]]:
    """The records of a page each."""
    part: list[msgspec.Raw] = []
    began, ended = member.tell(), False
    while not ended:
        some = list(islice(rows, _ROWS_AT_ONCE))
        part += shaped(some)
        # at its end the file is closed
        ended = len(some) < _ROWS_AT_ONCE
        if part and (ended or len(part) >= FILE_PAGE or member.tell() - began >= FILE_PAGE_BYTES):
            yield part
            part, began = [], began if ended else member.tell()


class _Text:
    """Lines of the file, without NUL characters, which no warehouse takes in text."""

    def __init__(self, member: IO[bytes]) -> None:
        self._lines = io.TextIOWrapper(member, "utf-8-sig", errors="replace", newline="")
        self._cleaned = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if "\0" in line:
                self._cleaned += line.count("\0")
                yield line.replace("\0", "")
            else:
                yield line

    def take_cleaned(self) -> int:
        """Count of NUL characters since the last time."""
        taken, self._cleaned = self._cleaned, 0
        return taken


def _only(target: Target, jobs: Jobs) -> Job:
    if not jobs.data:
        raise MalformedError(f"bulk read of {target.module}: Zoho says nothing of the job.")
    return jobs.data[0]


def began_at(state: State) -> State:
    """The position behind a finished bulk read: when its first job was made. The start, where Zoho did not say."""
    found = instant(state.get("bulk", {}).get("began"))
    return {} if found is None else {"clock": found.isoformat()}

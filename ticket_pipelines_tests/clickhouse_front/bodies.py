"""Bodies of requests as streams, whatever their transfer and content encoding, and compression of answers."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from typing import BinaryIO, cast

import lz4.frame

from ticket_pipelines_tests.clickhouse_front.errors import NOT_IMPLEMENTED, UNKNOWN_COMPRESSION_METHOD, raised_here

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "lz4": lambda raw: cast(BinaryIO, lz4.frame.LZ4FrameFile(raw)),
    "zstd": lambda raw: cast(BinaryIO, zstd.ZstdFile(raw)),
    "gzip": lambda raw: cast(BinaryIO, gzip.GzipFile(fileobj=raw)),
}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "gzip": lambda data: gzip.compress(data, 1),
}


class BrokenBodyError(ConnectionError):
    """The client went away before its body was complete: nothing of it may be executed."""


class Body(io.RawIOBase):
    """The body of one request, read from the connection as far as it goes and no further."""

    def __init__(self, connection: BinaryIO, headers: Message) -> None:
        self._connection = connection
        self._chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self._left = 0 if self._chunked else int(headers.get("Content-Length") or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left and self._chunked:
            self._next_chunk()
        data = self._connection.read(min(len(buffer), self._left)) if self._left else b""
        if self._left and not data:
            raise BrokenBodyError("the client closed the connection within its body")
        self._left -= len(data)
        buffer[: len(data)] = data
        if self._chunked and data and not self._left:
            self._connection.readline()
        return len(data)

    def drain(self) -> None:
        """Reads what is left, or it would be taken for the next request."""
        while self.read(1 << 20):
            pass

    def _next_chunk(self) -> None:
        line = self._connection.readline()
        if not line:
            raise BrokenBodyError("the client closed the connection between two chunks")
        self._left = int(line.split(b";")[0], 16)
        if not self._left:
            self._chunked = False
            self._connection.readline()


def open_body(body: Body, encoding: str) -> BinaryIO:
    """The request's body, decompressed while it is read."""
    buffered = cast(BinaryIO, io.BufferedReader(body, 1 << 16))
    if encoding == "identity":
        return buffered
    if encoding not in OPENERS:
        raise raised_here(UNKNOWN_COMPRESSION_METHOD, f"Unknown compression method: {encoding}.")
    return OPENERS[encoding](buffered)


def read_form(content_type: str, body: BinaryIO) -> dict[str, str]:
    """The text fields of a multipart form: the statement and its parameters."""
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body.read())
    fields = {}
    for part in message.walk():
        if part.is_multipart():
            continue
        if part.get_filename() is not None:
            raise raised_here(NOT_IMPLEMENTED, "The test front takes no external data.")
        payload = part.get_payload(decode=True)
        fields[str(part.get_param("name", header="content-disposition"))] = cast(bytes, payload).decode()
    return fields


def compress(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """The answer in the first of the accepted encodings that is known here, and that encoding's name."""
    known = (name.split(";")[0].strip() for name in accepted.split(","))
    encoding = next((name for name in known if name in COMPRESSORS), None)
    return (COMPRESSORS[encoding](data), encoding) if encoding and data else (data, None)

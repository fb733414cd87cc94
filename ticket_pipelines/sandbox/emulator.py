"""What a vendor's emulator offers to the server and to the control plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ticket_pipelines.sandbox.clock import Clock, Instant


@dataclass(frozen=True, slots=True)
class Options:
    """What an emulator is made of.

    Attributes:
        seed: Seed of the invented data.
        tickets: How many tickets to invent.
        same_second: How many of them change in one and the same second; None: about one in five.
        data: Path of a file of real histories that take the place of the invented tickets, at Zendesk.
        now: Where the clock starts; None: the wall clock.
        frozen: True when the clock only moves when told to.
        settings: Settings of the vendor's account, by name (plan, limits, delays).
    """

    seed: int = 1
    tickets: int = 200
    same_second: int | None = None
    data: str | None = None
    now: Instant | None = None
    frozen: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as an emulator sees it.

    Attributes:
        method: HTTP method.
        path: Path, decoded.
        query: Query string, as sent.
        headers: Headers, names in lower case.
        body: The whole body.
        origin: Scheme and host under which the client knows the server.
        repeat: True when a page must say that it is followed by itself.
        in_flight: How many requests of this vendor were being served when it came, itself among them.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    origin: str
    repeat: bool = False
    in_flight: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        body: The whole body.
        headers: Headers, names in lower case; the content length is added later.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor, as the server needs to know it.

    Attributes:
        build: Makes the emulator of one account.
        logins: Credentials by name; the first are those that the vendor recommends.
        config: Desk configuration that leads to an address.
    """

    build: Callable[[Options], Emulator]
    logins: Mapping[str, Mapping[str, str]]
    config: Callable[[str], dict[str, str]]


class Emulator(Protocol):
    """One vendor. All calls come under the control plane's lock, so that none needs its own."""

    @property
    def clock(self) -> Clock:
        """The vendor's clock."""
        ...

    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Named faults of this vendor: fields of a `Fault`."""
        ...

    def stream_pattern(self, stream: str) -> str:
        """Regular expression for the path of a stream's requests.

        Raises:
            KeyError: No such stream.
        """
        ...

    def answer(self, asked: Asked) -> Reply:
        """Answers a request, with the vendor's authentication, limits and errors."""
        ...

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Changes settings of the account.

        Raises:
            ValueError: An unknown setting.
        """
        ...

    def afflict(self, kind: str, arguments: Mapping[str, Any]) -> bool:
        """Changes what credentials may do (expire, revoke, restore).

        Returns:
            False when this is no such kind.
        """
        ...

    def mutate(self, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Changes the data.

        Returns:
            What was changed: ids, by name.

        Raises:
            ValueError: Unknown operation, unknown id, or arguments that do not fit.
        """
        ...

    def counts(self) -> dict[str, Any]:
        """Counts per stream, as a complete sync finds them."""
        ...

    def versions(self, stream: str) -> list[dict[str, Any]]:
        """Id, version (milliseconds, or null without a clock) and deletion of each record of a stream.

        Raises:
            KeyError: No such stream.
        """
        ...

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream, as a complete sync finds them.

        Raises:
            KeyError: No such stream.
        """
        ...

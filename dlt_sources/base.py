"""The words in which a vendor is declared: frozen data, read by one engine.

A vendor is a folder of this package: its streams as data (`streams.py`), its client (`client.py`) and a plain dlt
source (`__init__.py`). Nothing here knows Dagster, `ticket_pipelines` or the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from dlt_sources.limits import Budgets, Limit
from dlt_sources.oauth import TokenStore

State = dict[str, Any]
"""JSON-ready position of one stream: all that is needed to go on reading after the page that carries it."""


class Kind(StrEnum):
    """Type of a column, the same meaning on every warehouse."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a vendor's record.

    Attributes:
        name: The vendor's field name, as it stands in the JSON.
        kind: Declared type; a value that does not fit leaves the column null and stands in `unparsed`.
        meaning: What a reader of the table needs to know; empty where the name says it.
    """

    name: str
    kind: Kind
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Deletion:
    """How a record says that it is deleted. The first rule that matches wins.

    Attributes:
        field: The vendor's field.
        equals: The value that means deleted; None: any value that is not null.
        kind: soft, permanent, merged, swept or erased.
        at: The field that holds the time of the deletion; None: the row's version.
        also: Further fields with the values that they must have for the rule to match.
    """

    field: str
    equals: str | bool | None
    kind: str
    at: str | None = None
    also: tuple[tuple[str, str | bool], ...] = ()


class Refresh(StrEnum):
    """How a stream is read again."""

    INCREMENTAL = "incremental"
    """Goes on from its state; a record that is not seen is not deleted."""
    SNAPSHOT = "snapshot"
    """Read whole each time; after a complete read, a stored row that was not seen is swept."""


class Clock(StrEnum):
    """Unit of the field from which `version` (milliseconds) is made."""

    EPOCH_SECONDS = "epoch_seconds"
    ISO = "iso"


@dataclass(frozen=True, slots=True)
class Recheck:
    """Which stored records are asked for one by one now and then, because the vendor does not tell of deletions.

    Attributes:
        field: The vendor's field.
        equals: Its values on records that are worth asking for.
        every: Seconds between two rounds.
    """

    field: str
    equals: tuple[str, ...]
    every: int = 86_400


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record of a vendor.

    Attributes:
        name: Name of the stream; its table is `<vendor>_<name>`.
        doc: Grain first ("One row per ticket."), then what a reader must know.
        url: Address of the vendor's page on it.
        path: Path of the endpoint, below the account's base address.
        records: Key of the record list in the body.
        columns: Declared fields, in the order of the table.
        key: Vendor field that becomes `id`.
        clock: Vendor field that becomes `version`; None: we count (1, 2, …).
        clock_unit: Unit of that field.
        clock_trusted: True where every change moves the clock, so that a lower version is stale; False: a row whose
            content changed without a higher clock gets the stored version + 1.
        refresh: Incremental or snapshot.
        deletions: How a record says that it is deleted.
        paging: Name of the vendor's pagination family (contract, section 2).
        params: Fixed query parameters.
        limit: Limit class whose budget a request takes (besides the account's own).
        plan: Plan or role it needs; said when the vendor refuses.
        scheduled_every: Seconds between reads in scheduled syncs; 0: each time.
        priority: Lower is read first.
        ignored: Fields that only repeat another one; they are not stored, and never become a column.
        by_id: True where `Client.by_ids` reads it: by its records' own ids, or by those of what they belong to.
        on_demand: True where the stream is read by `Client.by_ids` alone, never in a sync of its own.
        beside: True where a repair of chosen records of the main stream reads it, too.
        optional: True where it costs so much that it is read only for a desk whose `streams` name it.
        by_parent: True where `Client.by_ids` takes ids of what the records belong to (tickets), and to list all of them
            costs a request for each of those.
        clock_by_id: False where `Client.by_ids` gives records without their clock.
        reached: Field of its state with the newest change that was read, as Unix seconds or ISO 8601.
        approximate: True where the vendor's list may lag behind its records, so that counting it is no proof.
        recheck: Records asked for now and then (`abilities.Rechecks`); None: the vendor tells of deletions itself.
        parent: Name of the stream whose records hold those of this one, as a list in their field `records`. Such a
            stream is never read: its rows are made of its parent's, and the declared field `PARENT_ID` names theirs.
    """

    name: str
    doc: str
    url: str
    path: str
    records: str
    columns: tuple[Column, ...]
    key: str = "id"
    clock: str | None = "updated_at"
    clock_unit: Clock = Clock.ISO
    clock_trusted: bool = True
    refresh: Refresh = Refresh.INCREMENTAL
    deletions: tuple[Deletion, ...] = ()
    paging: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    limit: str = "account"
    plan: str = ""
    scheduled_every: int = 0
    priority: int = 50
    ignored: tuple[str, ...] = ()
    by_id: bool = False
    on_demand: bool = False
    beside: bool = False
    optional: bool = False
    by_parent: bool = False
    clock_by_id: bool = True
    reached: str = "clock"
    approximate: bool = False
    recheck: Recheck | None = None
    parent: str = ""


PARENT_ID = "$parent_id"
"""Field that a record out of another one is given: the id of that other record."""


@dataclass(frozen=True, slots=True)
class Window:
    """Bounds of a full sync or backfill by the vendor's clock; None: open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Page:
    """One page of one stream.

    Attributes:
        stream: Name of the stream.
        records: The records, each as the JSON bytes that the vendor sent (text cleaned); not yet decoded.
        state: Where to go on once these rows are committed.
        last: True when the vendor has nothing more for now.
        cleaned: Count of NUL characters and lone surrogates that were taken out.
        partial: True when the records lack fields that the stored rows hold (a repair through another endpoint): stored
            values of absent fields are kept.
        older: True when the records may be older than what was read before (a file that was written earlier): only one
            with a higher clock than the stored row's changes it.
        as_of: Of older records, since when at least they were so; None: nobody says.
        answered: Ids that were asked for and exist, where the records do not bear them as their own (`Client.by_ids`).
    """

    stream: str
    records: list[msgspec.Raw]
    state: State
    last: bool = False
    cleaned: int = 0
    partial: bool = False
    older: bool = False
    as_of: datetime | None = None
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """What the credentials may do with one stream."""

    stream: str
    readable: bool
    reason: str = ""


@dataclass(slots=True)
class Usage:
    """What a client has used so far; the engine reads it for `sync_runs`."""

    requests: int = 0
    wait_seconds: float = 0.0


OnWait = Callable[[float, str], bool | None]
"""Called before a wait with its seconds and the reason in words. May raise: then nothing is waited for. May do the
waiting itself, so that it can cut it off, and says so by True."""

LIMIT_WAIT = "limit "
"""How the reason begins where the wait is for a limit of the account, and the vendor answers well."""


class Client(Protocol):
    """One account of a vendor, open for reading. Not thread-safe; made by `Vendor.open`.

    Attributes:
        usage: What it has used so far.
        on_wait: Called before each wait; may be set after opening, to show progress.
    """

    usage: Usage
    on_wait: OnWait | None

    def check(self) -> list[Access]:
        """Proves the credentials on a real resource, then says stream by stream what they may read.

        Raises:
            CredentialsError: The vendor refuses the credentials.
            ConfigurationError: The address is not one of this vendor's accounts.
        """
        ...

    def pages(self, stream: Stream, state: State, window: Window | None = None) -> Iterator[Page]:
        """Reads a stream from `state` (empty: from the start) to the vendor's end, page by page.

        With a window, reads `since` to `until` by the vendor's clock; the state of such pages is the window's own.

        Raises:
            SourceError: See `errors.py`; pages yielded before stay valid.
        """
        ...

    def by_ids(self, stream: Stream, ids: Sequence[str]) -> Iterator[Page]:
        """Reads chosen records (a repair). An id that is gone is left out, or comes as a part that says so.

        What is not the records' own id is named in `Page.answered`, so that the engine knows which ids are gone.

        Raises:
            UnavailableError: The vendor cannot give this stream by id.
        """
        ...

    def probe(self, states: Mapping[str, State]) -> bool:
        """Asks with one request whether there is anything new. True when in doubt."""
        ...

    def close(self) -> None:
        """Frees the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Discovery:
    """How an account itself says which streams and which columns it has.

    Attributes:
        streams: Asks the account for its streams. Arguments: the client, and the streams that are wanted (names,
            `group` among them; empty: all): the columns of others need not be complete. One stream that cannot be
            described does not stop the others; reading it fails.
        group: Name that stands for all streams that no release knows: to choose them, and as their asset.
        doc: What that asset holds.
    """

    streams: Callable[[Client, Sequence[str]], tuple[Stream, ...]]
    group: str
    doc: str


class Open(Protocol):
    """Opens a client; makes no request."""

    def __call__(
        self, config: Mapping[str, Any], credentials: Mapping[str, str], budgets: Budgets, tokens: TokenStore = ..., /
    ) -> Client:
        """Opens a client.

        Args:
            config: Configuration of the desk.
            credentials: One of the vendor's forms.
            budgets: Where the account's requests are counted.
            tokens: Where access tokens are kept; without it: in this process.

        Raises:
            ConfigurationError: Configuration or credentials are not of the right form.
        """
        ...


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor.

    Attributes:
        name: `zendesk`, `zoho_desk`, `zoho_crm`, `qcontact`.
        title: Name for people.
        streams: All streams, in reading order; with a discovery, those that every account may have.
        schedule: Default schedule (cron, or `every 30s`).
        account: Name of the account that a configuration points at (for budgets, and to refuse a change of account).
        validate: Checks configuration and credentials without a request; raises ConfigurationError.
        open: Opens a client. Arguments: configuration, credentials, budgets, token store. Makes no request.
        config_keys: Configuration keys of this vendor, with meanings.
        credential_forms: Accepted forms of credentials, each a tuple of keys; the first is the preferred one.
        discovery: How an account says which streams it really has; None: those of every account.
        credentials_end: When credentials of a form stop working, where the vendor has said so; None: nothing is known.
        numeric_ids: True where ids of records are whole numbers, so that any other is a slip of the pen.
        retired: Names of settings of an API that is no more, in lower case, each with what to write instead.
        whole_every: Seconds after the last whole sync from which a desk is synced whatever its probe says, since a
            probe does not show all that changes.
        limits: The limit classes of an account with what is assumed of each, for people to see what is left; a total of
            0: only the vendor knows.
        clocks: Members of a stream's state that are times by the vendor's clock (Unix seconds or ISO), the one that a
            walk moves first: how far a backfill has come.
    """

    name: str
    title: str
    streams: tuple[Stream, ...]
    schedule: str
    account: Callable[[Mapping[str, Any]], str]
    validate: Callable[[Mapping[str, Any], Mapping[str, str]], None]
    open: Open
    config_keys: Mapping[str, str]
    credential_forms: tuple[tuple[str, ...], ...]
    discovery: Discovery | None = None
    credentials_end: Callable[[Mapping[str, str]], datetime | None] | None = None
    numeric_ids: bool = False
    retired: Mapping[str, str] = field(default_factory=dict)
    whole_every: int = 3600
    limits: tuple[Limit, ...] = ()
    clocks: tuple[str, ...] = ()

    def stream(self, name: str) -> Stream:
        """The stream of that name.

        Raises:
            KeyError: There is none.
        """
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)

    def table(self, stream: Stream) -> str:
        """Name of the warehouse table of a stream."""
        return f"{self.name}_{stream.name}"

    def asset(self, stream: str) -> str:
        """Name of the asset that a stream belongs to: its own, or that of all streams that no release knows."""
        known = {one.name for one in self.streams}
        return stream if self.discovery is None or stream in known else self.discovery.group

    def as_shown(self, client: Client, wanted: Sequence[str] = ()) -> Vendor:
        """The vendor with the streams that an account has; the vendor itself where all accounts have the same.

        Raises:
            SourceError: The account does not say.
        """
        if self.discovery is None:
            return self
        return replace(self, streams=self.discovery.streams(client, wanted))

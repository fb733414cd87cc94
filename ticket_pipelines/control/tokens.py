"""Access tokens in the control database: one per credential for all processes, encrypted.

Of many who need a token, one takes the right to mint it (a time in the credential's row, until which the others wait)
and asks the vendor outside of any transaction: on SQLite a transaction would hold up everybody's writes meanwhile, the
budget of the minting itself among them. One who dies while minting holds the others up for `MINTING` seconds; one who
is slower than that costs a second token and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dlt_sources.oauth import Token
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import access_tokens as table
from ticket_pipelines.errors import SettingsError
from ticket_pipelines.logs import hide

MINTING = 60.0
"""Seconds for which the right to mint holds."""

_POLL = 0.1


class Cipher(Protocol):
    """Encrypts what is stored (`desks.credentials.Vault`)."""

    def encrypt(self, data: bytes) -> str:
        """The bytes, encrypted."""
        ...

    def decrypt(self, token: str) -> bytes:
        """The bytes again."""
        ...


class _Stored(msgspec.Struct):
    """A token as it is encrypted."""

    value: str
    minted_at: float
    expires_at: float | None
    scopes: list[str]
    api_domain: str | None


@dataclass(frozen=True, slots=True)
class ControlTokens:
    """`dlt_sources.oauth.TokenStore` on the control database. Thread-safe.

    Attributes:
        control: The control database.
        cipher: Encrypts and decrypts.
        sleep: Waits so many seconds for somebody else's token.
        known: Tokens that were read or minted, so that a fresh one costs no look; one that is refused is forgotten.
    """

    control: sa.Engine
    cipher: Cipher
    sleep: Callable[[float], None] = time.sleep
    known: dict[str, Token] = field(default_factory=dict, repr=False)

    def get(self, credential: str, mint: Callable[[], Token], now: Callable[[], float]) -> Token:
        """See `TokenStore.get`."""
        known = self.known.get(credential)
        if known is not None and known.fresh(now()):
            return known
        found = self.known[credential] = self._shared(credential, mint, now)
        return found

    def _shared(self, credential: str, mint: Callable[[], Token], now: Callable[[], float]) -> Token:
        """The token that all processes share."""
        while True:
            found = self._read(credential)
            if found is not None and found.fresh(now()):
                return found
            if self._claim(credential):
                break
            self.sleep(_POLL)
        # somebody else may have minted between the look and the claim
        token = self._read(credential)
        try:
            if token is None or not token.fresh(now()):
                token = mint()
                hide([token.value])
                self._write(credential, token)
        finally:
            self._release(credential)
        return token

    def discard(self, credential: str, value: str) -> None:
        """See `TokenStore.discard`."""
        with self.control.begin() as connection:
            query = sa.select(table.c.token).where(table.c.credential == credential).with_for_update()
            stored = connection.execute(query).scalar()
            found = None if stored is None else self._decrypted(stored)
            if found is not None and found.value == value:
                refused = sa.update(table).where(table.c.credential == credential)
                connection.execute(refused.values(token=None, expires_at=None))
        # only now: whoever looked before would have put it back
        known = self.known.get(credential)
        if known is not None and known.value == value:
            self.known.pop(credential, None)

    def _read(self, credential: str) -> Token | None:
        with reading(self.control) as connection:
            stored = connection.execute(sa.select(table.c.token).where(table.c.credential == credential)).scalar()
        token = None if stored is None else self._decrypted(stored)
        if token is not None:
            hide([token.value])
        return token

    def _claim(self, credential: str) -> bool:
        insert = sqlite.insert if self.control.dialect.name == "sqlite" else postgresql.insert
        free = sa.update(table).where(table.c.credential == credential, table.c.minting_until < time.time())
        with self.control.begin() as connection:
            connection.execute(insert(table).values(credential=credential, minting_until=0.0).on_conflict_do_nothing())
            return connection.execute(free.values(minting_until=time.time() + MINTING)).rowcount == 1

    def _release(self, credential: str) -> None:
        with self.control.begin() as connection:
            connection.execute(sa.update(table).where(table.c.credential == credential).values(minting_until=0.0))

    def _write(self, credential: str, token: Token) -> None:
        stored = _Stored(token.value, token.minted_at, token.expires_at, sorted(token.scopes), token.api_domain)
        values = {"token": self.cipher.encrypt(msgspec.json.encode(stored)), "expires_at": token.expires_at}
        # tokens of credentials that nobody uses any more
        ended = sa.delete(table).where(table.c.expires_at < token.minted_at, table.c.credential != credential)
        with self.control.begin() as connection:
            connection.execute(ended)
            connection.execute(sa.update(table).where(table.c.credential == credential).values(**values))

    def _decrypted(self, stored: str) -> Token | None:
        """The token; None where its key is gone: another token is minted, which the credentials' own key allows."""
        try:
            found = msgspec.json.decode(self.cipher.decrypt(stored), type=_Stored)
        except SettingsError:
            return None
        return Token(found.value, found.minted_at, found.expires_at, frozenset(found.scopes), found.api_domain)

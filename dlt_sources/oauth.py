"""Access tokens: minted when needed, renewed before they end, once per credential however many ask at a time."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        value: The secret; not shown by `repr`.
        minted_at: Unix time.
        expires_at: Unix time; None: the vendor names no end.
        scopes: Granted scopes.
        api_domain: Address of the API, where the vendor says it with the token.
    """

    value: str = field(repr=False)
    minted_at: float
    expires_at: float | None = None
    scopes: frozenset[str] = frozenset()
    api_domain: str | None = None

    def fresh(self, now: float) -> bool:
        """True while a tenth of its life (at most 5 minutes) is still left."""
        if self.expires_at is None:
            return True
        return now < self.expires_at - min(300.0, (self.expires_at - self.minted_at) / 10)


class TokenStore(Protocol):
    """Where tokens are kept: in memory for a source run alone, else in the control database."""

    def get(self, credential: str, mint: Callable[[], Token], now: Callable[[], float]) -> Token:
        """The fresh token of a credential, minted where there is none; of many who ask at a time, one mints.

        Args:
            credential: Name of the credential (see `fingerprint`).
            mint: Asks the vendor for a token; what it raises goes to each that waits, one after another.
            now: Gives the Unix time.
        """
        ...

    def discard(self, credential: str, value: str) -> None:
        """Forgets a token that the vendor refused, unless another one has taken its place already."""
        ...


class Tokens:
    """The tokens of one process. Thread-safe: of many that need a new one, one mints and the others get it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._tokens: dict[str, Token] = {}

    def get(self, credential: str, mint: Callable[[], Token], now: Callable[[], float]) -> Token:
        """See `TokenStore.get`."""
        with self._guard:
            lock = self._locks[credential]
        with lock:
            token = self._tokens.get(credential)
            if token is None or not token.fresh(now()):
                token = self._tokens[credential] = mint()
            return token

    def discard(self, credential: str, value: str) -> None:
        """See `TokenStore.discard`."""
        with self._guard:
            token = self._tokens.get(credential)
            if token is not None and token.value == value:
                del self._tokens[credential]


def fingerprint(*parts: str) -> str:
    """A name for a credential that does not give it away."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


SHARED = Tokens()
"""Tokens that all clients of this process share: a worker that probes many desks mints once per token's life."""

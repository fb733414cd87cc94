"""Settings: the one place that reads the environment, and only when asked.

`read_settings()` turns variables into a frozen `Settings` with absolute paths, so that processes started elsewhere by
Dagster mean the same files. A wrong value raises SettingsError with one line that names the variable, what is wrong
and what to write instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ticket_pipelines.errors import SettingsError

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_WAREHOUSE_FORMS = (
    "duckdb:///FILE (relative), duckdb:////FILE (absolute), postgresql://USER:PASSWORD@HOST/DATABASE, "
    "clickhouse://USER:PASSWORD@HOST:PORT/ or chdb:///FOLDER"
)
_CONTROL_FORMS = "sqlite:///FILE (relative), sqlite:////FILE (absolute) or postgresql://USER:PASSWORD@HOST/DATABASE"
_LONGEST_DAYS = 36_500
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg2"})


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How alerts are mailed.

    Attributes:
        host: The mail server.
        port: Its port.
        tls: Encrypted from the first byte; else from STARTTLS on, save on loopback.
        user: Who sends; empty: no login.
        password: Its password.
        sender: Address of the sender.
        recipients: Addresses of those who are told.
    """

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    sender: str
    recipients: tuple[str, ...]

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        return self.host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked.

    Attributes:
        home: Folder for everything embedded, absolute.
        warehouse: URL of the warehouse; files absolute.
        control_db: SQLAlchemy URL of the control database; files absolute, Postgres always through psycopg2.
        secret_keys: Fernet keys, the first encrypts; empty: the key file beside the SQLite control database.
        log_level: One of LOG_LEVELS.
        log_format: One of LOG_FORMATS.
        dagster_home: Where Dagster keeps its instance.
        alert_webhook: Where the alert channel `webhook` posts to.
        alert_slack: Slack's incoming webhook for the channel `slack`.
        alert_teams: The webhook of a Teams workflow for the channel `teams`.
        alert_email: Mailbox and recipients of the channel `email`.
        keep_dagster_days: How long Dagster's runs, events and ticks are kept.
        keep_runs_days: How long syncs are kept in `sync_runs`.
        keep_loads_days: How long dlt's notes of loads are kept.
        keep_quarantine_days: How long records are kept in the quarantine, since they were last seen.
        threads: Desks that a loop syncs at once.
        live_seconds: Length of a live run.
    """

    home: Path
    warehouse: str = field(repr=False)
    control_db: str = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    log_level: str
    log_format: str
    dagster_home: Path
    alert_webhook: str | None = field(default=None, repr=False)
    alert_slack: str | None = field(default=None, repr=False)
    alert_teams: str | None = field(default=None, repr=False)
    alert_email: Mailbox | None = field(default=None, repr=False)
    keep_dagster_days: float = 30
    keep_runs_days: float = 90
    keep_loads_days: float = 7
    keep_quarantine_days: float = 90
    threads: int = 4
    live_seconds: int = 1800

    @property
    def control_file(self) -> Path | None:
        """File of a SQLite control database; None on Postgres."""
        prefix = "sqlite:///"
        return Path(self.control_db.removeprefix(prefix)) if self.control_db.startswith(prefix) else None


def environment() -> Mapping[str, str]:
    """The process's environment, for the one caller that resolves `${NAME}` references."""
    return os.environ


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads all settings from the environment (or from the given mapping). An empty value counts as unset.

    Raises:
        SettingsError: A value is wrong or missing.
    """
    given = {name: value.strip() for name, value in (os.environ if environ is None else environ).items()}
    home = _home(given.get("TICKETS_HOME", ""))
    control_db = _control_db(given.get("TICKETS_CONTROL_DB", ""), home)
    return Settings(
        home=home,
        warehouse=_warehouse(given.get("TICKETS_WAREHOUSE", ""), home),
        control_db=control_db,
        secret_keys=_secret_keys(given.get("TICKETS_SECRET_KEY", ""), required=not control_db.startswith("sqlite:")),
        log_level=_choice(given, "TICKETS_LOG_LEVEL", LOG_LEVELS, "info"),
        log_format=_choice(given, "TICKETS_LOG_FORMAT", LOG_FORMATS, "text"),
        dagster_home=_dagster_home(given.get("DAGSTER_HOME", ""), home),
        alert_webhook=_alert_webhook(given, "TICKETS_ALERT_WEBHOOK"),
        alert_slack=_alert_webhook(given, "TICKETS_ALERT_SLACK"),
        alert_teams=_alert_webhook(given, "TICKETS_ALERT_TEAMS"),
        alert_email=_alert_email(given, "TICKETS_ALERT_EMAIL"),
        keep_dagster_days=_days(given, "TICKETS_KEEP_DAGSTER_DAYS", 30),
        keep_runs_days=_days(given, "TICKETS_KEEP_RUNS_DAYS", 90),
        keep_loads_days=_days(given, "TICKETS_KEEP_LOADS_DAYS", 7),
        keep_quarantine_days=_days(given, "TICKETS_KEEP_QUARANTINE_DAYS", 90),
        threads=_number(given, "TICKETS_THREADS", range(1, 65), 4),
        live_seconds=_number(given, "TICKETS_LIVE_SECONDS", range(60, 86_401), 1800),
    )


def _home(text: str) -> Path:
    home = _absolute(text or ".tickets")
    if home.exists() and not home.is_dir():
        raise SettingsError(f"TICKETS_HOME: {home} is a file; write the path of a folder")
    return home


def _dagster_home(text: str, home: Path) -> Path:
    return _absolute(text) if text else home / "dagster"


def _warehouse(text: str, home: Path) -> str:
    name = "TICKETS_WAREHOUSE"
    if not text:
        return f"duckdb:///{home / 'warehouse.duckdb'}"
    parts = _url(name, text, _WAREHOUSE_FORMS)
    if parts.scheme == "duckdb":
        return f"duckdb:///{_file(name, text, _WAREHOUSE_FORMS)}"
    if parts.scheme in _POSTGRES:
        _database_required(name, parts)
        return "postgresql" + text[text.index("://") :]
    if parts.scheme == "chdb":
        return f"chdb:///{_file(name, text, _WAREHOUSE_FORMS, folder=True)}"
    if parts.scheme == "clickhouse":
        return text
    raise SettingsError(f"{name}: there is no warehouse engine {_shown(parts.scheme)}; write {_WAREHOUSE_FORMS}")


def _control_db(text: str, home: Path) -> str:
    name = "TICKETS_CONTROL_DB"
    if not text:
        return f"sqlite:///{home / 'control.db'}"
    parts = _url(name, text, _CONTROL_FORMS)
    if parts.scheme in {"sqlite", "sqlite+pysqlite"}:
        return f"sqlite:///{_file(name, text, _CONTROL_FORMS)}"
    if parts.scheme in _POSTGRES:
        _database_required(name, parts)
        # SQLAlchemy 2.1 takes a bare `postgresql://` for psycopg 3, which is not installed
        return "postgresql+psycopg2" + text[text.index("://") :]
    raise SettingsError(f"{name}: there is no control database on {_shown(parts.scheme)}; write {_CONTROL_FORMS}")


def _secret_keys(text: str, *, required: bool) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if required and not keys:
        raise SettingsError(
            "TICKETS_SECRET_KEY: missing, and needed where TICKETS_CONTROL_DB is not SQLite; write a Fernet key"
            " (python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"
        )
    from cryptography.fernet import Fernet

    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise SettingsError(
                f"TICKETS_SECRET_KEY: key {number} of {len(keys)} is not a Fernet key;"
                " write 32 url-safe base64-encoded bytes, several keys with commas between"
            ) from None
    return keys


def _alert_webhook(given: Mapping[str, str], name: str) -> str | None:
    text, form = given.get(name, ""), "https://HOST/PATH"
    if not text:
        return None
    parts = _url(name, text, form)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise SettingsError(f"{name}: only https is allowed (http for loopback addresses alone); write {form}")
    return text


def _alert_email(given: Mapping[str, str], name: str) -> Mailbox | None:
    text, form = given.get(name, ""), "smtp://USER:PASSWORD@HOST:587/?from=ADDRESS&to=ADDRESS (or smtps://)"
    if not text:
        return None
    parts = _url(name, text, form)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise SettingsError(f"{name}: not the address of a mail server; write {form}")
    options = parse_qs(parts.query)
    sender, recipients = options.get("from", []), options.get("to", [])
    addresses = [*sender, *(one for text in recipients for one in text.split(","))]
    if len(sender) != 1 or not recipients or not all(_is_address(one) for one in addresses):
        raise SettingsError(f"{name}: one 'from' and at least one 'to' have to be e-mail addresses; write {form}")
    tls = parts.scheme == "smtps"
    return Mailbox(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587),
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender[0],
        recipients=tuple(addresses[1:]),
    )


def _is_address(text: str) -> bool:
    name, at, host = text.partition("@")
    return bool(name and at and host) and "@" not in host and text.isprintable() and " " not in text


def _days(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, "")
    try:
        days = float(text or default)
    except ValueError:
        days = -1
    # less than a day, and what a load or a run is at work on could be taken for old
    if not 1 <= days <= _LONGEST_DAYS:
        raise SettingsError(f"{name}: {_shown(text)} is no number of days; write one from 1 to {_LONGEST_DAYS}")
    return days


def _choice(given: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = given.get(name, "").lower() or default
    if value not in allowed:
        raise SettingsError(f"{name}: {_shown(value)} is not known; write one of {', '.join(allowed)}")
    return value


def _number(given: Mapping[str, str], name: str, allowed: range, default: int) -> int:
    text = given.get(name, "") or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) in allowed):
        raise SettingsError(
            f"{name}: {_shown(text)} cannot be; write a whole number from {allowed.start} to {allowed.stop - 1}"
        )
    return int(text)


def _url(name: str, text: str, forms: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise SettingsError(f"{name}: the URL cannot be read (host or port is malformed); write {forms}") from None
    if not parts.scheme or "://" not in text:
        raise SettingsError(f"{name}: not a URL; write {forms}")
    return parts


def _file(name: str, text: str, forms: str, *, folder: bool = False) -> Path:
    head, _, path = text.partition(":///")
    if not path or "://" in head or path.endswith("/"):
        raise SettingsError(f"{name}: the URL names no file; write {forms}")
    if "?" in path:
        raise SettingsError(f"{name}: the URL of a file takes no options (after '?'); write {forms}")
    file = _absolute(path)
    if file.is_dir() and not folder:
        raise SettingsError(f"{name}: {file} is a folder; write the path of a file in it")
    if folder and file.exists() and not file.is_dir():
        raise SettingsError(f"{name}: {file} is a file; write the path of a folder")
    return file


def _database_required(name: str, parts: SplitResult) -> None:
    if not parts.path.strip("/"):
        raise SettingsError(f"{name}: the URL names no database; write postgresql://USER:PASSWORD@HOST/DATABASE")


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100  (resolve() would follow links of a home)


def _shown(value: str) -> str:
    return repr(value[:40])

"""Every way in which a vendor's API can fail, typed once.

SourceError
├── PermanentError            trying again changes nothing; the message says what to do
│   ├── ConfigurationError        a value of the desk's configuration is wrong (address, subdomain, data centre)
│   ├── CredentialsError          the vendor refuses the credentials
│   ├── AccessError               the credentials are right, but may not read this (role, scope)
│   ├── UnavailableError          the account's plan has no such feature, or the endpoint does not exist
│   ├── NotFoundError             one record is gone
│   ├── ChangeRefusedError        the vendor does not take a change; the message holds its words
│   ├── StalledError              the vendor's pages make no progress
│   └── MalformedError            the vendor's answer is not what its contract says
└── TransientError            the same request may succeed later
    ├── LimitError                a limit is used up; `retry_at` says until when
    ├── CursorExpiredError        the stored cursor is refused; go on from the stored clock
    └── ConnectionFailedError     no answer, a broken answer, or a 5xx

Messages never carry a credential, a query string or a body.
"""

from __future__ import annotations


class SourceError(Exception):
    """Base of all failures of a source.

    Attributes:
        code: Short stable name for `sync_runs.error_code`, for example `credentials`.
    """

    code = "source"


class PermanentError(SourceError):
    """Trying again changes nothing."""

    code = "permanent"


class ConfigurationError(PermanentError):
    """A value of the desk's configuration is wrong."""

    code = "configuration"


class CredentialsError(PermanentError):
    """The vendor refuses the credentials."""

    code = "credentials"


class AccessError(PermanentError):
    """The credentials are right but may not read this (role or scope)."""

    code = "access"


class UnavailableError(PermanentError):
    """The account's plan has no such feature, or the endpoint does not exist."""

    code = "unavailable"


class NotFoundError(PermanentError):
    """One record is gone."""

    code = "not_found"


class ChangeRefusedError(PermanentError):
    """The vendor does not take a change; the message holds its words."""

    code = "change_refused"


class StalledError(PermanentError):
    """The vendor's pages make no progress; going on would loop for ever."""

    code = "stalled"


class MalformedError(PermanentError):
    """The vendor's answer is not what its contract says."""

    code = "malformed"


class TransientError(SourceError):
    """The same request may succeed later."""

    code = "transient"


class LimitError(TransientError):
    """A limit of the vendor is used up.

    Attributes:
        retry_at: Unix time in seconds from which a request is allowed again.
    """

    code = "limit"

    def __init__(self, message: str, retry_at: float) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class CursorExpiredError(TransientError):
    """The stored cursor is refused; go on from the stored clock."""

    code = "cursor_expired"


class ConnectionFailedError(TransientError):
    """No answer, a broken answer, or a 5xx."""

    code = "connection"

"""What can go wrong for a user, with the exit status that the command line gives it.

TicketPipelinesError
├── UsageError                exit 2: wrong argument, configuration or credentials form
│   └── SettingsError             a TICKETS_ variable is wrong or missing
├── ControlUnavailableError   exit 1: the control database cannot be reached or is locked
├── DeskBusyError             exit 1: another process syncs this desk; names the holder
├── LeaseLostError            exit 1: the sync slept past its lease; nothing more is loaded
├── MirrorError               exit 1: the mirrored table of the user's own cannot be read
├── SyncStoppedError          exit 1: the sync was told to stop; what is committed stays
├── WarehouseUnavailableError exit 1: transient: no connection, lock held, disk full
│   └── WarehouseRefusedError     permanent: wrong password, a right or the database is missing
└── WarehouseRejectedError    exit 1: permanent: the warehouse refuses these rows

Failures of a vendor's API are `dlt_sources.errors.SourceError`. Messages are one or two lines: what happened, where,
and what to do; never a secret.
"""

from __future__ import annotations


class TicketPipelinesError(Exception):
    """Base; `str()` of it is shown to the user as it is."""

    exit_status = 1
    code = "failed"


class UsageError(TicketPipelinesError):
    """The user gave something that cannot work."""

    exit_status = 2
    code = "usage"


class SettingsError(UsageError):
    """A setting is wrong or missing; the message names the variable and what to write instead."""

    code = "settings"


class ControlUnavailableError(TicketPipelinesError):
    """The control database cannot be reached or is locked; the same command may succeed later."""

    code = "control_unavailable"


class DeskBusyError(TicketPipelinesError):
    """Another process holds the desk's lease."""

    code = "busy"


class LeaseLostError(TicketPipelinesError):
    """The lease ended while the sync went on."""

    code = "lease_lost"


class MirrorError(TicketPipelinesError):
    """The mirrored table of the user's own cannot be read."""

    code = "mirror"


class SyncStoppedError(TicketPipelinesError):
    """The sync was told to stop before its end."""

    code = "interrupted"


class WarehouseUnavailableError(TicketPipelinesError):
    """The warehouse cannot be reached or written now; the same load may succeed later."""

    code = "warehouse_unavailable"


class WarehouseRefusedError(WarehouseUnavailableError):
    """The warehouse lets us in not at all, or not far enough; trying again is no use until somebody mends that."""

    code = "warehouse_refused"


class WarehouseRejectedError(TicketPipelinesError):
    """The warehouse refuses these rows; the same load will fail again."""

    code = "warehouse_rejected"

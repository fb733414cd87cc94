"""The command `ticket-pipelines` with all its commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import logging
import sys
from typing import Any, NoReturn

import click

from ticket_pipelines.cli.alerts import alerts
from ticket_pipelines.cli.demo import demo
from ticket_pipelines.cli.desks import desks
from ticket_pipelines.cli.dev import dev
from ticket_pipelines.cli.health import health
from ticket_pipelines.cli.keys import keys
from ticket_pipelines.cli.outbox import outbox
from ticket_pipelines.cli.push import push
from ticket_pipelines.cli.quarantine import quarantine
from ticket_pipelines.cli.query import query
from ticket_pipelines.cli.rebuild import rebuild
from ticket_pipelines.cli.reconcile import reconcile
from ticket_pipelines.cli.retention import retention
from ticket_pipelines.cli.sandbox import sandbox
from ticket_pipelines.cli.status import runs, status
from ticket_pipelines.cli.sync import sync
from ticket_pipelines.cli.worker import worker
from ticket_pipelines.errors import TicketPipelinesError
from ticket_pipelines.logs import redact, topic

FAILED = 1


class Program(click.Group):
    """A group that ends with an exit status and one or two lines, never with a stack trace."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs a command and ends the process."""
        kwargs["standalone_mode"] = False
        try:
            ended = super().main(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # the reader of a pipe has enough; without this Python complains once more at its end
            sys.stdout = None
            sys.exit(FAILED)
        except (KeyboardInterrupt, click.Abort):
            fail("stopped", FAILED)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "ticket-pipelines"
            fail(f"{error.format_message()}\nSee `{path} --help`.", error.exit_code)
        except click.ClickException as error:
            fail(error.format_message(), error.exit_code)
        except Exception as error:
            _log_trace(error)
            fail(*explained(error))
        sys.exit(ended if isinstance(ended, int) else 0)


def explained(error: Exception) -> tuple[str, int]:
    """What to tell the user of an error, and the exit status."""
    from sqlalchemy.exc import OperationalError

    from dlt_sources.errors import ConfigurationError, SourceError

    if isinstance(error, TicketPipelinesError):
        return str(error), error.exit_status
    if isinstance(error, SourceError):
        return str(error), 2 if isinstance(error, ConfigurationError) else FAILED
    if isinstance(error, OperationalError):
        reason = str(error.orig).strip().partition("\n")[0]
        return f"the control database does not answer: {reason}\nCheck TICKETS_CONTROL_DB.", FAILED
    first = str(error).strip().partition("\n")[0][:300]
    hint = "This is a fault of the program; TICKETS_LOG_LEVEL=debug shows the stack trace."
    return f"unexpected {type(error).__name__}: {first}\n{hint}", FAILED


def fail(message: str, exit_status: int) -> NoReturn:
    """Writes the message to stderr and ends the process."""
    click.echo(redact(f"error: {message}"), err=True)
    sys.exit(exit_status)


def _log_trace(error: Exception) -> None:
    log = topic("cli")
    if log.isEnabledFor(logging.DEBUG):
        log.debug("the command failed", exc_info=error)


@click.group(cls=Program, context_settings={"max_content_width": 110})
@click.version_option(package_name="ticket-pipelines", message="%(version)s")
def main() -> None:
    """Keeps a true, fresh, queryable copy of your helpdesks in your own warehouse.

    Exit status: 0 success, 1 failed, 2 wrong usage or configuration, 3 partial.
    """


for _command in (
    demo,
    sandbox,
    desks,
    sync,
    outbox,
    push,
    status,
    runs,
    quarantine,
    reconcile,
    rebuild,
    worker,
    health,
    alerts,
    retention,
    keys,
    query,
    dev,
):
    main.add_command(_command)

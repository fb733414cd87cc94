"""One tick of alerts: look at all desks, note what started and what ended, send what waits.

State and messages are written in one transaction, so whatever process dies, a condition is told once, and a message
that a channel did not take waits until it does. Everybody may tick (the Dagster sensor, the loop, the command line): of
two at once, the one that looked earlier is dropped.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.alerts import store
from ticket_pipelines.alerts.channels import configured, send
from ticket_pipelines.alerts.facts import read_facts
from ticket_pipelines.alerts.messages import Turn, messages, turns
from ticket_pipelines.alerts.rules import conditions, watched
from ticket_pipelines.control import heartbeat
from ticket_pipelines.errors import TicketPipelinesError
from ticket_pipelines.logs import topic
from ticket_pipelines.settings import Settings

log = topic("alerts")

HEARTBEAT = "alerts"
TAKEN = timedelta(minutes=2)
"""How long a message is one sender's: longer than any channel's time-outs."""
SENDING_SECONDS = 20.0
"""After so long a tick sends no further message: Dagster ends a sensor's tick after 60 s."""

_LOCK = 7_238_114_905_011
"""Key of the advisory lock on Postgres."""


def tick(control: sa.Engine, settings: Settings, now: datetime, every: timedelta = timedelta()) -> list[Turn]:
    """Looks at all desks and sends what there is to tell.

    Args:
        control: The control database.
        settings: The settings, for the channels.
        now: The time.
        every: Do nothing where the last tick, of whichever process, is more recent; for callers in a loop.

    Returns:
        The conditions that started or ended.
    """
    before = heartbeat.last(control, HEARTBEAT)
    if before is not None and now - before < every:
        return []
    turned = evaluate(control, settings, now)
    deliver(control, settings, now)
    return turned


def evaluate(control: sa.Engine, settings: Settings, now: datetime) -> list[Turn]:
    """Looks at all desks and puts what is to be told into the channels' queues."""
    facts = read_facts(control, now)
    with control.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not heartbeat.advance(connection, HEARTBEAT, now):
            return []
        looked = watched(facts, store.read_changes(connection))
        turned = turns(conditions(looked, now), store.read_standing(connection), looked, now)
        store.write_turns(connection, turned, now)
        vendors = {desk.desk: desk.vendor for desk in facts}
        store.put(connection, configured(settings), messages(turned, vendors, now), now)
    return turned


def deliver(control: sa.Engine, settings: Settings, now: datetime) -> int:
    """Sends the messages that wait, through each channel until one fails.

    Returns:
        How many were sent.
    """
    count, until = 0, time.monotonic() + SENDING_SECONDS
    for channel in configured(settings):
        while time.monotonic() < until:
            message = store.take(control, channel, now, now + TAKEN)
            if message is None:
                break
            try:
                send(channel, message.message, settings)
            except TicketPipelinesError as error:
                store.failed(control, message, str(error).partition("\n")[0], now)
                log.warning("alert channel %s: %s; tried again later", channel, error)
                break
            store.sent(control, message)
            count += 1
    return count

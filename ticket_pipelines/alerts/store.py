"""What is kept of alerts in the control database: changed rules, conditions that stand, messages that wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ticket_pipelines.alerts.messages import Message, Standing, State, Turn
from ticket_pipelines.alerts.rules import ALL, RULES, Change
from ticket_pipelines.control.connection import reading
from ticket_pipelines.control.database import alert_messages, alert_rules, alert_states, desks
from ticket_pipelines.errors import UsageError

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits to be sent.

    Attributes:
        id: Its number; lower ones go first.
        channel: Name of the channel.
        message: The message.
        due_at: When it is sent, or tried again.
        attempts: How often that failed.
        error: Why the last attempt failed.
    """

    id: int
    channel: str
    message: Message
    due_at: datetime
    attempts: int
    error: str | None


def read_changes(connection: sa.Connection) -> dict[tuple[str, str], Change]:
    """What was changed of the rules."""
    return {
        (row.rule, row.desk): Change(row.enabled, row.threshold) for row in connection.execute(sa.select(alert_rules))
    }


def change_rule(control: sa.Engine, rule: str, desk: str | None, change: Change | None) -> None:
    """Changes a rule for one desk, or for all; None forgets what was changed.

    Raises:
        UsageError: There is no such rule or desk.
    """
    if rule not in RULES:
        raise UsageError(f"there is no alert rule {rule[:40]!r}: write one of {', '.join(RULES)}")
    key = (alert_rules.c.rule == rule, alert_rules.c.desk == (desk or ALL))
    with control.begin() as connection:
        if desk and connection.execute(sa.select(desks.c.key).where(desks.c.key == desk)).first() is None:
            raise UsageError(f"there is no desk {desk[:60]!r}; see `ticket-pipelines desks list`")
        connection.execute(sa.delete(alert_rules).where(*key))
        if change is not None:
            connection.execute(sa.insert(alert_rules).values(rule=rule, desk=desk or ALL, **asdict(change)))


def read_standing(connection: sa.Connection) -> dict[tuple[str, str], Standing]:
    """The conditions that have started and not ended."""
    rows = connection.execute(sa.select(alert_states).order_by(alert_states.c.since, alert_states.c.rule))
    return {(row.rule, row.desk): Standing(row.since, row.detail) for row in rows}


def write_turns(connection: sa.Connection, turned: Collection[Turn], now: datetime) -> None:
    """Keeps what started, forgets what ended."""
    started = [
        {"rule": turn.rule, "desk": turn.desk, "since": now, "detail": turn.detail}
        for turn in turned
        if turn.state is State.STARTED
    ]
    if started:
        connection.execute(sa.insert(alert_states), started)
    for turn in turned:
        if turn.state is State.ENDED:
            mine = (alert_states.c.rule == turn.rule, alert_states.c.desk == turn.desk)
            connection.execute(sa.delete(alert_states).where(*mine))


def put(connection: sa.Connection, channels: Sequence[str], made: Sequence[Message], now: datetime) -> None:
    """Puts messages into the queue of each channel."""
    rows = [
        {"channel": channel, "body": asdict(message), "made_at": now, "due_at": now, "attempts": 0}
        for message in made
        for channel in channels
    ]
    if rows:
        connection.execute(sa.insert(alert_messages), rows)


def waiting(control: sa.Engine) -> list[Waiting]:
    """All messages that wait, in the order in which they are sent."""
    with reading(control) as connection:
        rows = connection.execute(sa.select(alert_messages).order_by(alert_messages.c.id)).all()
    return [_waiting(row) for row in rows]


def take(control: sa.Engine, channel: str, now: datetime, until: datetime) -> Waiting | None:
    """Takes the first message of a channel, if it is due: for one caller only, who has it until a time.

    Messages of a channel are sent in order: that a condition ended is never told before that it started.
    """
    first = sa.select(alert_messages).where(alert_messages.c.channel == channel).order_by(alert_messages.c.id).limit(1)
    with control.begin() as connection:
        row = connection.execute(first).first()
        if row is None or row.due_at > now:
            return None
        mine = sa.update(alert_messages).where(alert_messages.c.id == row.id, alert_messages.c.due_at == row.due_at)
        taken = connection.execute(mine.values(due_at=until)).rowcount == 1
    return _waiting(row) if taken else None


def sent(control: sa.Engine, message: Waiting) -> None:
    """Forgets a message that was sent."""
    with control.begin() as connection:
        connection.execute(sa.delete(alert_messages).where(alert_messages.c.id == message.id))


def failed(control: sa.Engine, message: Waiting, error: str, now: datetime) -> None:
    """Keeps why a message was not sent; it is tried again, ever more seldom, for as long as it takes."""
    later = now + min(FIRST_RETRY * 2 ** min(message.attempts, 10), LONGEST_RETRY)
    again = sa.update(alert_messages).where(alert_messages.c.id == message.id)
    with control.begin() as connection:
        connection.execute(again.values(due_at=later, attempts=message.attempts + 1, error=error))


def _waiting(row: sa.Row[tuple[object, ...]]) -> Waiting:
    body = dict(row.body)
    message = Message(**{**body, "desks": tuple(body["desks"])})
    return Waiting(row.id, row.channel, message, row.due_at, row.attempts, row.error)

"""`ticket-pipelines alerts …`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ticket_pipelines.cli.output import json_option, print_json, print_table
from ticket_pipelines.cli.start import opened, start

NOTHING = "no condition holds"


@click.group()
def alerts() -> None:
    """Alerts and the channels that they go through."""


@alerts.command()
@click.argument("channel")
@json_option
def test(channel: str, as_json: bool) -> None:
    """Sends a test message through CHANNEL: log, email, slack, teams or webhook.

    What a channel needs is set by TICKETS_ALERT_EMAIL, TICKETS_ALERT_SLACK, TICKETS_ALERT_TEAMS and
    TICKETS_ALERT_WEBHOOK; messages go through all that are set, and through the log.
    """
    from ticket_pipelines.alerts.channels import send
    from ticket_pipelines.alerts.messages import trial

    send(channel, trial(datetime.now(UTC)), start())
    if as_json:
        print_json({"channel": channel, "sent": True})
    else:
        click.echo(f"sent through {channel}")


@alerts.command()
@json_option
def check(as_json: bool) -> None:
    """Looks at all desks now, and sends what there is to tell.

    The Dagster daemon does this by itself every 30 s.
    """
    from ticket_pipelines.alerts.tick import tick

    with opened() as project:
        turned = tick(project.control, project.settings, datetime.now(UTC))
    if as_json:
        print_json(turned)
        return
    rows = [(turn.rule, turn.desk, turn.state, turn.detail) for turn in turned]
    print_table(("rule", "desk", "state", "detail"), rows, empty="nothing started or ended")


@alerts.command(name="list")
@json_option
def list_alerts(as_json: bool) -> None:
    """Shows the conditions that hold, and the messages that wait because a channel did not take them."""
    from ticket_pipelines.alerts import store
    from ticket_pipelines.control.connection import reading

    with opened() as project:
        with reading(project.control) as connection:
            standing = store.read_standing(connection)
        waiting = store.waiting(project.control)
    if as_json:
        conditions = [
            {"rule": rule, "desk": desk, "since": one.since, "detail": one.detail}
            for (rule, desk), one in standing.items()
        ]
        print_json({"conditions": conditions, "waiting": waiting})
        return
    rows = [(rule, desk, one.since, one.detail) for (rule, desk), one in standing.items()]
    print_table(("rule", "desk", "since", "detail"), rows, empty=NOTHING)
    if waiting:
        left = [(one.channel, one.message.text, one.attempts, one.due_at, one.error) for one in waiting]
        print_table(("channel", "message", "attempts", "next", "error"), left)


@alerts.command()
@click.option("--desk", metavar="KEY", help="As they are for this desk.")
@json_option
def rules(desk: str | None, as_json: bool) -> None:
    """Shows the rules, whether they are on, and their thresholds."""
    from ticket_pipelines.alerts import store
    from ticket_pipelines.alerts.rules import ALL, RULES, effective
    from ticket_pipelines.control.connection import reading

    with opened() as project:
        if desk is not None:
            project.desks.get(desk)
        with reading(project.control) as connection:
            changes = store.read_changes(connection)
    found = []
    for rule in RULES.values():
        chosen = effective(rule, desk or ALL, changes)
        threshold = rule.threshold if chosen.threshold is None else chosen.threshold
        meaning = rule.said(threshold)
        found.append({"rule": rule.name, "enabled": chosen.enabled, "threshold": threshold, "meaning": meaning})
    others = [(*key, change) for key, change in changes.items() if key[1] and desk is None]
    if as_json:
        exceptions = [
            {"rule": rule, "desk": key, "enabled": change.enabled, "threshold": change.threshold}
            for rule, key, change in others
        ]
        print_json({"rules": found, "exceptions": exceptions})
        return
    print_table(("rule", "on", "threshold", "meaning"), [tuple(one.values()) for one in found])
    if others:
        shown = [(rule, key, change.enabled, change.threshold) for rule, key, change in others]
        print_table(("rule", "desk", "on", "threshold"), shown)


@alerts.command(name="set")
@click.argument("rule")
@click.option("--desk", metavar="KEY", help="For this desk alone; without it, for all.")
@click.option("--threshold", type=click.FloatRange(min=0), help="Another threshold, in the rule's own unit.")
@click.option("--off", "enabled", flag_value=False, type=bool, default=None, help="Switch the rule off.")
@click.option("--on", "enabled", flag_value=True, type=bool, default=None, help="Switch the rule on.")
@click.option("--reset", is_flag=True, help="Forget what was changed.")
@json_option
def set_rule(
    rule: str, desk: str | None, threshold: float | None, enabled: bool | None, reset: bool, as_json: bool
) -> None:
    """Changes RULE for all desks, or for one; it takes effect at the next look, without a restart."""
    from ticket_pipelines.alerts import store
    from ticket_pipelines.alerts.rules import Change

    if reset == (threshold is not None or enabled is not None):
        raise click.UsageError("Give --reset, or any of --threshold, --on and --off.")
    change = None if reset else Change(enabled is not False, threshold)
    with opened() as project:
        store.change_rule(project.control, rule, desk, change)
    if as_json:
        print_json({"rule": rule, "desk": desk, "change": change})
    else:
        click.echo(f"rule {rule} changed for {desk or 'all desks'}")

"""`ticket-pipelines desks …`: the registry of desks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ticket_pipelines.cli.inputs import is_literal, json_object, read_text
from ticket_pipelines.cli.output import json_option, note, print_json, print_table
from ticket_pipelines.cli.start import opened, start
from ticket_pipelines.errors import UsageError

if TYPE_CHECKING:
    from ticket_pipelines.desks.desk import Desk

PARTIAL = 3

key_argument = click.argument("key")
config_help = "The configuration, as JSON or @FILE."
credentials_help = "The credentials: @FILE, - (stdin) or JSON (which shows in the process list)."


@click.group()
def desks() -> None:
    """Registers, shows and changes desks; a desk is one account of a vendor."""


@desks.command()
@key_argument
@click.option("--vendor", required=True, help="The vendor, for example zendesk.")
@click.option("--config", required=True, metavar="JSON|@FILE", help=config_help)
@click.option("--credentials", required=True, metavar="@FILE|-|JSON", help=credentials_help)
@json_option
def add(key: str, vendor: str, config: str, credentials: str, as_json: bool) -> None:
    """Registers a desk and its Dagster partition. It is due at once."""
    settings = start()
    from ticket_pipelines.desks.registration import retired_settings

    chosen, secret = json_object("--config", config), _credentials(credentials)
    with opened(settings) as project:
        desk = project.desks.add(key, vendor, chosen, secret)
        for warning in retired_settings(desk.vendor):
            note(warning)
        from ticket_pipelines.defs.launch import add_partition

        add_partition(settings, desk.vendor, desk.key)
    _print(desk, as_json, f"desk {key} added: {desk.vendor}, {desk.account}; prove it with `desks check {key}`")


@desks.command("list")
@click.option("--removed", is_flag=True, help="Show removed desks too, whose rows are still in the warehouse.")
@json_option
def list_(removed: bool, as_json: bool) -> None:
    """Shows all desks."""
    with opened() as project:
        found = project.desks.list(removed=removed)
    if as_json:
        print_json([_document(desk) for desk in found])
        return
    columns = ("desk", "vendor", "account", "schedule", "timezone", "state", "next due (UTC)")
    rows = [(d.key, d.vendor, d.account, d.schedule, d.timezone, _state(d), d.next_due_at) for d in found]
    print_table(columns, rows, empty="no desk yet: register one with `ticket-pipelines desks add`")


@desks.command()
@key_argument
@json_option
def show(key: str, as_json: bool) -> None:
    """Shows one desk; credentials are never printed."""
    with opened() as project:
        desk = project.desks.get(key)
    if as_json:
        print_json(_document(desk))
        return
    flat = {name: value for name, value in _document(desk).items() if name != "config"}
    configured = {f"config.{name}": value for name, value in desk.config.items()}
    print_table(("field", "value"), [*flat.items(), *configured.items()])


@desks.command(short_help="Changes configuration or credentials.")
@key_argument
@click.option("--config", metavar="JSON|@FILE", help="Keys of the configuration to change; null takes one away.")
@click.option("--credentials", metavar="@FILE|-|JSON", help=credentials_help)
@json_option
def update(key: str, config: str | None, credentials: str | None, as_json: bool) -> None:
    """Changes configuration or credentials of a desk, never the account that it is."""
    settings = start()
    if config is None and credentials is None:
        raise UsageError("nothing to change: give --config, --credentials or both")
    changed = None if config is None else json_object("--config", config)
    secret = None if credentials is None else _credentials(credentials)
    with opened(settings) as project:
        desk = project.desks.update(key, changed, secret)
    _print(desk, as_json, f"desk {key} updated")


@desks.command()
@key_argument
@json_option
def pause(key: str, as_json: bool) -> None:
    """Stops scheduled syncs of a desk; `sync` still works."""
    with opened() as project:
        desk = project.desks.pause(key)
    _print(desk, as_json, f"desk {key} paused")


@desks.command()
@key_argument
@json_option
def resume(key: str, as_json: bool) -> None:
    """Lets scheduled syncs of a desk go on; one that was parked after a permanent failure is tried at once."""
    with opened() as project:
        desk = project.desks.resume(key)
    _print(desk, as_json, f"desk {key} resumed; next due {desk.next_due_at:%Y-%m-%d %H:%M:%S} UTC")


@desks.command()
@key_argument
@json_option
def reset(key: str, as_json: bool) -> None:
    """Frees a desk that is stuck, whoever syncs it, and tries it at once; its position and rows stay."""
    from ticket_pipelines.desks.resetting import reset_desk

    with opened() as project:
        desk, holder = reset_desk(project, key)
    freed = f" (it was held by {holder})" if holder else ""
    _print(desk, as_json, f"desk {key} reset{freed}; " + ("it is paused" if desk.paused else "due now"))


@desks.command()
@key_argument
@click.option(
    "--purge", is_flag=True, help="Delete its rows in the warehouse and its history too; the key is free again."
)
@json_option
def remove(key: str, purge: bool, as_json: bool) -> None:
    """Ends a desk and forgets its credentials; its rows stay unless --purge is given."""
    from ticket_pipelines.defs.launch import remove_partition
    from ticket_pipelines.desks.removal import purge_desk

    settings = start()
    with opened(settings) as project:
        desk = project.desks.find(key) or project.desks.get(key)
        if desk.removed_at is None or not purge:
            desk = project.desks.remove(key)
        remove_partition(settings, desk.vendor, key)
        if purge:
            purge_desk(project, desk)
    said = f"desk {key} removed, its rows deleted" if purge else f"desk {key} removed; its rows stay"
    if as_json:
        print_json({"desk": key, "removed": True, "purged": purge})
    else:
        click.echo(said)


@desks.command(short_help="Proves the credentials of a desk.")
@key_argument
@json_option
def check(key: str, as_json: bool) -> None:
    """Proves the credentials at the vendor and says, stream by stream, what they may read.

    Ends with 3 when some streams cannot be read.
    """
    from ticket_pipelines.desks.checking import check_desk

    with opened() as project:
        found = check_desk(project, key)
    if as_json:
        print_json({"desk": key, "ok": all(access.readable for access in found), "streams": found})
    else:
        click.echo(f"the credentials of {key} are accepted")
        print_table(("stream", "readable", "reason"), [(a.stream, a.readable, a.reason) for a in found])
    if not all(access.readable for access in found):
        click.get_current_context().exit(PARTIAL)


@desks.command()
@click.argument("file", metavar="FILE.yaml")
@click.option("--plan", is_flag=True, help="Only print the difference.")
@json_option
def apply(file: str, plan: bool, as_json: bool) -> None:
    """Makes the registry equal to a YAML file. A desk that is not in it is removed, not purged."""
    from ticket_pipelines.desks.apply import apply_plan, make_plan, read_wanted
    from ticket_pipelines.settings import environment

    settings = start()
    wanted = read_wanted(read_text(file), environment())
    with opened(settings) as project:
        changes = make_plan(project.desks, wanted)
        if not plan:
            from ticket_pipelines.defs.launch import add_partition, remove_partition

            for change in apply_plan(project.desks, changes, wanted):
                if change.action == "add":
                    add_partition(settings, change.vendor, change.key)
                elif change.action == "remove":
                    remove_partition(settings, change.vendor, change.key)
    if as_json:
        print_json({"applied": not plan, "changes": changes})
        return
    rows = [(change.action, change.key, change.vendor, "; ".join(change.details)) for change in changes]
    print_table(("change", "desk", "vendor", "details"), rows, empty="nothing to change")


def _credentials(given: str) -> dict[str, Any]:
    if is_literal(given):
        note("warning: credentials on the command line show in the process list; better @FILE or - (stdin)")
    return json_object("--credentials", given)


def _state(desk: Desk) -> str:
    if desk.removed_at is not None:
        return "removed"
    if desk.paused:
        return "paused"
    return "parked" if desk.parked else "active"


def _document(desk: Desk) -> dict[str, Any]:
    return {
        "key": desk.key,
        "vendor": desk.vendor,
        "account": desk.account,
        "state": _state(desk),
        "schedule": desk.schedule,
        "timezone": desk.timezone,
        "config": dict(desk.config),
        "created_at": desk.created_at,
        "updated_at": desk.updated_at,
        "removed_at": desk.removed_at,
        "last_checked_at": desk.last_checked_at,
        "next_due_at": desk.next_due_at,
        "consecutive_failures": desk.failures,
        "priority": desk.priority,
        "parked": desk.parked,
    }


def _print(desk: Desk, as_json: bool, said: str) -> None:
    if as_json:
        print_json(_document(desk))
    else:
        click.echo(said)

"""Makes the registry equal to a YAML file.

```yaml
desks:
  support_eu:
    vendor: zendesk
    config: {subdomain: acme, schedule: every 5m}
    credentials: {client_id: tickets, client_secret: "${ZENDESK_SECRET}"}
    paused: false
```

Flow: `read_wanted` (text to data, references resolved) -> `make_plan` (checks all, changes nothing) -> `apply_plan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ticket_pipelines.desks.desk import Desk, check_key
from ticket_pipelines.desks.registration import check_registration, find_vendor, secrets_of
from ticket_pipelines.desks.registry import Registry, configuration
from ticket_pipelines.errors import UsageError
from ticket_pipelines.logs import hide

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_KEYS = ("vendor", "config", "credentials", "paused")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A desk as the file wants it."""

    key: str
    vendor: str
    config: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False)
    paused: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: `action` is add, update or remove; `details` never hold a credential."""

    action: str
    key: str
    vendor: str
    details: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would take the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(found) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return found


def read_wanted(text: str, environ: Mapping[str, str]) -> dict[str, Wanted]:
    """Reads the file.

    Args:
        text: The YAML.
        environ: Where `${NAME}` in credentials is looked up.

    Raises:
        UsageError: It is not such a file, or a reference leads nowhere.
    """
    try:
        document = yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise UsageError(
            f"the file is not YAML{where}: {getattr(error, 'problem', None) or 'it cannot be read'}"
        ) from None
    if not isinstance(document, dict) or set(document) != {"desks"} or not isinstance(document["desks"] or {}, dict):
        raise UsageError("the file must hold `desks:` alone, with the desks by key below it (`desks: {}` for none)")
    return {str(key): _wanted(str(key), entry, environ) for key, entry in (document["desks"] or {}).items()}


def make_plan(registry: Registry, wanted: Mapping[str, Wanted]) -> list[Change]:
    """What has to change, in the order in which it will be done. Everything is checked; nothing is changed.

    Raises:
        UsageError: A desk of the file cannot work, was removed but not purged, or would become another account.
    """
    present = {desk.key: desk for desk in registry.list(removed=True)}
    gone = [desk for desk in present.values() if desk.key not in wanted and desk.removed_at is None]
    changes = [Change("remove", desk.key, desk.vendor, ("its rows stay",)) for desk in gone]
    for one in wanted.values():
        if one.key not in present:
            check_key(one.key)
            checked = check_registration(find_vendor(one.vendor), one.config, one.credentials)
            changes.append(Change("add", one.key, one.vendor, (checked.account,)))
        elif details := _differences(registry, registry.get(one.key), one):
            changes.append(Change("update", one.key, one.vendor, details))
    return changes


def apply_plan(registry: Registry, changes: Sequence[Change], wanted: Mapping[str, Wanted]) -> Iterator[Change]:
    """Does the changes one after the other; yields each when it is done."""
    for change in changes:
        if change.action == "remove":
            registry.remove(change.key)
        else:
            _bring_in(registry, change, wanted[change.key])
        yield change


def _bring_in(registry: Registry, change: Change, one: Wanted) -> None:
    if change.action == "add":
        desk = registry.add(one.key, one.vendor, one.config, one.credentials)
    else:
        dropped = {key: None for key in configuration(registry.get(one.key)) if key not in one.config}
        desk = registry.update(one.key, {**dropped, **one.config}, one.credentials)
    if one.paused and not desk.paused:
        registry.pause(one.key)
    elif desk.paused and not one.paused:
        registry.resume(one.key)


def _differences(registry: Registry, desk: Desk, one: Wanted) -> tuple[str, ...]:
    if desk.vendor != one.vendor:
        raise UsageError(f"desk {desk.key!r} is a {desk.vendor} desk; the file calls it {one.vendor}: use another key")
    checked = check_registration(find_vendor(one.vendor), one.config, one.credentials)
    if checked.account != desk.account:
        raise UsageError(
            f"desk {desk.key!r} is the account {desk.account}; the file points it at {checked.account}: use another key"
        )
    before = configuration(desk)
    after = {**checked.config, "schedule": checked.schedule, "timezone": checked.timezone}
    found = [
        f"{name}: {before.get(name)!r} -> {after.get(name)!r}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if registry.secrets(desk.key) != dict(one.credentials):
        found.append("credentials: changed")
    if desk.paused != one.paused:
        found.append("paused" if one.paused else "resumed")
    return tuple(found)


def _wanted(key: str, entry: Any, environ: Mapping[str, str]) -> Wanted:
    if not isinstance(entry, dict) or not {"vendor", "config", "credentials"} <= set(entry):
        raise UsageError(f"desk {key[:60]!r} in the file: it needs vendor, config and credentials")
    if strange := [str(name) for name in entry if name not in _KEYS]:
        raise UsageError(f"desk {key[:60]!r} in the file: {strange[0][:60]!r} is not known; write {', '.join(_KEYS)}")
    config, credentials, paused = entry["config"], entry["credentials"], entry.get("paused", False)
    if not isinstance(config, dict) or not isinstance(credentials, dict) or not isinstance(paused, bool):
        raise UsageError(f"desk {key[:60]!r} in the file: config and credentials are mappings, paused is true or false")
    if _REFERENCE.search(yaml.safe_dump(config)):
        raise UsageError(f"desk {key[:60]!r} in the file: ${{NAME}} is resolved in credentials only, not in config")
    resolved = {str(name): _resolved(key, value, environ) for name, value in credentials.items()}
    hide(secrets_of(resolved))
    return Wanted(key, str(entry["vendor"]), config, resolved, paused)


def _resolved(key: str, value: Any, environ: Mapping[str, str]) -> str:
    if not isinstance(value, str):
        raise UsageError(f"desk {key[:60]!r} in the file: every credential must be text (put it in quotes)")

    def found(match: re.Match[str]) -> str:
        if not environ.get(match[1]):
            raise UsageError(f"desk {key[:60]!r} in the file: the environment variable {match[1]} is not set")
        return environ[match[1]]

    return _REFERENCE.sub(found, value)

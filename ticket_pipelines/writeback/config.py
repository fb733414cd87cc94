"""What a desk's configuration says of writing back: read and checked without a request. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ticket_pipelines.errors import UsageError
from ticket_pipelines.writeback.decide import Policy, Rules
from ticket_pipelines.writeback.keys import WRITE_ENABLED

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
_MIRROR = {"relation", "key", "columns", "status_words"}
_MIRROR_FORM = 'write for example {"relation": "public.tickets", "key": "qcontact_id", "columns": {"status": "status"}}'


@dataclass(frozen=True, slots=True)
class Mirror:
    """A table or view whose changed rows become entries.

    Attributes:
        relation: Its name, with its schema where that is not the default.
        key: Its column that holds the vendor's id of the ticket.
        columns: The vendor's field by column.
        status_words: What the table says for a status of the vendor, by the vendor's label.
    """

    relation: tuple[str, ...]
    key: str
    columns: Mapping[str, str]
    status_words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Writing:
    """What a desk's configuration says.

    Attributes:
        enabled: Whether anything is sent.
        rules: What conflicts are decided by.
        own_tokens: The vendor's token by a status word of the user's own.
        mirror: The mirrored table, if there is one.
    """

    enabled: bool
    rules: Rules
    own_tokens: Mapping[str, str]
    mirror: Mirror | None


def writing_of(vendor: str, config: Mapping[str, Any]) -> Writing:
    """Reads what a configuration says of writing back.

    Raises:
        UsageError: A value is of the wrong form; says what to write instead.
    """
    policy = config.get("conflict_policy", Policy.THEIRS.value)
    if policy not in list(Policy):
        raise UsageError(f"configuration: conflict_policy {str(policy)[:40]!r}: write one of {', '.join(Policy)}")
    return Writing(
        enabled=config.get(WRITE_ENABLED, False) is True,
        rules=Rules(vendor, Policy(policy), _texts(config, "status_map")),
        own_tokens=_texts(config, "write_status_map"),
        mirror=_mirror(config.get("mirror")),
    )


def _texts(config: Mapping[str, Any], name: str) -> dict[str, str]:
    given = config.get(name) or {}
    if not isinstance(given, dict) or not all(isinstance(text, str) for pair in given.items() for text in pair):
        raise UsageError(f'configuration: {name} is no map of texts: write for example {{"resolved": "Solved"}}')
    return given


def _mirror(given: Any) -> Mirror | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not {"relation", "key", "columns"} <= set(given) <= _MIRROR:
        raise UsageError(f"configuration: mirror needs relation, key and columns: {_MIRROR_FORM}")
    columns = _texts(given, "columns")
    relation = tuple(str(given["relation"]).split("."))
    if len(relation) > 2 or not columns or not all(map(_NAME.fullmatch, (*relation, str(given["key"]), *columns))):
        raise UsageError(f"configuration: mirror: relation, key and columns are names of Postgres: {_MIRROR_FORM}")
    if len(set(columns.values())) < len(columns) or not all(columns.values()):
        raise UsageError("configuration: mirror: two columns lead to one field of the vendor, or one leads to none")
    return Mirror(relation, str(given["key"]), columns, _texts(given, "status_words"))

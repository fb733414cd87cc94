"""One form for a record, whichever way it was read: from a list (JSON) or from a bulk read (CSV). Pure.

The two must give the same bytes, since equal bytes are how an unchanged record is known. So

- fields stand in the order of their names, numbers with a fraction are doubles, times are in UTC;
- a lookup is the id of another record (and its module, where it may be of several): its name and e-mail are that
  record's own, a bulk read does not give them, and a copy of them would be stale once the other record is renamed;
- a tag is its name;
- what is no field (`$…`) is left out, but for the module that a task's or call's record is of.

A value that is not of its type is left as it is: the engine puts it into the row's `unparsed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from dlt_sources.base import Kind
from dlt_sources.zoho_crm.metadata import Description, Field, custom_names
from dlt_sources.zoho_crm.streams import CUSTOM_FIELDS, RELATED_MODULE, SEVERAL_PARENTS

LOOKUPS = frozenset({"lookup", "ownerlookup", "userlookup", "multi_module_lookup", "layout"})
"""Data types whose value is another record."""

TAGS = "Tag"
_EXACT = 2**53
_SEPARATOR = ";"

_encode = msgspec.json.encode
_encode_lines = msgspec.json.Encoder().encode_lines


def is_carried(found: Field) -> bool:
    """Whether a bulk read gives all that a field holds, so that it can be typed back (contract, section 3.1)."""
    if any(_SEPARATOR in (option.actual_value or "") for option in found.pick_list_values or ()):
        return False
    if found.crypt is not None or found.hipaa_compliance is not None:
        # such fields come empty where the export is restricted
        return False
    return found.kind is not Kind.JSON or _form(found) in _CSV


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of one module are brought into the one form.

    Attributes:
        fields: The fields of a record, by name.
        custom: Names of those that stand in `CUSTOM_FIELDS` as well.
        carried: Whether a bulk read gives all of them. A file cannot tell an empty text or list from none.
    """

    fields: tuple[Field, ...]
    custom: frozenset[str] = field(default_factory=frozenset)
    carried: bool = False

    @classmethod
    def of(cls, description: Description) -> Shape:
        """The shape of a module's records."""
        fields = tuple(one for one in description.fields if one.api_name != "id")
        carried = description.module not in SEVERAL_PARENTS and all(is_carried(one) for one in fields)
        return cls(fields, custom_names(description), carried)

    def listed(self) -> Callable[[Mapping[str, Any]], msgspec.Raw]:
        """What makes a record of one that a list gives."""
        wanted = [(one.name, _JSON.get(_form(one), _as_it_is)) for one in self.fields]

        def record(given: Mapping[str, Any]) -> msgspec.Raw:
            found = given.get
            values = {name: None if (value := found(name)) is None else convert(value) for name, convert in wanted}
            if self.carried:
                values = {name: None if value in ("", []) else value for name, value in values.items()}
            if RELATED_MODULE in given:
                values[RELATED_MODULE] = given[RELATED_MODULE]
            return msgspec.Raw(_encode({"id": found("id"), **self._complete(values)}))

        return record

    def exported(self, header: Sequence[str]) -> Callable[[Sequence[Sequence[str]]], list[msgspec.Raw]]:
        """What makes records of CSV rows, a column at a time: half the cost of row by row.

        Args:
            header: The file's header.

        Raises:
            KeyError: A field, or the id, has no column.
        """
        places = {name: place for place, name in enumerate(header)}
        key = places["id"] if "id" in places else places["Id"]
        wanted = {one.name: (places[one.name], _CSV.get(_form(one))) for one in self.fields}
        names = ("id", *wanted)

        def records(rows: Sequence[Sequence[str]]) -> list[msgspec.Raw]:
            if not rows:
                return []
            cells = list(zip(*rows, strict=True))
            columns = [_column(cells[place], convert) for place, convert in wanted.values()]
            made = [dict(zip(names, row, strict=True)) for row in zip(cells[key], *columns, strict=True)]
            for values in made:
                self._complete(values)
            # no JSON text holds the separator
            return [msgspec.Raw(line) for line in _encode_lines(made).split(b"\n")[:-1]]

        return records

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.custom:
            values[CUSTOM_FIELDS] = {name: values[name] for name in sorted(self.custom) if values[name] is not None}
        return values


def moment(value: str) -> datetime | str:
    """A time in UTC; what is no time stays as it is."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        # at either end of the calendar
        return value


def _column(cells: Sequence[str], convert: Callable[[str], Any] | None) -> list[Any]:
    """The values of one column; an empty cell is no value."""
    if convert is None:
        return [cell or None for cell in cells]
    # owners, choices and dates repeat
    values = {cell: convert(cell) for cell in set(cells) if cell}
    return [values.get(cell) for cell in cells]


def _form(found: Field) -> str:
    if found.api_name == TAGS:
        return "tags"
    if found.data_type in LOOKUPS:
        return "lookup"
    return found.data_type if found.kind is Kind.JSON else found.kind.value


def _as_it_is(value: Any) -> Any:
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.lstrip("-").isdecimal() else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = float(value) if not value.strip().lstrip("-").isdecimal() else int(value)
        except ValueError:
            return value
    # a whole number that no double holds stays one
    return float(value) if type(value) is int and abs(value) <= _EXACT else value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _time(value: Any) -> Any:
    return moment(value) if isinstance(value, str) else value


def _lookup(value: Any) -> Any:
    if not isinstance(value, dict) or "id" not in value:
        return value
    return {"id": value["id"], **({"module": value["module"]} if value.get("module") else {})}


def _lookup_text(text: str) -> Any:
    if text.startswith("{"):
        try:
            return _lookup(msgspec.json.decode(text))
        except msgspec.DecodeError:
            return text
    return {"id": text}


def _tags(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [{"name": tag.get("name")} if isinstance(tag, dict) else {"name": tag} for tag in value]


def _tags_text(text: str) -> Any:
    if text.startswith("["):
        try:
            return _tags(msgspec.json.decode(text))
        except msgspec.DecodeError:
            return text
    return [{"name": name.strip()} for name in text.replace(_SEPARATOR, ",").split(",") if name.strip()] or None


def _choices_text(text: str) -> Any:
    if text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return [choice.strip() for choice in text.split(_SEPARATOR) if choice.strip()] or None


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    Kind.INTEGER.value: _whole,
    Kind.NUMBER.value: _number,
    Kind.BOOLEAN.value: _boolean,
    Kind.TIMESTAMP.value: _time,
}
_JSON: Mapping[str, Callable[[Any], Any]] = {
    **_SCALARS,
    "lookup": _lookup,
    "tags": _tags,
}
_CSV: Mapping[str, Callable[[Any], Any]] = {
    **_SCALARS,
    "lookup": _lookup_text,
    "tags": _tags_text,
    "multiselectpicklist": _choices_text,
}
"""Forms that a bulk read carries; a JSON field of another form is one that it does not."""

"""What an account says of its modules and fields, and the streams that follow (contract, section 3). Pure.

A module is a stream, named as its API name in lower case; its fields are columns, typed by Zoho's data types. A subform
is a field of its module, and the stream of its rows besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from dlt_sources.base import PARENT_ID, Column, Kind, Refresh, Stream
from dlt_sources.columns import moment, text
from dlt_sources.zoho_crm.streams import BY_MODULE, CLOCK, MAPPED, module_stream

KINDS: Mapping[str, Kind] = {
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "double": Kind.NUMBER,
    "currency": Kind.NUMBER,
    "percent": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "datetime": Kind.TIMESTAMP,
    "date": Kind.DATE,
    "lookup": Kind.JSON,
    "ownerlookup": Kind.JSON,
    "userlookup": Kind.JSON,
    "multi_module_lookup": Kind.JSON,
    "multiselectlookup": Kind.JSON,
    "multiuserlookup": Kind.JSON,
    "multiselectpicklist": Kind.JSON,
    "subform": Kind.JSON,
    "fileupload": Kind.JSON,
    "imageupload": Kind.JSON,
    "consent_lookup": Kind.JSON,
}
"""Zoho's data types; all others are text, unless `json_type` says that the value is none."""

JSON_KINDS: Mapping[str, Kind] = {
    "jsonobject": Kind.JSON,
    "jsonarray": Kind.JSON,
    "integer": Kind.INTEGER,
    "double": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
}
"""Kinds by the `json_type` of a field whose data type is none of `KINDS` (a formula is whatever it returns)."""

_ROW_TIMES = ("Created_Time", "Modified_Time")
_REPEATED = ("Parent_Id",)
"""A subform's row names its record; so does `PARENT_ID`, which also stands where Zoho leaves this out."""

LINKING = frozenset({"linking", "web"})
"""Generated types of modules that hold no records of their own."""


class Module(msgspec.Struct):
    """A module, as `/settings/modules` says it; what it does not say, nothing speaks against."""

    api_name: str | None = None
    api_supported: bool | None = None
    viewable: bool | None = None
    generated_type: str | None = None

    @property
    def is_readable(self) -> bool:
        """Whether its records can be read, as far as the list of modules says."""
        open_to_api = self.api_supported is not False and self.viewable is not False
        return bool(self.api_name) and open_to_api and self.generated_type not in LINKING


class Option(msgspec.Struct):
    """A value that may be chosen."""

    actual_value: str | None = None


class Field(msgspec.Struct):
    """A field, as `/settings/fields` says it."""

    api_name: str | None = None
    data_type: str = "text"
    json_type: str | None = None
    custom_field: bool | None = None
    subform: Any = None
    crypt: Any = None
    hipaa_compliance: Any = None
    pick_list_values: list[Option] | None = None

    @property
    def name(self) -> str:
        """Its name; only fields that have one are described."""
        return self.api_name or ""

    @property
    def kind(self) -> Kind:
        """Kind of its column."""
        return KINDS.get(self.data_type) or JSON_KINDS.get(self.json_type or "", Kind.TEXT)


Shape = TypeVar("Shape", Module, Field)


def read(raw: msgspec.Raw, shape: type[Shape]) -> Shape:
    """A module or a field; of what is not as documented nothing is known, and nothing else waits for it."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError:
        said = msgspec.json.decode(raw)
    known = {}
    for attribute in msgspec.structs.fields(shape) if isinstance(said, dict) else ():
        with suppress(msgspec.ValidationError):
            if attribute.name in said:
                known[attribute.name] = msgspec.convert(said[attribute.name], attribute.type)
    return shape(**known)


@dataclass(frozen=True, slots=True)
class Description:
    """A module with its fields.

    Attributes:
        module: API name.
        fields: Its fields, by name.
        subforms: Fields of its subforms' rows, by the name of the subform's field.
    """

    module: str
    fields: tuple[Field, ...]
    subforms: Mapping[str, tuple[Field, ...]]


def described(module: str, fields: Sequence[Field], subforms: Mapping[str, Sequence[Field]]) -> Description:
    """A description that does not depend on the order in which Zoho says it."""
    return Description(module, ordered(fields), {name: ordered(found) for name, found in subforms.items()})


def ordered(fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields that have a name, each once, by name."""
    named = {field.name: field for field in fields if field.api_name}
    return tuple(named[name] for name in sorted(named))


def subform_module(field: Field) -> str | None:
    """API name of the module that a subform's rows are of; None where the field is no subform."""
    if field.data_type != "subform":
        return None
    found = field.subform.get("module") if isinstance(field.subform, dict) else None
    name = found.get("api_name") if isinstance(found, dict) else found
    return name if isinstance(name, str) and name else field.api_name


def streams_of(description: Description) -> list[Stream]:
    """The stream of a module, and those of its subforms."""
    known = BY_MODULE.get(description.module) or module_stream(description.module)
    declared = {column.name for column in known.columns}
    added = tuple(_column(field) for field in description.fields if field.name not in declared | {"id"})
    has_clock = any(field.name == CLOCK for field in description.fields)
    stream = replace(
        known,
        columns=(*known.columns, *added),
        clock=CLOCK if has_clock else None,
        refresh=Refresh.INCREMENTAL if has_clock else Refresh.SNAPSHOT,
        scheduled_every=0 if has_clock else 3_600,
    )
    return [stream, *(_child(stream, name, fields) for name, fields in sorted(description.subforms.items()))]


def undescribed(module: str) -> Stream:
    """The stream of a module whose fields are not known."""
    return BY_MODULE.get(module) or module_stream(module)


def custom_names(description: Description) -> frozenset[str]:
    """Names of the fields whose values are to stand in `CUSTOM_FIELDS` as well."""
    if description.module not in MAPPED:
        return frozenset()
    fields = (field for field in description.fields if field.data_type != "subform")
    return frozenset(field.name for field in fields if field.custom_field)


def _child(parent: Stream, name: str, fields: Sequence[Field]) -> Stream:
    own = tuple(_column(field) for field in fields if field.name not in ("id", *_ROW_TIMES, *_REPEATED))
    return Stream(
        name=f"{parent.name}_{name.lower()}",
        doc=f"One row per row of the subform {name} of {parent.name}; deleted once its record gives it no longer.",
        url=parent.url,
        path="",
        records=name,
        parent=parent.name,
        clock=None,
        columns=(
            text(PARENT_ID, f"Id in {parent.name}."),
            *own,
            *(moment(name) for name in _ROW_TIMES),
        ),
        priority=parent.priority,
        ignored=_REPEATED,
    )


def _column(field: Field) -> Column:
    return Column(field.name, field.kind, f"Zoho's type: {field.data_type}.")

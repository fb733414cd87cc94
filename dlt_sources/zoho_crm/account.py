"""What an account says of itself: its modules, their fields, its users (contract, section 3).

Asked once per client, and only for the modules that are wanted. A module that cannot be described does not stop the
others: its stream fails when it is read, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from dlt_sources.base import Page, Stream
from dlt_sources.errors import AccessError, NotFoundError, PermanentError, StalledError
from dlt_sources.zoho_crm import metadata
from dlt_sources.zoho_crm.failures import ScopeError
from dlt_sources.zoho_crm.metadata import (
    Description,
    Field,
    Module,
    described,
    streams_of,
    subform_module,
    undescribed,
)
from dlt_sources.zoho_crm.reader import LIST_PAGE, Reader
from dlt_sources.zoho_crm.streams import BY_MODULE, CUSTOM_MODULES, OTHER_STREAMS

_named = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _of(module: str, field: msgspec.Raw) -> msgspec.Raw:
    """A field with its module; what is no object stays as it is, and is set aside later."""
    try:
        return msgspec.Raw(msgspec.json.encode({"module": module, **_named(field)}))
    except msgspec.ValidationError:
        return field


class Account:
    """Describes an account.

    Args:
        reader: Reads.
        chosen: API names of the modules to read; empty: all that can be read.
    """

    def __init__(self, reader: Reader, chosen: Collection[str] = ()) -> None:
        self._reader, self._chosen = reader, chosen
        self._modules: tuple[str, ...] | None = None
        self._descriptions: dict[str, Description] = {}
        self._settings: dict[str, list[msgspec.Raw]] = {}
        self._refused: dict[str, PermanentError] = {}
        self._missing: set[str] = set()

    def streams(self, wanted: Sequence[str] = ()) -> tuple[Stream, ...]:
        """The streams of the account, in reading order.

        Args:
            wanted: Names of the streams whose columns are needed, `custom_modules` among them; empty: all.

        Raises:
            SourceError: The account does not say which modules it has.
        """
        found: list[Stream] = []
        for module in self.modules():
            bare = undescribed(module)
            group = bare.name if module in BY_MODULE else CUSTOM_MODULES
            child = any(name.startswith(f"{bare.name}_") for name in wanted)
            needed = not wanted or child or not {bare.name, group, "fields"}.isdisjoint(wanted)
            description = self._described(module) if needed else None
            found += streams_of(description) if description else [bare]
        return tuple(sorted([*found, *OTHER_STREAMS], key=lambda stream: stream.priority))

    def modules(self) -> tuple[str, ...]:
        """API names of the modules to read."""
        if self._modules is None:
            body, _ = self._reader.get("/crm/v8/settings/modules", {}, "modules", holds="modules")
            there = [metadata.read(raw, Module) for raw in body.modules]
            readable = [module.api_name or "" for module in there if module.is_readable]
            known = {module.api_name for module in there}
            self._missing = set(self._chosen) - known
            self._modules = tuple(sorted(self._chosen)) if self._chosen else tuple(dict.fromkeys(readable))
        return self._modules

    def description(self, stream: Stream) -> Description:
        """The description of a module's stream.

        Raises:
            AccessError: The account has no such module, or does not show it to these credentials.
            SourceError: Whatever Zoho answered when it was asked for its fields.
        """
        module = next((name for name in self.modules() if undescribed(name).name == stream.name), None)
        if module is None:
            raise AccessError(
                f"stream {stream.name}: the account has no such module, or these credentials do not see it."
            )
        found = self._described(module)
        if found is None:
            raise self._refused[module]
        return found

    def users(self, stream: Stream, size: int = LIST_PAGE) -> Iterator[Page]:
        """All users."""
        number, more = 1, True
        before: list[msgspec.Raw] = []
        while more:
            params = {"page": str(number), "per_page": str(size)}
            body, cleaned = self._reader.get(stream.path, params, "users", holds="users")
            if body.users and body.users == before:
                raise StalledError("users: Zoho gives the same page again and again.")
            number, more, before = number + 1, body.more, body.users
            yield Page(stream.name, body.users, {}, last=not more, cleaned=cleaned)

    def fields(self, stream: Stream) -> Iterator[Page]:
        """The fields of all modules; without those of a module that was refused, the listing is not complete."""
        for module in self.modules():
            self._described(module)
        for module, fields in self._settings.items():
            yield Page(stream.name, [_of(module, raw) for raw in fields], {})
        yield Page(stream.name, [], {}, last=not self._refused)

    def _described(self, module: str) -> Description | None:
        if module not in self._descriptions and module not in self._refused:
            try:
                self._descriptions[module] = self._describe(module)
            except ScopeError:
                # all modules lack it
                raise
            except PermanentError as error:
                self._refused[module] = error
        return self._descriptions.get(module)

    def _describe(self, module: str) -> Description:
        if module in self._missing:
            raise AccessError(f"module {module}: the account has no such module, or these credentials do not see it.")
        fields = self._fields(module)
        subforms: dict[str, list[Field]] = {}
        for field in fields:
            inner = subform_module(field)
            if inner is not None:
                try:
                    subforms[field.name] = self._fields(inner)
                except (AccessError, NotFoundError):
                    # its rows keep their table; their columns are learned from the rows
                    subforms[field.name] = []
        if not fields:
            raise AccessError(f"module {module}: Zoho shows none of its fields to these credentials.")
        return described(module, fields, subforms)

    def _fields(self, module: str) -> list[Field]:
        body, _ = self._reader.get("/crm/v8/settings/fields", {"module": module}, f"fields of {module}", holds="fields")
        self._settings[module] = body.fields
        return [metadata.read(raw, Field) for raw in body.fields]

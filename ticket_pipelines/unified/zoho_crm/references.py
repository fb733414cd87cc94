"""Members of Zoho CRM's records that all mappings read: lookups and tags."""

from __future__ import annotations

from collections import Counter

import msgspec
import pyarrow as pa

from ticket_pipelines.unified.columns import TEXT, Members

VENDOR = "zoho_crm"


class Module(msgspec.Struct, gc=False):
    """The module of a record that is referred to."""

    api_name: str | None = None


class Reference(msgspec.Struct, gc=False):
    """Another record."""

    id: str | int | None = None
    name: str | None = None
    module: Module | str | None = None

    @property
    def module_name(self) -> str | None:
        """API name of its module, where the reference says it."""
        return self.module.api_name if isinstance(self.module, Module) else self.module


class Tag(msgspec.Struct, gc=False):
    """A tag."""

    name: str | None = None


REFERENCES: Members[Reference] = Members(Reference)
_TAGS: Members[list[Tag]] = Members(list[Tag])


def ids(rows: pa.Table, name: str, warnings: Counter[str]) -> pa.Array:
    """The ids of a column of lookups."""
    found = REFERENCES.decode(rows, name, warnings)
    return pa.array([None if one is None or one.id is None else str(one.id) for one in found], TEXT)


def tags(rows: pa.Table, warnings: Counter[str]) -> pa.Array:
    """The names of tags, as JSON lists."""
    encode = msgspec.json.encode
    found = _TAGS.decode(rows, "tag", warnings)
    return pa.array([None if row is None else encode([tag.name for tag in row]) for row in found], TEXT)

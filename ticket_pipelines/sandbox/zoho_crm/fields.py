"""Fields of modules, as their metadata tells them (contract, section 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

JSON_TYPES: Mapping[str, str] = {
    "integer": "integer",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "formula": "double",
    "rollup_summary": "integer",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "multiselectlookup": "jsonarray",
    "multiuserlookup": "jsonarray",
    "subform": "jsonarray",
    "fileupload": "jsonarray",
    "imageupload": "jsonarray",
    "tag": "jsonarray",
}
"""`json_type` by `data_type`, where it is not `string`."""
_LENGTHS: Mapping[str, int] = {
    "text": 255,
    "email": 100,
    "phone": 30,
    "textarea": 32_000,
    "picklist": 120,
    "bigint": 18,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        api_name: Its name.
        data_type: Its type.
        values: Options of a pick list.
        of: The module that a lookup or a subform leads to.
        custom: True when the account made it.
        crypt: True when it is encrypted: bulk reads leave it empty.
        bare: True when its metadata lacks what may be missing (`length`, `decimal_place`).
    """

    api_name: str
    data_type: str = "text"
    values: tuple[str, ...] = ()
    of: str = ""
    custom: bool = False
    crypt: bool = False
    bare: bool = False


def fixed_id(text: str) -> str:
    """An id that a name always has."""
    return f"39841200000{int(hashlib.sha256(text.encode()).hexdigest()[:10], 16) % 10_000_000:07d}"


def described(module: str, field: Field) -> Record:
    """A field's metadata."""
    kind = field.data_type
    told: Record = {
        "api_name": field.api_name,
        "id": fixed_id(f"field {module} {field.api_name}"),
        "field_label": field.api_name.replace("_", " "),
        "display_label": field.api_name.replace("_", " "),
        "data_type": "text" if kind == "tag" else kind,
        "json_type": JSON_TYPES.get(kind, "string"),
        "length": _LENGTHS.get(kind, 100),
        "decimal_place": 2 if kind in ("currency", "double", "percent") else None,
        "custom_field": field.custom,
        "system_mandatory": False,
        "read_only": kind in ("formula", "rollup_summary", "autonumber"),
        "field_read_only": False,
        "virtual_field": kind in ("formula", "rollup_summary"),
        "visible": True,
        "filterable": kind not in ("subform", "textarea"),
        "sortable": field.api_name in ("id", "Created_Time", "Modified_Time"),
        "searchable": kind in ("text", "email", "phone", "picklist"),
        "crypt": {"mode": "decryption", "status": 1} if field.crypt else None,
        "pick_list_values": [
            {"id": fixed_id(f"option {module} {field.api_name} {value}"), "display_value": value, "actual_value": value}
            for value in field.values
        ],
        "lookup": {},
        "multiselectlookup": {},
        "subform": None,
    }
    if kind == "lookup":
        told["lookup"] = {"module": {"api_name": field.of, "id": fixed_id(f"module {field.of}")}, "display_label": None}
    if kind == "subform":
        told["subform"] = {"module": field.of, "id": fixed_id(f"module {field.of}")}
    if kind == "multiselectlookup":
        connected = {"api_name": field.of, "id": fixed_id(f"module {field.of}")}
        told["multiselectlookup"] = {
            "connected_module": connected,
            "linking_module": {"api_name": f"{module}_X_{field.of}"},
        }
    return {name: value for name, value in told.items() if not (field.bare and name in ("length", "decimal_place"))}

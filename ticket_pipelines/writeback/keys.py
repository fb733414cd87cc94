"""Names of what a desk is told about writing back; importing it costs nothing."""

from __future__ import annotations

from collections.abc import Mapping

MIRROR_URL = "mirror_url"
"""Name beside a vendor's credentials: address of the user's own Postgres."""

WRITE_ENABLED = "write_enabled"
"""Configuration of every vendor that can be written: off unless it says true."""

WRITE_KEYS: Mapping[str, str] = {
    "conflict_policy": "who wins where a field was changed on both sides: theirs (default), ours, ask",
    "write_status_map": "the vendor's token by a status word of your own",
    "mirror": "a table or view of your own whose changed rows are written: relation, key, columns",
}
"""Configuration of desks whose vendor can be written, besides `write_enabled`."""

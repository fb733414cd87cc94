"""What a query of people's may do in PostgreSQL beside reading tables: nothing.

A read-only transaction keeps it from writing rows, but functions reach files, other servers, other sessions and the
server's settings all the same, most of them for a superuser alone. So the query runs as a role that only reads where
ours is a superuser, and its text names none of these functions. A name in a literal or a comment counts as well: that
refuses a query too many, and never lets one through.
"""

from __future__ import annotations

import re
from typing import Any

READER = "pg_read_all_data"
"""PostgreSQL's own role that reads every table, and no file."""

BECOME_READER = f"SET LOCAL ROLE {READER}"
IS_SUPERUSER = "SELECT current_setting('is_superuser') = 'on'"

_CALLED = r"\"?\s*(?:\(|/\*|--)"
"""What makes a call of a name that people's words and columns may hold as well; a comment may stand between."""

_REACHING = re.compile(
    r"(?:\bset_config"  # it would undo the role
    r"|\bpg_(?:read_|ls_|stat_file|file_|current_logfile)"  # files of the server
    rf"|\b(?:lo_[a-z0-9_]+|loread|lowrite){_CALLED}"  # files and large objects
    rf"|\bdblink[a-z_]*{_CALLED}"  # other servers
    r"|\bpg_hba_file_rules|\bpg_ident_file_mappings|\bpg_file_settings"  # access rules
    r"|\bpg_(?:authid|shadow|user_mapping)"  # hashed passwords, and those of other servers
    r"|\bpg_(?:terminate|cancel)_backend|\bpg_reload_conf|\bpg_rotate_logfile|\bpg_promote"
    r"|\bpg_(?:switch_wal|create_|drop_|copy_|backup_|wal_replay|replication_|logical_|stat_reset|export_snapshot)"
    r"|\bpg_(?:try_)?advisory_|\bpg_notify\b"  # what others wait for or listen to
    # they run a text as a query, in which a name may be put together
    rf"|\b[a-z]+_to_xml(?:schema|_and_xmlschema)?{_CALLED}|\bts_stat\b|\bts_rewrite\b|\bcrosstab|\bconnectby|\bxpath_table"
    r")[a-z0-9_]*"
    r"|\bu&\s*\"",  # a name in escapes, which would hide any of these
    re.IGNORECASE,
)


def refusal(sql: str) -> str | None:
    """Why a query is not run; None if it may be."""
    found = _REACHING.search(sql)
    if found is None:
        return None
    name = found.group()
    return "A name written in escapes is not allowed." if name[:1] in "uU" else f"The use of {name} is not allowed."


def drop_rights(cursor: Any) -> None:
    """Makes the transaction that of a role that only reads, where ours is a superuser's."""
    cursor.execute(IS_SUPERUSER)
    if cursor.fetchone()[0]:
        cursor.execute(BECOME_READER)

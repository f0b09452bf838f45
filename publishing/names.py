"""Names that become paths or SQL: what a build and a mart may be called, and how a name is quoted.

Belongs here: patterns and quoting. Not here: which marts exist.
"""

from __future__ import annotations

import re

_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_MART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*\.)?[a-z][a-z0-9_]*")


def checked_build_id(build_id: str) -> str:
    """The id if it can safely name a folder; raises `ValueError` otherwise."""
    if not _BUILD.fullmatch(build_id) or build_id.endswith(".tmp") or build_id == "CURRENT":
        raise ValueError("a build id is 1 to 80 letters, digits, '.', '_' or '-', starts with a letter or digit, "
                         "does not end in .tmp and is not CURRENT")  # fmt: skip
    return build_id


def checked_table(table: str) -> str:
    """The table name (`mart` or `schema.mart`) if it is a plain identifier; raises `ValueError` otherwise."""
    if not _MART.fullmatch(table):
        raise ValueError(f"not a mart name: {table!r}")
    return table


def mart_name(table: str) -> str:
    """Name of the published file's stem: the table without its schema."""
    return table.rsplit(".", 1)[-1]


def quoted(name: str) -> str:
    """A column or table name (dots separate schema and table only in names that passed `checked_table`) as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table: str) -> str:
    """A checked table name as SQL."""
    return ".".join(quoted(part) for part in checked_table(table).split("."))

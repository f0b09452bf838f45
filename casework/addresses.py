"""Where a message goes: from a pseudonym to an address, at the moment of sending and no earlier.

Belongs here: the newest record of a person in landing, and the sealed address behind it. Not here: sealing
(`intake/vault.py`), whether the person may be written to (`models/contact.py`). With the file transport nobody's
address is opened: the file names the pseudonym.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from casework.engine import Engine
from intake import vault
from models.message import RecipientType
from models.settings import Settings

_NEWEST = {
    "customer": ("crm", "customer", "customer_id", "updated_at"),
    "employee": ("hr", "org_chart", "employee_id", "updated_at"),
}
_COLUMN_OF = {"email": "email", "sms": "phone", "phone": "phone"}


class NoAddress(LookupError):
    """There is no address of that kind, or it was erased. The message names the channel only."""


@dataclass(frozen=True, slots=True)
class Person:
    """What landing says about a person: keyed hashes of the addresses, consents per channel (a channel that is not
    there was not asked about), and flags for the contact policy.
    """

    row_hash: str | None = None
    hashes: tuple[str, ...] = ()
    consents: dict[str, bool] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


def person(settings: Settings, recipient_type: RecipientType, recipient_id: str) -> Person:
    """The newest record of a person; an empty one when landing has none."""
    row = _newest(settings, recipient_type, recipient_id)
    if row is None:
        return Person()
    hashes = tuple(str(row[name]) for name in ("email_key", "phone_key") if row.get(name))
    told = {channel: row.get(f"consent_{channel}") for channel in ("email", "sms", "phone")}
    consents = {channel: bool(said) for channel, said in told.items() if said is not None}
    flags = frozenset({"vulnerable"} if row.get("is_vulnerable") else ())
    return Person(str(row["_row_hash"]), hashes, consents, flags)


def address(settings: Settings, recipient_type: RecipientType, recipient_id: str, channel: str) -> str:
    """The address itself, unsealed. Raises `NoAddress`; a team has the address of its name.

    Employees are written to at work, whatever the channel: HR has nothing else.
    """
    if recipient_type == "team":
        return recipient_id
    column = "email" if recipient_type == "employee" else _COLUMN_OF.get(channel)
    known = person(settings, recipient_type, recipient_id)
    if column is None or known.row_hash is None:
        raise NoAddress(f"no address for {channel}")
    source, entity, _, _ = _NEWEST[recipient_type]
    try:
        return vault.open_original(settings, source, entity, known.row_hash, column)
    except vault.VaultError as error:
        raise NoAddress(f"no address for {channel}") from error


def _newest(settings: Settings, recipient_type: RecipientType, recipient_id: str) -> dict[str, Any] | None:
    import duckdb

    if recipient_type not in _NEWEST:
        return None
    source, entity, key, version = _NEWEST[recipient_type]
    files = [str(path) for path in sorted((settings.landing / f"{source}__{entity}").glob("*.parquet"))]
    if not files:
        return None
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.sql("select * from read_parquet($files, union_by_name = true)", params={"files": files})
        rows = found.filter(duckdb.ColumnExpression(key) == duckdb.ConstantExpression(recipient_id))
        newest = rows.order(f"{version} desc, _batch_id desc").limit(1)
        names, row = newest.columns, newest.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def forbid(engine: Engine, address: str, *, reason: str) -> bool:
    """Put an address on the do-not-contact list; True when it was not there. Raises `ValueError` for an empty address.

    The hash is the one identities land under, so it is found whoever has the address now, and after an erasure.
    """
    from cases import contacts

    if not address.strip():
        raise ValueError("name the address")
    column = "email" if "@" in address else "phone"
    known = vault.lookup_hash(vault.lookup_secret(engine.settings.vault), column, address)
    return contacts.forbid(known, reason=reason, since=engine.at)

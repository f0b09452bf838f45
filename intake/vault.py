"""The vault: originals of redacted texts and identities, sealed under a random key per person.

Erasing a person is deleting their key: what is sealed under it can never be read again, wherever copies are. Sealing is
AES-256-GCM; person keys are wrapped by a master key file. Identities are looked up by a keyed hash (HMAC-SHA256 under a
second key). Nothing here logs or raises with a value.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.settings import Settings

NONCE_BYTES = 12
KEY_BYTES = 32
SCHEMA = pa.schema(
    [("row_hash", pa.string()), ("column", pa.string()), ("subject", pa.string()), ("sealed", pa.binary())]
)
_BATCH = 500


class VaultError(LookupError):
    """An original cannot be opened: it is not there, or the person's key was deleted."""


class ErasedError(VaultError):
    """The person's key was deleted: nobody can read the original any more."""


class KeyRing:
    """Keys of all people; made at first use, kept in SQLite under the master key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._master = AESGCM(key_file(folder / "master.key"))
        self._db = sqlite3.connect(folder / "keys.db", timeout=30, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS keys (subject TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def known(self, subjects: Iterable[str]) -> dict[str, AESGCM]:
        """Keys of those subjects that have one."""
        wanted = list(dict.fromkeys(subjects))
        found: dict[str, AESGCM] = {}
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ", ".join("?" * len(part))
            rows = self._db.execute(f"SELECT subject, wrapped FROM keys WHERE subject IN ({marks})", part)
            found.update({subject: AESGCM(self._unwrap(subject, wrapped)) for subject, wrapped in rows})
        return found

    def ensure(self, subjects: Iterable[str]) -> dict[str, AESGCM]:
        """Keys of all these subjects; new ones are on disk before this returns."""
        wanted = list(dict.fromkeys(subjects))
        found = self.known(wanted)
        fresh = {subject: os.urandom(KEY_BYTES) for subject in wanted if subject not in found}
        if fresh:
            rows = [(subject, self._wrap(subject, key)) for subject, key in fresh.items()]
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO keys (subject, wrapped) VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
            found.update({subject: AESGCM(key) for subject, key in fresh.items()})
        return found

    def forget(self, subject: str) -> bool:
        """Delete a subject's key for good; True when there was one."""
        cursor = self._db.execute("DELETE FROM keys WHERE subject = ?", (subject,))
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return cursor.rowcount > 0

    def _wrap(self, subject: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, subject.encode())

    def _unwrap(self, subject: str, wrapped: bytes) -> bytes:
        try:
            return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject.encode())
        except InvalidTag as error:
            raise VaultError("the master key does not fit the key store") from error


def key_file(path: Path) -> bytes:
    """The key in a file of mode 0600; made at first use, by exactly one of several processes."""
    if not path.exists():
        spare = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, os.urandom(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(spare, path)
        except FileExistsError:
            pass
        finally:
            spare.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise VaultError(f"{path.name} is damaged: it should hold {KEY_BYTES} bytes")
    return key


def seal(key: AESGCM, plain: str, context: str) -> bytes:
    """Seal a text; `context` (what it is of) must be given again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain.encode("utf-8", errors="surrogatepass"), context.encode())


def unseal(key: AESGCM, sealed: bytes, context: str) -> str:
    """Open a sealed text; raises `VaultError` when key or context do not fit."""
    try:
        plain = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except InvalidTag as error:
        raise VaultError("the sealed value does not open under this key") from error
    return plain.decode("utf-8", errors="surrogatepass")


def context_of(entity_name: str, row_hash: str, column: str) -> str:
    """What a sealed value is of, as text bound into the seal."""
    return f"{entity_name}|{row_hash}|{column}"


def lookup_hash(secret: bytes, column: str, value: str) -> str:
    """Keyed hash (HMAC-SHA256, hex) of a normalised identity: phones by their digits, everything else trimmed and folded."""
    if "phone" in column:
        digits = "".join(character for character in value if character.isdigit())
        normal = digits.removeprefix("00") if not value.strip().startswith("+") else digits
    else:
        normal = value.strip().casefold()
    return hmac.new(secret, normal.encode(), hashlib.sha256).hexdigest()


def lookup_secret(folder: Path) -> bytes:
    """The key of `lookup_hash`."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return key_file(folder / "lookup.key")


def sealed_files(settings: Settings, entity_name: str) -> list[str]:
    """Vault files of an entity."""
    return sorted(str(path) for path in (settings.vault / entity_name).glob("[0-9]*.parquet"))


def open_original(settings: Settings, source: str, entity: str, row_hash: str, column: str) -> str:
    """The value as it was delivered, before redaction.

    A text in which nothing was redacted has no sealed copy, because its landed form is the original. Raises
    `VaultError` when there is no such row, or the person's key is gone. The caller checks who may ask and keeps a record.
    """
    name = f"{source}__{entity}"
    where = 'row_hash = $row_hash AND "column" = $column'
    parameters = {"row_hash": row_hash, "column": column}
    rows = _query(sealed_files(settings, name), f"subject, sealed FROM files WHERE {where}", parameters)
    if not rows:
        return _landed_original(settings, name, row_hash, column)
    subject, sealed = str(rows[0][0]), bytes(rows[0][1])
    ring = KeyRing(settings.vault)
    try:
        key = ring.known([subject]).get(subject)
    finally:
        ring.close()
    if key is None:
        raise ErasedError("the key of this person was deleted; the original cannot be read any more")
    return unseal(key, sealed, context_of(name, row_hash, column))


def names_of(settings: Settings, customer_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Every name each customer ever had in the CRM, by customer id; customers without one are left out."""
    wanted = [f"customer:{customer}" for customer in dict.fromkeys(customer_ids)]
    query = 'row_hash, "column", subject, sealed FROM files WHERE list_contains($subjects, subject)'
    query += " AND \"column\" IN ('first_name', 'last_name') ORDER BY subject, row_hash, \"column\""
    rows = _query(sealed_files(settings, "crm__customer"), query, {"subjects": wanted}) if wanted else []
    ring = KeyRing(settings.vault)
    try:
        keys = ring.known(str(row[2]) for row in rows)
    finally:
        ring.close()
    names: dict[str, dict[str, None]] = {}
    for row_hash, column, subject, sealed in rows:
        if subject in keys:
            name = unseal(keys[subject], sealed, context_of("crm__customer", row_hash, column))
            names.setdefault(subject.removeprefix("customer:"), {})[name] = None
    return {customer: tuple(found) for customer, found in names.items()}


def forget_subject(settings: Settings, subject: str) -> bool:
    """Erase a person from the vault by deleting their key (`customer:<id>`, `employee:<id>`); True when there was one."""
    ring = KeyRing(settings.vault)
    try:
        return ring.forget(subject)
    finally:
        ring.close()


def _landed_original(settings: Settings, name: str, row_hash: str, column: str) -> str:
    files = sorted(str(path) for path in (settings.landing / name).glob("*.parquet"))
    if files and column.isidentifier():
        with duckdb.connect() as connection:
            connection.from_parquet(files, union_by_name=True).create_view("files")
            columns = {str(row[0]) for row in connection.execute("DESCRIBE files").fetchall()}
            if {column, f"{column}_redactions"} <= columns:
                query = f'SELECT "{column}" FROM files WHERE _row_hash = $row_hash AND "{column}_redactions" = 0'
                row = connection.execute(query, {"row_hash": row_hash}).fetchone()
                if row is not None and row[0] is not None:
                    return str(row[0])
    raise VaultError("no original is kept under this row and column")


def _query(files: Sequence[str], select: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    if not files:
        return []
    with duckdb.connect() as connection:
        connection.from_parquet(list(files)).create_view("files")
        return connection.execute(f"SELECT {select}", parameters).fetchall()

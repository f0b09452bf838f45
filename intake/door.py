"""The door for personal data: what may land, and what goes to the vault instead.

Belongs here: turning typed rows into landed rows and sealed originals. Patterns are in `ml.text`, keys in
`intake.vault`. Names to look for come from the customer's CRM record and from the org chart, both taken earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from intake import vault
from intake.landing import landing_schema
from ml.text.names import NameIndex
from ml.text.redact import redact_many
from models.contract import Column, SourceContract
from models.settings import Settings


@dataclass(frozen=True, slots=True)
class Passed:
    """What came through: landed contract columns (no provenance) by name, and rows for the vault."""

    columns: dict[str, pa.Array]
    sealed: pa.Table | None


@dataclass(frozen=True, slots=True)
class Door:
    """Keys and names in force during one intake call. `landed` lists the landed files of an entity that count."""

    settings: Settings
    ring: vault.KeyRing
    secret: bytes
    employees: NameIndex
    landed: dict[str, list[str]]


def pass_through(door: Door, contract: SourceContract, rows: pa.Table) -> Passed:
    """Redact texts, key identities, drop names; `rows` holds `v<i>` in contract order and `row_hash`."""
    typed = {column.name: rows.column(f"v{i}").combine_chunks() for i, column in enumerate(contract.columns)}
    personal = [column for column in contract.columns if column.pii != "none"]
    if not personal:
        return Passed(typed, None)
    people = _people(door, contract, rows, typed)
    originals: list[tuple[int, str, str]] = []
    columns: dict[str, pa.Array] = {}
    names_due = contract.names_land_as
    for column in contract.columns:
        values = typed[column.name]
        if column.pii == "none":
            columns[column.name] = values
        elif column.pii == "text":
            columns.update(_redacted(door, column, values, people, originals))
        else:
            originals.extend((i, column.name, text) for i, text in enumerate(values.to_pylist()) if text is not None)
            if column.pii == "identity":
                columns[f"{column.name}_key"] = _keyed(door, column, values)
            elif names_due:
                columns[names_due] = _joined_names(contract, typed)
                names_due = None
    return Passed(columns, _seal(door, contract, rows, typed, people.subjects, originals))


@dataclass(frozen=True, slots=True)
class _People:
    subjects: list[str | None]
    names: list[tuple[str, ...]]


def _people(door: Door, contract: SourceContract, rows: pa.Table, typed: dict[str, pa.Array]) -> _People:
    """Whom each row is about, and the names that person is known by."""
    found: list[str | None] = [None] * rows.num_rows
    if contract.subject is not None:
        found = typed[contract.subject].to_pylist()
    for lookup in contract.subject_lookups:
        if None not in found:
            break
        keys = typed[lookup.column].to_pylist()
        missing = {key for key, subject in zip(keys, found, strict=True) if subject is None and key is not None}
        files = door.landed.get(f"{lookup.source}__{lookup.entity}", [])
        known = _look_up(files, lookup.key, lookup.subject, missing)
        found = [s if s is not None else known.get(k) for k, s in zip(keys, found, strict=True)]
    names: list[tuple[str, ...]] = [()] * len(found)
    if contract.subject_kind == "customer" and any(c.pii == "text" for c in contract.columns):
        by_customer = vault.names_of(door.settings, (subject for subject in found if subject is not None))
        names = [by_customer.get(subject, ()) if subject is not None else () for subject in found]
    subjects = [None if subject is None else f"{contract.subject_kind}:{subject}" for subject in found]
    return _People(subjects, names)


def _look_up(files: Sequence[str], key: str, subject: str, wanted: Iterable[str]) -> dict[str, str]:
    keys = list(wanted)
    if not files or not keys:
        return {}
    with duckdb.connect() as connection:
        connection.from_parquet(list(files), union_by_name=True).create_view("files")
        query = (
            f'SELECT "{key}", max("{subject}") FROM files WHERE list_contains($keys, "{key}")'
            f' AND "{subject}" IS NOT NULL GROUP BY ALL'
        )
        return dict(connection.execute(query, {"keys": keys}).fetchall())


def _redacted(
    door: Door, column: Column, values: pa.Array, people: _People, originals: list[tuple[int, str, str]]
) -> dict[str, pa.Array]:
    """Redacted texts and how many places were redacted; originals are kept only where something was."""
    texts = values.to_pylist()
    results = redact_many(texts, people.names, door.employees)
    clean: list[str | None] = []
    counts: list[int | None] = []
    for index, (text, result) in enumerate(zip(texts, results, strict=True)):
        clean.append(None if result is None else result.text)
        counts.append(None if result is None else len(result.spans))
        if result is not None and text is not None and result.text != text:
            originals.append((index, column.name, text))
    return {
        column.name: pa.array(clean, type=pa.string()),
        f"{column.name}_redactions": pa.array(counts, type=pa.int64()),
    }


def _keyed(door: Door, column: Column, values: pa.Array) -> pa.Array:
    hashes = [None if v is None else vault.lookup_hash(door.secret, column.name, v) for v in values.to_pylist()]
    return pa.array(hashes, type=pa.string())


def _joined_names(contract: SourceContract, typed: dict[str, pa.Array]) -> pa.Array:
    parts = [typed[column.name].to_pylist() for column in contract.columns if column.pii == "name"]
    joined = [" ".join(part for part in row if part) or None for row in zip(*parts, strict=True)]
    return pa.array(joined, type=pa.string())


def _seal(
    door: Door,
    contract: SourceContract,
    rows: pa.Table,
    typed: dict[str, pa.Array],
    subjects: list[str | None],
    originals: list[tuple[int, str, str]],
) -> pa.Table | None:
    """Seal originals under the key of the person the row is about, or of the row itself when nobody is known."""
    if not originals:
        return None
    keys = [typed[name] for name in contract.key]
    for index in {index for index, _, _ in originals}:
        if subjects[index] is None:
            subjects[index] = f"record:{contract.name}:{'|'.join(str(key[index]) for key in keys)}"
    owners = [str(subjects[index]) for index, _, _ in originals]
    ring = door.ring.ensure(owners)
    hashes = rows.column("row_hash").to_pylist()
    sealed = [
        vault.seal(ring[owner], text, vault.context_of(contract.name, hashes[index], column))
        for owner, (index, column, text) in zip(owners, originals, strict=True)
    ]
    columns = [column for _, column, _ in originals]
    return pa.table([[hashes[i] for i, _, _ in originals], columns, owners, sealed], schema=vault.SCHEMA)


def landed_table(contract: SourceContract, passed: Passed, provenance: dict[str, pa.Array]) -> pa.Table:
    """Put landed columns and provenance together in the order and types of the landing schema."""
    schema = landing_schema(contract)
    arrays = {**passed.columns, **provenance}
    return pa.table([arrays[field.name].cast(field.type) for field in schema], schema=schema)

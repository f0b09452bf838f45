"""The two kinds of transaction the ledger knows: one writer at a time, and one frozen view for readers.

Belongs here: how they are taken on SQLite and on PostgreSQL, and the bulk insert both share. Not here: what is read or
written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from cases.chain import stamp

# Any constant will do; it only must not be used for another lock in the same database.
_WRITE_LOCK = 0x416D656E6473
# Django does not know of transactions it has not begun itself, so the connection remembers ours.
_IN_SNAPSHOT = "amends_in_snapshot"
# SQLite allows 32,766 parameters in one statement, PostgreSQL 65,535.
IN_CHUNK = 5_000
_Value = TypeVar("_Value")


class LostRace(RuntimeError):
    """Another writer inserted one of our rows first; the transaction is rolled back and planned afresh."""


@contextmanager
def write_transaction() -> Iterator[None]:
    """One writer at a time, from the first read to the commit. Joins a transaction that is already open.

    SQLite: BEGIN IMMEDIATE. PostgreSQL: a transaction-level advisory lock, so that event ids commit in order.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])
        yield


@contextmanager
def read_snapshot() -> Iterator[None]:
    """All reads inside see one state of the ledger; writers go on undisturbed. Joins a snapshot or transaction."""
    if connection.in_atomic_block or getattr(connection, _IN_SNAPSHOT, False):
        yield
        return
    connection.ensure_connection()
    begin = "BEGIN DEFERRED" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    with connection.cursor() as cursor:
        cursor.execute(begin)
    setattr(connection, _IN_SNAPSHOT, True)
    try:
        yield
    finally:
        setattr(connection, _IN_SNAPSHOT, False)
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def insert(table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert all rows in one statement. Raises `LostRace` when a row was already there under one of its keys.

    `table` and `columns` are names of our own tables, never input.
    """
    if not rows:
        return
    marks = ", ".join(["%s"] * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
        if cursor.rowcount != len(rows):
            raise LostRace(f"{len(rows) - cursor.rowcount} of {len(rows)} rows of {table} were already there")


def upsert(table: str, key: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert the rows, or bring the ones already there under `key` to the new values.

    Names are names of our own tables, never input.
    """
    if not rows:
        return
    marks = ", ".join(["%s"] * len(columns))
    news = ", ".join(f"{column} = excluded.{column}" for column in columns if column != key)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {news}"
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def moments() -> Callable[[datetime], datetime | str]:
    """How this database wants instants: Django keeps UTC text in SQLite. Ask once per batch, not once per row."""
    return _sqlite_text if connection.vendor == "sqlite" else _unchanged


@lru_cache(maxsize=65_536)
def _sqlite_text(at: datetime) -> str:
    text = stamp(at)
    return f"{text[:10]} {text[11:26] if at.microsecond else text[11:19]}"


def _unchanged(at: datetime) -> datetime:
    return at


def select_in(columns: str, table: str, key: str, values: Iterable[str]) -> list[tuple[Any, ...]]:
    """Rows of `table` whose `key` is among the values, however many: the list travels as one parameter.

    `columns`, `table` and `key` are names of our own tables, never input.
    """
    wanted = sorted(set(values))
    if not wanted:
        return []
    if connection.vendor == "sqlite":
        test = "IN (SELECT value FROM json_each(%s))"
        parameter: str | list[str] = json.dumps(wanted)
    else:
        test, parameter = "= ANY(%s)", wanted
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} WHERE {key} {test}", [parameter])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def among(values: Iterable[str]) -> RawSQL:
    """The values as one parameter, for `field__in=...` of the ORM, which else prepares each of thousands by itself."""
    wanted = sorted(set(values))
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(wanted)])
    return RawSQL("SELECT unnest(%s::text[])", [wanted])


def chunks(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """The values in pieces small enough for one `IN (...)` of the ORM."""
    for start in range(0, len(values), IN_CHUNK):
        yield values[start : start + IN_CHUNK]

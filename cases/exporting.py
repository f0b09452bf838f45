"""The ledger as Parquet, for the warehouse: one read transaction, incremental by id, the same on every database.

Belongs here: what is exported and how files are named and replaced. Not here: what the warehouse makes of it. Files
are `<table>/<from>-<to>.parquet`, written aside and renamed; `_schema.parquet` (no rows) is always there. What people
typed is never exported: the events hold only its digest.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection

from cases.crash import crashpoint
from cases.db import read_snapshot

TABLES = ("case", "case_trigger", "case_event")
_CHUNK = 50_000
_TAIL = b"amends.tail"
_UTC = pa.timestamp("us", "UTC")
_USD = pa.decimal128(18, 2)


@dataclass(frozen=True, slots=True)
class Table:
    """How one table is exported: `number` is its dense id, `tail` the column that tells one history from another."""

    source: str
    number: str
    tail: str
    columns: tuple[tuple[str, str, pa.DataType], ...]
    extra: tuple[tuple[str, str, pa.DataType], ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Columns of the Parquet files."""
        return pa.schema([(name, kind) for _, name, kind in (*self.columns, *self.extra)])


def _same(kind: pa.DataType, *names: str) -> tuple[tuple[str, str, pa.DataType], ...]:
    return tuple((name, name, kind) for name in names)


EXPORTS = {
    "case": Table(
        source="cases_case",
        number="case_no",
        tail="dedup_key",
        columns=(
            *_same(pa.string(), "case_id", "dedup_key", "case_kind", "rule_id", "subject_type", "subject_id"),
            *_same(pa.string(), "customer_id", "journey", "cause_id", "theme_id"),
            *_same(_UTC, "episode_started_at"),
            *_same(_USD, "value_usd"),
            *_same(pa.string(), "segment", "region"),
            *_same(pa.int64(), "case_no"),
        ),
    ),
    "case_trigger": Table(
        source="cases_casetrigger",
        number="id",
        tail="trigger_id",
        columns=(
            *_same(pa.int64(), "id"),
            *_same(pa.string(), "trigger_id", "case_id", "signal_id", "rule_id", "rule_hash"),
            *_same(_UTC, "occurred_at"),
            *_same(pa.string(), "lineage"),
        ),
    ),
    "case_event": Table(
        source="cases_caseevent",
        number="event_id",
        tail="hash",
        columns=(
            *_same(pa.int64(), "event_id"),
            *_same(pa.string(), "case_id"),
            *_same(pa.int64(), "seq"),
            *_same(pa.string(), "kind"),
            *_same(_UTC, "occurred_at", "recorded_at"),
            *_same(pa.string(), "actor_type", "actor_id", "state_after", "payload", "prev_hash", "hash"),
        ),
        # Taken out of the payload, because SQL should not have to parse JSON for what every mart asks.
        extra=(
            *_same(pa.string(), "owner_id", "team"),
            *_same(pa.int64(), "severity"),
            *_same(pa.string(), "outcome_code", "playbook_code"),
            *_same(_USD, "offer_usd"),
            *_same(pa.float64(), "handling_minutes"),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Rows newly written per table, and the files they went to (none where nothing was new)."""

    rows: dict[str, int]
    files: tuple[str, ...]


def export(out_dir: Path, tables: Sequence[str]) -> ExportReport:
    """Write what the files in `out_dir` do not hold yet. Raises `KeyError` for an unknown table.

    A ledger that is not the continuation of the exported one (restored or created anew) is exported whole again.
    """
    rows, files = {}, []
    out_dir.mkdir(parents=True, exist_ok=True)
    with _alone(out_dir), read_snapshot():
        for name in tables:
            folder = out_dir / name
            written, path = _export_table(EXPORTS[name], folder)
            rows[name] = written
            if path is not None:
                files.append(str(path.relative_to(out_dir)))
    return ExportReport(rows, tuple(files))


@contextmanager
def _alone(out_dir: Path) -> Iterator[None]:
    """Daemon and command line may come at once; each would rename what the other is still writing."""
    with (out_dir / ".export.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _export_table(table: Table, folder: Path) -> tuple[int, Path | None]:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "_schema.parquet").exists():
        _replace(folder / "_schema.parquet", table, iter(()), "")
    done = _exported_up_to(table, folder)
    top, tail = _end(table)
    if top <= done:
        return 0, None
    path = folder / f"{done + 1:012d}-{top:012d}.parquet"
    _replace(path, table, _batches(table, done, top), tail)
    return top - done, path


def _exported_up_to(table: Table, folder: Path) -> int:
    """Last id the files hold; old files of another ledger are removed."""
    files = sorted(folder.glob("[0-9]*-[0-9]*.parquet"))
    if not files:
        return 0
    last = int(files[-1].stem.partition("-")[2])
    metadata = pq.read_schema(files[-1]).metadata or {}
    if _tail_at(table, last) == metadata.get(_TAIL, b"").decode():
        return last
    for path in files:
        path.unlink()
    return 0


def _end(table: Table) -> tuple[int, str]:
    sql = f"SELECT {table.number}, {table.tail} FROM {table.source} ORDER BY {table.number} DESC LIMIT 1"
    row = _one(sql)
    return (int(row[0]), str(row[1])) if row else (0, "")


def _tail_at(table: Table, number: int) -> str | None:
    row = _one(f"SELECT {table.tail} FROM {table.source} WHERE {table.number} = %s", number)
    return str(row[0]) if row else None


def _one(sql: str, *params: int) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: Sequence[Any] | None = cursor.fetchone()
        return found


def _batches(table: Table, done: int, top: int) -> Iterator[pa.RecordBatch]:
    """Record batches of the rows with done < id <= top, in id order; paged by id so that memory stays bounded."""
    names = ", ".join(source for source, _, _ in table.columns)
    sql = f"SELECT {names} FROM {table.source} WHERE {table.number} > %s AND {table.number} <= %s"
    for start in range(done, top, _CHUNK):
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} ORDER BY {table.number}", [start, min(start + _CHUNK, top)])
            rows = cursor.fetchall()
        values = list(zip(*rows, strict=True))
        arrays = [_array(list(column), kind) for column, (_, _, kind) in zip(values, table.columns, strict=True)]
        if table.extra:
            payloads = values[[name for _, name, _ in table.columns].index("payload")]
            arrays += _flattened([json.loads(text) for text in payloads], table)
        yield pa.record_batch(arrays, schema=table.schema)


def _flattened(payloads: list[dict[str, Any]], table: Table) -> list[pa.Array]:
    """Columns out of the payloads. A person's event may hold a number where text is meant: it is written as text."""
    arrays = []
    for key, _, kind in table.extra:
        found = [payload.get(key) for payload in payloads]
        if kind == pa.string():
            found = [None if value is None else str(value) for value in found]
        arrays.append(_array(found, kind))
    return arrays


_CASTS: dict[pa.DataType, Callable[[Any], Any]] = {
    _USD: lambda value: Decimal(str(value)).quantize(Decimal("0.01")),
    pa.float64(): float,
}


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Values as the driver gave them, typed; instants come from SQLite without a zone, which Arrow takes as UTC."""
    cast = _CASTS.get(kind)
    return pa.array([None if v is None else cast(v) for v in values] if cast else values, kind)


def _replace(path: Path, table: Table, batches: Iterator[pa.RecordBatch], tail: str) -> None:
    """Write aside, then rename: a reader sees the whole file or none."""
    schema = table.schema.with_metadata({_TAIL: tail.encode()})
    aside = path.with_suffix(".tmp")
    with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema))
    crashpoint("export.before_replace")
    aside.replace(path)
    crashpoint("export.after_replace")

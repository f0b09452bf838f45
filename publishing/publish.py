"""Publishing: copy the marts of a checked build into an immutable folder, then move one pointer.

Belongs here: the order of the durable steps. Not here: what is checked (`gate.py`), hashing (`hashes.py`), reading.

The steps, each durable before the next begins: `<build>.tmp/` filled and flushed -> renamed to `<build>/` -> read back
and compared with the warehouse -> `CURRENT` replaced. Killed anywhere, `CURRENT` names a whole, verified build, and the
next publication clears the leftovers.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases.crash import crashpoint
from publishing.files import exclusive, replace_durably, sha256_of, sync, write_durably
from publishing.gate import CheckStatus, require_green, summary
from publishing.hashes import columns_of, content_hash, differing, file_hashes, is_provenance, parquet
from publishing.names import checked_build_id, checked_table, mart_name, quoted, quoted_table
from publishing.read import CURRENT, MANIFEST, Build, DamagedBuild, Mart, NothingPublished, current, read_build
from publishing.retention import discard, sweep

if TYPE_CHECKING:
    import duckdb

WAREHOUSE_WAIT_SECONDS = 60.0
# Where a test may kill a publication: between every two durable steps.
CRASH_POINTS = ("publish.after_stage", "publish.after_rename", "publish.after_verify", "publish.after_switch")


@dataclass(frozen=True)
class PublishReport:
    """What a publication did. `changed` false: the content equals the current build's and nothing was written."""

    build_id: str
    path: Path
    changed: bool
    differing: tuple[str, ...]
    marts: tuple[Mart, ...]
    as_of: datetime

    @property
    def message(self) -> str:
        """One sentence for a person."""
        if not self.changed:
            return f"nothing new to publish: the content equals build {self.build_id}"
        return f"published {self.build_id}: {len(self.marts)} marts, {len(self.differing)} changed"


class BuildExists(RuntimeError):
    """The build id was published before, and a published build never changes; publish under a new id."""


def publish(
    warehouse: Path,
    out: Path,
    tables: Sequence[str],
    *,
    build_id: str,
    as_of: datetime,
    checks: Sequence[CheckStatus],
    provenance: Mapping[str, Any],
    keys: Mapping[str, Sequence[str]] | None = None,
) -> PublishReport:
    """Publish `tables` (`mart` or `schema.mart`) of a DuckDB warehouse into `out`, or do nothing if nothing changed.

    `keys` names the columns a mart is sorted by; without it a mart is sorted by all its columns. Equal rows give equal
    bytes either way. `provenance` must be JSON (dbt invocation, Dagster run, model versions) and must hold no personal
    data. Raises `publishing.gate.ChecksNotGreen`, `BuildExists`, `publishing.files.PublishBusy`,
    `publishing.read.DamagedBuild` (what was written does not read back as the warehouse has it), `ValueError` for an
    unusable id or table name or a naive `as_of`, and `duckdb.Error` when the warehouse cannot be read.
    """
    require_green(checks)
    checked_build_id(build_id)
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    out.mkdir(parents=True, exist_ok=True)
    about = {"build_id": build_id, "as_of": as_of.astimezone(UTC).isoformat(), "checks": summary(checks)}
    with exclusive(out), open_warehouse(warehouse) as connection:
        sweep(out)
        wanted = {mart_name(table): _Source.of(connection, table, keys or {}) for table in tables}
        live = _live(out)
        changed = differing({name: source.content_hash for name, source in wanted.items()}, _hashes_of(live))
        if live is not None and not changed and not live.missing():
            return PublishReport(live.build_id, live.path, False, (), live.marts, live.as_of)
        _require_free(out / build_id, live)
        sequence = live.sequence + 1 if live else 1
        staged, marts = _stage(connection, wanted, out / f"{build_id}.tmp")
        _write_manifest(staged, {**about, "sequence": sequence, "provenance": dict(provenance)}, marts)
        crashpoint("publish.after_stage")
        final = _place(staged, out / build_id)
        crashpoint("publish.after_rename")
        _verify(final, marts)
        crashpoint("publish.after_verify")
        switch(out, build_id)
        crashpoint("publish.after_switch")
    return PublishReport(build_id, final, True, tuple(changed), marts, as_of)


def switch(out: Path, build_id: str) -> None:
    """Let `CURRENT` name another build, atomically and durably."""
    replace_durably(out / CURRENT, build_id + "\n")


@contextlib.contextmanager
def open_warehouse(path: Path, *, wait: float = WAREHOUSE_WAIT_SECONDS) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only; waits up to `wait` seconds for another process to let go of it.

    Raises `duckdb.IOException` when it is absent or still locked after that.
    """
    import duckdb

    deadline, pause = time.monotonic() + wait, 0.1
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=True)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # spread, so that two waiters do not keep meeting
            pause = min(pause * 1.6, 3.0)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class _Source:
    """A table as the warehouse has it now."""

    relation: str
    columns: dict[str, str]
    content_hash: str
    order: str

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, table: str, keys: Mapping[str, Sequence[str]]) -> _Source:
        key = keys.get(mart_name(table), ())
        relation = quoted_table(_resolved(connection, table))
        columns = columns_of(connection, relation)
        if unknown := set(key) - set(columns):
            raise ValueError(f"{table} has no column {', '.join(sorted(unknown))} to be sorted by")
        rest = sorted((name for name in columns if name not in key), key=is_provenance)
        order = ", ".join(quoted(name) for name in [*key, *rest])
        return cls(relation, columns, content_hash(connection, relation), order)


def _resolved(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """`schema.table` for a bare name (dbt may keep marts in a schema of their own). Raises `ValueError` if not one."""
    if "." in checked_table(table):
        return table
    query = "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name = ? ORDER BY 1"
    schemas = [row[0] for row in connection.execute(query, [table]).fetchall()]
    if len(schemas) != 1:
        raise ValueError(f"{table} is in {len(schemas)} schemas of the warehouse, expected one")
    return f"{schemas[0]}.{table}"


def _live(out: Path) -> Build | None:
    try:
        return current(out)
    except NothingPublished:
        return None


def _hashes_of(build: Build | None) -> dict[str, str]:
    return {mart.name: mart.content_hash for mart in build.marts} if build else {}


def _require_free(folder: Path, live: Build | None) -> None:
    """Raise `BuildExists` if the folder was ever published; one no pointer named (a later number) may be redone."""
    if live is not None and folder.exists() and read_build(folder).sequence <= live.sequence:
        raise BuildExists(f"build {folder.name} has been published and cannot be rewritten; use a new id")


def _stage(
    connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, _Source], folder: Path
) -> tuple[Path, tuple[Mart, ...]]:
    folder.mkdir()
    return folder, tuple(_copy(connection, name, wanted[name], folder) for name in sorted(wanted))


def _copy(connection: duckdb.DuckDBPyConnection, name: str, source: _Source, folder: Path) -> Mart:
    file = folder / f"{name}.parquet"
    target = str(file).replace("'", "''")
    query = f"SELECT * FROM {source.relation} ORDER BY {source.order}"
    connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    sync(file)
    counted = connection.execute(f"SELECT count(*) FROM {parquet(file)}").fetchone()
    return Mart(
        name=name,
        file=file.name,
        rows=int(counted[0]) if counted else 0,
        columns=source.columns,
        content_hash=source.content_hash,
        bytes=file.stat().st_size,
        sha256=sha256_of(file),
    )


def _write_manifest(folder: Path, about: Mapping[str, Any], marts: Sequence[Mart]) -> None:
    facts = ("file", "rows", "columns", "content_hash", "bytes", "sha256")
    listed = {mart.name: {fact: getattr(mart, fact) for fact in facts} for mart in marts}
    write_durably(folder / MANIFEST, json.dumps({**about, "marts": listed}, indent=1, sort_keys=False) + "\n")
    sync(folder)


def _place(staged: Path, final: Path) -> Path:
    """Give the staged folder its name; a folder already there was never pointed to, so it is a killed attempt's."""
    if final.exists():
        discard(final)
    staged.rename(final)
    sync(final.parent)
    return final


def _verify(folder: Path, marts: Sequence[Mart]) -> None:
    read_back = file_hashes({mart.name: folder / mart.file for mart in marts})
    if wrong := differing(read_back, {mart.name: mart.content_hash for mart in marts}):
        raise DamagedBuild(f"build {folder.name} does not read back as the warehouse has it: {', '.join(wrong)}")

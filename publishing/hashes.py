"""Content hashes: two tables with the same rows have the same hash, in whatever order the rows lie.

Belongs here: the canonical text of a value and the hash of a table. Not here: file checksums (`files.py`), which change
with the writer's version although no value did.

Method: every row becomes one text (`<length>:<value>` per column, `-` for null, columns by name), its SHA-256 is taken
inside DuckDB, the row hashes are sorted there (the sort spills to disk) and streamed in blocks through one SHA-256
that began with the column names and type families. Python never sees a row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publishing.names import quoted
from publishing.read import current

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# These say when and by which run a row was written, not what it says: a rebuild of the same content changes them.
# `prev_hash` and `hash` are the ledger's chain: each covers its event's `recorded_at`.
PROVENANCE_COLUMNS = frozenset({"recorded_at", "dagster_run_id", "prev_hash", "hash"})

# Ten significant digits: parallel sums differ in the sixteenth, no figure of ours means anything past the tenth.
_FLOAT = "CASE WHEN isnan({0}) THEN 'nan' WHEN {0} = 0 THEN '0' ELSE printf('%.9e', {0}::DOUBLE) END"
_INSTANT = "CASE WHEN isfinite({0}) THEN epoch_us({0})::VARCHAR ELSE {0}::VARCHAR END"

# Type prefix as DuckDB writes it -> (family, canonical text). Instants go by epoch: their text depends on the session.
_FAMILIES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("TIMESTAMP WITH TIME ZONE",), "instant", _INSTANT),
    (("TIMESTAMP",), "timestamp", _INSTANT),
    (("FLOAT", "DOUBLE"), "float", _FLOAT),
    (("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer", "{0}::VARCHAR"),
    (("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer", "{0}::VARCHAR"),
    (("DECIMAL",), "decimal", "{0}::VARCHAR"),
    (("VARCHAR", "ENUM"), "text", "{0}::VARCHAR"),
    (("BLOB",), "bytes", "hex({0})"),
    (("BOOLEAN", "DATE", "TIME", "INTERVAL", "UUID", "BIT"), "plain", "{0}::VARCHAR"),
)  # fmt: skip


def is_provenance(column: str) -> bool:
    """Whether a column is left out of the content hash."""
    return column.startswith("_") or column in PROVENANCE_COLUMNS


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column names and DuckDB types of a FROM item, in table order."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in described}


def content_hash(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Order-independent hex SHA-256 of all non-provenance columns and rows of a FROM item.

    `relation` is SQL (a quoted table name or `parquet(path)`), so never build it from a user's text. A value changed
    beyond its tenth significant digit counts as unchanged for floats; everything else is exact.
    """
    kinds = {name: _family(kind) for name, kind in columns_of(connection, relation).items() if not is_provenance(name)}
    digest = hashlib.sha256(json.dumps(sorted((name, family) for name, (family, _) in kinds.items())).encode())
    texts = [_cell(quoted(name), kinds[name]) for name in sorted(kinds)]
    row = f"concat({', '.join(texts)})" if texts else "''"
    ordered = connection.execute(f"SELECT unhex(sha256({row})) AS h FROM {relation} ORDER BY h")
    for batch in ordered.to_arrow_reader(100_000):
        digest.update(_bytes_of(batch.column(0)))
    return digest.hexdigest()


def parquet(path: Path) -> str:
    """The FROM item that reads one Parquet file."""
    escaped = str(path).replace("'", "''")
    return f"read_parquet('{escaped}')"


def hashes(published: Path, *, recompute: bool = False) -> dict[str, str]:
    """Content hash per mart of the current build, as its manifest records them or, with `recompute`, from its files.

    Raises `publishing.read.NothingPublished` when there is no current build.
    """
    build = current(published)
    if not recompute:
        return {mart.name: mart.content_hash for mart in build.marts}
    return file_hashes({mart.name: build.path / mart.file for mart in build.marts})


def file_hashes(files: Mapping[str, Path]) -> dict[str, str]:
    """Content hash of each named Parquet file."""
    import duckdb

    with duckdb.connect() as connection:
        return {name: content_hash(connection, parquet(path)) for name, path in files.items()}


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Sequence[str]:
    """Names whose hashes differ or that only one side has, sorted."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def _family(kind: str) -> tuple[str, str]:
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "JSON")):
        return "nested", "to_json({0})::VARCHAR"
    for prefixes, family, text in _FAMILIES:
        if kind.startswith(prefixes):
            return family, text
    raise TypeError(f"no canonical text for column type {kind}")


def _cell(name: str, kind: tuple[str, str]) -> str:
    text = kind[1].format(name)
    return f"coalesce(strlen({text}) || ':' || ({text}), '-')"


def _bytes_of(hashes: pa.Array) -> memoryview:
    """The value bytes of a block of row hashes (32 each, none null), without making Python objects of them."""
    width = 32
    buffer = hashes.buffers()[2]
    return memoryview(buffer)[hashes.offset * width : (hashes.offset + len(hashes)) * width]

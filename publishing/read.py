"""Reading what was published: the current build, and a connection that can read it and nothing else.

Belongs here: `current`, `builds`, `connect`. Not here: anything that writes (`publish.py`, `retention.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

CURRENT = "CURRENT"
MANIFEST = "manifest.json"


class NothingPublished(LookupError):
    """No build has been published yet."""


class DamagedBuild(RuntimeError):
    """A build's files are missing or are not what its manifest says."""


@dataclass(frozen=True)
class Mart:
    """One published table: its file, size and the hash of its content."""

    name: str
    file: str
    rows: int
    columns: Mapping[str, str]
    content_hash: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Build:
    """One immutable published build. `sequence` counts publications; `provenance` is what the publisher was told."""

    build_id: str
    path: Path
    as_of: datetime
    sequence: int
    marts: tuple[Mart, ...]
    provenance: Mapping[str, Any]

    def missing(self) -> list[str]:
        """Names of marts whose file is absent or has another size than the manifest says (a cheap look)."""
        return [mart.name for mart in self.marts if _size(self.path / mart.file) != mart.bytes]


def current(published: Path) -> Build:
    """The build that `CURRENT` points to. Raises `NothingPublished`, or `DamagedBuild` if it points nowhere."""
    pointer = published / CURRENT
    if not pointer.is_file():
        raise NothingPublished(f"nothing has been published into {published.name}/ yet")
    return read_build(published / pointer.read_text(encoding="utf-8").strip())


def builds(published: Path) -> list[Build]:
    """Every complete build in the folder, oldest first (half-written ones have no place among them)."""
    if not published.is_dir():
        return []
    found = [read_build(folder.parent) for folder in published.glob(f"*/{MANIFEST}") if is_build(folder.parent)]
    return sorted(found, key=lambda build: (build.sequence, build.build_id))


def is_build(folder: Path) -> bool:
    """Whether a folder's name is that of a finished build."""
    return not folder.name.startswith(".") and not folder.name.endswith(".tmp")


def read_build(folder: Path) -> Build:
    """Read one build's manifest. Raises `DamagedBuild` when it has none or one of another shape."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        marts = tuple(Mart(name=name, **facts) for name, facts in sorted(manifest["marts"].items()))
        return Build(
            build_id=manifest["build_id"],
            path=folder,
            as_of=datetime.fromisoformat(manifest["as_of"]),
            sequence=int(manifest["sequence"]),
            marts=marts,
            provenance=manifest["provenance"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedBuild(f"build {folder.name} has no readable manifest ({type(error).__name__})") from error


def connect(published: Path, *, build: Build | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with one read-only view per mart of the current (or given) build.

    The connection stays on its build for as long as it lives, whatever is published meanwhile. SQL run on it can touch
    no file: the Parquet comes in as Arrow datasets, because DuckDB's own `allowed_paths` would let the same SQL
    overwrite a published file (`COPY ... (USE_TMP_FILE false)`). Extensions, `ATTACH`, `COPY`, `read_text` and further
    settings are off and cannot be switched on again. Raises `NothingPublished` or `DamagedBuild`.
    """
    import duckdb
    import pyarrow.dataset as ds

    chosen = build or current(published)
    if absent := chosen.missing():
        raise DamagedBuild(f"build {chosen.build_id} lacks {', '.join(absent)}")
    connection = duckdb.connect()
    for setting in ("python_enable_replacements", "autoinstall_known_extensions", "autoload_known_extensions"):
        connection.execute(f"SET {setting} = false")
    connection.execute("SET TimeZone = 'UTC'")
    for mart in chosen.marts:
        connection.register(mart.name, ds.dataset(chosen.path / mart.file, format="parquet"))
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1

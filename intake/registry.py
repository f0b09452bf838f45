"""The register of deliveries: which file was taken when, under which batch, and what became of its rows.

SQLite in WAL mode with `synchronous=FULL`. A delivery is `started` before anything is written and gets its final status
only after its files are in place; whatever a `started` delivery left behind is removed by `recover`.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

STARTED = "started"
WITH_ROWS = ("loaded", "nothing_new", "nothing_usable")
_COLUMNS = "batch_id, sha256, source, entity, file, rows, loaded, quarantined, duplicates, status, message, received_at, arrived_at"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    batch_id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL, source TEXT NOT NULL, entity TEXT NOT NULL, file TEXT NOT NULL,
    rows INTEGER NOT NULL DEFAULT 0, loaded INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0, duplicates INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', received_at TEXT NOT NULL, arrived_at TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_by_content ON deliveries (sha256, source, entity);
CREATE INDEX IF NOT EXISTS deliveries_by_file ON deliveries (source, file);
CREATE TABLE IF NOT EXISTS seen_files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    status TEXT NOT NULL, contracts TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts and the status a delivery ends with."""

    rows: int
    loaded: int
    quarantined: int
    duplicates: int
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One registered delivery: `received_at` is when taking it began, `arrived_at` when it lay ready, None if unknown."""

    batch_id: int
    sha256: str
    source: str
    entity: str
    file: str
    rows: int
    loaded: int
    quarantined: int
    duplicates: int
    status: str
    message: str
    received_at: str
    arrived_at: str | None = None

    @property
    def stem(self) -> str:
        """File name without ending of what the delivery left in landing, quarantine and vault."""
        return file_stem(self.batch_id, self.sha256)


def file_stem(batch_id: int, sha256: str) -> str:
    """`<batch_id>-<first 12 of the hash>`."""
    return f"{batch_id}-{sha256[:12]}"


class Registry:
    """The register of one installation; one connection, used by one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        self._add_arrival()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _add_arrival(self) -> None:
        """Registers of before arrivals were noted get the column; what was delivered then arrived nobody knows when."""
        if any(column[1] == "arrived_at" for column in self._db.execute("PRAGMA table_info(deliveries)")):
            return
        with suppress(sqlite3.OperationalError):  # Another process may just have added it.
            self._db.execute("ALTER TABLE deliveries ADD COLUMN arrived_at TEXT")

    def begin(self, sha256: str, source: str, entity: str, file: str, *, arrived_at: datetime | None = None) -> int:
        """Register the start of a delivery and return its batch number (ever increasing, never used twice)."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        arrived = None if arrived_at is None else arrived_at.astimezone(UTC).isoformat(timespec="microseconds")
        cursor = self._db.execute(
            "INSERT INTO deliveries (sha256, source, entity, file, status, received_at, arrived_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (sha256, source, entity, file, STARTED, now, arrived),
        )
        return int(cursor.lastrowid or 0)

    def finish(self, batch_id: int, outcome: Outcome) -> None:
        """Commit the outcome; from here on the delivery counts."""
        self._db.execute(
            "UPDATE deliveries SET rows=?, loaded=?, quarantined=?, duplicates=?, status=?, message=? WHERE batch_id=?",
            (
                outcome.rows,
                outcome.loaded,
                outcome.quarantined,
                outcome.duplicates,
                outcome.status,
                outcome.message,
                batch_id,
            ),
        )

    def turn_away(self, sha256: str, source: str, entity: str, file: str, status: str, message: str) -> int:
        """Register a file of which nothing was taken, in one step."""
        batch_id = self.begin(sha256, source, entity, file)
        self.finish(batch_id, Outcome(0, 0, 0, 0, status, message))
        return batch_id

    def delivered(self, sha256: str, source: str, entity: str) -> Delivery | None:
        """The delivery with this very content that counts, if there is one."""
        marks = ", ".join("?" for _ in WITH_ROWS)
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM deliveries WHERE sha256=? AND source=? AND entity=? AND status IN ({marks}) ORDER BY batch_id",
            (sha256, source, entity, *WITH_ROWS),
        ).fetchone()
        return None if found is None else _delivery(found)

    def by_file(self, source: str, beginning: str) -> Delivery | None:
        """The first delivery of a source, counting or turned away, whose file name begins like that."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM deliveries WHERE source=? AND file>=? AND file<? AND status <> ? ORDER BY batch_id",
            (source, beginning, f"{beginning}\uffff", STARTED),
        ).fetchone()
        return None if found is None else _delivery(found)

    def deliveries(self, source: str | None = None, entity: str | None = None) -> list[Delivery]:
        """Deliveries that count, oldest first, of one entity or of all."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE status <> ? ORDER BY batch_id", (STARTED,))
        found = [_delivery(row) for row in rows.fetchall()]
        return [d for d in found if source in (None, d.source) and entity in (None, d.entity)]

    def unfinished(self) -> list[Delivery]:
        """Deliveries somebody began and never ended."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE status = ?", (STARTED,))
        return [_delivery(row) for row in rows.fetchall()]

    def drop(self, batch_id: int) -> None:
        """Forget an unfinished delivery; its number is never given again."""
        self._db.execute("DELETE FROM deliveries WHERE batch_id = ? AND status = ?", (batch_id, STARTED))

    def seen(self, path: Path, contracts: str) -> str | None:
        """Status this file ended with if it has not changed since; a refused one is tried again under new contracts."""
        state = path.stat()
        row = self._db.execute(
            "SELECT status, contracts FROM seen_files WHERE path=? AND size=? AND mtime_ns=?",
            (str(path), state.st_size, state.st_mtime_ns),
        ).fetchone()
        if row is None or (row[0] in ("refused", "empty") and row[1] != contracts):
            return None
        return str(row[0])

    def remember(self, path: Path, size: int, mtime_ns: int, status: str, contracts: str) -> None:
        """Note what became of a file of the inbox, by its size and time as they were before it was read."""
        self._db.execute(
            "INSERT OR REPLACE INTO seen_files (path, size, mtime_ns, status, contracts) VALUES (?, ?, ?, ?, ?)",
            (str(path), size, mtime_ns, status, contracts),
        )


@contextmanager
def opened(path: Path) -> Iterator[Registry]:
    """The register, held by this process alone: two intakes at once would let batch numbers commit out of order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        registry = Registry(path)
        try:
            yield registry
        finally:
            registry.close()


def is_held(path: Path) -> bool:
    """Whether an intake is under way; whoever asks only to avoid waiting may still have to."""
    if not path.parent.exists():
        return False
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def reading(path: Path) -> Iterator[Registry]:
    """The register for looking things up only: takes no lock, so that a look never waits for an intake under way."""
    registry = Registry(path)
    try:
        yield registry
    finally:
        registry.close()


def _delivery(row: tuple[object, ...]) -> Delivery:
    return Delivery(*row)  # type: ignore[arg-type]

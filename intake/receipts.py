"""What became of a receipt: waiting, taken, in quarantine, or refused as a whole.

Belongs here: looking it up in the spool, the register of deliveries and the quarantine. Not here: accepting (`spool.py`),
cases (`cases/`). Nothing that was sent is told again; items are named by their place in the request.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from intake.registry import Delivery, reading
from intake.set_aside import quarantine_file
from intake.spool import ENTITY, SOURCE, file_of
from models.settings import Settings

State = Literal["received", "taken", "quarantined", "refused"]
_NAME = f"{SOURCE}__{ENTITY}"


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Why an item was set aside: its place in the request (from 0), the field if one is to blame, and the reason's code."""

    item: int
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a receipt stands: `items` counts what was sent once it was looked at. `taken`, `quarantined` and
    `duplicates` add up to it."""

    state: State
    items: int | None = None
    taken: int = 0
    quarantined: int = 0
    duplicates: int = 0
    faults: tuple[ItemFault, ...] = ()


def standing(settings: Settings, receipt: str) -> Standing | None:
    """Where a receipt stands; None when nothing was ever accepted under it."""
    with reading(settings.intake_db) as registry:
        found = registry.by_file(SOURCE, f"{receipt}.")
    if found is None:
        return None if file_of(settings, receipt) is None else Standing("received")
    if found.status in ("refused", "empty"):
        return Standing("refused")
    faults = _faults(settings, found) if found.quarantined else ()
    # Rows tried again after a contract was mended are no longer in quarantine.
    left = len({fault.item for fault in faults})
    taken = found.loaded + found.quarantined - left
    state: State = "taken" if taken or found.duplicates else "quarantined"
    return Standing(state, found.rows, taken, left, found.duplicates, faults)


def signals_of(settings: Settings, receipt: str) -> tuple[str, ...]:
    """Keys (`<sender>:<source_key>`) of the items that landed under a receipt, in their order."""
    files = [str(path) for path in _landed(settings, receipt)]
    if not files:
        return ()
    with duckdb.connect() as connection:
        query = (
            "SELECT sender || ':' || source_key FROM read_parquet($files) WHERE receipt_id = $receipt ORDER BY _line"
        )
        return tuple(str(row[0]) for row in connection.execute(query, {"files": files, "receipt": receipt}).fetchall())


def _landed(settings: Settings, receipt: str) -> list[Path]:
    with reading(settings.intake_db) as registry:
        found = registry.by_file(SOURCE, f"{receipt}.")
    path = settings.landing / _NAME / f"{found.stem}.parquet" if found is not None else None
    return [path] if path is not None and path.exists() else []


def _faults(settings: Settings, found: Delivery) -> tuple[ItemFault, ...]:
    """Faults of a delivery that still stand; a replay moves those that remain to a file of its own."""
    own = quarantine_file(settings, _NAME, f"{found.stem}.parquet")
    files = [own] if own.exists() else sorted(own.parent.glob("[0-9]*.parquet"))
    if not files:
        return ()
    with duckdb.connect() as connection:
        rows = connection.execute(
            'SELECT line, "column", reason FROM read_parquet($files) WHERE file = $file ORDER BY line, "column"',
            {"files": [str(path) for path in files], "file": found.file},
        ).fetchall()
    return tuple(ItemFault(int(line) - 1, column, str(reason)) for line, column, reason in rows)

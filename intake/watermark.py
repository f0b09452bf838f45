"""How far the landed data reaches: the newest delivery, and the newest event any source tells of.

Belongs here: reading landing and the registry to say "up to when". Not here: deciding what to do about it.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from intake.contracts import load_contracts
from models.settings import Settings

# Before any data there is still an instant to report as of.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_batch(settings: Settings) -> int:
    """Id of the newest batch that loaded a row, 0 when none did."""
    if not settings.intake_db.exists():
        return 0
    connection = sqlite3.connect(f"file:{settings.intake_db}?mode=ro", uri=True)
    try:
        found = connection.execute("select max(batch_id) from deliveries where loaded > 0").fetchone()
    finally:
        connection.close()
    return int(found[0] or 0)


def resolve_as_of(settings: Settings) -> str:
    """The reporting instant as UTC text `YYYY-MM-DD HH:MM:SS`: what the operator set, else the newest event landed.

    Dates count to the end of their day. Future-dated rows never get this far (quarantine), and columns that may
    lie ahead (targets, planned ends) are no contract's event time.
    """
    instant = settings.as_of or newest_event(settings)
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def newest_event(settings: Settings) -> datetime:
    """Newest event time over all landed entities (UTC, whole seconds, rounded up); `EPOCH` before any data."""
    import duckdb

    newest = EPOCH
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for contract in load_contracts().values():
            if contract.event_time is None:
                continue
            files = str(settings.landing / contract.name / "*.parquet")
            column = connection.sql("select * from read_parquet($files, union_by_name = true)", params={"files": files})
            found = column.aggregate(
                f'max("{contract.event_time}")::timestamptz + '
                + ("interval 1 day" if contract.column(contract.event_time).type == "date" else "interval 1 second")
            ).fetchone()
            if found and found[0] is not None:
                newest = max(newest, found[0].astimezone(UTC).replace(microsecond=0))
    return newest

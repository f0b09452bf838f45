"""The calendars of a programme as a table of open intervals with prefix sums, for the business clock in SQL.

Belongs here: the table and its horizon. Not here: calendars (`models/business_time.py`), the SQL that uses the table
(`dbt_project/macros/business_time.sql`). Where a calendar has versions, each second counts by the version in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from models.business_time import open_intervals
from models.sla import SlaPolicy

# Older than any source we read (complaints published since 2011), and a decade and more ahead: some 8,000 rows a
# calendar. A moment outside gives an unknown business time, never a wrong one.
HORIZON_YEARS = (2010, 2039)
COLUMNS = pa.schema(
    [
        ("calendar_code", pa.string()),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("starts_at", "ends_at")),
        ("passed_seconds", pa.int64()),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("horizon_starts_at", "horizon_ends_at")),
    ]
)


def business_intervals(policy: SlaPolicy) -> pa.Table:
    """One row per calendar and open interval (UTC); `passed_seconds` business seconds of the horizon lie before it."""
    codes = sorted({calendar.code for calendar in policy.calendars if _is_countable(policy, calendar.code)})
    rows = [row for code in codes for row in _rows(policy, code)]
    return pa.Table.from_pylist([dict(zip(COLUMNS.names, row, strict=True)) for row in rows], schema=COLUMNS)


def _is_countable(policy: SlaPolicy, code: str) -> bool:
    """Prefix sums cannot say what depends on where a span ends: such clocks are unknown in SQL rather than wrong."""
    return policy.schedule == "cumulative" or len(policy.versions(code)) == 1


def _rows(policy: SlaPolicy, code: str) -> Iterator[tuple[Any, ...]]:
    versions = policy.versions(code)
    first, last = HORIZON_YEARS
    begins = max(datetime(first, 1, 1, tzinfo=UTC), min(version.starts_at for version in versions))
    ends = datetime(last + 1, 1, 1, tzinfo=UTC)
    passed = 0
    for start, finish in _joined(open_intervals(versions, first, last)):
        yield code, start, finish, passed, begins, ends
        passed += int((finish - start).total_seconds())


def _joined(intervals: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Intervals that touch as one: a calendar that is open all the time is one row, not one a day."""
    held: tuple[datetime, datetime] | None = None
    for start, finish in intervals:
        if held is not None and start == held[1]:
            held = held[0], finish
            continue
        if held is not None:
            yield held
        held = start, finish
    if held is not None:
        yield held

"""Whether cases come soon enough after their signals: the newest week of each lane and source against its target.

Belongs here: that judgement. Not here: the figures (dbt's `agg_latency_week`), the targets (`models/settings.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from models.settings import Settings

if TYPE_CHECKING:
    import duckdb

# Weeks in which nothing could be timed say nothing, so the newest that says something is judged.
_NEWEST = """
    select lane, source, week_start, cases - excluded - missing, platform_p95_seconds
    from agg_latency_week
    where platform_p95_seconds is not null
    qualify row_number() over (partition by lane, source order by week_start desc) = 1
    order by lane, source
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """One lane and source in its newest timed week: `p95` is seconds from arrival to open case, beside its target."""

    lane: str
    source: str
    week_start: date
    cases: int
    p95: float
    target: int

    @property
    def is_late(self) -> bool:
        """Whether more than one case in twenty came later than the target."""
        return self.p95 > self.target


def newest_paces(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Pace]:
    """The newest timed week of every lane and source; empty before any case could be timed."""
    targets = {"fast": settings.fast_lane_target_seconds, "batch": settings.batch_lane_target_seconds}
    return [
        Pace(lane, source, week, cases, p95, targets[lane])
        for lane, source, week, cases, p95 in connection.execute(_NEWEST).fetchall()
    ]

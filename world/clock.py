"""Time inside the world: UTC seconds since 1970 as int64, months, local wall times and daylight saving.

Belongs here: conversions on whole arrays. Not here: SLA calendars (models/sla.py) and any reading of the machine's clock.
`NEVER` marks a time that does not happen within the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from world.draws import Ints

HOUR = 3600
DAY = 86_400
NEVER = np.int64(2**60)


def epoch(day: date) -> int:
    """Seconds of that day's midnight, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Horizon:
    """The period of a world: [start, end) in UTC seconds, the first days of its months, and its time zone."""

    start: int
    end: int
    months: tuple[date, ...]
    zone: str

    @property
    def weeks(self) -> int:
        """Whole weeks of the period."""
        return (self.end - self.start) // (7 * DAY)

    @property
    def days(self) -> int:
        """Days of the period."""
        return (self.end - self.start) // DAY

    @property
    def month_edges(self) -> Ints:
        """UTC seconds of each month's first instant, one more than there are months."""
        last = self.months[-1]
        after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
        return np.array([epoch(m) for m in (*self.months, after)], dtype=np.int64)

    def month_of(self, at: NDArray[np.int64]) -> Ints:
        """Index of the month each time falls in (UTC), clipped to the world's months."""
        return np.clip(np.searchsorted(self.month_edges, at, side="right") - 1, 0, len(self.months) - 1)

    def at(self, share: float) -> int:
        """The midnight nearest to a share of the period (0 = start, 1 = end)."""
        return self.start + round(self.days * share) * DAY


def horizon(start: date, weeks: int, zone: str) -> Horizon:
    """The world's period from a first day and a length; raises ValueError for fewer than four weeks."""
    if weeks < 4:
        raise ValueError("a world needs at least four weeks")
    end = start + timedelta(weeks=weeks)
    months, day = [], date(start.year, start.month, 1)
    while day < end:
        months.append(day)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return Horizon(epoch(start), epoch(end), tuple(months), zone)


@dataclass(frozen=True)
class LocalClock:
    """Offsets of one time zone between two instants: `shifts` are UTC seconds at which `offsets` (seconds) begin."""

    shifts: Ints
    offsets: Ints

    def local(self, at: NDArray[np.int64]) -> Ints:
        """Wall-clock seconds (naive) of UTC instants."""
        return at + self.offsets[np.searchsorted(self.shifts, at, side="right") - 1]

    def gaps(self) -> list[int]:
        """Naive local seconds at which a spring-forward gap of an hour or less begins."""
        pairs = zip(self.shifts[1:], self.offsets[:-1], self.offsets[1:], strict=True)
        return [int(shift + before) for shift, before, after in pairs if after > before]

    def spring_forwards(self) -> list[int]:
        """UTC instants of the spring-forward changes."""
        pairs = zip(self.shifts[1:], self.offsets[:-1], self.offsets[1:], strict=True)
        return [int(shift) for shift, before, after in pairs if after > before]


def local_clock(zone: str, start: int, end: int) -> LocalClock:
    """Tabulate a zone's offsets hour by hour between two UTC instants (zoneinfo is the source)."""
    tz = ZoneInfo(zone)
    shifts, offsets = [start - 400 * DAY], list[int]()
    for at in range(start - 400 * DAY, end + 400 * DAY, HOUR):
        offset = datetime.fromtimestamp(at, tz).utcoffset()
        seconds = int(offset.total_seconds()) if offset else 0
        if not offsets:
            offsets.append(seconds)
        elif seconds != offsets[-1]:
            shifts.append(at)
            offsets.append(seconds)
    return LocalClock(np.array(shifts, dtype=np.int64), np.array(offsets, dtype=np.int64))


def _seconds(at: NDArray[np.int64], missing: NDArray[np.bool_] | None) -> pa.Array:
    return pa.array(at, mask=missing).cast(pa.timestamp("s"))


def plain_text(at: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """`YYYY-MM-DD HH:MM:SS` texts; null where missing."""
    return _seconds(at, missing).cast(pa.string())


def zulu_text(at: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """`YYYY-MM-DDTHH:MM:SSZ` texts; null where missing."""
    plain = pc.replace_substring(plain_text(at, missing), " ", "T")
    return pc.binary_join_element_wise(plain, "Z", "")


def day_text(at: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """`YYYY-MM-DD` texts; null where missing."""
    return _seconds(at, missing).cast(pa.date32(), safe=False).cast(pa.string())


def instants(at: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Arrow timestamps in UTC for truth tables; `NEVER` and missing become null."""
    gone = at >= NEVER if missing is None else (missing | (at >= NEVER))
    return (
        pa.array(np.where(gone, 0, at), mask=gone).cast(pa.timestamp("s", tz="UTC")).cast(pa.timestamp("us", tz="UTC"))
    )

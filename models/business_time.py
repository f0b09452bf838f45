"""Business time: calendars and exact business seconds between instants, as a closed form.

Belongs here: when a team works, how many of its seconds lie between two instants, and when so many have passed. Not
here: targets (`models/sla.py`) or which events start and stop a clock (`models/clocks.py`). Method: each calendar year
is turned into the list of UTC intervals in which the calendar is open, with prefix sums, so both directions are a
binary search. The list is built in UTC because a local date is not always one piece of time (Goose Bay set its clocks
back at 00:01, so a minute of Sunday came before an hour of Saturday).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import field_validator, model_validator

from models.routing import Strict

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# `cumulative`: each second counts by the calendar in force at that second. `last`: the whole span counts by the
# calendar in force at its end, which is what Zendesk reports (689.46 against 959.46 minutes for one and the same ticket).
ScheduleMode = Literal["cumulative", "last"]

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No zone has changed its clocks twice within this many seconds, so looking this often misses no change.
_PROBE = 3 * 3600
_HORIZON_YEARS = 30


class Interval(Strict):
    """Open from `start` up to `end`, local time of day; `end` 00:00 means midnight at the end of the day."""

    start: time
    end: time

    @property
    def seconds(self) -> tuple[int, int]:
        """Start and end in seconds of the local day."""
        return _seconds(self.start), _seconds(self.end) or _DAY

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.seconds[0] >= self.seconds[1] or self.start.tzinfo or self.end.tzinfo:
            raise ValueError("an interval runs forward within one local day")
        return self


class Calendar(Strict):
    """When a team works: an IANA zone, weekly intervals (several a day for split shifts) and local holidays."""

    code: str
    zone: str
    weekly: tuple[tuple[Weekday, tuple[Interval, ...]], ...]
    holidays: frozenset[date] = frozenset()
    effective_from: date | None = None

    @field_validator("weekly", mode="before")
    @classmethod
    def _from_mapping(cls, value: object) -> object:
        return tuple((day, tuple(items)) for day, items in value.items()) if isinstance(value, dict) else value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {value!r}") from error
        return value

    @model_validator(mode="after")
    def _no_overlap(self) -> Self:
        days = [day for day, _ in self.weekly]
        if len(set(days)) != len(days):
            raise ValueError(f"{self.code}: a weekday is given twice")
        for day, items in self.weekly:
            spans = sorted(item.seconds for item in items)
            if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
                raise ValueError(f"{self.code}: intervals of {day} overlap")
        return self

    @property
    def starts_at(self) -> datetime:
        """First instant (UTC) at which this version holds: local midnight of `effective_from`."""
        if self.effective_from is None:
            return datetime.min.replace(tzinfo=UTC)
        return datetime.combine(self.effective_from, time(0), ZoneInfo(self.zone)).astimezone(UTC)


def always_open(code: str = "24x7", zone: str = "UTC") -> Calendar:
    """The calendar that is open all the time: its clock equals the wall clock exactly."""
    whole = Interval(start=time(0), end=time(0))
    return Calendar(code=code, zone=zone, weekly=tuple((day, (whole,)) for day in WEEKDAYS))


def in_force(versions: Sequence[Calendar], at: datetime) -> Calendar:
    """The version of a calendar in force at an instant. Raises `KeyError` when none is yet."""
    current = [version for version in versions if version.starts_at <= at]
    if not current:
        codes = ", ".join(sorted({version.code for version in versions})) or "?"
        raise KeyError(f"calendar {codes} is not in force at {at.isoformat()}")
    return max(current, key=lambda version: version.starts_at)


def scheduled_seconds(versions: Sequence[Calendar], a: datetime, b: datetime, mode: ScheduleMode = "cumulative") -> int:
    """Business seconds of [a, b) over the versions of one calendar; see `ScheduleMode`. Raises `KeyError`."""
    if b <= a:
        return 0
    if mode == "last" or len(versions) == 1:
        return business_seconds(in_force(versions, b if mode == "last" else a), a, b)
    return sum(business_seconds(version, start, end) for version, start, end in _spans(versions, a, b))


def add_scheduled_seconds(versions: Sequence[Calendar], a: datetime, seconds: int) -> datetime:
    """First instant (UTC) at which `seconds` have passed since `a`, each by the version in force; as
    `add_business_seconds`.
    """
    if len(versions) == 1 or seconds == 0:
        return add_business_seconds(in_force(versions, a), a, seconds)
    start = a
    changes = sorted(version.starts_at for version in versions if version.starts_at > a)
    for change in changes:
        inside = business_seconds(in_force(versions, start), start, change)
        if inside >= seconds:
            break
        seconds -= inside
        start = change
    return add_business_seconds(in_force(versions, start), start, seconds)


def _spans(versions: Sequence[Calendar], a: datetime, b: datetime) -> Iterator[tuple[Calendar, datetime, datetime]]:
    """[a, b) cut where another version comes into force."""
    edges = [a, *sorted(version.starts_at for version in versions if a < version.starts_at < b), b]
    for start, end in pairwise(edges):
        yield in_force(versions, start), start, end


def open_intervals(
    versions: Sequence[Calendar], first_year: int, last_year: int
) -> Iterator[tuple[datetime, datetime]]:
    """Open UTC intervals of these UTC years in order, each second by the version in force; none before the first one."""
    begin, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    first = max(begin, min(version.starts_at for version in versions))
    for version, start, finish in _spans(versions, first, end) if first < end else ():
        for year in range(start.year, min(finish.year, last_year) + 1):
            opening = _year(version, year)
            for span in zip(opening.starts, opening.ends, strict=True):
                low, high = max(_instant(span[0]), start), min(_instant(span[1]), finish)
                if low < high:
                    yield low, high


def business_seconds(calendar: Calendar, a: datetime, b: datetime) -> int:
    """Seconds of [a, b) in which the calendar is open; negative when b lies before a. Exact to the second.

    Both instants are cut to whole seconds, so that B(a,b) + B(b,c) = B(a,c). Raises `ValueError` for naive times.
    """
    start, end = _epoch_second(a), _epoch_second(b)
    if end < start:
        return -business_seconds(calendar, b, a)
    first, last = _year_of(start), _year_of(end)
    if first == last:
        return _year(calendar, first).before(end) - _year(calendar, first).before(start)
    whole = sum(_year(calendar, year).total for year in range(first + 1, last))
    return _year(calendar, first).after(start) + whole + _year(calendar, last).before(end)


def add_business_seconds(calendar: Calendar, a: datetime, seconds: int) -> datetime:
    """First instant (UTC) at which `seconds` open seconds have passed since `a`; `a` itself for zero.

    Time that is used up exactly at the end of a working day falls due then, not on the next morning. Raises
    `ValueError` for a naive time, negative seconds, or a calendar that does not open often enough within 30 years.
    """
    if seconds < 0:
        raise ValueError("seconds must not be negative")
    start = _epoch_second(a)
    if seconds == 0:
        return _instant(start)
    first = _year_of(start)
    wanted = seconds + _year(calendar, first).before(start)
    for year in range(first, min(first + _HORIZON_YEARS, 9999)):
        opening = _year(calendar, year)
        if wanted <= opening.total:
            return _instant(opening.reach(wanted))
        wanted -= opening.total
    raise ValueError(f"calendar {calendar.code} does not open for that long")


@dataclass(frozen=True, slots=True)
class _Year:
    """Open UTC intervals of one UTC year in order; `passed[i]` open seconds lie before interval i."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    passed: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.passed[-1]

    def before(self, instant: int) -> int:
        """Open seconds of the year before the instant."""
        index = bisect_right(self.starts, instant) - 1
        if index < 0:
            return 0
        return self.passed[index] + min(instant, self.ends[index]) - self.starts[index]

    def after(self, instant: int) -> int:
        return self.total - self.before(instant)

    def reach(self, wanted: int) -> int:
        """Instant at which `wanted` open seconds (1..total) of the year have passed."""
        index = bisect_right(self.passed, wanted - 1) - 1
        return self.starts[index] + wanted - self.passed[index]


# Room for decades of a hundred calendars; a year takes some milliseconds to build and about 50 kB to keep.
@lru_cache(maxsize=4096)
def _year(calendar: Calendar, year: int) -> _Year:
    spans = sorted(_open_spans(calendar, year))
    return _Year(
        starts=tuple(start for start, _ in spans),
        ends=tuple(end for _, end in spans),
        passed=(0, *accumulate(end - start for start, end in spans)),
    )


def _open_spans(calendar: Calendar, year: int) -> Iterator[tuple[int, int]]:
    """Open spans of the UTC year in epoch seconds: per stretch of constant offset, the local week laid over it."""
    weekly = {WEEKDAYS.index(day): tuple(item.seconds for item in items) for day, items in calendar.weekly}
    for start, end, offset in _stretches(ZoneInfo(calendar.zone), year):
        first, last = (start + offset) // _DAY, (end + offset - 1) // _DAY
        for day in range(first, last + 1):
            local = _EPOCH.date() + timedelta(days=day)
            if local in calendar.holidays:
                continue
            yield from _clip(weekly.get(local.weekday(), ()), day * _DAY - offset, start, end)


def _clip(spans: Iterable[tuple[int, int]], midnight: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    for opens, shuts in spans:
        low, high = max(midnight + opens, start), min(midnight + shuts, end)
        if low < high:
            yield low, high


def _stretches(zone: ZoneInfo, year: int) -> Iterator[tuple[int, int, int]]:
    """Pieces (start, end, offset) of a UTC year, in epoch seconds, over which the zone keeps one offset."""
    start, year_end = _year_start(year), _year_start(year + 1)
    offset = _offset(zone, start)
    for probe in (*range(start + _PROBE, year_end, _PROBE), year_end - 1):
        if (changed := _offset(zone, probe)) != offset:
            low, high = max(start, probe - _PROBE), probe
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            yield start, high, offset
            start, offset = high, changed
    yield start, year_end, offset


def _offset(zone: ZoneInfo, instant: int) -> int:
    shift = _instant(instant).astimezone(zone).utcoffset()
    return 0 if shift is None else int(shift.total_seconds())


def _instant(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)


def _epoch_second(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("business time needs a time zone")
    return (at - _EPOCH) // timedelta(seconds=1)


def _year_of(second: int) -> int:
    return _instant(second).year


def _year_start(year: int) -> int:
    return _epoch_second(datetime(year, 1, 1, tzinfo=UTC))


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second

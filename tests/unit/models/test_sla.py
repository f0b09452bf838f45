"""The business clock against a clock that counts every second, in zones with every kind of oddity."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.business_time import (
    WEEKDAYS,
    Calendar,
    Interval,
    add_business_seconds,
    always_open,
    business_seconds,
)
from models.sla import SlaPolicy, SlaTarget

# Half- and quarter-hour offsets, a half-hour summer time, changes at midnight or one minute past it, a day that never
# was (Apia, 30 December 2011), a zone that gave summer time up (Hong Kong, 1979), and two that never had it.
ZONES = [
    "America/New_York", "Europe/London", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
    "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Hong_Kong", "America/Havana", "UTC",
    "America/Goose_Bay",
]  # fmt: skip
TURNS = [
    datetime(2026, 3, 8, 7), datetime(2026, 11, 1, 6), datetime(2026, 3, 29, 1), datetime(2018, 11, 4, 3),
    datetime(2018, 2, 18, 2), datetime(2011, 12, 30, 10), datetime(2026, 4, 4, 15), datetime(2010, 11, 7, 3),
    datetime(1979, 10, 20, 18), datetime(2026, 1, 1), datetime(2024, 2, 29), datetime(2026, 2, 15, 3),
]  # fmt: skip


def at(hour: int, minute: int = 0) -> time:
    return time(hour, minute)


OFFICE = Calendar(
    code="office",
    zone="America/New_York",
    weekly=tuple(
        (day, (Interval(start=at(9), end=at(12)), Interval(start=at(13), end=at(17, 30)))) for day in WEEKDAYS[:5]
    ),
    holidays=frozenset({date(2026, 7, 3)}),
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A calendar with up to three intervals on some weekdays, to the minute, and some holidays around the turns."""
    weekly: list[tuple[Any, tuple[Interval, ...]]] = []
    for day in draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1)):
        edges = sorted(draw(st.sets(st.integers(0, 24 * 60), min_size=2, max_size=6)))
        pairs = list(zip(edges[::2], edges[1::2], strict=False))
        spans = [Interval(start=at(a // 60, a % 60), end=at(b // 60 % 24, b % 60)) for a, b in pairs]
        weekly.append((day, tuple(spans)))
    holidays = draw(st.sets(st.sampled_from([turn.date() + timedelta(days=k) for turn in TURNS for k in (-1, 0, 1)])))
    return Calendar(code="drawn", zone=draw(st.sampled_from(ZONES)), weekly=tuple(weekly), holidays=frozenset(holidays))


def is_open(calendar: Calendar, instant: datetime) -> bool:
    local = instant.astimezone(ZoneInfo(calendar.zone))
    second = local.hour * 3600 + local.minute * 60 + local.second
    intervals = dict(calendar.weekly).get(WEEKDAYS[local.weekday()], ())
    return local.date() not in calendar.holidays and any(a <= second < b for a, b in (i.seconds for i in intervals))


def brute_force(calendar: Calendar, a: datetime, b: datetime, step: int) -> int:
    """Count the open instants one by one; exact because every edge of a drawn calendar lies on a whole step."""
    ticks = int((b - a).total_seconds()) // step
    return step * sum(is_open(calendar, a + timedelta(seconds=step * tick)) for tick in range(ticks))


near_turns = st.builds(
    lambda turn, minutes: turn.replace(tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(TURNS),
    st.integers(-36 * 60, 36 * 60),
)
lengths = st.integers(0, 3 * 24 * 60)


@settings(max_examples=120, deadline=None)
@given(calendar=calendars(), start=near_turns, minutes=lengths)
@example(calendar=always_open(zone="America/Goose_Bay"), start=datetime(2010, 11, 6, 12, tzinfo=UTC), minutes=2_000)
def test_business_time_equals_a_clock_that_counts_every_minute(
    calendar: Calendar, start: datetime, minutes: int
) -> None:
    end = start + timedelta(minutes=minutes)
    counted = brute_force(calendar, start, end, 60)
    assert business_seconds(calendar, start, end) == counted
    assert business_seconds(calendar, end, start) == -counted


@settings(max_examples=30, deadline=None)
@given(calendar=calendars(), start=near_turns, offset=st.integers(0, 59), seconds=st.integers(0, 3_000))
def test_business_time_is_exact_to_the_second(calendar: Calendar, start: datetime, offset: int, seconds: int) -> None:
    start += timedelta(seconds=offset)
    end = start + timedelta(seconds=seconds)
    assert business_seconds(calendar, start, end) == brute_force(calendar, start, end, 1)


@settings(max_examples=150, deadline=None)
@given(calendar=calendars(), start=near_turns, seconds=st.integers(1, 400_000))
def test_the_due_time_is_the_first_instant_at_which_the_time_is_used_up(
    calendar: Calendar, start: datetime, seconds: int
) -> None:
    due = add_business_seconds(calendar, start, seconds)
    assert business_seconds(calendar, start, due) == seconds
    assert business_seconds(calendar, start, due - timedelta(seconds=1)) == seconds - 1


@settings(deadline=None)
@given(calendar=calendars(), moments=st.lists(near_turns, min_size=3, max_size=3))
def test_business_time_adds_up(calendar: Calendar, moments: list[datetime]) -> None:
    a, b, c = moments
    assert business_seconds(calendar, a, b) + business_seconds(calendar, b, c) == business_seconds(calendar, a, c)


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(1970, 1, 2), datetime(2060, 1, 1), timezones=st.just(UTC)),
    length=st.integers(0, 10 * 365 * 86_400),
)
def test_a_calendar_that_is_always_open_is_the_wall_clock(zone: str, start: datetime, length: int) -> None:
    start = start.replace(microsecond=0)
    calendar, end = always_open(zone=zone), start + timedelta(seconds=length)
    assert business_seconds(calendar, start, end) == length
    assert add_business_seconds(calendar, start, length) == end


def new_york(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (new_york(2026, 7, 1, 9), new_york(2026, 7, 1, 17, 30), 7.5),
        (new_york(2026, 7, 1, 12, 15), new_york(2026, 7, 1, 12, 45), 0),
        (new_york(2026, 7, 2, 17), new_york(2026, 7, 6, 9, 30), 1),
        (new_york(2026, 7, 4, 1), new_york(2026, 7, 5, 23), 0),
        (new_york(2025, 12, 31, 17), new_york(2026, 1, 1, 10), 1.5),
    ],
)
def test_lunch_weekend_holiday_and_new_year_count_as_they_should(start: datetime, end: datetime, hours: float) -> None:
    assert business_seconds(OFFICE, start, end) == hours * 3600


def test_time_used_up_at_closing_falls_due_then_and_not_next_morning() -> None:
    assert add_business_seconds(OFFICE, new_york(2026, 7, 1, 16, 30), 3600) == new_york(2026, 7, 1, 17, 30)
    assert add_business_seconds(OFFICE, new_york(2026, 7, 1, 16, 30), 3601) == new_york(2026, 7, 2, 9, 0, 1)


def test_four_hours_less_one_from_monday_evening_end_on_tuesday_at_ten() -> None:
    hours = Interval(start=at(8), end=at(18))
    calendar = Calendar(code="shop", zone="Europe/Paris", weekly=(("mon", (hours,)), ("tue", (hours,))))
    monday = datetime(2026, 3, 2, 17, tzinfo=ZoneInfo("Europe/Paris"))
    due = add_business_seconds(calendar, monday, (4 - 1) * 3600)
    assert due == datetime(2026, 3, 3, 10, tzinfo=ZoneInfo("Europe/Paris"))


def test_a_calendar_that_never_opens_says_so() -> None:
    closed = Calendar(code="closed", zone="UTC", weekly=())
    assert business_seconds(closed, new_york(2026, 1, 1), new_york(2027, 1, 1)) == 0
    with pytest.raises(ValueError, match="does not open"):
        add_business_seconds(closed, new_york(2026, 1, 1), 1)


def test_naive_times_and_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        business_seconds(OFFICE, datetime(2026, 1, 1), new_york(2026, 1, 2))
    with pytest.raises(ValueError, match="negative"):
        add_business_seconds(OFFICE, new_york(2026, 1, 1), -1)


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Mars/Olympus"},
        {"weekly": {"mon": [{"start": "09:00", "end": "12:00"}, {"start": "11:00", "end": "13:00"}]}},
        {"weekly": {"mon": [{"start": "12:00", "end": "09:00"}]}},
        {"weekly": {"someday": []}},
    ],
)
def test_calendars_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate({"code": "x", "zone": "UTC", "weekly": {}} | change)


def target(**more: Any) -> SlaTarget:
    return SlaTarget.model_validate(
        {"metric": "resolve", "severity": 2, "seconds": 8 * 3600, "calendar": "office"} | more
    )


def test_the_segments_own_target_comes_first_and_the_newest_in_force_wins() -> None:
    june = datetime(2026, 6, 1, tzinfo=UTC)
    policy = SlaPolicy(
        targets=(
            target(seconds=100),
            target(seconds=200, effective_from=june),
            target(seconds=300, segment="private"),
            target(seconds=400, severity=1),
            target(metric="first_action", seconds=500, clock="wall", calendar=None),
        ),
        calendars=(OFFICE,),
    )

    def seconds(segment: str | None, when: datetime) -> dict[str, int]:
        return {t.metric: t.seconds for t in policy.targets_for(severity=2, segment=segment, at=when)}

    assert seconds("mass", june - timedelta(seconds=1)) == {"first_action": 500, "resolve": 100}
    assert seconds("mass", june) == {"first_action": 500, "resolve": 200}
    assert seconds("private", june) == {"first_action": 500, "resolve": 300}
    assert seconds(None, june) == {"first_action": 500, "resolve": 200}


def test_due_times_use_the_clock_and_the_calendar_in_force() -> None:
    early = OFFICE.model_copy(update={"holidays": frozenset(), "effective_from": date(2026, 7, 3)})
    policy = SlaPolicy(targets=(target(),), calendars=(OFFICE, early))
    wall = target(clock="wall", calendar=None, seconds=3600)
    assert policy.due_at(wall, new_york(2026, 7, 4, 12)) == new_york(2026, 7, 4, 13)
    assert policy.due_at(target(seconds=3600), new_york(2026, 7, 2, 17)) == new_york(2026, 7, 3, 9, 30)
    assert policy.due_at(target(seconds=3600), new_york(2026, 7, 3, 9)) == new_york(2026, 7, 3, 10)


def test_a_target_on_a_calendar_nobody_defined_is_refused() -> None:
    with pytest.raises(ValidationError, match="not defined"):
        SlaPolicy(targets=(target(),))
    with pytest.raises(ValidationError, match="needs a calendar"):
        target(calendar=None)

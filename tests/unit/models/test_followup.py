"""Follow-ups in a calendar: a strict reader gets back what was planned, and nothing lies outside working hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar as IcsCalendar

from models.business_time import Calendar, Interval
from models.followup import FollowUpVersion, feed, in_working_hours
from models.sla import SlaPolicy

SAID = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PLANNED = FollowUpVersion(
    uid="a1@amends", sequence=0, owner_id="E00012", subject_type="case", subject_id="C1", title="Call again",
    starts_at=datetime(2026, 3, 4, 15, 0, tzinfo=UTC), minutes=30, status="CONFIRMED", recorded_at=SAID,
)  # fmt: skip
SPLIT = (Interval(start=time(9), end=time(12)), Interval(start=time(12, 30), end=time(17)))
DAYS = ("mon", "tue", "wed", "thu", "fri")
NEW_YORK = Calendar(
    code="desk", zone="America/New_York", weekly=tuple((day, SPLIT) for day in DAYS), holidays=frozenset({date(2026, 3, 5)})
)  # fmt: skip
POLICY = SlaPolicy(targets=(), calendars=(NEW_YORK,))


def events(raw: bytes) -> list[dict[str, object]]:
    """The events of a feed as a strict reader sees them."""
    parsed = IcsCalendar.from_ical(raw)
    assert not parsed.errors
    found = []
    for event in parsed.walk("VEVENT"):
        assert not event.errors
        found.append({
            "uid": str(event["UID"]), "sequence": int(event["SEQUENCE"]), "summary": str(event["SUMMARY"]),
            "start": event["DTSTART"].dt, "end": event["DTEND"].dt, "stamp": event["DTSTAMP"].dt,
            "status": str(event["STATUS"]), "about": str(event["DESCRIPTION"]), "alarms": len(event.walk("VALARM")),
        })  # fmt: skip
    return found


def test_a_strict_reader_gets_back_what_was_planned() -> None:
    (event,) = events(feed([PLANNED], name="Follow-ups of E00012"))
    assert event == {
        "uid": "a1@amends", "sequence": 0, "summary": "Call again", "start": PLANNED.starts_at,
        "end": PLANNED.starts_at + timedelta(minutes=30), "stamp": SAID, "status": "CONFIRMED", "about": "case C1",
        "alarms": 1,
    }  # fmt: skip


def test_a_moved_follow_up_keeps_its_uid_and_counts_up() -> None:
    moved = replace(PLANNED, sequence=1, starts_at=PLANNED.starts_at + timedelta(days=1))
    first, second = events(feed([PLANNED], name="x"))[0], events(feed([moved], name="x"))[0]
    assert first["uid"] == second["uid"]
    assert (first["sequence"], second["sequence"]) == (0, 1)


def test_a_cancelled_follow_up_is_sent_as_cancelled_and_rings_no_more() -> None:
    (event,) = events(feed([replace(PLANNED, status="CANCELLED", sequence=2)], name="x"))
    assert (event["status"], event["alarms"]) == ("CANCELLED", 0)


def test_equal_follow_ups_give_equal_bytes_in_any_order() -> None:
    other = replace(PLANNED, uid="b2@amends")
    assert feed([PLANNED, other], name="x") == feed([other, PLANNED], name="x")
    assert feed([], name="x").startswith(b"BEGIN:VCALENDAR\r\n")


def test_times_are_written_in_utc_whatever_zone_they_come_in() -> None:
    zone = ZoneInfo("America/New_York")
    local = replace(PLANNED, starts_at=PLANNED.starts_at.astimezone(zone), recorded_at=SAID.astimezone(zone))
    raw = feed([local], name="x")
    assert raw == feed([PLANNED], name="x")
    assert b"DTSTART:20260304T150000Z\r\n" in raw
    assert b"TZID" not in raw


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=200))
def test_a_title_survives_and_cannot_write_lines_of_its_own(title: str) -> None:
    raw = feed([replace(PLANNED, title=title)], name=title)
    (event,) = events(raw)
    assert event["summary"] == title
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("title", ["a\r\nSTATUS:CANCELLED", "a\nEND:VEVENT\nBEGIN:VEVENT", "a\\nb", "a;b,c:d"])
def test_a_title_that_tries_to_break_out_stays_a_title(title: str) -> None:
    (event,) = events(feed([replace(PLANNED, title=title)], name="x"))
    assert event["status"] == "CONFIRMED"
    assert event["uid"] == PLANNED.uid


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A local moment of March 2026 in New York."""
    return datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("wanted", "minutes", "expected"),
    [
        (at(3, 10), 60, at(3, 10)),
        (at(3, 11, 30), 30, at(3, 11, 30)),
        (at(3, 11, 30), 60, at(3, 12, 30)),
        (at(3, 12, 10), 30, at(3, 12, 30)),
        (at(3, 16, 45), 30, at(4, 9)),
        (at(4, 16, 45), 30, at(6, 9)),  # the 5th is a holiday
        (at(6, 20), 15, at(9, 9)),  # a Friday evening; the clocks change on Sunday
        (at(3, 9), 240, at(3, 12, 30)),
    ],
)
def test_a_wish_moves_to_the_first_time_that_is_long_enough(wanted: datetime, minutes: int, expected: datetime) -> None:
    assert in_working_hours(wanted, minutes, POLICY, "desk") == expected


@settings(max_examples=40)
@given(st.integers(0, 14 * 24 * 12), st.integers(1, 48))
def test_the_time_found_is_the_first_that_a_walk_in_steps_of_five_minutes_finds(step: int, fives: int) -> None:
    wanted = at(1, 0) + timedelta(minutes=5 * step)
    length = timedelta(minutes=5 * fives)

    def fits(start: datetime) -> bool:
        ticks = (start + timedelta(minutes=5 * n) for n in range(fives))
        return all(POLICY.is_open("desk", tick) for tick in ticks)

    walk = (wanted.astimezone(UTC) + timedelta(minutes=5 * n) for n in range(3_000))
    found = in_working_hours(wanted, 5 * fives, POLICY, "desk")
    assert found == next(start for start in walk if fits(start))
    assert POLICY.seconds_between("business", "desk", found, found + length) == length.total_seconds()


def test_a_calendar_that_is_never_open_that_long_says_so() -> None:
    with pytest.raises(ValueError, match="desk is not open for 300 minutes on end"):
        in_working_hours(at(3, 9), 300, POLICY, "desk")

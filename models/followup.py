"""Follow-ups as calendar events: RFC 5545 with a UID that stays and a SEQUENCE that counts.

Belongs here: one feed as text, and moving a wish into working hours. Not here: planning and moving follow-ups
(`cases/followups.py`). DTSTAMP is when the version was recorded, not now, so equal follow-ups give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from models.sla import SlaPolicy

if TYPE_CHECKING:
    from icalendar import Event


Status = Literal["CONFIRMED", "CANCELLED"]
# Two months of working days: a calendar that has no room in so many openings has none.
_OPENINGS = 60


@dataclass(frozen=True, slots=True)
class FollowUpVersion:
    """The version of a follow-up that counts. Times are UTC; `recorded_at` is when this version was said."""

    uid: str
    sequence: int
    owner_id: str
    subject_type: str
    subject_id: str
    title: str
    starts_at: datetime
    minutes: int
    status: Status
    recorded_at: datetime


def feed(followups: Sequence[FollowUpVersion], *, name: str, remind_minutes: int = 15) -> bytes:
    """An iCalendar feed (RFC 5545, UTC times) of the given versions, in order of start and UID."""
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Amends//follow-ups//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for item in sorted(followups, key=lambda item: (item.starts_at, item.uid)):
        calendar.add_component(_event(item, remind_minutes))
    return bytes(calendar.to_ical())


def _event(item: FollowUpVersion, remind_minutes: int) -> Event:
    from icalendar import Alarm, Event

    event = Event()
    event.add("uid", item.uid)
    event.add("sequence", item.sequence)
    # In UTC whatever zone they come in: a TZID without its VTIMEZONE beside it is no valid calendar.
    starts_at, said_at = item.starts_at.astimezone(UTC), item.recorded_at.astimezone(UTC)
    event.add("dtstamp", said_at)
    event.add("last-modified", said_at)
    event.add("dtstart", starts_at)
    event.add("dtend", starts_at + timedelta(minutes=item.minutes))
    event.add("summary", item.title)
    event.add("description", f"{item.subject_type} {item.subject_id}")
    event.add("status", item.status)
    if item.status != "CANCELLED":
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", item.title)
        alarm.add("trigger", timedelta(minutes=-remind_minutes))
        event.add_component(alarm)
    return event


def in_working_hours(wanted: datetime, minutes: int, policy: SlaPolicy, calendar: str) -> datetime:
    """The first moment at or after `wanted` from which the calendar stays open for the whole follow-up.

    Raises `ValueError` when none of the next sixty openings is that long, and as `SlaPolicy.next_open`.
    """
    start = policy.next_open(calendar, wanted)
    for _ in range(_OPENINGS):
        open_for = _open_for(start, minutes * 60, policy, calendar)
        if open_for == minutes * 60:
            return start
        start = policy.next_open(calendar, start + timedelta(seconds=open_for))
    raise ValueError(f"calendar {calendar} is not open for {minutes} minutes on end")


def _open_for(start: datetime, most: int, policy: SlaPolicy, calendar: str) -> int:
    """Seconds the calendar stays open from `start` on, up to `most`: the last length without a gap, by halving."""

    def has_gap(seconds: int) -> bool:
        return policy.seconds_between("business", calendar, start, start + timedelta(seconds=seconds)) < seconds

    if not has_gap(most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has_gap(middle) else (middle, high)
    return low

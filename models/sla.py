"""SLA targets: how long each step of a case may take, by severity, segment and the day they came into force.

Belongs here: targets, the policy that holds them with their calendars, and when one that starts now falls due. Not
here: business time itself (`models/business_time.py`), which events start, pause or stop a clock (`models/clocks.py`),
reminders (`models/escalation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from models.business_time import Calendar, ScheduleMode, add_scheduled_seconds, in_force, scheduled_seconds
from models.routing import Match, Strict

Metric = Literal["first_action", "update", "resolve", "inform_customer", "acknowledge", "final_response"]
Clock = Literal["wall", "business"]
OnReopen = Literal["continue", "restart"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SlaTarget(Strict):
    """How long one metric may take. `segment` None holds for every segment without a target of its own, `severity`
    None for every severity; `applies` narrows it further (complaint regulation holds for complaints only).
    """

    metric: Metric
    severity: int | None = Field(default=None, ge=1, le=4)
    segment: str | None = None
    seconds: int = Field(gt=0)
    clock: Clock = "business"
    calendar: str | None = None
    on_reopen: OnReopen = "continue"
    applies: Match = Match()
    effective_from: datetime = _EPOCH

    @model_validator(mode="after")
    def _has_clock(self) -> Self:
        if self.clock == "business" and self.calendar is None:
            raise ValueError(f"{self.metric}: a business clock needs a calendar")
        if self.effective_from.tzinfo is None:
            raise ValueError(f"{self.metric}: effective_from needs a time zone")
        return self

    @property
    def rank(self) -> tuple[bool, bool, datetime]:
        """The more particular target wins, of equally particular ones the newest."""
        return self.segment is not None, self.severity is not None, self.effective_from


class SlaPolicy(Strict):
    """All targets and the calendars they run on. Every calendar named by a target must be there."""

    targets: tuple[SlaTarget, ...]
    calendars: tuple[Calendar, ...] = ()
    schedule: ScheduleMode = "cumulative"
    # Of the programme it came from; written into every promise made by it.
    version: str | None = None

    @model_validator(mode="after")
    def _calendars_exist(self) -> Self:
        missing = sorted({t.calendar for t in self.targets if t.calendar} - {c.code for c in self.calendars})
        if missing:
            raise ValueError(f"calendars not defined: {', '.join(missing)}")
        twice = sorted({(c.code, c.effective_from) for c in self.calendars}, key=str)
        if len(twice) != len(self.calendars):
            raise ValueError("a calendar has two versions that begin on the same day")
        return self

    def targets_for(
        self, *, severity: int, segment: str | None, at: datetime, facts: Mapping[str, Any] | None = None
    ) -> tuple[SlaTarget, ...]:
        """One target per metric in force at `at`: the segment's own before the general one, the newest first."""
        fitting = [
            target
            for target in self.targets
            if target.severity in (None, severity)
            and target.segment in (None, segment)
            and target.effective_from <= at
            and target.applies.holds(facts or {})
        ]
        best = {target.metric: target for target in sorted(fitting, key=lambda target: target.rank)}
        return tuple(best[metric] for metric in sorted(best))

    def versions(self, code: str) -> tuple[Calendar, ...]:
        """Every version of a calendar. Raises `KeyError` when the policy does not know it."""
        found = tuple(calendar for calendar in self.calendars if calendar.code == code)
        if not found:
            raise KeyError(f"calendar {code} is not defined")
        return found

    def calendar_at(self, code: str, at: datetime) -> Calendar:
        """The version of a calendar in force at `at`. Raises `KeyError` when there is none."""
        return in_force(self.versions(code), at)

    def seconds_between(self, clock: Clock, calendar: str | None, a: datetime, b: datetime) -> int:
        """Whole seconds of [a, b) on a clock; never negative."""
        if clock == "wall" or calendar is None:
            return max((b - _EPOCH) // timedelta(seconds=1) - (a - _EPOCH) // timedelta(seconds=1), 0)
        return scheduled_seconds(self.versions(calendar), a, b, self.schedule)

    def instant_after(self, clock: Clock, calendar: str | None, a: datetime, seconds: int) -> datetime:
        """First instant (UTC) at which so many seconds of the clock have passed since `a`."""
        if clock == "wall" or calendar is None:
            return a.astimezone(UTC) + timedelta(seconds=seconds)
        return add_scheduled_seconds(self.versions(calendar), a, seconds)

    def is_open(self, calendar: str, at: datetime) -> bool:
        """Whether the calendar is open in the second that begins at `at`."""
        return self.seconds_between("business", calendar, at, at + timedelta(seconds=1)) == 1

    def next_open(self, calendar: str, at: datetime) -> datetime:
        """`at` when the calendar is open then, else the instant it opens next."""
        if self.is_open(calendar, at):
            return at
        return self.instant_after("business", calendar, at, 1) - timedelta(seconds=1)

    def due_at(self, target: SlaTarget, start: datetime) -> datetime:
        """When a target that starts at `start` falls due (UTC) if nothing pauses it."""
        return self.instant_after(target.clock, target.calendar, start, target.seconds)

"""The clocks against a fold that walks through a history second by second of its edges, and knows no prefix sums.

The brute force below is written from the rules in words (docs/sla.md), not from the code: it cuts time at every event and
at every edge of every calendar, and adds up the pieces in which the clock counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from models.business_time import WEEKDAYS, Calendar
from models.case import CaseEvent, EventKind
from models.clocks import SlaClock, clocks, crossings
from tests.unit.models.sla_cases import CALENDARS, LATER_SHOP, MONDAY, histories, policy, target

SLA = policy(target("resolve", 1))
# Long enough for every target generated to fall due after the last event.
END = MONDAY + timedelta(days=80)
STOPS = {
    "first_action": {"contacted", "customer_informed", "resolved"},
    "update": {"contacted", "customer_informed", "resolved"},
    "resolve": {"resolved"},
    "inform_customer": {"customer_informed"},
    "acknowledge": {"contacted", "customer_informed"},
    "final_response": {"customer_informed"},
}
TEAM = {"first_action", "update", "resolve"}
SPEAKS = {"signal_attached", "customer_replied", "waiting_ended", "reopened"}
WAIT_ENDS = {"waiting_ended", "customer_replied", "resolved", "expired", "invalidated", "merged"}


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether a calendar is open in the second that begins at `at`, by looking at the clock on its wall."""
    local = at.astimezone(ZoneInfo(calendar.zone))
    if local.date() in calendar.holidays:
        return False
    second = local.hour * 3600 + local.minute * 60 + local.second
    hours = dict(calendar.weekly).get(WEEKDAYS[local.weekday()], ())
    return any(low <= second < high for low, high in (item.seconds for item in hours))


def edges(since: datetime, until: datetime) -> list[datetime]:
    """Quarters of an hour: every calendar of the tests opens and shuts on one."""
    count = int((until - since) / timedelta(minutes=15)) + 1
    return [since + timedelta(minutes=15 * number) for number in range(count + 1)]


def calendar_of(code: str, at: datetime) -> Calendar:
    found = next(calendar for calendar in CALENDARS if calendar.code == code)
    return LATER_SHOP if code == "shop" and at >= datetime(2026, 3, 11, tzinfo=UTC) else found


@dataclass
class Walked:
    """One clock while time is walked through."""

    metric: str
    said: dict[str, Any]
    applied_at: datetime
    started_at: datetime
    party: str
    ended_at: datetime | None = None
    how: str | None = None
    used: int = 0
    elapsed: int = 0
    due_at: datetime | None = None

    def pass_by(self, start: datetime, end: datetime, *, counts: bool) -> None:
        """A piece of time in which nothing changes."""
        length = int((end - start).total_seconds())
        is_business = self.said["clock"] == "business"
        if is_business and not is_open(calendar_of(self.said["calendar"], start), start):
            return
        self.elapsed += length
        if not counts:
            return
        if self.due_at is None and self.used + length >= self.said["seconds"]:
            self.due_at = start + timedelta(seconds=self.said["seconds"] - self.used)
        self.used += length


class Walk:
    """Time from the first event on, cut into pieces; each clock is told of each piece since its start."""

    def __init__(self, events: Sequence[CaseEvent], until: datetime) -> None:
        self.events = sorted((e for e in events if e.occurred_at <= until), key=lambda e: (e.occurred_at, e.seq))
        self.until, self.clocks = until, list[Walked]()
        self.running: dict[str, Walked] = {}
        self.latest: dict[str, Walked] = {}
        self.opened_at: datetime | None = None

    def go(self) -> list[Walked]:
        for event in self.events:
            self._hear(event)
        self._measure()
        return self.clocks

    def _hear(self, event: CaseEvent) -> None:
        kind, at = event.kind.value, event.occurred_at
        if kind == "opened":
            self.opened_at = at
        if kind == "sla_applied":
            for said in event.payload["targets"]:
                self._apply(said | {"severity": event.payload["severity"]}, event.payload["reason"], at)
            return
        for metric, walked in list(self.running.items()):
            how = {"merged": "cancelled", "invalidated": "cancelled", "expired": "expired"}.get(kind)
            if how is None and kind in STOPS[metric] and event.actor_type != "system":
                how = "stopped"
            if how:
                walked.ended_at, walked.how = at, how
                del self.running[metric]
        last = self.latest.get("update")
        if kind in SPEAKS and last is not None and last.how == "stopped":
            self._begin("update", last.said, at, at)

    def _apply(self, said: dict[str, Any], reason: str, at: datetime) -> None:
        metric = said["metric"]
        running, last = self.running.get(metric), self.latest.get(metric)
        if reason == "reopened" and (said["on_reopen"] == "restart" or metric == "update"):
            start: datetime | None = at
        elif running is not None:
            start = running.started_at
        elif last is None:
            start = self.opened_at or at
        elif (reason == "reopened" and metric != "first_action") or (reason == "unmerged" and last.how == "cancelled"):
            start = last.started_at
        else:
            start = None
        if start is None:
            return
        if running is not None:
            running.ended_at, running.how = at, "superseded"
        self._begin(metric, said, at, start)

    def _begin(self, metric: str, said: dict[str, Any], at: datetime, start: datetime) -> None:
        walked = Walked(metric, said, at, start, "team" if metric in TEAM else "customer")
        self.running[metric] = self.latest[metric] = walked
        self.clocks.append(walked)

    def _measure(self) -> None:
        marks = {event.occurred_at for event in self.events} | {self.until}
        line = sorted(marks | set(edges(MONDAY, self.until)))
        for start, end in pairwise(line):
            if end > self.until:
                break
            waits, settled = self._stands(start)
            for walked in self.clocks:
                if walked.started_at <= start and (walked.ended_at is None or start < walked.ended_at):
                    walked.pass_by(start, end, counts=walked.party == "customer" or not (waits or settled))

    def _stands(self, at: datetime) -> tuple[bool, bool]:
        """Whether at a moment the case waits for the customer, and whether it is settled."""
        waits = settled = False
        for event in self.events:
            if event.occurred_at > at:
                break
            kind = event.kind.value
            waits = kind == "waiting_started" or (waits and kind not in WAIT_ENDS)
            settled = kind in {"resolved", "expired", "merged"} or (settled and kind not in {"reopened", "unmerged"})
        return waits, settled


def told(clock: SlaClock) -> tuple[Any, ...]:
    return (clock.metric, clock.severity, clock.applied_at, clock.started_at, clock.stopped_at, clock.used_seconds,
            clock.elapsed_seconds)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(histories(), st.integers(0, 40 * 24 * 3600))
def test_the_clocks_equal_a_walk_through_time(events: list[CaseEvent], later: int) -> None:
    as_of = MONDAY + timedelta(seconds=later)
    expected = [
        (w.metric, w.said["severity"], w.applied_at, w.started_at, w.ended_at, w.used, w.elapsed)
        for w in Walk(events, as_of).go()
    ]
    assert [told(clock) for clock in clocks(events, SLA, as_of)] == expected


@settings(deadline=None, max_examples=60)
@given(histories())
def test_a_clock_falls_due_when_the_walk_has_used_its_target(events: list[CaseEvent]) -> None:
    for clock, walked in zip(clocks(events, SLA, END), Walk(events, END).go(), strict=True):
        due = clock.due_at
        if walked.ended_at is None:
            assert due == walked.due_at
        elif walked.due_at is not None:
            assert due == walked.due_at
            missed = walked.due_at < walked.ended_at and walked.how != "cancelled"
            assert (clock.state == "breached") == missed
            assert clock.breach_seconds == (walked.used - clock.target_seconds if missed else 0)
        else:
            assert clock.state != "breached"


@settings(deadline=None, max_examples=150)
@given(histories(), st.data())
def test_what_is_recorded_later_does_not_change_what_was_true_then(
    events: list[CaseEvent], data: st.DataObject
) -> None:
    as_of = data.draw(st.sampled_from(events)).occurred_at
    before = [event for event in events if event.occurred_at <= as_of]
    assert clocks(events, SLA, as_of) == clocks(before, SLA, as_of)


@settings(deadline=None, max_examples=150)
@given(histories(), st.randoms())
def test_the_order_in_which_events_are_handed_over_does_not_matter(events: list[CaseEvent], random: Any) -> None:
    mixed = list(events)
    random.shuffle(mixed)
    assert clocks(mixed, SLA, END) == clocks(events, SLA, END)


@settings(deadline=None, max_examples=150)
@given(histories())
def test_no_moment_belongs_to_two_clocks_of_a_metric(events: list[CaseEvent]) -> None:
    for metric in STOPS:
        mine = [clock for clock in clocks(events, SLA, END) if clock.metric == metric]
        for earlier, later in pairwise(mine):
            assert earlier.stopped_at is not None and earlier.stopped_at <= later.applied_at


@settings(deadline=None, max_examples=100)
@given(histories(), st.integers(0, 30 * 24 * 3600))
def test_on_a_calendar_that_is_always_open_business_time_is_wall_time(events: list[CaseEvent], later: int) -> None:
    as_of = MONDAY + timedelta(seconds=later)

    def on(clock: str) -> list[CaseEvent]:
        changed = []
        for event in events:
            said = dict(event.payload)
            if event.kind is EventKind.SLA_APPLIED:
                said["targets"] = [item | {"clock": clock, "calendar": "24x7"} for item in said["targets"]]
            changed.append(CaseEvent(event.kind, event.occurred_at, said, event.seq, event.actor_type))
        return changed

    business, wall = (clocks(on(clock), SLA, as_of) for clock in ("business", "wall"))
    for one, other in zip(business, wall, strict=True):
        assert (one.due_at, one.state, one.used_seconds, one.breach_seconds) == (
            other.due_at, other.state, other.used_seconds, other.breach_seconds)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(histories())
def test_shares_of_a_target_are_reached_in_order_and_the_whole_when_it_falls_due(events: list[CaseEvent]) -> None:
    for clock in clocks(events, SLA, END):
        if clock.is_live:
            reached = crossings(clock, (0.5, 0.8, 1.0), SLA)
            assert [at for _, at in reached] == sorted(at for _, at in reached)
            assert dict(reached).get(1.0) == clock.due_at

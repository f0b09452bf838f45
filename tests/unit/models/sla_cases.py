"""Histories of cases for the clock tests: a small policy, a way to write one history, and generated ones.

Belongs here: building events. Not here: what the clocks must say (the tests say that).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from models.business_time import WEEKDAYS, Calendar, Interval, always_open
from models.case import CaseEvent, EventKind
from models.clocks import SlaClock, clocks, sla_payload
from models.sla import SlaPolicy, SlaTarget

HOUR = 3600
# A Monday in a week without a change of clocks.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def interval(start: float, end: float) -> Interval:
    """Local hours of a day, 24 for midnight at its end."""
    return Interval(start=time(int(start), int(start % 1 * 60)), end=time(int(end) % 24, int(end % 1 * 60)))


def week(*spans: tuple[float, float], days: int = 5) -> tuple[Any, ...]:
    """The same hours on the first `days` days of the week."""
    return tuple((day, tuple(interval(*span) for span in spans)) for day in WEEKDAYS[:days])


OFFICE = Calendar(code="office", zone="UTC", weekly=week((8, 18)), holidays=frozenset({date(2026, 3, 6)}))
SHOP = Calendar(code="shop", zone="Europe/London", weekly=week((9, 12.5), (13.25, 17), days=6))
LATER_SHOP = SHOP.model_copy(update={"weekly": week((7, 11), days=7), "effective_from": date(2026, 3, 11)})
CALENDARS = (OFFICE, SHOP, LATER_SHOP, always_open())


def target(metric: str, hours: float, severity: int | None = 2, **more: Any) -> SlaTarget:
    """A target of so many business hours of the office, or of the wall when `clock` says so."""
    given = {"clock": "business", "calendar": "office"} | more
    return SlaTarget.model_validate({"metric": metric, "severity": severity, "seconds": round(hours * HOUR)} | given)


def policy(*targets: SlaTarget, **more: Any) -> SlaPolicy:
    """Those targets on the calendars above."""
    return SlaPolicy.model_validate({"targets": targets, "calendars": CALENDARS, "version": "v1"} | more)


class History:
    """A case written down event by event; times are given as day (0 is Monday) and hour."""

    def __init__(self, sla: SlaPolicy, *, day: int = 0, hour: float = 9, severity: int = 2) -> None:
        self.sla, self.severity, self.events = sla, severity, list[CaseEvent]()
        self.said(EventKind.OPENED, day, hour, by="system", severity=severity, case_kind="recovery")
        self.promised(day, hour, reason="opened")

    def said(self, kind: EventKind, day: float, hour: float = 0, *, by: str = "person", **payload: Any) -> History:
        """One more event."""
        at = MONDAY + timedelta(days=day, hours=hour)
        self.events.append(CaseEvent(kind, at, payload, seq=len(self.events) + 1, actor_type=by))
        return self

    def promised(self, day: float, hour: float, *, reason: str, sla: SlaPolicy | None = None) -> History:
        """Targets as the policy has them at that moment, applied to the case."""
        at = MONDAY + timedelta(days=day, hours=hour)
        said = sla_payload(sla or self.sla, severity=self.severity, segment=None, at=at, reason=reason)
        return self if said is None else self.said(EventKind.SLA_APPLIED, day, hour, by="system", **said)

    def at(self, day: float, hour: float = 0, sla: SlaPolicy | None = None) -> tuple[SlaClock, ...]:
        """Every clock at that moment."""
        return clocks(self.events, sla or self.sla, MONDAY + timedelta(days=day, hours=hour))

    def one(self, day: float, hour: float = 0) -> SlaClock:
        """The last clock of the case at that moment."""
        return self.at(day, hour)[-1]


def moment(day: float, hour: float = 0, second: int = 0) -> datetime:
    """A moment of the week that begins on MONDAY."""
    return MONDAY + timedelta(days=day, hours=hour, seconds=second)


METRICS = ("first_action", "update", "resolve", "inform_customer", "acknowledge", "final_response")
# What may befall a case, in whatever order: a clock must make sense of histories the state machine would refuse, because
# late news is put where it happened and not where it was recorded.
KINDS = (
    EventKind.CONTACTED, EventKind.CUSTOMER_INFORMED, EventKind.RESOLVED, EventKind.REOPENED, EventKind.MERGED,
    EventKind.UNMERGED, EventKind.EXPIRED, EventKind.INVALIDATED, EventKind.WAITING_STARTED, EventKind.WAITING_ENDED,
    EventKind.CUSTOMER_REPLIED, EventKind.SIGNAL_ATTACHED, EventKind.NOTE_ADDED, EventKind.ASSIGNED,
    EventKind.SLA_APPLIED, EventKind.SLA_APPLIED, EventKind.WAITING_STARTED, EventKind.RESOLVED, EventKind.CONTACTED,
)  # fmt: skip
REASONS = ("opened", "severity_changed", "reopened", "unmerged")


@st.composite
def promises(draw: st.DrawFn, reason: str) -> dict[str, Any]:
    """Payload of one `sla_applied`: some metrics, each on its own clock."""
    chosen = draw(st.lists(st.sampled_from(METRICS), min_size=1, unique=True))
    return {
        "severity": draw(st.integers(1, 4)),
        "reason": reason,
        "policy_version": draw(st.sampled_from(["v1", "v2"])),
        "targets": [
            {
                "metric": metric,
                "seconds": draw(st.one_of(st.integers(1, 30 * HOUR), st.sampled_from([HOUR, 10 * HOUR, 80 * HOUR]))),
                "clock": draw(st.sampled_from(["business", "business", "wall"])),
                "calendar": draw(st.sampled_from(["office", "shop", "24x7"])),
                "on_reopen": draw(st.sampled_from(["continue", "restart"])),
            }
            for metric in chosen
        ],
    }


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[CaseEvent]:
    """Events of one case over some weeks: ties, late news, nights, weekends, a holiday, a new version of a calendar."""
    seconds = draw(st.lists(st.integers(0, 24 * 24 * HOUR), min_size=2, max_size=most).map(sorted))
    rounded = draw(st.booleans())
    times = [MONDAY + timedelta(seconds=s // HOUR * HOUR if rounded else s) for s in seconds]
    opening = {"severity": 2, "case_kind": "recovery"}
    events = [CaseEvent(EventKind.OPENED, times[0], opening, seq=1)]
    if draw(st.booleans()):
        events.append(CaseEvent(EventKind.SLA_APPLIED, times[0], draw(promises("opened")), seq=2))
    for at in draw(st.permutations(times[1:])) if draw(st.booleans()) else times[1:]:
        kind = draw(st.sampled_from(KINDS))
        said = draw(promises(draw(st.sampled_from(REASONS)))) if kind is EventKind.SLA_APPLIED else {}
        actor = draw(st.sampled_from(["person", "person", "source", "system"]))
        events.append(CaseEvent(kind, at, said, seq=len(events) + 1, actor_type=actor))
    return events

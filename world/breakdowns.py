"""The breakdowns planted in a world: when, where, of what kind and how large.

Belongs here: the schedule (dates follow from the period's length, never from a draw, so a test knows where to look).
Not here: how a breakdown changes failures, queues or scores; the part concerned reads the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from world.clock import DAY, HOUR, Horizon
from world.config import RATES, Company


@dataclass(frozen=True)
class Breakdown:
    """One planted event. `size` is in `unit`; `realised` is the number of failures it added or prevented. -1 = everywhere."""

    id: str
    kind: str
    cause: int
    region: int
    start: int
    end: int
    size: float
    unit: str
    realised: float = float("nan")

    def seen(self, realised: float) -> Breakdown:
        """The same breakdown with its realised size."""
        return replace(self, realised=float(realised))


@dataclass(frozen=True)
class Schedule:
    """All planted breakdowns of a world, by kind."""

    outage: Breakdown
    surge: Breakdown
    dip: Breakdown
    slow_queue: Breakdown
    fix: Breakdown
    reorganisation: Breakdown
    is_quiet: bool = False

    def all(self) -> tuple[Breakdown, ...]:
        """Every breakdown, in a fixed order; of a quiet schedule none."""
        if self.is_quiet:
            return ()
        return (self.outage, self.surge, self.dip, self.slow_queue, self.fix, self.reorganisation)


def plan(company: Company, span: Horizon) -> Schedule:
    """Place the breakdowns: surge at 25 % of the period, outage 40 %, re-organisation 50 %, slow queue 55 %, fix 62 %, dip 75 %."""
    week = 7 * DAY
    surge, queue, dip = _monday(span, 0.25), _monday(span, 0.55), _monday(span, 0.75)
    outage = _monday(span, 0.40) + 2 * DAY + 13 * HOUR
    long = 3 * week if span.weeks >= 12 else week
    surge_weeks = 2 * week if span.weeks >= 8 else week
    cause = company.cause_index
    return Schedule(
        outage=Breakdown(
            "BD-1",
            "outage",
            cause(company.outage),
            1,
            outage,
            outage + 20 * HOUR,
            RATES.outage_reach,
            "share of customers",
        ),
        surge=Breakdown(
            "BD-2",
            "complaint_surge",
            cause(company.surge),
            -1,
            surge,
            surge + surge_weeks,
            RATES.surge_multiplier,
            "times usual",
        ),
        dip=Breakdown("BD-3", "nps_dip", cause(company.dip), 2, dip, dip + long, RATES.dip_points, "score points down"),
        slow_queue=Breakdown(
            "BD-4", "slow_queue", -1, 3, queue, queue + long, RATES.slow_queue_capacity, "share of capacity left"
        ),
        fix=Breakdown(
            "BD-5",
            "shipped_fix",
            cause(company.fixed),
            -1,
            span.at(0.62),
            span.end,
            RATES.fix_effect,
            "share of failures prevented",
        ),
        reorganisation=Breakdown("BD-6", "reorganisation", -1, 0, span.at(0.50), span.end, 0.4, "share of team moved"),
    )


def quiet(schedule: Schedule, span: Horizon) -> Schedule:
    """The same schedule in which nothing ever happens: each event would begin when the period is over."""

    def never(event: Breakdown) -> Breakdown:
        return replace(event, start=span.end, end=span.end + max(event.end - event.start, HOUR))

    return Schedule(
        never(schedule.outage), never(schedule.surge), never(schedule.dip), never(schedule.slow_queue),
        never(schedule.fix), never(schedule.reorganisation), is_quiet=True,
    )  # fmt: skip


def _monday(span: Horizon, share: float) -> int:
    return span.start + int(span.weeks * share) * 7 * DAY

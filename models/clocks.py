"""The SLA clocks of one case: a pure function of its events, the policy and a moment.

Belongs here: which events start, stop and pause each metric, one clock per target applied, and what the clocks say at
`as_of`. Not here: how long a target is (`models/sla.py`), business time (`models/business_time.py`), who is told
(`models/escalation.py`). Nothing of this is stored: asking again later about an earlier moment gives the same answer,
whenever a poller ran.

A clock belongs to a target as it was applied (`sla_applied`): a later severity, policy or target does not rewrite it,
it supersedes it and takes over the time used and the pauses so far. Two parties wait differently. On the *team's*
clocks, time in which we wait for the customer, or in which the case was settled before a reopening, does not count; on
the *customer's* clocks it does, because the customer was waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from models.case import CaseEvent, EventKind
from models.sla import Clock, Metric, OnReopen, SlaPolicy

ClockState = Literal["running", "paused", "met", "breached", "superseded", "cancelled"]
Party = Literal["team", "customer"]
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class MetricRule:
    """When a metric is over: `stops` count only when a person or a source says them, never when automation does.

    `again` are the events that start it anew once it has stopped (each time the customer speaks).
    """

    party: Party
    stops: frozenset[EventKind]
    again: frozenset[EventKind] = frozenset()


_CONTACT = frozenset({EventKind.CONTACTED, EventKind.CUSTOMER_INFORMED})
_CUSTOMER_SPEAKS = frozenset(
    {EventKind.SIGNAL_ATTACHED, EventKind.CUSTOMER_REPLIED, EventKind.WAITING_ENDED, EventKind.REOPENED}
)

# The one table of starts and stops. Every clock starts when the case opens (or is opened again); notes, assignments and
# whatever the engine does by itself stop nothing.
RULES: Mapping[Metric, MetricRule] = MappingProxyType(
    {
        "first_action": MetricRule("team", _CONTACT | {EventKind.RESOLVED}),
        "update": MetricRule("team", _CONTACT | {EventKind.RESOLVED}, _CUSTOMER_SPEAKS),
        "resolve": MetricRule("team", frozenset({EventKind.RESOLVED})),
        "inform_customer": MetricRule("customer", frozenset({EventKind.CUSTOMER_INFORMED})),
        "acknowledge": MetricRule("customer", _CONTACT),
        "final_response": MetricRule("customer", frozenset({EventKind.CUSTOMER_INFORMED})),
    }
)

_BY_PEOPLE = frozenset({"person", "source"})
_WAIT_ENDS = frozenset(
    {EventKind.WAITING_ENDED, EventKind.CUSTOMER_REPLIED, EventKind.RESOLVED, EventKind.EXPIRED,
     EventKind.INVALIDATED, EventKind.MERGED}
)  # fmt: skip
_SETTLES = frozenset({EventKind.RESOLVED, EventKind.EXPIRED, EventKind.MERGED})
_RESUMES = frozenset({EventKind.REOPENED, EventKind.UNMERGED})
_VOIDS = frozenset({EventKind.MERGED, EventKind.INVALIDATED})


@dataclass(frozen=True, slots=True)
class SlaClock:
    """One target on one case as of a moment. Times are UTC, durations whole seconds of the target's own clock.

    `due_at` is None while the clock is paused with time left (nobody knows when it goes on). `breach_seconds` stops
    growing when the clock stops. `used_seconds` leaves pauses out, `elapsed_seconds` leaves them in: the team's and the
    customer's view of one wait. `active` are the spans that count; the last one of a running clock is open.
    """

    metric: Metric
    severity: int
    clock: Clock
    calendar: str | None
    target_seconds: int
    policy_version: str | None
    applied_at: datetime
    started_at: datetime
    state: ClockState
    due_at: datetime | None
    used_seconds: int
    elapsed_seconds: int
    stopped_at: datetime | None
    breached_at: datetime | None
    breach_seconds: int
    active: tuple[Span, ...]

    @property
    def paused_seconds(self) -> int:
        """Seconds of the clock since the start that do not count."""
        return self.elapsed_seconds - self.used_seconds

    @property
    def share_used(self) -> float:
        """Used part of the target: 1.0 at the moment it falls due."""
        return self.used_seconds / self.target_seconds

    @property
    def is_live(self) -> bool:
        """Whether it still counts: neither stopped nor taken back."""
        return self.stopped_at is None


@dataclass(slots=True)
class _Run:
    """A clock while the events are read."""

    metric: Metric
    target: Mapping[str, Any]
    severity: int
    policy_version: str | None
    applied_at: datetime
    started_at: datetime
    ended_at: datetime | None = None
    how: Literal["stopped", "superseded", "cancelled", "expired"] | None = None

    def end(self, at: datetime, how: Literal["stopped", "superseded", "cancelled", "expired"]) -> None:
        self.ended_at, self.how = at, how


def clocks(events: Iterable[CaseEvent], policy: SlaPolicy, as_of: datetime) -> tuple[SlaClock, ...]:
    """Every clock of a case at `as_of`, in the order the targets were applied.

    Events are taken in the order in which things happened; what happened after `as_of` is not looked at, however early
    it was recorded. Only the calendars of `policy` are used: the targets are those the events carry. Raises `KeyError`
    for a calendar the policy does not know.
    """
    history = sorted((e for e in events if e.occurred_at <= as_of), key=lambda e: (e.occurred_at, e.seq))
    waits = _spans(history, frozenset({EventKind.WAITING_STARTED}), _WAIT_ENDS)
    settled = _spans(history, _SETTLES, _RESUMES)
    runs = _Reader().read(history)
    return tuple(_measure(run, policy, as_of, waits, settled) for run in runs)


class _Reader:
    """One pass over the history: which clock runs from when to when."""

    def __init__(self) -> None:
        self.runs: list[_Run] = []
        self.current: dict[Metric, _Run] = {}
        self.last: dict[Metric, _Run] = {}
        self.opened_at: datetime | None = None

    def read(self, history: Sequence[CaseEvent]) -> list[_Run]:
        for event in history:
            if event.kind is EventKind.OPENED:
                self.opened_at = event.occurred_at
            elif event.kind is EventKind.SLA_APPLIED:
                self._apply(event)
            else:
                self._stop(event)
                self._start_again(event)
        return self.runs

    def _apply(self, event: CaseEvent) -> None:
        payload, at = event.payload, event.occurred_at
        for target in payload["targets"]:
            metric: Metric = target["metric"]
            start = self._start_of(metric, payload.get("reason", "opened"), target.get("on_reopen", "continue"), at)
            if start is None:
                continue
            if (running := self.current.get(metric)) is not None:
                running.end(at, "superseded")
            version = payload.get("policy_version")
            self._begin(_Run(metric, target, int(payload["severity"]), version, at, start))

    def _start_of(self, metric: Metric, reason: str, on_reopen: OnReopen, at: datetime) -> datetime | None:
        """When a target applied now has begun to run; None when the metric is over and stays over."""
        if reason == "reopened" and (on_reopen == "restart" or RULES[metric].again):
            return at
        if (running := self.current.get(metric)) is not None:
            return running.started_at
        before = self.last.get(metric)
        if before is None:
            return self.opened_at or at
        if reason == "reopened" and metric != "first_action":
            return before.started_at
        return before.started_at if reason == "unmerged" and before.how == "cancelled" else None

    def _begin(self, run: _Run) -> None:
        self.runs.append(run)
        self.current[run.metric] = self.last[run.metric] = run

    def _stop(self, event: CaseEvent) -> None:
        for metric, run in list(self.current.items()):
            if event.kind in _VOIDS:
                run.end(event.occurred_at, "cancelled")
            elif event.kind is EventKind.EXPIRED:
                run.end(event.occurred_at, "expired")
            elif event.kind in RULES[metric].stops and event.actor_type in _BY_PEOPLE:
                run.end(event.occurred_at, "stopped")
            else:
                continue
            del self.current[metric]

    def _start_again(self, event: CaseEvent) -> None:
        for metric, last in list(self.last.items()):
            if event.kind in RULES[metric].again and metric not in self.current and last.how == "stopped":
                at = event.occurred_at
                self._begin(replace(last, applied_at=at, started_at=at, ended_at=None, how=None))


def _spans(history: Sequence[CaseEvent], begins: frozenset[EventKind], ends: frozenset[EventKind]) -> list[Span]:
    spans: list[Span] = []
    since: datetime | None = None
    for event in history:
        if event.kind in ends and since is not None:
            spans.append((since, event.occurred_at))
            since = None
        if event.kind in begins and since is None:
            since = event.occurred_at
    return [*spans, (since, None)] if since is not None else spans


def _active(run: _Run, end: datetime | None, gaps: Sequence[Span]) -> tuple[Span, ...]:
    """The spans of [start, end) outside the gaps; open at the end when the clock still runs."""
    pieces: list[Span] = []
    start = run.started_at
    for begin, finish in sorted(gaps, key=lambda gap: gap[0]):
        if end is not None and begin >= end:
            break
        if begin > start:
            pieces.append((start, begin))
        if finish is None:
            return tuple(pieces)
        start = max(start, finish)
    return (*pieces, (start, end)) if end is None or start < end else tuple(pieces)


def _measure(run: _Run, policy: SlaPolicy, as_of: datetime, waits: Sequence[Span], settled: Sequence[Span]) -> SlaClock:
    party = RULES[run.metric].party
    # The customer's clock runs on while a case waits or is settled: the customer has not been told.
    gaps = _merged([*waits, *settled]) if party == "team" else []
    active = _active(run, run.ended_at, gaps)
    clock, calendar = run.target["clock"], run.target.get("calendar")
    until = run.ended_at or as_of
    used = sum(policy.seconds_between(clock, calendar, a, min(b or until, until)) for a, b in active if a < until)
    target = int(run.target["seconds"])
    due = _reach(policy, clock, calendar, active, target)
    breached_at = max(due, run.applied_at) if due is not None and due < until else None
    elapsed = policy.seconds_between(clock, calendar, run.started_at, until)
    state = _state(run, breached_at is not None, is_paused=(bool(active) and active[-1][1] is not None) or not active)
    return SlaClock(
        metric=run.metric, severity=run.severity, clock=clock, calendar=calendar, target_seconds=target,
        policy_version=run.policy_version, applied_at=run.applied_at, started_at=run.started_at, state=state,
        due_at=due, used_seconds=used, elapsed_seconds=elapsed, stopped_at=run.ended_at,
        breached_at=None if state == "cancelled" else breached_at,
        breach_seconds=0 if breached_at is None or state == "cancelled" else used - target, active=active,
    )  # fmt: skip


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Spans joined where they touch or overlap."""
    joined: list[Span] = []
    for begin, finish in sorted(spans, key=lambda span: span[0]):
        if joined and (joined[-1][1] is None or begin <= joined[-1][1]):
            last = joined[-1]
            ends = None if finish is None or last[1] is None else max(last[1], finish)
            joined[-1] = (last[0], ends)
        else:
            joined.append((begin, finish))
    return joined


def _state(run: _Run, is_breached: bool, *, is_paused: bool) -> ClockState:
    if run.how == "cancelled":
        return "cancelled"
    if is_breached:
        return "breached"
    if run.how == "superseded":
        return "superseded"
    if run.how == "expired":
        return "cancelled"
    if run.how == "stopped":
        return "met"
    return "paused" if is_paused else "running"


def _reach(
    policy: SlaPolicy, clock: Clock, calendar: str | None, active: Sequence[Span], seconds: int
) -> datetime | None:
    """First instant at which so many seconds of the active spans have passed; None when they end before that."""
    for begin, finish in active:
        if finish is not None:
            inside = policy.seconds_between(clock, calendar, begin, finish)
            if inside < seconds:
                seconds -= inside
                continue
        return policy.instant_after(clock, calendar, begin, seconds)
    return None


def crossings(clock: SlaClock, shares: Sequence[float], policy: SlaPolicy) -> tuple[tuple[float, datetime], ...]:
    """When the clock reaches these shares of its target, as far as that is known; a stopped one reaches no more."""
    found = []
    for share in shares:
        at = _reach(policy, clock.clock, clock.calendar, clock.active, round(share * clock.target_seconds))
        if at is not None and (clock.stopped_at is None or at < clock.stopped_at):
            found.append((share, at))
    return tuple(found)


def sla_payload(
    policy: SlaPolicy,
    *,
    severity: int,
    segment: str | None,
    at: datetime,
    reason: str = "opened",
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """What an `sla_applied` event says; None where nothing is promised. `due_at` holds if nothing pauses the clock."""
    targets = policy.targets_for(severity=severity, segment=segment, at=at, facts=facts)
    if not targets:
        return None
    said: dict[str, Any] = {
        "severity": severity,
        "segment": segment,
        "reason": reason,
        "targets": [
            {
                "metric": target.metric, "seconds": target.seconds, "clock": target.clock,
                "calendar": target.calendar, "on_reopen": target.on_reopen,
                "due_at": policy.due_at(target, at).astimezone(UTC).isoformat(),
            }
            for target in targets
        ],
    }  # fmt: skip
    return said | {"policy_version": policy.version} if policy.version else said


def what_if(
    events: Iterable[CaseEvent], policy: SlaPolicy, as_of: datetime, *, facts: Mapping[str, Any] | None = None
) -> tuple[SlaClock, ...]:
    """The clocks of a case had `policy` been in force from its opening: for planning; history itself stays.

    `facts` are the case's, by which targets may be narrowed; without them only what the opening event says is known.
    """
    history = sorted(events, key=lambda event: event.seq)
    opening = next(event.payload for event in history if event.kind is EventKind.OPENED)
    known = {"kind": opening.get("case_kind"), "source": opening.get("source"), "segment": opening.get("segment")}
    facts = {**known, **(facts or {})}

    def again(event: CaseEvent) -> CaseEvent | None:
        if event.kind is not EventKind.SLA_APPLIED:
            return event
        said = sla_payload(
            policy, severity=event.payload["severity"], segment=event.payload.get("segment"), at=event.occurred_at,
            reason=event.payload.get("reason", "opened"), facts=facts,
        )  # fmt: skip
        return None if said is None else replace(event, payload=said)

    return clocks([event for event in map(again, history) if event is not None], policy, as_of)

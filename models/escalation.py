"""Reminders, the escalation ladder, expiry and the daily digest: what is due, to whom, and not before when.

Belongs here: the typed escalation.yml and pure functions of a case, its clocks, the people and a moment. Not here: the
clocks (`models/clocks.py`), the words (`models/template.py`), sending (`casework/delivery.py`). Each step has a key that
exists once; whoever keeps the keys keeps a step from being taken twice, so a poller may run at any time and as often as
it likes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from models.case import OPEN_STATES, SETTLED_STATES, CaseKind, CaseState
from models.clocks import SlaClock, crossings
from models.routing import Strict
from models.sla import Metric, SlaPolicy
from models.staff import OrgChart, Position, Role, Team, Teams

Rung = Literal["owner", "lead", "manager", "director"]
_ROLE_OF: dict[Rung, Role] = {"lead": "team_lead", "manager": "manager", "director": "director"}


class Level(Strict):
    """One rung of the ladder: reached when `metric` has used `share` of its time, or when nobody has acknowledged the
    case for `unacknowledged_hours` of the team's calendar.
    """

    level: int = Field(ge=1, le=9)
    to: Rung
    metric: Metric | None = None
    share: float | None = Field(default=None, gt=0, le=10)
    unacknowledged_hours: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        by_clock = self.metric is not None and self.share is not None
        if by_clock == (self.unacknowledged_hours is not None):
            raise ValueError(f"level {self.level}: give metric and share, or unacknowledged_hours")
        return self


class Digest(Strict):
    """The daily summary of an owner's open cases, at a local time on days the calendar is open."""

    at: time = time(8, 30)


class EscalationRules(Strict):
    """escalation.yml."""

    reminder_shares: tuple[float, ...] = (0.5, 0.8, 1.0)
    reminder_metrics: tuple[Metric, ...] = ("first_action", "update", "resolve", "inform_customer")
    ladder: tuple[Level, ...] = Field(min_length=1)
    expire_after_days: int = Field(default=30, ge=1)
    digest: Digest = Digest()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        shares = list(self.reminder_shares)
        if shares != sorted(set(shares)) or any(not 0 < share <= 1 for share in shares):
            raise ValueError("reminder_shares rise and lie above 0, up to 1")
        return self


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told: an employee who is present, or the team's mailbox when nobody is."""

    type: Literal["employee", "team"]
    id: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is due. `key` exists once; `not_before` (UTC) respects the recipient's hours unless severity 1."""

    kind: Literal["reminder", "escalation"]
    key: str
    case_id: str
    recipient: Recipient
    not_before: datetime
    reason: str
    severity: int
    level: int = 0
    metric: str | None = None
    share: float | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every question needs: rules, people, calendars, and the moment (UTC)."""

    rules: EscalationRules
    teams: Teams
    org: OrgChart
    policy: SlaPolicy
    now: datetime


def due_steps(
    case_id: str, state: CaseState, clocks: Sequence[SlaClock], around: Surroundings, done: Collection[str]
) -> tuple[Step, ...]:
    """Reminders and escalations due for one case at the moment, without those whose key is among `done`."""
    if state.kind is CaseKind.EXCELLENCE or state.state not in OPEN_STATES | SETTLED_STATES:
        return ()
    steps = [*_reminders(case_id, state, clocks, around, done), *_escalations(case_id, state, clocks, around)]
    # Two conditions of one rung are one word to one person.
    by_key = {step.key: step for step in reversed(steps)}
    return tuple(step for key, step in reversed(by_key.items()) if key not in done)


def _reminders(
    case_id: str, state: CaseState, clocks: Sequence[SlaClock], around: Surroundings, done: Collection[str]
) -> Iterable[Step]:
    """Per clock the highest share reached: after an outage one word, not three."""
    for clock in clocks:
        if clock.stopped_at is not None or clock.metric not in around.rules.reminder_metrics:
            continue
        reached = [s for s, at in crossings(clock, around.rules.reminder_shares, around.policy) if at <= around.now]
        stem = f"{case_id}|reminder|{clock.metric}|{clock.applied_at.isoformat()}"
        if not reached or any(
            f"{stem}|{share:g}" in done for share in around.rules.reminder_shares if share >= reached[-1]
        ):
            continue
        share = reached[-1]
        yield Step(
            kind="reminder", key=f"{stem}|{share:g}", case_id=case_id, recipient=whom(state, "owner", around),
            not_before=_hours(state, around), severity=state.severity, metric=clock.metric, share=share,
            reason=f"{clock.metric}: {share:.0%} of the time in force is used",
        )  # fmt: skip


def _escalations(case_id: str, state: CaseState, clocks: Sequence[SlaClock], around: Surroundings) -> Iterable[Step]:
    """Every rung reached, unless somebody has acknowledged the case."""
    if state.acknowledged_at is not None or state.state not in OPEN_STATES:
        return
    for rung in around.rules.ladder:
        reason = _reached(rung, state, clocks, around)
        if reason is None:
            continue
        yield Step(
            kind="escalation", key=f"{case_id}|escalation|{state.reopens}|{rung.level}|{rung.to}", case_id=case_id,
            recipient=whom(state, rung.to, around), not_before=_hours(state, around), severity=state.severity,
            level=rung.level, metric=rung.metric, share=rung.share, to=rung.to, reason=reason,
        )  # fmt: skip


def _reached(rung: Level, state: CaseState, clocks: Sequence[SlaClock], around: Surroundings) -> str | None:
    """Why a rung is reached; None when it is not."""
    if rung.unacknowledged_hours is not None:
        kind: Literal["wall", "business"] = "wall" if state.severity == 1 else "business"
        # Not since it was opened: a case that comes back after months would be escalated before anybody could see it.
        since = state.unacknowledged_since or around.now
        waited = around.policy.seconds_between(kind, _calendar(state, around), since, around.now)
        hours = rung.unacknowledged_hours
        return f"nobody has acknowledged it for {hours:g} working hours" if waited >= hours * 3600 else None
    for clock in clocks:
        if clock.metric == rung.metric and clock.is_live and clock.share_used >= (rung.share or 1.0):
            return f"{clock.metric}: {clock.share_used:.0%} of the time in force is used"
    return None


def whom(state: CaseState, rung: Rung, around: Surroundings) -> Recipient:
    """The nearest present person on or above a rung; the fallback role when the chain has none; never somebody absent."""
    for position in _candidates(state, rung, around):
        if around.org.is_present(position.employee_id, around.now):
            return Recipient("employee", position.employee_id)
    return Recipient("team", state.team or "unrouted")


def whom_over(team_code: str, rung: Rung, around: Surroundings) -> Recipient | None:
    """As `whom`, for a team rather than a case; None where nobody is there."""
    chain = _above(around.teams.team(team_code), around.org, around.now)
    for position in _climb(chain, rung, around):
        if around.org.is_present(position.employee_id, around.now):
            return Recipient("employee", position.employee_id)
    return None


def _candidates(state: CaseState, rung: Rung, around: Surroundings) -> Iterable[Position]:
    org, now = around.org, around.now
    owner = org.position(state.owner_id, now)
    if rung == "owner" and owner is not None:
        yield owner
    team = around.teams.team(state.team)
    yield from _climb(
        list(org.chain(state.owner_id, now)) if owner is not None else _above(team, org, now), rung, around
    )


def _climb(chain: Sequence[Position], rung: Rung, around: Surroundings) -> Iterable[Position]:
    """Those of a chain on or above a rung, then the fallback role."""
    floor = {"owner": 0, "lead": 0, "manager": 1, "director": 2}[rung]
    rank = {"team_lead": 0, "manager": 1, "director": 2}
    yield from (position for position in chain if rank.get(position.role, -1) >= floor)
    yield from around.org.with_role(around.teams.fallback_role, around.now)


def _above(team: Team | None, org: OrgChart, now: datetime) -> list[Position]:
    """For a case without an owner: the bosses of the team's members, the nearest first."""
    if team is None:
        return []
    bosses: dict[str, Position] = {}
    for member in org.members(team, now):
        if member.role == team.lead_role:
            bosses.setdefault(member.employee_id, member)
        for boss in org.chain(member.employee_id, now):
            bosses.setdefault(boss.employee_id, boss)
    order = {"team_lead": 0, "manager": 1, "director": 2}
    return sorted(bosses.values(), key=lambda p: (order.get(p.role, 3), p.employee_id))


def _hours(state: CaseState, around: Surroundings) -> datetime:
    """Now for the gravest cases; otherwise when the team's calendar is open."""
    if state.severity == 1:
        return around.now
    return around.policy.next_open(_calendar(state, around), around.now)


def _calendar(state: CaseState, around: Surroundings) -> str:
    """The team's calendar; the first team's for a case whose team is not, or no longer, there."""
    return (around.teams.team(state.team) or around.teams.teams[0]).calendar


def is_expired(state: CaseState, last_touch: datetime, around: Surroundings) -> bool:
    """Whether an open case has gone so long without anybody touching it that it counts as failed."""
    if state.state not in OPEN_STATES or state.kind is CaseKind.EXCELLENCE:
        return False
    return around.now - last_touch >= timedelta(days=around.rules.expire_after_days)


def digest_key(owner_id: str, team: Team, around: Surroundings) -> tuple[str, date] | None:
    """Key and local day of the owner's digest when it is due: a working day, past the hour, the owner present."""
    calendar = around.policy.calendar_at(team.calendar, around.now)
    local = around.now.astimezone(ZoneInfo(calendar.zone))
    midnight = datetime.combine(local.date(), time(0), ZoneInfo(calendar.zone))
    is_working_day = around.policy.seconds_between("business", team.calendar, midnight, midnight + timedelta(days=1))
    if not is_working_day or local.time() < around.rules.digest.at or not around.org.is_present(owner_id, around.now):
        return None
    return f"digest|{owner_id}|{local.date().isoformat()}", local.date()

"""Whether the first word about a case goes to its team now, into the digest, into a group, or waits out a flood.

Belongs here: that decision at opening, from what the ledger says was sent. Not here: the policy's types (`models/alerts.py`),
words (`messages.py`), sending. A withheld alert is a row of the outbox like any other, with its reason; the case is opened in any
case, and the digest and `amends alerts list` show what was withheld.

In this order: the gravest, the vulnerable and the regulated always go; an alert of a case that belongs to an open incident, or
of a cause its team has just heard of, is grouped; in a flood (circuit breaker) all but the first are held until it has ebbed;
in the second half of a team's week only alerts at least as valuable as the middle one of the week go; beyond the budget none.
Value is the rule's measured precision times the weight of the severity.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cases import alerts_sent, incidents
from cases.episodes import facts_of
from casework import messages
from casework.engine import Engine
from models.alerts import AlertPolicy, Breaker, rule_precision
from models.facts import TriggerFact
from models.message import OutgoingMessage, Withheld

_WEIGHT = {1: 8.0, 2: 4.0, 3: 2.0, 4: 1.0}
# A rule of which no case has ended yet counts as right in this share: nothing speaks for or against it.
_UNKNOWN_PRECISION = 0.5
_FEWEST_PEOPLE = 1
_ALL = "all teams"
# So many times the limit of a breaker are looked at: more would only say once more that it is a flood.
_LOOKED_AT = 4


@dataclass
class _Team:
    """A team's week so far."""

    code: str
    budget: int
    used: int
    sent: list[datetime] = field(default_factory=list)
    # Rule and severity of what was sent this week, and from the first question on its values in order.
    told: list[tuple[str | None, int]] = field(default_factory=list)
    values: list[float] | None = None
    causes: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Alerting:
    """Decisions of one opening. Asked again about the same case (a lost race walks a batch twice) it says the same."""

    engine: Engine
    policy: AlertPolicy
    _teams: dict[str, _Team] = field(default_factory=dict)
    _decided: dict[str, OutgoingMessage | None] = field(default_factory=dict)
    _precision: dict[str, float] | None = None
    _everywhere: list[datetime] = field(default_factory=list)
    # When an alert was last held, by what flooded: a team, or `_ALL`.
    _held: dict[str, datetime] = field(default_factory=dict)
    _has_incidents: bool | None = None
    _vulnerable: frozenset[str] | None = None

    def alert(self, trigger: TriggerFact, case_id: str, team: str | None) -> OutgoingMessage | None:
        """The first word to the team, as it is to leave or to be withheld; None where no team was found."""
        if case_id not in self._decided:
            found = messages.opened(self.engine, trigger, case_id, team)
            self._decided[case_id] = None if found is None or team is None else self._judged(found, trigger, team)
        return self._decided[case_id]

    def _judged(self, message: OutgoingMessage, trigger: TriggerFact, code: str) -> OutgoingMessage:
        team, now = self._team(code), self.engine.recorded_at
        reason = self._reason(trigger, team, now)
        if reason is None:
            team.used += 1
            team.sent.append(now)
            self._everywhere.append(now)
            team.told.append((trigger.rule_id, trigger.severity))
            if team.values is not None:
                insort(team.values, self._value(trigger.rule_id, trigger.severity))
            if trigger.cause_id is not None:
                team.causes[trigger.cause_id] = now
            return message
        kind, why = reason
        if kind == "held":
            self._held[flooded_by(code, why)] = now
        return replace(message, withheld=kind, withheld_reason=why)

    def _reason(self, trigger: TriggerFact, team: _Team, now: datetime) -> tuple[Withheld, str] | None:
        policy = self.policy
        if policy.never_demoted(
            trigger.severity, vulnerable=self._is_vulnerable(trigger), regulated=self._is_regulated(trigger)
        ):
            return None
        if (incident := self._incident(trigger)) is not None:
            return "grouped", f"part of incident {incident}, which its team has been told of"
        told = team.causes.get(trigger.cause_id or "")
        if told is not None and now - told <= timedelta(minutes=policy.group_minutes):
            return (
                "grouped",
                f"cause {trigger.cause_id}: its team was told within the last {policy.group_minutes} minutes",
            )
        for breaker, sent, whose in (
            (policy.team_breaker, team.sent, team.code),
            (policy.overall_breaker, self._everywhere, _ALL),
        ):
            if _is_open(breaker, sent, self._held.get(whose), now):
                return "held", f"flood: {breaker.trips_at} alerts to {whose} within {breaker.minutes} minutes"
        return self._over_budget(trigger, team)

    def _over_budget(self, trigger: TriggerFact, team: _Team) -> tuple[Withheld, str] | None:
        if 2 * team.used < team.budget:
            return None
        value = self._value(trigger.rule_id, trigger.severity)
        ours = f"rule {trigger.rule_id}, value {value:.2f}"
        if team.used >= team.budget:
            return "digest", f"over budget: {team.used} alerts this week of {team.budget}; {ours}"
        middle = self._middle(team)
        if value >= middle:
            return None
        return (
            "digest",
            f"{team.used} of {team.budget} alerts of the week are used; {ours} is below the week's middle, {middle:.2f}",
        )

    def _middle(self, team: _Team) -> float:
        """The middle of the values of what the team was sent this week."""
        if team.values is None:
            team.values = sorted(self._value(rule, severity) for rule, severity in team.told)
        return team.values[len(team.values) // 2] if team.values else 0.0

    def _value(self, rule_id: str | None, severity: int) -> float:
        """Precision of the rule times the weight of the severity."""
        if self._precision is None:
            found = {rule: rule_precision(*counts).share for rule, counts in alerts_sent.ended_by_rule().items()}
            self._precision = {rule: share for rule, share in found.items() if share is not None}
        return self._precision.get(rule_id or "", _UNKNOWN_PRECISION) * _WEIGHT[severity]

    def _is_vulnerable(self, trigger: TriggerFact) -> bool:
        if self._vulnerable is None:
            self._vulnerable = vulnerable_customers(self.engine.settings.handoff)
        return trigger.customer_id in self._vulnerable

    def _is_regulated(self, trigger: TriggerFact) -> bool:
        """Whether a deadline of the complaint rules runs for such a case."""
        facts = facts_of(trigger)
        return any(
            target.applies.conditions and target.applies.holds(facts) for target in self.engine.programme.sla.targets
        )

    def _incident(self, trigger: TriggerFact) -> str | None:
        if self._has_incidents is None:
            self._has_incidents = incidents.any_open()
        if not self._has_incidents or trigger.signal_id is None:
            return None
        return incidents.open_incident_of([trigger.signal_id]).get(trigger.signal_id)

    def _team(self, code: str) -> _Team:
        """The week of a team, read from the ledger when it is first asked for."""
        now, policy = self.engine.recorded_at, self.policy
        if not self._teams:
            self._everywhere = alerts_sent.moments(
                since=now - timedelta(minutes=policy.overall_breaker.minutes),
                newest=_LOOKED_AT * policy.overall_breaker.trips_at,
            )
            longest = max(policy.overall_breaker.minutes, policy.team_breaker.minutes)
            for whose, why, at in alerts_sent.last_held(since=now - timedelta(minutes=longest)):
                flooded = flooded_by(whose, why)
                self._held[flooded] = max(at, self._held.get(flooded, at))
        if code not in self._teams:
            self._teams[code] = self._read(code)
        return self._teams[code]

    def _read(self, code: str) -> _Team:
        now, policy = self.engine.recorded_at, self.policy
        week = week_start(now)
        recent = now - timedelta(minutes=max(policy.team_breaker.minutes, policy.group_minutes))
        rows = alerts_sent.sent_to(code, since=min(week, recent))
        told = [(row.rule_id, row.severity) for row in rows if row.at >= week]
        return _Team(
            code, policy.weekly_budget(people_of(self.engine, code)), len(told), told=told,
            sent=[row.at for row in rows if row.at >= recent],
            causes={row.cause_id: row.at for row in rows if row.cause_id is not None and row.at >= recent},
        )  # fmt: skip


def flooded_by(team: str, reason: str | None) -> str:
    """What a held alert was held for: its team's flood, or that of all teams, as its reason says."""
    return _ALL if f" {_ALL} " in (reason or "") else team


def vulnerable_customers(handoff: Path) -> frozenset[str]:
    """Customers the CRM says are vulnerable, as the warehouse handed them over last; nobody before the first time."""
    path = handoff / "dim_customer.parquet"
    return _vulnerable_in(path, path.stat().st_mtime_ns) if path.exists() else frozenset()


@lru_cache(maxsize=2)
def _vulnerable_in(path: Path, written_at: int) -> frozenset[str]:
    """Read once for each hand-over: the fast lane asks with every row that arrives."""
    import pyarrow.parquet as pq

    rows = pq.read_table(
        path, columns=["customer_id"], filters=[("is_vulnerable", "=", True), ("is_current", "=", True)]
    )
    return frozenset(rows.column("customer_id").to_pylist())


def people_of(engine: Engine, code: str) -> int:
    """People of a team now, at least one: a team nobody is known of still reads."""
    team = engine.programme.teams.team(code)
    return max(_FEWEST_PEOPLE, len(engine.org.members(team, engine.at)) if team is not None else 0)


def week_start(at: datetime) -> datetime:
    """Monday midnight (UTC) of the week a budget is counted over."""
    return (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_open(breaker: Breaker, sent: list[datetime], held_at: datetime | None, now: datetime) -> bool:
    """Whether the flood lasts: it begins at `trips_at` and ends when fewer than `closes_below` are left in the window."""
    window = timedelta(minutes=breaker.minutes)
    recent = sum(now - at <= window for at in sent[-_LOOKED_AT * breaker.trips_at :])
    lasting = held_at is not None and now - held_at <= window
    return recent >= (breaker.closes_below if lasting else breaker.trips_at)

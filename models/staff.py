"""People: who holds which position when, who is away, and which programme team they work for.

Belongs here: positions, absences, teams, and questions about them at a moment, as it was and as it is. Not here: who
gets a case (`models/assignment.py`), whom a case climbs to (`models/escalation.py`), where HR's rows come from
(`casework/staffing.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from models.routing import Match, Strict
from models.sla import SlaPolicy

Role = Literal["agent", "team_lead", "manager", "director", "qa"]
POSITION_FIELDS = frozenset({"role", "team_id", "region", "branch_id", "employee_id"})


@dataclass(frozen=True, slots=True)
class Position:
    """What a person does from `valid_from` to `valid_to` (days, both included; None is open). `capacity_units` is how
    many work units of cases the person can carry at a time.
    """

    employee_id: str
    role: str
    team_id: str
    valid_from: date
    valid_to: date | None = None
    manager_id: str | None = None
    branch_id: str | None = None
    region: str | None = None
    skills: frozenset[str] = frozenset()
    capacity_units: int = 0

    def holds_on(self, day: date) -> bool:
        """Whether this is the person's position on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def facts(self) -> dict[str, Any]:
        """What a team's members are chosen by."""
        return {name: getattr(self, name) for name in POSITION_FIELDS}


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is away from `starts_at` up to `ends_at` (UTC)."""

    employee_id: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the person is away at that instant."""
        return self.starts_at <= at < self.ends_at


class Team(Strict):
    """A team of the programme: its members are whoever fits `members` and has one of `skills_any` (if any is named)."""

    code: str
    title: str
    members: Match
    skills_any: tuple[str, ...] = ()
    calendar: str = "default"
    lead_role: Role = "team_lead"
    # What a member can carry of whom HR says nothing: leads and managers are listed with no capacity for cases.
    member_capacity: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        unknown = sorted({c.field for c in self.members.conditions} - POSITION_FIELDS)
        if unknown:
            raise ValueError(f"team {self.code}: a position has no field {', '.join(unknown)}")
        return self

    def has(self, position: Position) -> bool:
        """Whether a position makes its holder a member."""
        skilled = not self.skills_any or bool(position.skills & set(self.skills_any))
        return skilled and self.members.holds(position.facts())


class WorkUnits(Strict):
    """How much of a person's capacity one open case takes: by severity, times a factor by kind of case."""

    by_severity: dict[int, float] = Field(default_factory=lambda: {1: 4.0, 2: 2.0, 3: 1.0, 4: 0.5})
    by_kind: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.by_severity) != {1, 2, 3, 4} or any(units <= 0 for units in self.by_severity.values()):
            raise ValueError("work units are given for each severity 1 to 4, all above zero")
        return self

    def of(self, *, severity: int, kind: str) -> float:
        """Work units of one case."""
        return self.by_severity[severity] * self.by_kind.get(kind, 1.0)


class Teams(Strict):
    """teams.yml: the teams cases are routed to, the weight of a case, and who takes what nobody else can."""

    teams: tuple[Team, ...] = Field(min_length=1)
    work_units: WorkUnits = WorkUnits()
    fallback_role: Role = "director"
    # Severity 1 is never left waiting for capacity: an owner may carry this many units more for it.
    overflow_units: float = Field(default=8.0, ge=0)
    # After so many hours in the queue a case is worth a day's more than any value can make up for.
    ageing_hours: float = Field(default=72.0, gt=0)
    # An owner who is away this long loses open cases to the queue.
    absence_grace_hours: float = Field(default=24.0, ge=0)
    # Employees who asked that nothing be learned from how their cases ended.
    learning_opt_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        codes = [team.code for team in self.teams]
        if len(set(codes)) != len(codes):
            raise ValueError("a team code is used twice")
        return self

    def team(self, code: str | None) -> Team | None:
        """The team of that code, or None."""
        return next((team for team in self.teams if team.code == code), None)


def _lateness(position: Position) -> tuple[str, ...]:
    """Later beginnings last; the rest only settles which of two that begin on one day counts."""
    ends = position.valid_to or date.max
    rest = (position.team_id, position.role, position.manager_id or "", position.branch_id or "", position.region or "")
    units = f"{position.capacity_units:06d}"
    return (position.valid_from.isoformat(), ends.isoformat(), *rest, units, ";".join(sorted(position.skills)))


@dataclass(frozen=True)
class OrgChart:
    """All positions and absences known. Every question names its moment, so the past answers as it was."""

    positions: tuple[Position, ...]
    absences: tuple[Absence, ...] = ()
    _cache: dict[date, dict[str, Position]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _absent(self) -> dict[str, list[Absence]]:
        found: dict[str, list[Absence]] = defaultdict(list)
        for absence in self.absences:
            found[absence.employee_id].append(absence)
        return found

    def on(self, at: datetime) -> dict[str, Position]:
        """Everybody's position at a moment, by employee; of two that overlap the later one, whatever HR lists first."""
        day = at.date()
        if day not in self._cache:
            fitting = sorted((p for p in self.positions if p.holds_on(day)), key=_lateness)
            self._cache[day] = {position.employee_id: position for position in fitting}
        return self._cache[day]

    def position(self, employee_id: str | None, at: datetime) -> Position | None:
        """A person's position at a moment; None for whoever has none."""
        return self.on(at).get(employee_id) if employee_id else None

    def is_present(self, employee_id: str | None, at: datetime) -> bool:
        """Whether a person holds a position and is not away."""
        return self.position(employee_id, at) is not None and self.away_until(employee_id, at) is None

    def away_until(self, employee_id: str | None, at: datetime) -> datetime | None:
        """When the person is back who is away at the moment, absences that follow without a gap taken together; None
        for whoever is not away.
        """
        until = at
        for absence in sorted(self._absent.get(employee_id or "", ()), key=lambda absence: absence.starts_at):
            if absence.covers(until):
                until = absence.ends_at
        return until if until > at else None

    def is_working(self, employee_id: str, at: datetime, policy: SlaPolicy, calendar: str) -> bool:
        """Whether a person is present and the calendar is open at that instant."""
        return self.is_present(employee_id, at) and policy.is_open(calendar, at)

    def members(self, team: Team, at: datetime) -> tuple[Position, ...]:
        """Positions that make their holders members of a team at a moment, in order of employee."""
        return tuple(sorted((p for p in self.on(at).values() if team.has(p)), key=lambda p: p.employee_id))

    def chain(self, employee_id: str | None, at: datetime) -> Iterator[Position]:
        """The managers above a person at a moment, nearest first; a circle in HR's data ends the walk."""
        seen = {employee_id}
        position = self.position(employee_id, at)
        while position is not None and position.manager_id and position.manager_id not in seen:
            seen.add(position.manager_id)
            position = self.position(position.manager_id, at)
            if position is not None:
                yield position

    def below(self, employee_id: str, at: datetime) -> frozenset[str]:
        """Everybody under a person at a moment, however deep, without the person."""
        reports: dict[str, list[str]] = defaultdict(list)
        for position in self.on(at).values():
            if position.manager_id:
                reports[position.manager_id].append(position.employee_id)
        found: set[str] = set()
        waiting = [employee_id]
        while waiting:
            fresh = [person for person in reports[waiting.pop()] if person not in found]
            found.update(fresh)
            waiting.extend(fresh)
        return frozenset(found - {employee_id})

    def with_role(self, role: str, at: datetime) -> tuple[Position, ...]:
        """Everybody with a role at a moment, in order of employee."""
        return tuple(sorted((p for p in self.on(at).values() if p.role == role), key=lambda p: p.employee_id))

    def absent(self, employees: Iterable[str], at: datetime) -> frozenset[str]:
        """Those of the people who are not present at a moment."""
        return frozenset(person for person in employees if not self.is_present(person, at))

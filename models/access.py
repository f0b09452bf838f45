"""Who may see and do what: roles, their powers, and how far a person's sight reaches through the organisation.

Belongs here: the pure answer, from a role and the org chart, as a few sets and the times they hold for. Not here: the
query that uses it (`cases/scope.py`), tokens (`cases/access.py`).

HR decides, a token can only narrow: a manager's token held by somebody HR calls an agent reaches as far as an agent
does, and nobody HR does not know reaches anything. Roles outside HR (cx_lead, auditor, analyst, dpo, service, sender) are
given by whoever runs the installation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Literal, get_args

from models.staff import OrgChart, Position, Teams

Role = Literal[
    "agent", "team_lead", "manager", "director", "cx_lead", "qa", "auditor", "analyst", "dpo", "service", "sender"
]  # fmt: skip
Power = Literal[
    "read", "change", "count", "discuss", "answer", "release", "approve", "export", "erase", "audit", "label", "send"
]
ROLES: tuple[Role, ...] = get_args(Role)

_WORK: frozenset[Power] = frozenset({"read", "change", "count", "discuss", "answer"})
_LEAD: frozenset[Power] = _WORK | {"release", "approve", "export"}
# Who may say what a signal is about: people who answer for quality. Never a machine: models learn from these words.
_CHIEF: frozenset[Power] = _LEAD | {"label"}
POWERS: Mapping[Role, frozenset[Power]] = MappingProxyType(
    {
        "agent": _WORK,
        "team_lead": _LEAD,
        "manager": _CHIEF,
        "director": _CHIEF,
        "cx_lead": _CHIEF,
        "service": _LEAD | {"send"},
        "qa": frozenset({"read", "count", "discuss", "label"}),
        "auditor": frozenset({"read", "count", "export", "audit"}),
        # Sees how many, never whom; the cells are suppressed where they are small.
        "analyst": frozenset({"count", "discuss"}),
        "dpo": frozenset({"export", "erase"}),
        # A system that hands in feedback and learns what became of it, and nothing about any case.
        "sender": frozenset({"send"}),
    }
)
# How far an HR role reaches; the other roles are not HR's.
_HR_RANK: Mapping[str, int] = MappingProxyType({"agent": 0, "team_lead": 1, "manager": 2, "director": 3, "qa": 3})
_EVERYTHING_RANK = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: `id` is an employee number (or the name of a machine), `role` what the token was made for."""

    id: str
    role: Role

    def may(self, power: Power) -> bool:
        """Whether the role has the power at all; on which cases is a question of scope."""
        return power in POWERS[self.role]


@dataclass(frozen=True, slots=True)
class Reach:
    """Which cases somebody sees: those of these owners, teams, branches, or of these regions if they name no branch.

    With `opened_from` or `opened_before` (UTC, half open) only cases opened in that time: the organisation as it was.
    """

    people: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    is_everything: bool = False
    opened_from: datetime | None = None
    opened_before: datetime | None = None

    def within(self, other: Reach) -> bool:
        """Whether the other one, whenever it holds, names everything this one names."""
        # Whoever reaches everything names nobody: by names alone it would lie within the smallest reach.
        return other.is_everything or (
            not self.is_everything
            and self.people <= other.people
            and self.teams <= other.teams
            and self.branches <= other.branches
            and self.regions <= other.regions
        )

    def covers(
        self, *, owner: str | None, team: str | None, branch: str | None, region: str | None, opened_at: datetime
    ) -> bool:
        """Whether a case is within reach: the same rule in plain Python that `cases/scope.py` says in SQL."""
        if self.opened_from is not None and opened_at < self.opened_from:
            return False
        if self.opened_before is not None and opened_at >= self.opened_before:
            return False
        named = owner in self.people or team in self.teams or branch in self.branches
        return self.is_everything or named or (branch is None and region in self.regions)


def reaches(principal: Principal, org: OrgChart, teams: Teams, at: datetime) -> tuple[Reach, ...]:
    """How far a principal reaches at `at` (UTC): as things are, and as they were when a case was opened.

    A case is in scope when any of them covers it. Nobody whom HR does not know at `at` reaches anything. A branch that
    moved to another manager keeps the cases of before in the sight of the old one; those of after are the new one's,
    who also sees the old ones, since the work goes on there.
    """
    if principal.role not in _HR_RANK:
        return (Reach(is_everything=True),)
    now = _reach_at(principal, org, teams, at)
    if now is None:
        return ()
    if now.is_everything:
        return (now,)
    return (now, *(then for then in _past(principal, org, teams, at) if not then.within(now)))


def _past(principal: Principal, org: OrgChart, teams: Teams, at: datetime) -> Iterator[Reach]:
    """One reach for each stretch of days in which it did not change."""
    days = _change_days(org, at.date())
    open_reach: Reach | None = None
    for start, end in zip(days, [*days[1:], None], strict=True):
        found = _reach_at(principal, org, teams, _midnight(start))
        before = None if end is None else _midnight(end)
        if found is not None and open_reach is not None and _same(found, open_reach):
            open_reach = _lasting(open_reach, open_reach.opened_from, before)
            continue
        if open_reach is not None:
            yield open_reach
        open_reach = None if found is None else _lasting(found, _midnight(start), before)
    if open_reach is not None:
        yield open_reach


def _change_days(org: OrgChart, last: date) -> list[date]:
    days = {position.valid_from for position in org.positions}
    days |= {position.valid_to + timedelta(days=1) for position in org.positions if position.valid_to is not None}
    return sorted(day for day in days if day <= last)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _same(one: Reach, other: Reach) -> bool:
    return one.within(other) and other.within(one)


def _lasting(reach: Reach, start: datetime | None, end: datetime | None) -> Reach:
    return Reach(
        reach.people, reach.teams, reach.branches, reach.regions, reach.is_everything,
        opened_from=start, opened_before=end,
    )  # fmt: skip


def _reach_at(principal: Principal, org: OrgChart, teams: Teams, at: datetime) -> Reach | None:
    """What a principal's position at a moment reaches; None without a position."""
    position = org.position(principal.id, at)
    if position is None:
        return None
    rank = min(_HR_RANK[principal.role], _HR_RANK.get(position.role, 0))
    if rank >= _EVERYTHING_RANK:
        return Reach(is_everything=True)
    below = [] if rank == 0 else _positions(org, org.below(principal.id, at), at)
    positions = [position, *below]
    return Reach(
        people=frozenset(held.employee_id for held in positions),
        teams=frozenset(team.code for team in teams.teams if any(team.has(held) for held in positions)),
        # A position with a branch stands for that branch; one without stands for its region.
        branches=frozenset(held.branch_id for held in positions if held.branch_id) if rank > 1 else frozenset(),
        regions=frozenset(held.region for held in positions if held.region and not held.branch_id)
        if rank > 1
        else frozenset(),
    )


def _positions(org: OrgChart, people: frozenset[str], at: datetime) -> list[Position]:
    held = org.on(at)
    return [held[person] for person in sorted(people)]
